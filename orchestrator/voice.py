"""Voice assistants, for a hub whose configuration wants them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orchestrator.bus import Bus
from orchestrator.conversation import Conversation
from orchestrator.discovery import Announced
from orchestrator.doors.wyoming.door import SERVICE, WyomingDoor
from orchestrator.service import Service
from orchestrator.settings import Settings


@asynccontextmanager
async def hearing(
    settings: Settings, service: Service, bus: Bus, announced: Announced | None
) -> AsyncIterator[None]:
    """Take in what voice assistants heard while the block lasts, and say where, if anybody on the
    network can use that."""
    wanted, name = settings.wyoming, settings.hub.name
    door = WyomingDoor(Conversation(service, bus), wanted.user, name)
    async with door.serving(wanted.listen, wanted.port) as port:
        reached = wanted.on_network or settings.discovery.loopback_only
        if announced and settings.discovery.announce and reached:
            announced.announce(SERVICE, name, port, {})
        yield
