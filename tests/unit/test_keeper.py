"""The keeper: every day the old is forgotten and the rest backed up; what fails is tried again."""

import asyncio
import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from orchestrator.journal import Journal
from orchestrator.journal.restore import restore
from orchestrator.keeper import DAY, HOUR, Keeper
from orchestrator.settings import Store
from tests.hubkit import sql
from tests.journalkit import ended, lived, url, wrong
from tests.schedulekit import Clock

pytestmark = pytest.mark.both_stores

TODAY = datetime(2027, 3, 1, 12).timestamp()


def _keeper(journal: Journal, state: Path, now: Callable[[], float], **store: int) -> Keeper:
    return Keeper(journal, url(state / "journal.db"), state, Store(**store), now=now)


async def _happened(journal: Journal, at: float) -> None:
    """Something, at that time."""
    await journal._do(lambda kept: kept.reached("p1", at, (None, "approved", b"")))


def _backups(state: Path) -> list[str]:
    return sorted(path.name for path in (state / "backups").glob("*"))


async def test_every_day_there_is_a_backup_and_the_newest_are_kept(tmp_path: Path) -> None:
    clock = Clock(TODAY)
    async with Journal(tmp_path / "journal.db") as journal:
        keeper = _keeper(journal, tmp_path, clock, backups=2)
        for day in range(4):
            await ended(journal, f"c{day}")
            clock.now = TODAY + day * DAY
            assert await keeper.look() == DAY
            assert await keeper.look() == DAY
    assert _backups(tmp_path) == ["octopus-2027-03-03.tar.gz", "octopus-2027-03-04.tar.gz"]
    other = tmp_path / "other"
    restore(tmp_path / "backups/octopus-2027-03-04.tar.gz", url(other / "journal.db"), other)
    assert wrong(other / "journal.db") == []
    async with Journal(other / "journal.db") as journal:
        assert len(await journal.latest(9, "ann")) == 4


async def test_what_is_old_enough_is_forgotten(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with Journal(tmp_path / "journal.db") as journal:
        await ended(journal, "old")
        clock = Clock(time.time() + 2 * DAY)
        await _happened(journal, clock.now)
        yesterday = datetime.fromtimestamp(clock.now - DAY)
        assert await _keeper(journal, tmp_path, clock, keep_days=3).look() == DAY
        assert await journal.get("old")
        assert await _keeper(journal, tmp_path, clock, keep_days=1).look() == DAY
        assert await journal.get("old") is None
    assert f"forgot what ended before {yesterday:%Y-%m-%d}: 6 events" in caplog.text


async def test_what_is_forgotten_is_in_a_backup(tmp_path: Path) -> None:
    async with Journal(tmp_path / "journal.db") as journal:
        await ended(journal, "old")
        clock = Clock(time.time() + 2 * DAY)
        await _happened(journal, clock.now)
        (tmp_path / "backups").write_text("no folder")
        keeper = _keeper(journal, tmp_path, clock, keep_days=1)
        assert await keeper.look() == HOUR
        assert await journal.get("old")
        (tmp_path / "backups").unlink()
        assert await keeper.look() == DAY
        assert await journal.get("old") is None
    (archive,) = (tmp_path / "backups").iterdir()
    other = tmp_path / "other"
    restore(archive, url(other / "journal.db"), other)
    async with Journal(other / "journal.db") as journal:
        assert await journal.get("old")


async def test_a_clock_in_the_future_forgets_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Journal(tmp_path / "journal.db") as journal:
        await ended(journal, "c1")
        clock = Clock(time.time() + 4000 * DAY)
        assert await _keeper(journal, tmp_path, clock, keep_days=365).look() == DAY
        assert await journal.get("c1")
    assert "is the clock right?" in caplog.text


async def test_archives_of_a_clock_that_was_wrong_go_first(tmp_path: Path) -> None:
    backups, future = tmp_path / "backups", time.time() + 4000 * DAY
    backups.mkdir()
    for day in range(1, 4):
        archive = backups / f"octopus-2038-01-0{day}.tar.gz"
        archive.touch()
        os.utime(archive, (future + day, future + day))
    clock = Clock(TODAY)
    async with Journal(tmp_path / "journal.db") as journal:
        keeper = _keeper(journal, tmp_path, clock, keep_days=0, backups=2)
        assert await keeper.look() == DAY
        assert _backups(tmp_path) == ["octopus-2027-03-01.tar.gz", "octopus-2038-01-03.tar.gz"]
        clock.now += DAY
        assert await keeper.look() == DAY
    assert _backups(tmp_path) == ["octopus-2027-03-01.tar.gz", "octopus-2027-03-02.tar.gz"]


async def test_for_ever_and_without_backups(tmp_path: Path) -> None:
    async with Journal(tmp_path / "journal.db") as journal:
        await ended(journal, "old")
        keeper = _keeper(journal, tmp_path, Clock(TODAY * 2), keep_days=0, backups=0)
        assert await keeper.look() == DAY
        assert await journal.get("old")
    assert not (tmp_path / "backups").exists()


async def test_what_fails_is_said_in_a_line_and_tried_again_in_an_hour(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "backups").write_text("no folder")
    async with Journal(tmp_path / "journal.db") as journal:
        keeper = _keeper(journal, tmp_path, Clock(TODAY))
        assert await keeper.look() == HOUR
        (tmp_path / "backups").unlink()
        assert await keeper.look() == DAY
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.getMessage().startswith(
        "the journal is not looked after, trying again in an hour"
    )
    assert record.exc_info is None


async def test_a_journal_that_is_not_whole_replaces_no_backup(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock(TODAY)
    async with Journal(tmp_path / "journal.db") as journal:
        await ended(journal, "c1")
        keeper = _keeper(journal, tmp_path, clock, backups=1)
        assert await keeper.look() == DAY
        clock.now += DAY
        await sql(journal, "UPDATE runs SET answer = 'no'")
        assert await keeper.look() == HOUR
    assert _backups(tmp_path) == ["octopus-2027-03-01.tar.gz"]
    assert "command c1: decision, answer or trace is not as event 6 (c1) tells" in caplog.text


async def test_it_looks_soon_after_the_start_and_sweeps_up(tmp_path: Path) -> None:
    looked = asyncio.Event()

    class Watched(Keeper):
        async def look(self) -> float:
            pause = await super().look()
            looked.set()
            return pause

    (tmp_path / "backups/octopus-2027-02-28.tar.gz.partial").mkdir(parents=True)
    async with Journal(tmp_path / "journal.db") as journal:
        here = url(tmp_path / "journal.db")
        async with Watched(journal, here, tmp_path, Store(), now=Clock(TODAY), soon=0):
            await looked.wait()
    assert _backups(tmp_path) == ["octopus-2027-03-01.tar.gz"]


async def test_a_hub_that_stops_does_not_wait_for_a_backup(tmp_path: Path) -> None:
    await lived(tmp_path / "journal.db")
    async with Journal(tmp_path / "journal.db") as journal:
        keeper = _keeper(journal, tmp_path, Clock(TODAY), keep_days=0)
        async with keeper:
            pass
        assert await keeper.look() == HOUR
    assert _backups(tmp_path) == []
