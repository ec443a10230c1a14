"""The HTTP server itself: sockets of this machine, and uvicorn inside the hub."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from schemas.errors import InvalidSettings

MOST_AT_ONCE = 128
STOP_WITHIN = 2
HEAD_WITHIN = 10.0
"""Seconds in which a connection has to say what it wants, each time."""
READ_WITHIN = 30.0
"""Seconds in which whoever asked has to take what was written."""
MOST_HEAD = 16 * 1024
"""Bytes of a request's first line and headers."""
HERE_ONLY = "127.0.0.1"


@contextlib.asynccontextmanager
async def answering(
    app: ASGIApp, sockets: Sequence[socket.socket], tls: ssl.SSLContext | None = None
) -> AsyncIterator[None]:
    """Answer what comes in at the sockets while the block lasts."""
    config = uvicorn.Config(
        app, http=Patient, ws="none", lifespan="off", loop="none", log_config=None,
        log_level="warning", access_log=False, server_header=False, proxy_headers=False,
        limit_concurrency=MOST_AT_ONCE, timeout_graceful_shutdown=STOP_WITHIN,
        h11_max_incomplete_event_size=MOST_HEAD,
        ssl_context_factory=(lambda *_: tls) if tls else None,
    )  # fmt: skip
    server = _Server(config)
    serving = asyncio.create_task(server.serve([*sockets]), name="http door")
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.wait([serving])


def listening(port: int, host: str = HERE_ONLY) -> socket.socket:
    """A socket that listens at an address of this machine; InvalidSettings where it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    try:
        taken = socket.create_server((host, port), family=family, backlog=64, dualstack_ipv6=both)
    except OSError as error:
        where = f"port {port}" if host == HERE_ONLY else f"{host}, port {port},"
        keys = "http.port" if host == HERE_ONLY else "http.port or http.listen"
        said = f"{where} cannot be used ({error.strerror}): set another {keys} in hub.toml"
        raise InvalidSettings(said) from error
    # Connections inherit it; asyncio sees no TCP in such a socket, and 40 ms would go by a page.
    taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return taken


class Patient(H11Protocol):
    """A connection that ends when it does not say in time what it wants, or does not take what it
    is told: uvicorn waits for ever for headers that never end, for a body that nobody reads, and
    for a client that reads nothing."""

    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """asyncio."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=1, low=0)  # whatever nobody takes is heard of
        self._wait()

    def pause_writing(self) -> None:
        """asyncio: the client is behind."""
        super().pause_writing()
        self._unread = self.loop.call_later(READ_WITHIN, self.transport.abort)

    def resume_writing(self) -> None:
        """asyncio: it has taken everything."""
        self._taken()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio."""
        self._cancel()
        self._taken()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """The next request may come."""
        self._wait()
        super().on_response_complete()

    def _wait(self) -> None:
        self._cancel()
        self._deadline = self.loop.call_later(HEAD_WITHIN, self._late)

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()

    def _taken(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _late(self) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete
        if not answering:  # or the application has a deadline of its own
            self.transport.close()


class _Server(uvicorn.Server):
    """uvicorn inside a program that has its own way to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield
