"""Promises 24 and 25: whatever the clock does, each occurrence runs once or is reported missed."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator import scheduler as scheduler_module
from orchestrator.journal import Journal, JournalUnavailable
from orchestrator.scheduler import GRACE, LOOK_EVERY, MANY, Scheduler
from orchestrator.times.rhythms import following
from schemas.command import Command
from schemas.execution import Execution, RunState
from schemas.schedule import ScheduleState
from schemas.when import When
from tests.conftest import ROOT
from tests.schedulekit import Clock, schedule, scheduled

pytestmark = pytest.mark.both_stores

SEVEN = datetime(2026, 11, 30, 6, tzinfo=UTC).timestamp()
HOUR, DAY = 3_600.0, 86_400.0
DAILY = "FREQ=DAILY"
BERLIN = "Europe/Berlin"


@dataclass
class Rig:
    """A scheduler that looks when it is told to, and what came of it."""

    journal: Journal
    clock: Clock
    scheduler: Scheduler
    fired: list[Command]
    missed: list[Execution]
    started: asyncio.Queue[str]  # the ids of what was fired, as it happens

    async def look(self, at: float) -> float:
        """Set the clock and look."""
        self.clock.now = at
        return await self.scheduler.look()

    @property
    def told(self) -> tuple[int, int]:
        """How many were fired and how many were reported."""
        return len(self.fired), len(self.missed)

    @property
    def ids(self) -> list[str]:
        return [sent.id for sent in self.fired]


@asynccontextmanager
async def rig(folder: Path, now: float = SEVEN - HOUR) -> AsyncIterator[Rig]:
    clock = Clock(now)
    fired: list[Command] = []
    missed: list[Execution] = []
    started: asyncio.Queue[str] = asyncio.Queue()

    def fire(sent: Command) -> None:
        fired.append(sent)
        started.put_nowait(sent.id)

    async with Journal(folder / "j.db") as journal:
        looks = Scheduler(journal, fire, missed.append, now=clock)
        yield Rig(journal, clock, looks, fired, missed, started)


async def test_it_runs_when_it_is_due_and_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as hub:
        await scheduled(hub.journal, schedule(SEVEN))
        assert await hub.look(SEVEN - HOUR) == LOOK_EVERY
        assert await hub.look(SEVEN - 3) == pytest.approx(3)
        assert hub.told == (0, 0)
        assert await hub.look(SEVEN) == LOOK_EVERY
        await hub.look(SEVEN + 1)
        assert hub.ids == ["s1@20261130T060000Z"]
        assert hub.fired[0].expires == SEVEN + GRACE
        assert [left.command for left in await hub.journal.unfinished()] == hub.fired


async def test_due_while_down_it_runs_once_within_the_grace(tmp_path: Path) -> None:
    async with rig(tmp_path) as hub:
        await scheduled(hub.journal, schedule(SEVEN))
    for _ in range(3):
        async with rig(tmp_path) as hub:
            await hub.look(SEVEN + GRACE)
    async with rig(tmp_path) as hub:
        (left,) = await hub.journal.unfinished()
        assert left.command.id == "s1@20261130T060000Z"


async def test_after_the_grace_it_is_reported_once_and_says_what_was_due(tmp_path: Path) -> None:
    async with rig(tmp_path) as hub:
        await scheduled(hub.journal, schedule(SEVEN, zone=BERLIN))
    async with rig(tmp_path) as hub:
        await hub.look(SEVEN + GRACE + 1)
        await hub.look(SEVEN + GRACE + 2)
        assert hub.told == (0, 1)
        assert hub.missed[0].state is RunState.MISSED
        assert hub.missed[0].answer == (
            "missed: 'louder at 7' was due on 2026-11-30 at 07:00; "
            "the hub was off then, or its clock was wrong"
        )
        kept = await hub.journal.schedule_of("s1")
        assert kept is not None
        assert kept.state is ScheduleState.MISSED


async def test_what_a_rhythm_missed_is_one_report(tmp_path: Path) -> None:
    async with rig(tmp_path) as hub:
        await scheduled(hub.journal, schedule(SEVEN, rule=DAILY))
        await hub.look(SEVEN + 4 * DAY + HOUR)
        assert hub.told == (0, 1)
        assert "on 2026-11-30 at 06:00 and 4 times after that" in hub.missed[0].answer
        await hub.look(SEVEN + 5 * DAY)
        assert hub.ids == ["s1@20261205T060000Z"]


async def test_what_was_missed_and_what_is_due_are_told_apart(tmp_path: Path) -> None:
    async with rig(tmp_path) as hub:
        await scheduled(hub.journal, schedule(SEVEN, rule=DAILY))
        await hub.look(SEVEN + 2 * DAY + GRACE)
        assert hub.told == (1, 1)
        assert hub.ids == ["s1@20261202T060000Z"]
        assert "and 1 times after that" in hub.missed[0].answer


async def test_a_quick_rhythm_does_not_come_in_a_burst(tmp_path: Path) -> None:
    async with rig(tmp_path) as hub:
        await scheduled(hub.journal, schedule(SEVEN, rule="FREQ=MINUTELY"))
        await hub.look(SEVEN + 4 * 60 + 30)
        assert hub.told == (1, 1)
        assert hub.ids == ["s1@20261130T060400Z"]
        await hub.look(SEVEN + 5 * 60)
        assert hub.ids[1:] == ["s1@20261130T060500Z"]


async def test_years_of_a_quick_rhythm_are_not_counted_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    def counted(when: When, after: datetime) -> datetime | None:
        nonlocal asked
        asked += 1
        return following(when, after)

    monkeypatch.setattr(scheduler_module, "following", counted)
    async with rig(tmp_path) as hub:
        await scheduled(hub.journal, schedule(SEVEN, rule="FREQ=MINUTELY"))
        await hub.look(SEVEN + 3_650 * DAY)
        assert hub.told == (1, 1)
        assert "at least" in hub.missed[0].answer
        assert asked < MANY + 20


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
@pytest.mark.parametrize("rule", ["", DAILY])
async def test_a_clock_that_jumps_an_hour_and_back(tmp_path: Path, jump: float, rule: str) -> None:
    async with rig(tmp_path) as hub:
        await scheduled(hub.journal, schedule(SEVEN, rule=rule))
        for before, after in ((-60.0, jump - 60), (jump - 40, -20.0), (0.0, jump), (jump, 1.0)):
            await hub.look(SEVEN + before)
            await hub.look(SEVEN + after)
        assert sum(hub.told) == 1
        assert hub.told == ((0, 1) if jump > 0 else (1, 0))


async def test_a_clock_that_was_ahead_does_not_silence_a_rhythm(tmp_path: Path) -> None:
    async with rig(tmp_path) as hub:
        await scheduled(hub.journal, schedule(SEVEN, rule=DAILY))
        await hub.look(datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC).timestamp())
        assert hub.told == (0, 1)
        for day in range(3):
            await hub.look(SEVEN + day * DAY - 1)
            await hub.look(SEVEN + day * DAY)
        # The first one was reported already, and is not run as well.
        assert hub.ids == ["s1@20261201T060000Z", "s1@20261202T060000Z"]
    async with rig(tmp_path) as hub:
        await hub.look(datetime(2099, 1, 1, tzinfo=UTC).timestamp())
    async with rig(tmp_path) as hub:
        await hub.look(SEVEN + 4 * DAY)
        assert hub.ids == ["s1@20261204T060000Z"]


async def test_a_clock_that_does_not_know_the_date_yet(tmp_path: Path) -> None:
    async with rig(tmp_path) as hub:
        await scheduled(hub.journal, schedule(SEVEN, rule=DAILY))
        await scheduled(hub.journal, schedule(SEVEN - DAY, "s2"))
    async with rig(tmp_path) as hub:
        assert await hub.look(0.0) == LOOK_EVERY
        assert await hub.look(20.0) == LOOK_EVERY
        await hub.look(SEVEN + 5)
        assert (hub.ids, len(hub.missed)) == (["s1@20261130T060000Z"], 1)


@pytest.mark.parametrize(
    "moment",
    [datetime(1970, 1, 1, tzinfo=UTC), datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC)],
)
async def test_the_ends_of_the_small_clocks(tmp_path: Path, moment: datetime) -> None:
    at = moment.timestamp()
    async with rig(tmp_path) as hub:
        await scheduled(hub.journal, schedule(at, rule=DAILY))
        for day in range(3):
            await hub.look(at + day * DAY)
        days = [moment + timedelta(days=day) for day in range(3)]
        assert hub.ids == [f"s1@{day:%Y%m%dT%H%M%SZ}" for day in days]


@pytest.mark.parametrize(
    ("first", "hours"),
    [
        (datetime(2027, 3, 27, 6, tzinfo=UTC), [6, 5, 5]),  # summer time begins on the 28th
        (datetime(2026, 10, 24, 5, tzinfo=UTC), [5, 6, 6]),  # and ended on the 25th
        (datetime(2027, 3, 27, 1, 30, tzinfo=UTC), [1, 1, 0]),  # 02:30 is left out on the 28th
        (datetime(2026, 10, 24, 0, 30, tzinfo=UTC), [0, 0, 1]),  # 02:30 comes twice on the 25th
    ],
)
async def test_a_daily_rule_over_both_changes_of_the_clock(
    tmp_path: Path, first: datetime, hours: list[int]
) -> None:
    async with rig(tmp_path, first.timestamp()) as hub:
        await scheduled(hub.journal, schedule(first.timestamp(), rule=DAILY, zone=BERLIN))
        for minutes in range(0, 69 * 60, 2):
            await hub.look(first.timestamp() + minutes * 60)
        assert [int(identity[-7:-5]) for identity in hub.ids] == hours
        assert hub.missed == []


async def test_two_hundred_at_once_run_once_each(tmp_path: Path) -> None:
    async with rig(tmp_path) as hub:
        made = (scheduled(hub.journal, schedule(SEVEN, f"s{n}")) for n in range(200))
        await asyncio.gather(*made)
        await asyncio.gather(hub.look(SEVEN), hub.look(SEVEN), hub.look(SEVEN))
        assert len(hub.fired) == len(set(hub.ids)) == 200
        assert len(await hub.journal.unfinished()) == 200


async def test_cancelled_right_before_it_is_due_it_does_not_run(tmp_path: Path) -> None:
    async with rig(tmp_path) as hub:
        await scheduled(hub.journal, schedule(SEVEN))
        await hub.look(SEVEN - 0.001)
        cancelling = hub.journal.cancel_schedule("s1", "ann")
        await hub.look(SEVEN)
        assert await cancelling is not None
        assert hub.told == (0, 0)


async def test_one_that_breaks_holds_up_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fragile(when: When, after: datetime) -> datetime | None:
        if when.rule:
            raise ValueError("no such rule")
        return following(when, after)

    async with rig(tmp_path) as hub:
        monkeypatch.setattr(scheduler_module, "following", fragile)
        await scheduled(hub.journal, schedule(SEVEN - 1, rule=DAILY))
        await scheduled(hub.journal, schedule(SEVEN, "s2"))
        assert await hub.look(SEVEN) == LOOK_EVERY
        assert hub.ids == ["s2@20261130T060000Z"]
        assert "schedule s1 broke" in caplog.text
        monkeypatch.undo()
        await hub.look(SEVEN + LOOK_EVERY)
        assert hub.ids[1:] == ["s1@20261130T055959Z"]


@pytest.mark.sqlite
async def test_killed_between_the_record_and_the_run_it_is_taken_up_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as hub:
        await scheduled(hub.journal, schedule(SEVEN, rule=DAILY))
    program = [sys.executable, "-c", _KILLED, str(tmp_path / "j.db"), str(SEVEN)]
    killed = await asyncio.to_thread(subprocess.run, program, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    async with rig(tmp_path) as hub:
        (left,) = await hub.journal.unfinished()
        assert (left.command.id, left.state) == ("s1@20261130T060000Z", RunState.ACCEPTED)
        await hub.look(SEVEN + 1)
        assert hub.told == (0, 0)


_KILLED = f"""
import asyncio, os, sys
from pathlib import Path
from orchestrator.journal import Journal
from orchestrator.scheduler import Scheduler

