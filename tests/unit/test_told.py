"""Every end is told at least once, in whatever order, whatever the clock says."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrator.catalogue import Catalogue
from orchestrator.doors.told import TRIES, Told
from orchestrator.journal import Journal
from schemas.errors import DeviceUnavailable
from schemas.execution import Execution
from tests.hubkit import Rig, command, older_journal, rig, sql
from tests.schedulekit import schedule, scheduled

pytestmark = pytest.mark.both_stores

SELFIE = "selfie"
MODEL = {SELFIE: "<nexa_0>('front')<nexa_end>"}


@pytest.fixture
async def hub(tmp_path: Path, catalogue: Catalogue) -> AsyncIterator[Rig]:
    async with rig(tmp_path, catalogue, MODEL) as made:
        yield made


class Listener:
    """Hears of ends; is away, or cannot take one of them."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.away = False
        self.refuses = ""

    async def tell(self, record: Execution) -> bool:
        if self.away:
            raise DeviceUnavailable
        if record.command.id == self.refuses:
            return False
        self.heard.append(record.command.id)
        return True


async def ended(hub: Rig, *names: str) -> None:
    for name in names:
        assert await hub.run(command(SELFIE, name)) == "succeeded"


async def test_a_clock_that_went_back_hides_no_end(
    hub: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener, right = Listener(), time.time
    told = Told(hub.service, listener.tell)
    monkeypatch.setattr(time, "time", lambda: right() + 86_400)
    await ended(hub, "tomorrow")
    assert await told.look()
    monkeypatch.setattr(time, "time", right)
    await ended(hub, "today")
    assert await told.look()
    assert listener.heard == ["tomorrow", "today"]


async def test_what_was_told_is_not_told_again_after_a_restart(hub: Rig) -> None:
    listener = Listener()
    await ended(hub, "a", "b", "c")
    told = Told(hub.service, listener.tell)
    told.told("b")
    assert await told.look()
    assert listener.heard == ["a", "c"], "b was told before them, and covers none"
    assert await Told(hub.service, listener.tell).look()
    assert listener.heard == ["a", "c"]


async def test_ends_that_come_while_others_are_told_are_not_lost(hub: Rig) -> None:
    heard: list[str] = []

    async def tell(record: Execution) -> bool:
        if not heard:
            await ended(hub, "meanwhile", "live")
            told.told("live")
        heard.append(record.command.id)
        return True

    told = Told(hub.service, tell)
    await ended(hub, "first")
    assert await told.look()
    assert await told.look()
    assert heard == ["first", "meanwhile"]


async def test_what_is_told_as_it_happens_is_waited_for(
    hub: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener, names = Listener(), ["a", "b", "lost", "c"]
    told = Told(hub.service, listener.tell)
    happening = iter(["a", "b", "c"])

    async def a_while(_: float) -> None:
        told.told(next(happening, "c"))

    await ended(hub, *names)
    monkeypatch.setattr(asyncio, "sleep", a_while)
    assert await told.look()
    assert listener.heard == ["lost"]


async def test_one_that_is_refused_holds_up_no_other_and_is_given_up(
    hub: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Listener()
    listener.refuses = "bad"
    await ended(hub, "bad", "a")
    told = Told(hub.service, listener.tell)
    assert [await told.look() for _ in range(TRIES)] == [False] * (TRIES - 1) + [True]
    assert listener.heard == ["a"]
    assert caplog.text.count("the end of command bad is not told") == 1
    listener.refuses = ""
    assert await Told(hub.service, listener.tell).look()
    assert listener.heard == ["a"]


async def test_who_is_away_for_long_is_told_afterwards(hub: Rig) -> None:
    listener = Listener()
    listener.away = True
    await ended(hub, "a", "b")
    told = Told(hub.service, listener.tell)
    for _ in range(2 * TRIES):
        with pytest.raises(DeviceUnavailable):
            await told.look()
    listener.away = False
    assert await told.look()
    assert listener.heard == ["a", "b"]


async def test_a_record_that_cannot_be_read_hides_no_other(hub: Rig) -> None:
    listener = Listener()
    await ended(hub, "spoilt", "a")
    await sql(hub.journal, "UPDATE runs SET command = '{' WHERE id = 'spoilt'")
    told = Told(hub.service, listener.tell)
    assert [await told.look() for _ in range(TRIES)][-1]
    assert listener.heard == ["a"]


async def test_a_schedules_own_end_is_no_commands(hub: Rig) -> None:
    listener = Listener()
    told = Told(hub.service, listener.tell)
    await scheduled(hub.journal, schedule(time.time() + 3600, "daily"), run="daily")
    assert await told.look()
    assert await hub.journal.cancel_schedule("daily", "ann")
    assert await told.look()
    assert listener.heard == ["daily"]


@pytest.mark.sqlite
async def test_what_an_older_hub_has_told_is_not_told_again(tmp_path: Path) -> None:
    older_journal(tmp_path / "journal.db")
    async with Journal(tmp_path / "journal.db") as journal:
        ended, last = await journal.untold()
        assert (ended, last > 0) == ((), True)
