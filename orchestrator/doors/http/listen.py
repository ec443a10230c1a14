"""The HTTP server itself: sockets of this machine only, and uvicorn inside the hub."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp

from schemas.errors import InvalidSettings

MOST_AT_ONCE = 128
STOP_WITHIN = 2


@contextlib.asynccontextmanager
async def answering(app: ASGIApp, sockets: Sequence[socket.socket]) -> AsyncIterator[None]:
    """Answer what comes in at the sockets while the block lasts."""
    config = uvicorn.Config(
        app, http="h11", ws="none", lifespan="off", loop="none", log_config=None,
        log_level="warning", access_log=False, server_header=False, proxy_headers=False,
        limit_concurrency=MOST_AT_ONCE, timeout_graceful_shutdown=STOP_WITHIN,
    )  # fmt: skip
    server = _Server(config)
    serving = asyncio.create_task(server.serve([*sockets]), name="http door")
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.wait([serving])


def listening(port: int) -> socket.socket:
    """A socket that listens on this machine only; InvalidSettings where it cannot."""
    try:
        taken = socket.create_server(("127.0.0.1", port), backlog=64)
    except OSError as error:
        said = f"port {port} cannot be used ({error.strerror}): set another http.port in hub.toml"
        raise InvalidSettings(said) from error
    # Connections inherit it; asyncio sees no TCP in such a socket, and 40 ms would go by a page.
    taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return taken


class _Server(uvicorn.Server):
    """uvicorn inside a program that has its own way to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield
