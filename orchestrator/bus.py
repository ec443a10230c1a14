"""Events to whoever listens; a slow listener loses the oldest, never holds the hub up."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from schemas.event import Event

QUEUE = 10_000


class Bus:
    """Publishes each event to every subscription."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Event]] = set()
        self.dropped = 0

    def publish(self, event: Event) -> None:
        """Hand the event to every listener; never waits."""
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
                self.dropped += 1
            queue.put_nowait(event)

    @contextmanager
    def subscribe(self) -> Iterator[AsyncIterator[Event]]:
        """Every event published inside the `with` block, in order."""
        queue: asyncio.Queue[Event] = asyncio.Queue(QUEUE)
        self._queues.add(queue)
        try:
            yield _endless(queue)
        finally:
            self._queues.discard(queue)


async def _endless(queue: asyncio.Queue[Event]) -> AsyncIterator[Event]:
    while True:
        yield await queue.get()
