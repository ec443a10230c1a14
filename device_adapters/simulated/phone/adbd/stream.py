"""One of the many streams in a connection."""

import asyncio
from collections.abc import Awaitable, Callable

from device_adapters.simulated.phone.adbd.wire import Command, Message, ProtocolError

Send = Callable[[Message], Awaitable[None]]

WINDOW = 1024 * 1024
"""More than this unread, and the computer waits for its OKAY."""


class Stream:
    """At most one WRTE is under way in each direction until its OKAY came."""

    def __init__(self, local: int, remote: int, send: Send, maximum: int) -> None:
        self.local = local
        self.remote = remote  # 0 in a stream that the phone opens, until the computer accepts
        self.closed = False
        self._send = send
        self._maximum = maximum
        self._incoming = bytearray()
        self._news = asyncio.Event()
        self._owed = False
        self._acknowledged = asyncio.Event()

    async def accept(self) -> None:
        """Say that the service is there."""
        await self._say(Command.OKAY)

    async def dial(self, service: str) -> None:
        """Open a service of the computer; raises `ConnectionRefusedError`."""
        await self._say(Command.OPEN, service.encode() + b"\0")
        await self._acknowledged.wait()
        if not self.remote:  # one that was accepted may have said all it has, and closed, by now
            raise ConnectionRefusedError(service)

    async def write(self, data: bytes) -> None:
        """Send it all, in pieces, each after the one before was acknowledged."""
        for start in range(0, len(data), self._maximum):
            if self.closed:
                raise asyncio.IncompleteReadError(b"", None)
            self._acknowledged.clear()
            await self._say(Command.WRTE, data[start : start + self._maximum])
            await self._acknowledged.wait()

    async def read(self, size: int) -> bytes:
        """Exactly so many bytes; `IncompleteReadError` when the computer closed the stream."""
        while len(self._incoming) < size:
            if self.closed:
                raise asyncio.IncompleteReadError(bytes(self._incoming), size)
            await self._heard()
        return await self._taken(size)

    async def read_some(self) -> bytes:
        """Whatever has come; nothing at the end."""
        while not self._incoming and not self.closed:
            await self._heard()
        return await self._taken(len(self._incoming))

    async def receive(self, data: bytes) -> None:
        """Take what the computer wrote, and acknowledge it unless too much is unread."""
        if self._owed:
            raise ProtocolError("WRTE before OKAY")
        self._incoming += data
        self._news.set()
        self._owed = True
        await self._settle()

    def acknowledge(self, remote: int) -> None:
        """The computer took the last WRTE, or accepted the stream."""
        self.remote = remote
        self._acknowledged.set()

    async def close(self) -> None:
        """Close our side, once."""
        if not self.closed:
            self.abandon()
            if self.remote:
                await self._say(Command.CLSE)

    def abandon(self) -> None:
        """The stream is over: whoever waits on it wakes up."""
        self.closed = True
        self._news.set()
        self._acknowledged.set()

    async def _heard(self) -> None:
        self._news.clear()
        await self._news.wait()

    async def _taken(self, size: int) -> bytes:
        data = bytes(self._incoming[:size])
        del self._incoming[:size]
        await self._settle()
        return data

    async def _settle(self) -> None:
        if self._owed and not self.closed and len(self._incoming) <= WINDOW:
            self._owed = False
            await self._say(Command.OKAY)

    async def _say(self, command: Command, data: bytes = b"") -> None:
        await self._send(Message(command, self.local, self.remote, data))