async def main():
    async with Journal(Path(sys.argv[1])) as journal:
        kill = lambda _: os.kill(os.getpid(), {int(signal.SIGKILL)})
        await Scheduler(journal, kill, kill, now=lambda: float(sys.argv[2])).look()

asyncio.run(main())
"""


async def test_it_looks_by_itself_and_again_when_something_changed(tmp_path: Path) -> None:
    async with rig(tmp_path, SEVEN) as hub:
        await scheduled(hub.journal, schedule(SEVEN))
        async with hub.scheduler:
            await hub.started.get()
            await scheduled(hub.journal, schedule(SEVEN, "s2"))
            hub.scheduler.changed()
            await hub.started.get()
        assert hub.ids == ["s1@20261130T060000Z", "s2@20261130T060000Z"]


async def test_it_goes_on_where_the_journal_did_not_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = [JournalUnavailable("disk full"), RuntimeError("a bug"), None]
    monkeypatch.setattr(scheduler_module, "LOOK_EVERY", 0.0)
    async with rig(tmp_path, SEVEN) as hub:
        due = hub.journal.due

        def failing(now: float) -> Awaitable[object]:
            if errors and (error := errors.pop(0)):
                raise error
            return due(now)

        monkeypatch.setattr(hub.journal, "due", failing)
        await scheduled(hub.journal, schedule(SEVEN))
        async with hub.scheduler:
            await hub.started.get()
    said = [record for record in caplog.records if record.name == "orchestrator.scheduler"]
    assert [record.exc_info is None for record in said] == [True, False]
    assert "disk full" in said[0].getMessage()


async def test_stopped_while_it_fires_it_leaves_nothing_half_done(tmp_path: Path) -> None:
    async with rig(tmp_path, SEVEN) as hub:
        await scheduled(hub.journal, schedule(SEVEN))
        async with hub.scheduler:
            await asyncio.sleep(0)
        left = [execution.command.id for execution in await hub.journal.unfinished()]
        assert left == hub.ids


async def test_an_occurrence_runs_once_though_the_answer_of_the_journal_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig(tmp_path) as hub:
        await scheduled(hub.journal, schedule(SEVEN, rule=DAILY))
        fire = hub.journal.fire

        async def lost(*at: Any, **options: Any) -> Command | None:
            await fire(*at, **options)
            raise JournalUnavailable("no connection")

        monkeypatch.setattr(hub.journal, "fire", lost)
        with pytest.raises(JournalUnavailable):
            await hub.look(SEVEN + 1)
        monkeypatch.setattr(hub.journal, "fire", fire)
        await hub.look(SEVEN + 2)
        await hub.look(SEVEN + 3)
        assert hub.ids == ["s1@20261130T060000Z"]
