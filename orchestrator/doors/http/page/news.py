"""Tells open pages that there is something new; what it is, they ask for themselves."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from orchestrator.bus import Bus
from orchestrator.doors.http.limits import full
from schemas.errors import HubError

MOST, EACH = 32, 16
"""Pages that are kept up to date at once, and those of one user."""
BEAT = 15.0
"""Seconds after which a silent stream says that it is still there."""
PAUSE = 0.1
"""Seconds between two news of one page: what happens in between is one of them."""


class TooManyPages(HubError):
    """Too many pages are open at once."""

    code = "busy"
    passing = True


class News:
    """Every open page, by its user."""

    def __init__(self) -> None:
        self._pages: dict[asyncio.Event, str] = {}
        self._closed = False

    async def listen(self, bus: Bus) -> None:
        """Tell each user's pages of the user's own commands, until the bus is closed."""
        with bus.subscribe() as events:
            async for event in events:
                self.tell(event.user)

    def tell(self, user: str | None = None) -> None:
        """There is something new for a user; for everybody without one."""
        for page, reader in self._pages.items():
            if user in (None, reader):
                page.set()

    def close(self) -> None:
        """End every page's stream."""
        self._closed = True
        self.tell()

    def full(self, user: str) -> bool:
        """Whether no further page of a user can be kept up to date."""
        return full(self._pages.values(), user, MOST, EACH)

    @contextmanager
    def page(self, user: str) -> Iterator[AsyncIterator[bool]]:
        """Whether there was something new, again and again, until it is closed."""
        news = asyncio.Event()
        self._pages[news] = user
        try:
            yield self._of(news)
        finally:
            del self._pages[news]

    async def _of(self, news: asyncio.Event) -> AsyncIterator[bool]:
        while not self._closed:
            try:
                async with asyncio.timeout(BEAT):
                    await news.wait()
            except TimeoutError:
                yield False
            else:
                news.clear()
                if not self._closed:
                    yield True
                    await asyncio.sleep(PAUSE)
