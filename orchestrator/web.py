"""The web page, the API and the phones that show the page, for a hub that is to have them."""

from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager
from pathlib import Path

from orchestrator.bus import Bus
from orchestrator.doors.http.access import Tokens
from orchestrator.doors.http.api.app import Exposition
from orchestrator.doors.http.door import HttpDoor, Reach
from orchestrator.doors.http.page.visits import Visits
from orchestrator.doors.http.ways import HERE
from orchestrator.extras import extra
from orchestrator.journal import Journal
from orchestrator.phones.console import Console, Consoles
from orchestrator.registry import Registry
from orchestrator.service import Service
from orchestrator.settings import Settings


@asynccontextmanager
async def serving(
    settings: Settings,
    state: Path,
    *,
    service: Service,
    registry: Registry,
    bus: Bus,
    journal: Journal,
    users: Container[str],
    metrics: Exposition | None = None,
) -> AsyncIterator[None]:
    """Serve the page and the API, and keep the consoles, while the block lasts. `users`: those
    whose tokens let in now."""
    tokens = Tokens(state, users)
    visits = Visits(tokens.stands)
    wanted = {HERE: settings.http.port} if settings.http.port else {}
    wanted |= {one.device: 0 for one in settings.console}
    http = settings.http
    reach = Reach(http.listen, frozenset(http.hosts), http.tls())
    door = HttpDoor(service, bus, tokens, visits, reach, metrics)
    mcp = None
    if http.port and settings.mcp.http:
        with extra("mcp"):
            from orchestrator.doors.mcp import http as by_mcp  # an extra: only where it is needed
        mcp = by_mcp.app(service, bus, confirms=settings.mcp.confirm)
    async with door.serving(wanted, mcp) as ports:
        consoles = [
            Console(one, ports[one.device], service=service, registry=registry, visits=visits)
            for one in settings.console
        ]
        async with Consoles(consoles, registry, bus, journal) as kept:
            if consoles:
                service.offer("console/open", kept.open)
            yield
