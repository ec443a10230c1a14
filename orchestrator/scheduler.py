"""A moment or a rhythm to a command again: looks into the journal for what is due.

It sleeps on the monotonic clock, and the wall clock may jump (a person sets it, the network does,
the machine was suspended): so it looks at least every `LOOK_EVERY` seconds and keeps no time of its
own. Which occurrence is next is in the journal alone.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Self
from zoneinfo import ZoneInfo

from orchestrator import texts
from orchestrator.journal import Journal, JournalUnavailable
from orchestrator.times.rhythms import following
from orchestrator.unbroken import unbroken
from schemas.command import Command
from schemas.execution import Execution
from schemas.schedule import Schedule

log = logging.getLogger(__name__)

LOOK_EVERY = 20.0
"""Seconds after which it looks in any case."""
GRACE = 300.0
"""Seconds after which an occurrence is not run any more, but reported as missed."""
MANY = 100
"""Missed occurrences of one schedule that are counted one by one."""


class Scheduler:
    """Runs what is due while its block lasts; enter it once what was unfinished is taken up.

    `fire` starts a command that the journal has accepted already; `missed` tells of one that has
    ended as missed. Neither may raise.
    """

    def __init__(
        self,
        journal: Journal,
        fire: Callable[[Command], None],
        missed: Callable[[Execution], None],
        *,
        grace: float = GRACE,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._journal = journal
        self._fire = fire
        self._missed = missed
        self._grace = grace
        self._now = now
        self._changed = asyncio.Event()
        self._doubtful: dict[str, tuple[float, float | None, float]] = {}
        self._seen = math.inf
        self.upcoming: float | None = None
        """The next occurrence of any schedule at the last look, in seconds since the epoch."""

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._keep_looking(), name="scheduler")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._looking.cancel()
        await asyncio.wait([self._looking])

    def changed(self) -> None:
        """A schedule was added or cancelled: look again now."""
        self._changed.set()

    async def look(self) -> float:
        """Run or report what is due by now; says in how many seconds to look again."""
        now = self._now()
        for identity in list(self._doubtful):
            await unbroken(self._run(identity, *self._doubtful.pop(identity), again=True))
        if now < self._seen:
            await self._each(self._rewind, math.inf, now)
        self._seen = now
        await self._each(self._settle, now, now)
        upcoming = self.upcoming = await self._journal.next_due(after=now)
        if upcoming is None:
            return LOOK_EVERY
        return min(max(upcoming - self._now(), 0.0), LOOK_EVERY)

    async def _keep_looking(self) -> None:
        while True:
            self._changed.clear()
            pause = LOOK_EVERY
            try:
                pause = await self.look()
            except JournalUnavailable as error:
                log.warning("cannot see what is due, trying again in %g s: %s", pause, error)
            except Exception:
                log.exception("the scheduler broke, looking again in %g s", pause)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()

    async def _each(
        self, work: Callable[[Schedule, float], Awaitable[None]], until: float, now: float
    ) -> None:
        """Do it for every schedule that is due until then; one that breaks holds up no other."""
        for schedule in await self._journal.due(until):
            try:
                await unbroken(work(schedule, now))
            except JournalUnavailable:
                raise
            except Exception:
                log.exception("schedule %s broke, tried again at the next look", schedule.id)

    async def _rewind(self, schedule: Schedule, now: float) -> None:
        """The clock went back: what a rhythm skipped by the wrong one is still to come. What has
        run already does not run again, its command is known."""
        assert schedule.next is not None
        recent = _after(schedule, now - self._grace)
        _, at = self._standing(schedule.model_copy(update={"next": recent}), now)
        if at is not None and at < schedule.next:
            await self._journal.rewind(schedule.id, schedule.next, at)

    async def _settle(self, schedule: Schedule, now: float) -> None:
        """Report what nobody can run any more, and run what is due."""
        count, at = self._standing(schedule, now)
        if count:
            assert schedule.next is not None
            answer = _said(schedule, schedule.next, count)
            ended = await self._journal.miss(schedule.id, schedule.next, at, answer)
            if ended is not None:
                self._missed(ended)
        if at is not None and at <= now:
            await self._run(schedule.id, at, _after(schedule, at), now + self._grace)

    async def _run(
        self, identity: str, at: float, after: float | None, expires: float, *, again: bool = False
    ) -> None:
        """Make an occurrence a command; where the journal did not answer it is asked again at the
        next look, for only the answer may be lost."""
        try:
            command = await self._journal.fire(identity, at, after, expires, again=again)
        except JournalUnavailable:
            self._doubtful[identity] = at, after, expires
            raise
        if command is not None:
            self._fire(command)

    def _standing(self, schedule: Schedule, now: float) -> tuple[int, float | None]:
        """How many occurrences are missed by now, and the one that follows them.

        Of several within the grace only the last is run: nobody wants them in a burst.
        """
        count, at = 0, schedule.next
        while at is not None and at <= now:
            after = _after(schedule, at)
            if now - at <= self._grace and (after is None or after > now):
                break
            count += 1
            at = after if count < MANY else _after(schedule, max(at, now - self._grace))
        return count, at


def _after(schedule: Schedule, at: float) -> float | None:
    found = following(schedule.when, datetime.fromtimestamp(at, UTC))
    return None if found is None else found.timestamp()


def _said(schedule: Schedule, at: float, count: int) -> str:
    due = datetime.fromtimestamp(at, ZoneInfo(schedule.when.zone))
    more = ""
    if count > 1:
        many = texts.AT_LEAST if count >= MANY else texts.EXACTLY
        more = many.format(count=count - 1)
    return texts.MISSED.format(what=schedule.text, when=f"{due:%Y-%m-%d at %H:%M}", more=more)
