"""The life of every command in the log: the states that it and its steps reached, and nothing of
what anybody said."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orchestrator.bus import Bus
from schemas.event import Event

log = logging.getLogger(__name__)


@asynccontextmanager
async def written(bus: Bus) -> AsyncIterator[None]:
    """Write down what is told while the block lasts, and at its end what the closed bus holds."""
    with bus.subscribe() as events:
        writing = asyncio.create_task(_write(events), name="command log")
        try:
            yield
        finally:
            bus.close()
            await writing


async def _write(events: AsyncIterator[Event]) -> None:
    async for event in events:
        said: dict[str, str | int] = {"command": event.id}
        if event.step is not None:
            said |= {"step": event.step, "function": event.function}
        log.info("%s", event.state, extra=said)
