"""A phone through an adb server: USB, plain TCP and TLS alike, and `reverse`."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

from device_adapters.adb import hostwire
from device_adapters.adb.hostwire import HostWireError, ServerSaidNoError
from device_adapters.adb.server import AdbServer, Pair
from device_adapters.adb.stream import Stream
from device_adapters.adb.transport import BREAKS, CONNECT_TIMEOUT, Transport, broken
from schemas.errors import (
    DeviceNeedsPerson,
    DeviceRefused,
    DeviceUnauthorized,
    DeviceUnavailable,
    HubError,
)

T = TypeVar("T")

LONGEST_SERVICE = 60_000
"""Bytes; four hex digits can say a little more."""

TRY_FOR, TRY_SHARE = 3.0, 0.8
"""Seconds for which a connection is tried again, and at most so much of the time there is."""
PAUSE = 0.1
"""Seconds between two tries; none after a try that adb itself spoiled, as it does where it begins
TLS before it has said so: on one core, that is six of seven, and more of those after a pause."""
_LOOK = 0.05

READY, ABSENT, ASKING = "device", "absent", "unauthorized"
_PASSING = (ASKING, "authorizing", "connecting")
_STATE = re.compile(
    r"(?:device (?:still )?)?(unauthorized|authorizing|connecting|offline|.*permission.*)"
)


class AdbServerTransport(Transport):
    """The phone that the adb server calls `serial`: a USB serial number, or, on the `network`,
    `host:port`, which the server is told to connect to."""

    def __init__(self, server: AdbServer, serial: str, *, network: bool) -> None:
        self._server = server
        self._serial = serial
        self._network = network
        self._connecting = asyncio.Lock()
        self._stale = False
        self._attempted = False
        self._asked = False
        self._state = ABSENT

    async def connect(self, within: float = CONNECT_TIMEOUT) -> None:
        await self._run(_nothing, within)

    async def serve(self, service: str, use: Callable[[Stream], Awaitable[T]], within: float) -> T:
        if len(service.encode(errors="surrogateescape")) > LONGEST_SERVICE:
            raise DeviceRefused("the text is too long for a phone")

        async def work(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> T:
            await hostwire.request(reader, writer, service)
            return await use(_Socket(reader, writer))

        return await self._run(work, within)

    async def reverse(self, remote: int, local: int, *, within: float) -> None:
        async def work(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await hostwire.request(reader, writer, f"reverse:forward:tcp:{remote};tcp:{local}")
            try:
                await hostwire.status(reader)
            except ServerSaidNoError as exc:  # an app has the port
                raise DeviceRefused(f"the phone said: {exc}") from exc

        await self._run(work, within)

    async def alive(self) -> bool:
        with contextlib.suppress(HubError, *BREAKS, HostWireError):
            async with asyncio.timeout(1):
                return not self._stale and await self._look() == READY
        return False

    async def close(self) -> None:
        if self._network and self._attempted and self._server.running:
            self._attempted = False
            with contextlib.suppress(HubError):
                await self._server.ask(f"host:disconnect:{self._serial}", within=1)

    async def _run(
        self,
        work: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[T]],
        within: float,
    ) -> T:
        """Do one thing on a connection of its own to the phone."""
        sent = False
        try:
            async with asyncio.timeout(within), AsyncExitStack() as stack:
                pair = await self._attached(stack, min(TRY_FOR, TRY_SHARE * within))
                sent = True
                return await work(*pair)
        except ServerSaidNoError as exc:
            raise await self._refused(str(exc), sent) from exc
        except (*BREAKS, HostWireError) as exc:
            self._stale = not await self.alive() or sent
            if not sent and self._asked:
                raise DeviceUnauthorized from exc
            raise broken(exc, self._serial, sent=sent) from exc

    async def _attached(self, stack: AsyncExitStack, patience: float) -> Pair:
        """A connection to the phone, over a new one to the adb server."""
        attach = f"host:transport:{self._serial}"
        if not self._stale:
            with contextlib.suppress(ServerSaidNoError):
                return await stack.enter_async_context(self._server.opened(attach))
        async with self._connecting:
            if self._stale or await self._look() != READY:
                await self._connect(patience)
            self._stale = False
        return await stack.enter_async_context(self._server.opened(attach))

    async def _connect(self, patience: float) -> None:
        """Have the phone connected; tried again for so many seconds."""
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        self._asked = False
        while True:
            said = ""
            if self._network:
                with contextlib.suppress(ServerSaidNoError):
                    await self._ask(f"host:disconnect:{self._serial}")
                self._attempted = True
                said = await self._ask(f"host:connect:{self._serial}")
                self._asked = self._asked or "authenticate" in said
            state = await self._settled()
            if state == READY:
                return
            in_vain = "refused" in said or (state == ABSENT and not self._network)
            pause = 0.0 if said == f"failed to connect to {self._serial}" else PAUSE
            if in_vain or loop.time() + pause > until:  # nobody listens, nothing is plugged in
                raise self._verdict(said)
            await asyncio.sleep(pause)

    async def _settled(self) -> str:
        """The phone's state, once it is neither connecting nor asking its owner."""
        while (state := await self._look()) in _PASSING:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK)  # the server tells a state, not its changes
        return state

    async def _look(self) -> str:
        """What the adb server says about the phone."""
        try:
            self._state = await self._ask(f"host-serial:{self._serial}:get-state")
        except ServerSaidNoError as exc:
            match = _STATE.match(str(exc))
            self._state = match[1] if match else ABSENT
        self._asked = self._state == ASKING or (self._asked and self._state != READY)
        return self._state

    async def _ask(self, service: str) -> str:
        async with self._server.opened(service) as (reader, _):
            return await hostwire.text(reader)

    async def _refused(self, reason: str, sent: bool) -> HubError:
        """What the server's no means; "closed" is said by a phone, and for one that has gone."""
        if not sent:
            return self._verdict(reason)
        if await self.alive():
            return DeviceRefused("the phone does not offer that")
        return broken(ConnectionError(reason), self._serial, sent=True)

    def _verdict(self, said: str) -> HubError:
        """Why the phone is not connected."""
        if self._asked:
            return DeviceUnauthorized()
        if "permission" in self._state:
            return DeviceNeedsPerson(f"let the hub use the phone's USB: {self._state}")
        it_is = "not plugged in" if self._state == ABSENT else self._state
        reason = said.strip() or f"it is {it_is}"
        return DeviceUnavailable(f"no connection to the phone at {self._serial}: {reason}")


async def _nothing(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Being attached is enough."""


class _Socket(Stream):
    """A service through the adb server; its end is the connection's end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, size: int) -> bytes:
        return await self._reader.readexactly(size)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()
