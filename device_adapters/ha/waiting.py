"""Who waits for news, and of what."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection

_ANY = ""


class Waiting:
    """Those who wait until something holds; each looks again when there is news of what it named.

    With a thousand devices there is news all the time, and hardly any of it is of one's own.
    """

    def __init__(self) -> None:
        self._events: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def wake(self, subject: str) -> None:
        """There is news of a subject."""
        for name in (subject, _ANY):
            for event in self._events.get(name, ()):
                event.set()

    async def until(
        self, holds: Callable[[], bool], within: float, subjects: Collection[str] = ()
    ) -> bool:
        """Wait until something holds, looking at news of the subjects, or at all news where none
        is named; False after `within` s."""
        if holds():
            return True
        news = asyncio.Event()
        for name in subjects or (_ANY,):
            self._events[name].add(news)
        try:
            async with asyncio.timeout(within):
                while not holds():
                    news.clear()
                    await news.wait()
        except TimeoutError:
            return holds()
        finally:
            for name in subjects or (_ANY,):
                self._events[name].discard(news)
                if not self._events[name]:
                    del self._events[name]
        return True
