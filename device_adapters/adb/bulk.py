"""What adb-shell reads from and writes to, without its traps."""

import asyncio
from abc import abstractmethod

from adb_shell.transport.base_transport_async import BaseTransportAsync

from device_adapters.adb.answer import MalformedAnswerError
from device_adapters.adb.packets import LARGEST_ANSWER

LARGEST_MESSAGE = 1024 * 1024
"""Bytes; what adb-shell announces. It would believe, and wait for, any length it is told."""

_SMALLEST = 256  # bytes that even the smallest message costs the hub's memory
_TURN = 0.01  # seconds after which the loop's others get a turn


class Bulk(BaseTransportAsync):  # type: ignore[misc]
    """A way for bytes. No call has a deadline of its own: whoever uses it sets one around all."""

    def __init__(self) -> None:
        self._room = 0
        self._turned = 0.0

    def begin(self) -> None:
        """A new piece of work: it may read as much as the largest answer has."""
        self._room = 2 * LARGEST_ANSWER

    async def bulk_read(self, numbytes: int, _: float | None = None) -> bytes:
        """At least one of so many bytes; never none, which adb-shell would ask for for ever."""
        if numbytes > LARGEST_MESSAGE:
            raise MalformedAnswerError(f"a message of {numbytes} bytes")
        await self._take_turns()
        data = await self.receive(numbytes)
        if not data:
            raise ConnectionResetError("the connection ended")
        self._room -= max(len(data), _SMALLEST)
        if self._room < 0:
            raise MalformedAnswerError("the answer does not end")
        return data

    async def bulk_write(self, data: bytes, _: float | None = None) -> int:
        """Send it all."""
        await self.send(data)
        return len(data)

    async def close(self) -> None:
        """Let go, at once."""
        self.abort()

    async def _take_turns(self) -> None:
        """Bytes that are there already are read without a wait, and a flood would hold the loop."""
        if (now := asyncio.get_running_loop().time()) - self._turned > _TURN:
            await asyncio.sleep(0)
            self._turned = now

    @abstractmethod
    async def receive(self, size: int) -> bytes:
        """At most so many bytes; none at the end."""

    @abstractmethod
    async def send(self, data: bytes) -> None:
        """Send it all."""

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether nothing is known against the connection."""

    @abstractmethod
    def abort(self) -> None:
        """Close without waiting for anything; safe to call twice."""
