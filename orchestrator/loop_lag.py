"""How late the event loop comes to what is due: what holds it up holds everything up."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from device_adapters.beat import beat, next_beat

EVERY, KEPT = 1.0, 60
"""Seconds between two looks, and how many of them are remembered. Twice as often as others look:
only what lasts beyond a look is seen."""


class LoopLag:
    """How late it was of late, for as long as that is measured."""

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=KEPT)

    @property
    def worst(self) -> float:
        """The most that it was late within the last minute, in seconds."""
        return max(self._late, default=0.0)

    async def keep(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = next_beat(loop.time(), EVERY)
            await beat(EVERY)
            self._late.append(max(0.0, loop.time() - due))


@asynccontextmanager
async def measured(lag: LoopLag) -> AsyncIterator[None]:
    """Measure while the block lasts."""
    keeping = asyncio.create_task(lag.keep(), name="loop lag")
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])
