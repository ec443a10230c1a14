"""Events to whoever listens; a slow listener loses the oldest, never holds the hub up."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from schemas.event import Event

QUEUE = 10_000


class Bus:
    """Publishes each event to every subscription."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Event | None]] = set()
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """Events that the slowest listener has not taken yet."""
        return max((queue.qsize() for queue in self._queues), default=0)

    def publish(self, event: Event) -> None:
        """Hand the event to every listener; never waits."""
        self._put(event)

    def close(self) -> None:
        """End every subscription, once it has handed out what it holds."""
        self._put(None)

    def _put(self, event: Event | None) -> None:
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
                self.dropped += 1
            queue.put_nowait(event)

    @contextmanager
    def subscribe(self) -> Iterator[AsyncIterator[Event]]:
        """Every event published inside the `with` block, in order, until the bus is closed."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue(QUEUE)
        self._queues.add(queue)
        try:
            yield _until_closed(queue)
        finally:
            self._queues.discard(queue)


async def _until_closed(queue: asyncio.Queue[Event | None]) -> AsyncIterator[Event]:
    while (event := await queue.get()) is not None:
        yield event
