"""MCP over streamable HTTP, inside the hub's HTTP door, behind its gate."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.types import ASGIApp, Receive, Scope, Send

from orchestrator.bus import Bus
from orchestrator.doors.mcp.hub import Hub
from orchestrator.doors.mcp.person import Context
from orchestrator.doors.mcp.server import server
from orchestrator.service import Service

DOOR = "mcp"
MOST_SESSIONS = 64
IDLE = 600.0
"""Seconds after which a session that nobody uses is forgotten."""


@asynccontextmanager
async def app(service: Service, bus: Bus, *, confirms: bool) -> AsyncIterator[ASGIApp]:
    """The MCP door as an ASGI application, which answers while the block lasts. What stands before
    it says who sent a request: `scope["state"]["caller"]` is the token that they showed."""

    def hub_of(context: Context) -> Hub:
        assert context.request is not None, "it came by HTTP"
        user: str = context.request.scope["state"]["caller"].user

        async def ask(operation: str, **fields: Any) -> Any:
            return await service.request(operation, user, fields, door=DOOR)

        return Hub(ask, bus)

    manager = StreamableHTTPSessionManager(
        server(hub_of, confirms=confirms), session_idle_timeout=IDLE, max_sessions=MOST_SESSIONS
    )

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        token = scope["state"]["caller"]
        # A session, and what is asked in it, is for whoever shows the same token again.
        shown = AccessToken(token="", client_id=token.user, scopes=[], subject=token.digest)
        inside = {**scope, "user": AuthenticatedUser(shown)}
        await manager.handle_request(inside, receive, send)

    async with _running(manager):
        yield answer


@asynccontextmanager
async def _running(manager: StreamableHTTPSessionManager) -> AsyncIterator[None]:
    """Keep sessions while the block lasts, in a task of their own: whatever breaks there cancels
    nothing here."""
    begun, over = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        async with manager.run():
            begun.set()
            await over.wait()

    task = asyncio.create_task(run(), name="mcp door")
    await begun.wait()
    try:
        yield
    finally:
        over.set()
        await asyncio.wait([task])
        await _end_watchers()


async def _end_watchers() -> None:
    """sse-starlette leaves a task in the loop that looks for a server's end, for ever."""
    left = [one for one in asyncio.all_tasks() if _name(one) == "_shutdown_watcher"]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def _name(task: "asyncio.Task[Any]") -> str:
    return getattr(task.get_coro(), "__name__", "")
