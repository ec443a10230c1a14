"""One of the many streams in a connection."""

import asyncio
from collections.abc import Awaitable, Callable

from device_adapters.simulated.phone.wire import Command, Message

Send = Callable[[Message], Awaitable[None]]


class Stream:
    """A stream the computer opened; at most one WRTE is under way until its OKAY came."""

    def __init__(self, local: int, remote: int, send: Send, maximum: int) -> None:
        self.local = local
        self.remote = remote
        self.closed = False
        self._send = send
        self._maximum = maximum
        self._incoming = asyncio.StreamReader()
        self._acknowledged = asyncio.Event()

    async def accept(self) -> None:
        """Say that the service is there."""
        await self._say(Command.OKAY)

    async def write(self, data: bytes) -> None:
        """Send it all, in pieces, each after the one before was acknowledged."""
        for start in range(0, len(data), self._maximum):
            self._acknowledged.clear()
            await self._say(Command.WRTE, data[start : start + self._maximum])
            await self._acknowledged.wait()
            if self.closed:
                raise asyncio.IncompleteReadError(b"", None)

    async def read(self, size: int) -> bytes:
        """Exactly so many bytes; `IncompleteReadError` when the computer closed the stream."""
        return await self._incoming.readexactly(size)

    async def receive(self, data: bytes) -> None:
        """Take what the computer wrote, and acknowledge it."""
        self._incoming.feed_data(data)
        await self._say(Command.OKAY)

    def acknowledge(self) -> None:
        """The computer took the last WRTE."""
        self._acknowledged.set()

    async def close(self) -> None:
        """Close our side, once."""
        if not self.closed:
            self.abandon()
            await self._say(Command.CLSE)

    def abandon(self) -> None:
        """The stream is over: whoever waits on it wakes up."""
        self.closed = True
        self._incoming.feed_eof()
        self._acknowledged.set()

    async def _say(self, command: Command, data: bytes = b"") -> None:
        await self._send(Message(command, self.local, self.remote, data))
