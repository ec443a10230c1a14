"""What a hub forgets of old commands, and that the rest is still whole."""

import asyncio
import random
import time
from pathlib import Path

import pytest

from orchestrator.journal import Journal, retention
from schemas.execution import RunState, StepState
from schemas.outcome import Cancelled
from schemas.schedule import ScheduleState
from tests.hubkit import command, plan, sql
from tests.journalkit import DONE, LONG_AGO, PHOTO, ended, lived, wrong
from tests.schedulekit import schedule, scheduled

pytestmark = pytest.mark.both_stores

NEXT = LONG_AGO + 86_400
STOPPED = (RunState.CANCELLED, "stopped")


async def _known(journal: Journal) -> set[str]:
    return {record.command.id for record in await journal.latest(500, "ann")}


async def _counts(journal: Journal) -> list[object]:
    """Rows of each table that tells of commands."""
    tables = ("runs", "steps", "schedules", "events")
    return [(await sql(journal, f"SELECT count(*) FROM {table}"))[0][0] for table in tables]


async def test_what_ended_before_is_forgotten_and_the_rest_is_whole(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await ended(journal, "old")
        await ended(journal, "older")
        before = time.time()
        await ended(journal, "young")
        assert await journal.prune(before) == 12
        assert await _known(journal) == {"young"}
        assert await _counts(journal) == [1, 1, 0, 6]
        assert wrong(tmp_path / "j.db") == []
        assert await journal.prune(before) == 0
        assert await journal.accept(command("the same id", "old"))
    async with Journal(tmp_path / "j.db") as journal:
        assert await _known(journal) == {"young", "old"}
        assert wrong(tmp_path / "j.db") == []


async def test_nothing_is_forgotten_since_a_command_that_goes_on(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await ended(journal, "first")
        await journal.accept(command("hello", "open"))
        await ended(journal, "after")
        assert await journal.prune(time.time()) == 6
        assert await _known(journal) == {"open", "after"}
        await journal.end("open", lambda _: DONE, lambda _: (RunState.REFUSED, "no"))
        assert await journal.prune(time.time()) == 8
        assert await _known(journal) == set()
        assert wrong(tmp_path / "j.db") == []


async def test_a_command_that_ended_among_later_ones_goes_with_its_first_event(
    tmp_path: Path,
) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.accept(command("hello", "old"))
        await plan(journal, "old", PHOTO)
        await journal.accept(command("hello", "open"))
        await journal.start("old", frozenset({0}))
        await journal.settle("old", 0, DONE)
        await journal.end("old", lambda _: DONE, lambda _: (RunState.SUCCEEDED, "done"))
        assert await journal.prune(time.time()) == 2
        assert await _known(journal) == {"open"}
        assert await _counts(journal) == [1, 0, 0, 5]
        assert wrong(tmp_path / "j.db") == []


async def test_what_happened_to_devices_is_forgotten_in_its_time(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal._do(lambda kept: kept.reached("p1", 1.0, (None, "approved", b"")))
        await journal._do(lambda kept: kept.reached("p1", NEXT, (None, "renamed", b"")))
        assert await journal.prune(NEXT) == 1
        assert wrong(tmp_path / "j.db") == []


async def test_an_event_of_a_clock_that_was_wrong_holds_nothing_up(tmp_path: Path) -> None:
    future = time.time() + 1e9
    async with Journal(tmp_path / "j.db") as journal:
        await ended(journal, "old")
        await journal._do(lambda kept: kept.reached("p1", future, (None, "approved", b"")))
        await ended(journal, "later")
        before = time.time()
        await journal._do(lambda kept: kept.reached("p1", future, (None, "renamed", b"")))
        assert await journal.prune(before) == 13
        assert await _counts(journal) == [0, 0, 0, 1]  # nobody knows how old the last one is
        assert wrong(tmp_path / "j.db") == []
        await ended(journal, "young")
        assert await journal.prune(before) == 1
        assert await _known(journal) == {"young"}


async def test_a_schedule_that_goes_on_is_kept_and_still_told_of(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        wanted = schedule(LONG_AGO, "daily", rule="FREQ=DAILY")
        await scheduled(journal, wanted, run="daily")
        fired = await journal.fire("daily", LONG_AGO, NEXT)
        assert fired
        await journal.end(fired.id, lambda _: DONE, lambda _: (RunState.SUCCEEDED, "done"))
        assert await journal.prune(time.time()) == 6
        assert await _counts(journal) == [0, 0, 1, 1]
        assert await journal.schedules("ann") == (wanted.model_copy(update={"next": NEXT}),)
        assert await journal.prune(time.time() - 60) == 0
        assert await journal.fire("daily", NEXT, None)
        assert wrong(tmp_path / "j.db") == []
        await sql(journal, "UPDATE schedules SET schedule = '{}'")
        assert any("schedule daily: schedule" in fault for fault in wrong(tmp_path / "j.db"))


async def test_a_schedule_that_is_over_is_forgotten(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await scheduled(journal, schedule(LONG_AGO, "once"))
        await journal.miss("once", LONG_AGO, None, "missed")
        await scheduled(journal, schedule(LONG_AGO, "off"))
        before = time.time()
        await journal.cancel_schedule("off", "ann")
        await journal.prune(before)
        assert await _counts(journal) == [0, 0, 1, 1]
        off = await journal.schedule_of("off")
        assert off
        assert off.state is ScheduleState.CANCELLED
        assert wrong(tmp_path / "j.db") == []
        await journal.prune(time.time())
        assert await _counts(journal) == [0, 0, 0, 0]
        assert wrong(tmp_path / "j.db") == []


async def test_a_schedule_whose_command_goes_on_is_kept(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await scheduled(journal, schedule(LONG_AGO, "once"))
        fired = await journal.fire("once", LONG_AGO, None)
        assert fired
        await journal.prune(time.time())
        assert await _known(journal) == {fired.id}
        assert await journal.schedule_of("once")
        assert wrong(tmp_path / "j.db") == []


async def test_of_everything_else_nothing_is_lost(tmp_path: Path) -> None:
    await lived(tmp_path / "j.db")
    async with Journal(tmp_path / "j.db") as journal:
        left = await journal.unfinished()
        kept = await journal.schedules("ann")
        await journal.prune(time.time())
        assert await journal.unfinished() == left
        assert await journal.schedules("ann") == kept
        assert wrong(tmp_path / "j.db") == []


async def test_a_lot_is_forgotten_a_little_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 4)
    async with Journal(tmp_path / "j.db") as journal:
        for number in range(10):
            await ended(journal, f"old{number}")
        forgetting = asyncio.create_task(journal.prune(time.time()))
        for number in range(5):
            await ended(journal, f"young{number}")
            assert wrong(tmp_path / "j.db") == []
        assert await forgetting == 60
        assert await _known(journal) == {f"young{number}" for number in range(5)}
        assert wrong(tmp_path / "j.db") == []


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_happened_the_rest_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Commands and schedules that begin and end in any order, forgotten up to any moment."""
    chance = random.Random(seed)
    monkeypatch.setattr(retention, "CHUNK", chance.randrange(1, 12))
    async with Journal(tmp_path / "j.db") as journal:
        moments, under_way, active = [time.time()], list[str](), list[str]()

        def one(names: list[str]) -> str:
            return names.pop(chance.randrange(len(names)))

        for number in range(60):
            match chance.randrange(6):
                case 0:
                    await journal.accept(command("x", f"c{number}"))
                    await plan(journal, f"c{number}", PHOTO)
                    under_way.append(f"c{number}")
                case 1 if under_way:
                    await journal.move_run(one(under_way), RunState.EXPIRED)
                case 2 if under_way:
                    await journal.end(one(under_way), lambda _: Cancelled(), lambda _: STOPPED)
                case 3:
                    await scheduled(journal, schedule(LONG_AGO, f"s{number}"), run=f"s{number}")
                    active.append(f"s{number}")
                case 4 if active:
                    if fired := await journal.fire(one(active), LONG_AGO, None):
                        under_way.append(fired.id)
                case _:
                    await journal.prune(chance.choice(moments))
                    assert wrong(tmp_path / "j.db") == []
            moments.append(time.time())
        left = await journal.unfinished()
        assert {record.command.id for record in left} == set(under_way)
        assert all(record.steps[0].state is StepState.PENDING for record in left if record.steps)
        assert {kept.id for kept in await journal.schedules("ann")} == set(active)
