"""One TCP port of the phone, and everybody who is connected to it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from device_adapters.simulated.phone.adbd.link import PlainLink

HOST = "127.0.0.1"
Serve = Callable[[PlainLink], Awaitable[None]]


class Listener:
    """Listens on loopback and serves each connection until it ends."""

    def __init__(self, serve: Serve) -> None:
        self.port = 0
        self._serve = serve
        self._server: asyncio.Server | None = None
        self._links: dict[asyncio.Task[object], PlainLink] = {}

    async def open(self, port: int = 0) -> None:
        """Listen; `port=0` takes a free one. Raises `OSError` where it is taken."""
        self._server = await asyncio.start_server(self._connected, HOST, port)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def listening(self) -> bool:
        """Whether somebody new can connect."""
        return self._server is not None

    def refuse(self) -> None:
        """Take nobody in any more; who is connected stays."""
        if self._server is not None:
            self._server.close()
        self._server = None

    async def close(self) -> None:
        """Stop listening, and drop every connection."""
        server = self._server
        self.refuse()
        for link in self._links.values():
            link.abort()
        await asyncio.gather(*self._links)
        if server is not None:
            await server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = PlainLink(reader, writer)
        handler = asyncio.current_task()
        if self._server is None or handler is None:  # closed while somebody connected
            link.abort()
            return
        self._links[handler] = link
        try:
            await self._serve(link)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            del self._links[handler]
