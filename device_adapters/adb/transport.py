"""The seam between a phone's functions and the way its commands travel."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TypeVar

from device_adapters.adb import filesync, packets, quoting
from device_adapters.adb.answer import Answer, MalformedAnswerError
from device_adapters.adb.stream import Stream
from schemas.errors import DeviceUnavailable, DeviceUncertain, HubError

T = TypeVar("T")

CONNECT_TIMEOUT = 10.0

BREAKS = (OSError, EOFError, MalformedAnswerError)
"""The connection is of no more use; every TimeoutError is an OSError."""


class Transport(ABC):
    """One phone, reached in one way; connects on the first use and again after every break.

    Every method ends `within` so many seconds. It raises `DeviceUnavailable` where nothing was
    sent, `DeviceUncertain` where something was, `DeviceRefused` where the phone said no, and
    `DeviceNeedsPerson` where it asks its owner first.
    """

    @abstractmethod
    async def connect(self, within: float = CONNECT_TIMEOUT) -> None:
        """Be connected, or say why not."""

    @abstractmethod
    async def serve(self, service: str, use: Callable[[Stream], Awaitable[T]], within: float) -> T:
        """Open one of the phone's services, and what `use` makes of it."""

    @abstractmethod
    async def reverse(self, remote: int, local: int, *, within: float) -> None:
        """Let the phone reach the hub's loopback port `local` at its own loopback port `remote`,
        until the connection breaks."""

    @abstractmethod
    async def alive(self) -> bool:
        """Whether nothing is known against the connection; asks the phone nothing."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of the connection; the next use of a transport connects again, but of a `Link`."""

    async def shell(self, *words: str, within: float) -> Answer:
        """Run one command and wait for its end."""
        return (await self._command(words, within)).answer()

    async def exec_out(self, *words: str, within: float) -> bytes:
        """Run one command; its raw standard output."""
        return (await self._command(words, within)).stdout

    async def pull(self, path: str, *, within: float) -> bytes:
        """A file's bytes."""
        return await self.serve(filesync.SERVICE, lambda s: filesync.pull(s, path), within)

    async def push(self, data: bytes, path: str, *, within: float) -> None:
        """Put a file on the phone."""
        now = int(time.time())
        await self.serve(filesync.SERVICE, lambda s: filesync.push(s, path, data, now), within)

    async def _command(self, words: tuple[str, ...], within: float) -> packets.Output:
        # Not `exec`: there both outputs are one, and a cut answer looks like a whole one.
        service = f"shell,v2,raw:{quoting.line(*words)}"
        return await self.serve(service, packets.read, within)


def broken(exc: BaseException, where: str, *, sent: bool) -> HubError:
    """What a break means: it depends on whether something was sent."""
    if isinstance(exc, TimeoutError):
        reason = "no answer in time"
    elif isinstance(exc, asyncio.IncompleteReadError):
        reason = "the connection ended"
    else:
        reason = str(exc) or type(exc).__name__
    if sent:
        return DeviceUncertain(f"the phone at {where} stopped answering: {reason}")
    return DeviceUnavailable(f"no connection to the phone at {where}: {reason}")
