"""What the MCP door needs of a hub: the same seam in the hub's own process and over its broker."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

from orchestrator import ledger
from orchestrator.bus import Bus
from orchestrator.conversation import WITHIN
from schemas.event import Event

QUIET = 2.0
"""Seconds without news after which a command is looked at all the same: an event may be missed."""

Record = dict[str, Any]


class Ask(Protocol):
    """Runs one operation of the hub for one user; HubError where it does not go."""

    async def __call__(self, operation: str, **fields: Any) -> Any: ...


class Hub:
    """A hub as one user sees it: `ask` runs operations, `bus` tells what happens."""

    def __init__(self, ask: Ask, bus: Bus) -> None:
        self.ask = ask
        self._bus = bus

    async def settled(self, execution: str, within: float = WITHIN) -> Record:
        """A command's record once it has ended or waits for a person; as it stands where neither
        comes about in so many seconds."""
        return await self._once(execution, _is_settled, within)

    async def no_longer(self, execution: str, awaiting: object) -> Record:
        """A command's record once it does not wait with this any more."""
        return await self._once(
            execution, lambda record: record.get("awaiting") != awaiting, float("inf")
        )

    async def _once(self, execution: str, holds: Callable[[Record], bool], within: float) -> Record:
        deadline = time.monotonic() + within
        while True:
            with self._bus.subscribe() as events:  # before it is looked at, so that no news is lost
                record: Record = await self.ask("execution/get", execution=execution)
                left = deadline - time.monotonic()
                if holds(record) or left <= 0:
                    return record
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(left, QUIET)):
                        await _news(execution, events)


def _is_settled(record: Record) -> bool:
    return record["state"] in ledger.ENDED_RUN or "awaiting" in record


async def _news(execution: str, events: AsyncIterator[Event]) -> None:
    """Wait until something is told of the command itself."""
    async for event in events:
        if event.id == execution and event.step is None:
            return
    await asyncio.sleep(QUIET)  # the hub stops and tells no more
