"""MCP over the standard streams: an assistant starts a process of its own, which talks to the
running hub. Standard output is the protocol's alone."""

import asyncio
from collections.abc import Awaitable, Callable

from mcp.server.stdio import stdio_server

from orchestrator.bus import Bus
from orchestrator.doors.mcp.hub import Ask, Hub
from orchestrator.doors.mcp.server import server
from schemas.event import Event


async def serve(ask: Ask, next_event: Callable[[], Awaitable[Event]], *, confirms: bool) -> None:
    """Serve one assistant until its input ends; `next_event` waits for what the hub tells next."""
    bus = Bus()

    async def pass_on() -> None:
        while True:
            bus.publish(await next_event())

    hub = Hub(ask, bus)
    made = server(lambda _: hub, confirms=confirms)
    passing = asyncio.create_task(pass_on(), name="mcp: events")
    try:
        async with stdio_server() as (reading, writing):
            await made.run(reading, writing, made.create_initialization_options())
    finally:
        passing.cancel()
        await asyncio.wait([passing])
