"""The bytes of one connection: plain TCP here, and the shape that TLS has too."""

import asyncio
from typing import Protocol

from device_adapters.simulated.phone.adbd.wire import Readable


class Link(Readable, Protocol):
    """Bytes both ways until one side goes."""

    async def write(self, data: bytes) -> None:
        """Send it all."""
        ...

    def abort(self) -> None:
        """Drop the connection as a pulled cable does."""
        ...


class PlainLink:
    """A TCP connection as it is."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def readexactly(self, n: int, /) -> bytes:
        return await self.reader.readexactly(n)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def abort(self) -> None:
        self.writer.transport.abort()
