"""What happens to a user's own commands, told as it happens: server-sent events.

There is no past in it: who was away asks GET /api/v1/executions, and Last-Event-ID is not heeded.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

from orchestrator.bus import Bus
from orchestrator.doors.http.limits import TooOften, full
from schemas.event import Event

MOST, EACH = 32, 16
"""Streams at once, and those of one user."""
BEAT = 15.0
"""Seconds after which a silent stream says that it is still there."""
BEHIND = 500
"""Events that a slow reader may be behind; then the stream ends, and it looks for itself."""


class Events:
    """Every open stream, by its user."""

    def __init__(self) -> None:
        self._open: dict[asyncio.Queue[str], str] = {}
        self._closed = False

    async def listen(self, bus: Bus) -> None:
        """Tell each user's streams of the user's own commands, until the bus is closed."""
        with bus.subscribe() as events:
            async for event in events:
                readers = [queue for queue, user in self._open.items() if user == event.user]
                if readers:
                    told = _told(event)
                    for queue in readers:
                        self._put(queue, told)

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        for queue in self._open:
            self._put(queue, "")

    def room(self, user: str) -> None:
        """TooOften where no further stream of a user can be kept."""
        if self._full(user):
            raise TooOften("too many event streams are open already", BEAT)

    def _full(self, user: str) -> bool:
        return full(self._open.values(), user, MOST, EACH)

    async def stream(self, user: str, stands: Callable[[], bool]) -> AsyncIterator[str]:
        """The lines of one stream, while its token stands."""
        if self._full(user) or self._closed:
            return  # others came at the same moment
        queue: asyncio.Queue[str] = asyncio.Queue(BEHIND)
        self._open[queue] = user
        try:
            yield "retry: 3000\n\n"
            async for told in _out_of(queue):
                if not told or not stands():
                    return
                yield told
        finally:
            del self._open[queue]

    @staticmethod
    def _put(queue: asyncio.Queue[str], told: str) -> None:
        if queue.qsize() >= BEHIND - 1:
            told = ""  # too far behind: its end
        if not queue.full():
            queue.put_nowait(told)


async def _out_of(queue: asyncio.Queue[str]) -> AsyncIterator[str]:
    while True:
        try:
            async with asyncio.timeout(BEAT):
                told = await queue.get()
        except TimeoutError:
            told = ": still here\n\n"
        yield told


def _told(event: Event) -> str:
    """An event as the stream says it; its JSON has no line ends."""
    return (
        f"event: {'command' if event.step is None else 'step'}\ndata: {event.model_dump_json()}\n\n"
    )
