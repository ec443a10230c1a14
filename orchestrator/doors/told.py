"""Every end is told at least once: what the journal has and nobody was told is told again."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable

from orchestrator.service import Service
from schemas.errors import HubError
from schemas.execution import Execution

log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two looks, in which an end is told by itself: who is killed in between tells the
last ends once more."""
TRIES = 3
"""Times that a record is refused, while somebody is there, before it is given up."""


class Told:
    """Which ends were told; compares them with the journal's, whatever came in between."""

    def __init__(self, service: Service, tell: Callable[[Execution], Awaitable[bool]]) -> None:
        """`tell` says whether it could tell a record; HubError where nobody is there to be told."""
        self._service = service
        self._tell = tell
        self._told: set[str] = set()
        self._refused: Counter[str] = Counter()
        self._news = asyncio.Event()
        self._news.set()

    def news(self) -> None:
        """Something happened: there may be an end that must be told."""
        self._news.set()

    def told(self, run: str) -> None:
        """This command's end was told."""
        self._told.add(run)

    async def keep(self) -> None:
        """Look now and then, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                if await self.look(EVERY):
                    continue
            except HubError as error:
                log.info("what ended is told later: %s", error)
            self._news.set()
            await asyncio.sleep(EVERY)

    async def look(self, patience: float = 0.0) -> bool:
        """Tell what ended by now and is not told as it happens, which `patience` seconds without
        one of them show, and note that; False where something is left."""
        before = frozenset(self._told)
        ended, last = await self._service.untold()
        late = ended
        while True:
            waiting = len(late)
            await asyncio.sleep(patience)
            late = tuple(run for run in late if run not in self._told)
            if len(late) in (0, waiting):
                break
        if not all([await self._told_late(run) for run in late]):
            return False
        if ended:
            await self._service.told(last)
        self._told -= before
        return True

    async def _told_late(self, run: str) -> bool:
        """Whether a command's end is told now, or given up: one such hides no other."""
        try:
            record = await self._service.record(run)
            done = record is None or await self._tell(record)
        except HubError:
            raise
        except Exception:
            log.exception("the end of command %s could not be told", run)
            done = False
        if not done:
            self._refused[run] += 1
            if self._refused[run] < TRIES:
                return False
            log.warning("the end of command %s is not told: %d times refused", run, TRIES)
        del self._refused[run]
        self._told.add(run)
        return True
