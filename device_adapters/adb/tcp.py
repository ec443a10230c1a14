"""adb over plain TCP."""

import asyncio
import socket

from device_adapters.adb.bulk import Bulk

_KEEPALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 3, "TCP_KEEPCNT": 3}
"""Seconds of silence, seconds between probes, probes: a phone that left is known gone in 24 s."""


class _Reader(asyncio.StreamReader):
    """Knows of its end while there is still something to read, such as a CLSE nobody waited for."""

    ended = False

    def feed_eof(self) -> None:
        self.ended = True
        super().feed_eof()


class TcpBulk(Bulk):
    """A socket to `host:port`; asyncio has switched Nagle's delay off."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self._host = host
        self._port = port
        self._reader: _Reader | None = None
        self._writer: asyncio.StreamWriter | None = None

    def __str__(self) -> str:
        return f"{self._host}:{self._port}"

    async def connect(self, _: float | None = None) -> None:
        """Connect."""
        loop = asyncio.get_running_loop()
        reader = _Reader(loop=loop)
        transport, protocol = await loop.create_connection(
            lambda: asyncio.StreamReaderProtocol(reader, loop=loop), self._host, self._port
        )
        self._reader = reader
        self._writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):
                raw.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    async def receive(self, size: int) -> bytes:
        if self._reader is None:
            raise ConnectionError("not connected")
        return await self._reader.read(size)

    async def send(self, data: bytes) -> None:
        if self._writer is None:
            raise ConnectionError("not connected")
        self._writer.write(data)
        await self._writer.drain()

    @property
    def alive(self) -> bool:
        if self._reader is None or self._writer is None:
            return False
        ended = self._reader.ended or self._reader.exception() is not None
        return not ended and not self._writer.is_closing()

    def abort(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None
