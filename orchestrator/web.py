"""The web page and the phones that show it, for a hub whose configuration wants them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from orchestrator import people
from orchestrator.bus import Bus
from orchestrator.doors.http.access import Tokens
from orchestrator.doors.http.door import HttpDoor
from orchestrator.doors.http.page.visits import HERE, Visits
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
) -> AsyncIterator[None]:
    """Serve the page and keep the consoles while the block lasts."""
    tokens = Tokens(state, frozenset({*settings.people.users, people.LOCAL}))
    visits = Visits(tokens.stands)
    wanted = {HERE: settings.http.port} if settings.http.port else {}
    wanted |= {one.device: 0 for one in settings.console}
    async with HttpDoor(service, bus, tokens, visits).serving(wanted) as ports:
        consoles = [
            Console(one, ports[one.device], service=service, registry=registry, visits=visits)
            for one in settings.console
        ]
        async with Consoles(consoles, registry, bus, journal) as kept:
            if consoles:
                service.offer("console/open", kept.open)
            yield
