"""The journal: compare-and-set, grouped commits, and what a file that is no journal says."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from orchestrator.journal import Journal, JournalUnavailable
from orchestrator.ledger import IllegalTransition
from schemas.execution import Execution, RunState, StepState
from schemas.outcome import Cancelled, Done, Evidence
from schemas.plan import Step
from tests.hubkit import command, plan

STEP = Step(index=0, function="take_a_photo", arguments={"camera": "front"}, device="p1")
CANCELLED = RunState.CANCELLED
DONE = Done(evidence=Evidence.VERIFIED, detail="Photo taken")


async def _pragma(journal: Journal, text: str) -> object:
    """What SQLite answers on the writer's own connection."""
    return await journal._do(
        lambda kept: kept.connection.exec_driver_sql(f"PRAGMA {text}").scalar()
    )


async def test_keeps_a_command_over_a_restart(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        assert await journal.accept(command("selfie"))
        await plan(journal, "c1", STEP)
        await journal.move_run("c1", RunState.RUNNING)
        await journal.move_step("c1", 0, StepState.DISPATCHED)
    async with Journal(tmp_path / "j.db") as journal:
        (unfinished,) = await journal.unfinished()
        assert unfinished.command.text == "selfie"
        assert unfinished.steps[0].state is StepState.DISPATCHED
        await journal.move_step("c1", 0, StepState.SUCCEEDED, DONE)
        await journal.end("c1", lambda _: DONE, lambda _: (RunState.SUCCEEDED, "done"))
        assert await journal.unfinished() == ()
        record = await journal.get("c1")
        assert record is not None
        assert record.steps[0].outcome == DONE
        assert record.answer == "done"


async def test_a_known_id_is_not_accepted_twice(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        accepted = await asyncio.gather(*(journal.accept(command("x")) for _ in range(100)))
        assert accepted.count(True) == 1


async def test_an_illegal_move_changes_nothing_and_spares_its_neighbours(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.accept(command("x"))
        await plan(journal, "c1", STEP)
        moves = await asyncio.gather(
            journal.move_step("c1", 0, StepState.SUCCEEDED, DONE),
            journal.move_step("c1", 0, StepState.DISPATCHED),
            journal.move_run("c1", RunState.SUCCEEDED),
            return_exceptions=True,
        )
        assert [type(move) for move in moves] == [IllegalTransition, float, IllegalTransition]
        record = await journal.get("c1")
        assert record is not None
        assert record.state is RunState.PLANNED
        assert record.steps[0].state is StepState.DISPATCHED


async def test_every_change_has_an_event_row(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.accept(command("x"))
        await plan(journal, "c1", STEP)
        await journal.move_step("c1", 0, StepState.DISPATCHED)
    rows = sqlite3.connect(tmp_path / "j.db")
    states = [row[0] for row in rows.execute("SELECT state FROM events ORDER BY sequence")]
    rows.close()
    assert states == ["accepted", "planned", "dispatched"]


async def test_commits_survive_a_power_cut_by_configuration(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        pragmas = [await _pragma(journal, name) for name in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]


async def test_a_damaged_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "j.db").write_bytes(b"no journal" * 1000)
    with pytest.raises(JournalUnavailable, match=r"j\.db: cannot open the journal"):
        async with Journal(tmp_path / "j.db"):
            pass


async def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.accept(command("x"))
        used = await _pragma(journal, "page_count")
        await _pragma(journal, f"max_page_count={used}")
        with pytest.raises(JournalUnavailable, match="full"):
            await journal.accept(command("y" * 50_000, "c2"))
        await _pragma(journal, "max_page_count=100000")
        assert await journal.accept(command("y", "c3"))


async def test_what_does_not_fit_hurts_no_neighbour(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.accept(command("x"))
        used = await _pragma(journal, "page_count")
        await _pragma(journal, f"max_page_count={used}")
        together = (
            journal.get("c1"),
            journal.accept(command("y" * 50_000, "c2")),
            journal.get("none"),
        )
        results = await asyncio.gather(*together, return_exceptions=True)
        assert [type(r) for r in results] == [Execution, JournalUnavailable, type(None)]


async def test_a_closed_journal_says_so(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        pass
    with pytest.raises(JournalUnavailable, match="closed"):
        await journal.get("c1")


async def test_a_broken_change_costs_nobody_else(tmp_path: Path) -> None:
    half = "\ud800"  # no database takes half of a surrogate pair
    async with Journal(tmp_path / "j.db") as journal:
        with pytest.raises(UnicodeEncodeError):
            await journal.get(half)
        together = (journal.accept(command("x")), journal.get(half), journal.get("none"))
        results = await asyncio.gather(*together, return_exceptions=True)
        assert [type(result) for result in results] == [bool, UnicodeEncodeError, type(None)]
        assert await journal.get("c1")


async def test_a_record_that_cannot_be_read_hides_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.accept(command("x"))
        await journal.accept(command("y", "c2"))
    rows = sqlite3.connect(tmp_path / "j.db")
    rows.execute("UPDATE runs SET command = '{\"of\": \"another version\"}' WHERE id = 'c1'")
    rows.commit()
    rows.close()
    async with Journal(tmp_path / "j.db") as journal:
        assert [record.command.id for record in await journal.latest(5, "ann")] == ["c2"]
        assert [record.command.id for record in await journal.unfinished()] == ["c2"]
    assert "command c1 cannot be read" in caplog.text


async def test_a_command_ends_once_and_takes_its_open_steps_along(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.accept(command("x"))
        await plan(journal, "c1", STEP)
        first = await journal.end("c1", lambda _: Cancelled(), lambda _: (CANCELLED, "stopped"))
        again = await journal.end("c1", lambda _: DONE, lambda _: (RunState.SUCCEEDED, "done"))
        assert again is None
        assert first is not None
        assert first == await journal.get("c1")
        assert (first.state, first.answer) == (CANCELLED, "stopped")
        assert first.steps[0].outcome == Cancelled()


async def test_a_journal_of_an_older_hub_opens(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.accept(command("selfie"))
    with sqlite3.connect(tmp_path / "j.db") as old:
        old.execute("ALTER TABLE runs DROP COLUMN model")
    old.close()
    async with Journal(tmp_path / "j.db") as journal:
        (unfinished,) = await journal.unfinished()
        assert (unfinished.command.text, unfinished.model) == ("selfie", "")
        await plan(journal, "c1", STEP)
