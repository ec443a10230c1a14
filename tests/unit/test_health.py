"""How the hub says that it is: ready or not, and what a person must do about it."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from orchestrator import loop_lag
from orchestrator.catalogue import Catalogue
from orchestrator.health import BACKED_UP_WITHIN, ROOM, Health
from orchestrator.journal import JournalUnavailable
from orchestrator.loop_lag import LoopLag, measured
from orchestrator.scheduler import Scheduler
from orchestrator.settings import Settings
from tests.hubkit import command, rig, sql
from tests.schedulekit import schedule, scheduled

WELL = {"pid": 1, "restarts": 0, "waiting": 0}


@asynccontextmanager
async def hub(folder: Path, catalogue: Catalogue) -> AsyncIterator[Health]:
    """Real parts but for the model, the broker and what is found on the network."""
    async with rig(folder, catalogue, {}) as its:
        fleet = SimpleNamespace(
            registry=its.registry, announced=None, ha=SimpleNamespace(refused=0)
        )
        yield Health(
            Settings(), folder, its.journal, cast("Any", SimpleNamespace(**WELL)),
            cast("Any", SimpleNamespace(connected=True, problem="")), cast("Any", fleet), its.bus,
            its.pipeline, Scheduler(its.journal, its.pipeline.fire, its.pipeline.missed), LoopLag(),
            configuration=lambda: "",
        )  # fmt: skip


async def test_a_hub_without_trouble_is_ready(tmp_path: Path, catalogue: Catalogue) -> None:
    async with hub(tmp_path, catalogue) as health:
        told = health()
        assert (told["ready"], told["problems"]) == (True, [])
        assert told["journal"] == {"writable": True, "size": told["journal"]["size"]}
        assert told["journal"]["size"] > 4096
        assert told["states"] == {"connecting": 2}
        assert told["disk_free"] > 0
        assert told["version"]
        assert abs(told["since"] - time.time()) < 60


async def test_a_journal_that_cannot_be_written_hinders_until_it_can_again(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with hub(tmp_path, catalogue) as health:
        journal = health.journal
        ((used,),) = await sql(journal, "PRAGMA page_count")
        await sql(journal, f"PRAGMA max_page_count={used}")
        with pytest.raises(JournalUnavailable):
            await journal.accept(command("x" * 50_000))
        await journal.latest(1, "ann")  # a look into it goes well all the same
        told = health()
        assert (told["ready"], told["journal"]["writable"]) == (False, False)
        assert "make room on the disk" in told["problems"][0]
        await sql(journal, "PRAGMA max_page_count=100000")
        assert await journal.accept(command("again", "again"))
        assert health()["ready"]


async def test_a_model_that_does_not_run_hinders(tmp_path: Path, catalogue: Catalogue) -> None:
    async with hub(tmp_path, catalogue) as health:
        health.model.__dict__.update(pid=None, restarts=3)
        told = health()
    assert not told["ready"]
    assert "octopus doctor" in told["problems"][0]
    assert told["model"] == {"model": "embedded:", "alive": False, "restarts": 3}


async def test_what_is_away_is_a_problem_and_no_hindrance(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with hub(tmp_path, catalogue) as health:
        health.broker.__dict__.update(connected=False, problem="no MQTT broker answers at x:1")
        told = health()
    assert (told["ready"], told["broker"]) == (True, False)
    assert told["problems"] == [
        "no MQTT broker answers at x:1: start it, or correct [broker] in hub.toml"
    ]


async def test_little_room_is_a_problem(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = SimpleNamespace(free=ROOM - 1)
    monkeypatch.setattr("orchestrator.health.shutil.disk_usage", lambda _: left)
    async with hub(tmp_path, catalogue) as health:
        (problem,) = health()["problems"]
    assert "only 199 MiB are free: make room" in problem


async def test_a_backup_that_is_late_is_a_problem(tmp_path: Path, catalogue: Catalogue) -> None:
    (tmp_path / "backups").mkdir()
    made = tmp_path / "backups/octopus-2026-11-01.tar.gz"
    made.touch()
    async with hub(tmp_path, catalogue) as health:
        assert health()["problems"] == []
        assert health()["last_backup"] == pytest.approx(time.time(), abs=60)
        long_ago = time.time() - BACKED_UP_WITHIN - 60
        os.utime(made, (long_ago, long_ago))
        (problem,) = health()["problems"]
    assert "the last backup is from 20" in problem


async def test_a_hub_that_is_held_up_says_so(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_lag, "EVERY", 0.01)
    monkeypatch.setattr("orchestrator.health.HELD_UP", 0.1)
    async with hub(tmp_path, catalogue) as health, measured(health.loop):
        asyncio.get_running_loop().call_later(0.03, time.sleep, 0.2)  # between two beats
        async with asyncio.timeout(10):
            while health.loop.worst < 0.1:  # noqa: ASYNC110 (a look is all that happens)
                await asyncio.sleep(0.01)
        told = health()
    assert told["loop_lag"] >= 0.1
    assert any("held up for" in problem for problem in told["problems"])


async def test_it_says_what_is_under_way_and_what_comes_next(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with hub(tmp_path, catalogue) as health:
        assert health()["next_schedule"] is None
        await scheduled(health.journal, schedule(2e9))
        await health.scheduler.look()
        told = health()
    assert told["next_schedule"] == 2e9
    assert told["under_way"] == 0
    assert told["waiting"] == dict.fromkeys(told["waiting"], 0)
