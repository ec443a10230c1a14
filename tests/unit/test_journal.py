"""The journal: compare-and-set, grouped commits, and what a file that is no journal says."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from alembic import config, script
from sqlalchemy.exc import IntegrityError

from orchestrator.journal import Journal, JournalUnavailable, engine, opening
from orchestrator.journal import journal as journals
from orchestrator.journal.opening import JournalUnusable
from orchestrator.journal.records import Records
from orchestrator.ledger import IllegalTransition
from schemas.errors import InvalidSettings
from schemas.execution import Execution, RunState, StepState
from schemas.outcome import Cancelled, Done, Evidence
from schemas.plan import Step
from tests.hubkit import command, older_journal, plan, sql

pytestmark = pytest.mark.both_stores

STEP = Step(index=0, function="take_a_photo", arguments={"camera": "front"}, device="p1")
CANCELLED = RunState.CANCELLED
DONE = Done(evidence=Evidence.VERIFIED, detail="Photo taken")


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
        states = await sql(journal, "SELECT state FROM events ORDER BY sequence")
    assert states == [("accepted",), ("planned",), ("dispatched",)]


@pytest.mark.sqlite
async def test_commits_survive_a_power_cut_by_configuration(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        assert await sql(journal, "PRAGMA journal_mode") == [("wal",)]
        assert await sql(journal, "PRAGMA synchronous") == [(2,)]


@pytest.mark.sqlite
async def test_a_damaged_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "j.db").write_bytes(b"no journal" * 1000)
    with pytest.raises(JournalUnusable, match=r"j\.db is damaged .*: octopus restore"):
        async with Journal(tmp_path / "j.db"):
            pass


@pytest.mark.sqlite
async def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.accept(command("x"))
        ((used,),) = await sql(journal, "PRAGMA page_count")
        await sql(journal, f"PRAGMA max_page_count={used}")
        with pytest.raises(JournalUnavailable, match="full"):
            await journal.accept(command("y" * 50_000, "c2"))
        await sql(journal, "PRAGMA max_page_count=100000")
        assert await journal.accept(command("y", "c3"))


@pytest.mark.sqlite
async def test_what_does_not_fit_hurts_no_neighbour(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.accept(command("x"))
        ((used,),) = await sql(journal, "PRAGMA page_count")
        await sql(journal, f"PRAGMA max_page_count={used}")
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
        await sql(
            journal, "UPDATE runs SET command = '{\"of\": \"another version\"}' WHERE id = 'c1'"
        )
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


@pytest.mark.sqlite
async def test_a_journal_of_an_older_hub_opens(tmp_path: Path) -> None:
    older_journal(tmp_path / "j.db")
    async with Journal(tmp_path / "j.db") as journal:
        cut, new = await journal.unfinished()
        assert (cut.command.text, cut.state) == ("text mom the weather in Paris", "running")
        assert [step.state for step in cut.steps] == ["succeeded", "dispatched"]
        assert (new.command.text, new.model) == ("lock the car", "")
        done = await journal.get("done")
        assert done is not None
        assert (done.answer, done.state) == ("Took a photo on Pixel", "succeeded")
        last = await journal.last("ann", "test")
        assert last is not None
        assert last.command.id == "done"
        (scheduled,) = await journal.schedules("ann")
        assert scheduled.text == "lamp on at 7"
        await plan(journal, "new", STEP)


async def test_a_journal_of_a_newer_hub_is_left_alone(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await sql(journal, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(JournalUnusable, match=r"newer hub .*9999"):
        async with Journal(tmp_path / "j.db"):
            pass


@pytest.mark.sqlite
async def test_another_hubs_journal_is_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        async with Journal(tmp_path / name / "j.db"):
            pass
    (tmp_path / "one/j.db").replace(tmp_path / "two/j.db")
    with pytest.raises(JournalUnusable, match="another hub's journal"):
        async with Journal(tmp_path / "two/j.db"):
            pass


ODD = {
    "no JSON": """UPDATE runs SET command = '{"id' WHERE id = 'done'""",
    "no object": "UPDATE runs SET command = '[1]' WHERE id = 'done'",
    "bytes": "UPDATE runs SET command = x'ff' WHERE id = 'done'",
    "no door": "UPDATE runs SET command = json_remove(command, '$.door') WHERE id = 'done'",
    "a state of bytes": "UPDATE events SET state = x'ff' WHERE sequence = 1",
}


@pytest.mark.sqlite
@pytest.mark.parametrize("odd", ODD)
async def test_an_odd_row_of_an_older_hub_keeps_no_hub_from_its_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, odd: str
) -> None:
    older_journal(tmp_path / "j.db")
    with closing(sqlite3.connect(tmp_path / "j.db")) as connection, connection:
        connection.execute(ODD[odd])
    async with Journal(tmp_path / "j.db") as journal:
        assert [left.command.id for left in await journal.unfinished()] == ["cut", "new"]
        assert await journal.schedules("ann")
    assert "cannot be read: " in caplog.text


@pytest.mark.sqlite
async def test_a_mark_that_nobody_can_read_is_named(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db"):
        pass
    (tmp_path / "hub-id").write_bytes(b"\xff\xfe")
    with pytest.raises(JournalUnusable, match="hub-id is damaged: remove it"):
        async with Journal(tmp_path / "j.db"):
            pass
    (tmp_path / "hub-id").unlink()
    async with Journal(tmp_path / "j.db"):
        pass


@pytest.mark.sqlite
def test_a_database_has_a_name_that_anybody_may_know(tmp_path: Path) -> None:
    found = engine.at("postgresql://ann@db.lan:5433/octopus", tmp_path)
    assert engine.name(found) == "the database octopus"


@pytest.mark.sqlite
def test_a_password_has_a_file_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"store\.password_file") as refused:
        engine.at("postgresql://ann@db.lan/octopus?password=secret", tmp_path)
    assert "secret" not in str(refused.value)


@pytest.mark.sqlite
@pytest.mark.parametrize("there", [False, True])
async def test_a_lost_journal_is_no_new_one(tmp_path: Path, there: bool) -> None:
    async with Journal(tmp_path / "j.db"):
        pass
    for file in tmp_path.glob("j.db*"):
        file.unlink()
    if there:
        (tmp_path / "j.db").touch()
    with pytest.raises(JournalUnusable, match="is empty or gone"):
        async with Journal(tmp_path / "j.db"):
            pass


async def test_the_newest_revision_is_the_last_migration() -> None:
    told = config.Config()
    told.set_main_option("script_location", "orchestrator.journal:migrations")
    scripts = script.ScriptDirectory.from_config(told)
    assert scripts.get_current_head() == opening.NEWEST
    assert {one.revision for one in scripts.walk_revisions()} == set(opening.KNOWN)


@pytest.mark.sqlite
async def test_a_journal_that_cannot_be_written_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Journal(tmp_path / "j.db"):
        pass
    monkeypatch.setattr(engine, "_PRAGMAS", (*engine._PRAGMAS, "query_only=ON"))
    with pytest.raises(JournalUnavailable, match=r"j\.db: cannot open .*readonly"):
        async with Journal(tmp_path / "j.db"):
            pass


@pytest.mark.sqlite
async def test_a_writer_that_works_lives_and_one_that_hangs_does_not(tmp_path: Path) -> None:
    async with Journal(tmp_path / "journal.db") as journal:
        assert await journal.alive()
        let_go = threading.Event()
        held = journal._do(lambda _: let_go.wait(10))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await journal.alive()
        let_go.set()
        await held
        assert await journal.alive()
    assert not await journal.alive()


@pytest.mark.sqlite
async def test_a_journal_that_can_be_written_again_says_so_though_nobody_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "TRY_AGAIN", 0.01)
    async with Journal(tmp_path / "journal.db") as journal:
        ((used,),) = await sql(journal, "PRAGMA page_count")
        await sql(journal, f"PRAGMA max_page_count={used}")
        tried: list[None] = []

        def still_full(_: Records) -> None:
            tried.append(None)
            raise JournalUnavailable("database or disk is full")

        with monkeypatch.context() as full:
            full.setattr(Records, "touch", still_full)
            with pytest.raises(JournalUnavailable):
                await journal.accept(command("x" * 50_000))
            async with asyncio.timeout(10):
                while len(tried) < 3:  # noqa: ASYNC110 (the writer's thread tries)
                    await asyncio.sleep(0.01)
            assert "full" in journal.problem, "trying is not enough"
        async with asyncio.timeout(10):
            while journal.problem:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert await journal.newest() is None, "a trial is no part of the chain"


async def test_a_trial_writes_and_changes_nothing(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.accept(command("selfie"))
        before = await sql(journal, "SELECT * FROM seal")
        await journal._do(Records.touch)
        assert await sql(journal, "SELECT * FROM seal") == before
        assert await journal.accept(command("again", "c2"))


@pytest.mark.sqlite
async def test_what_people_said_is_in_no_error(tmp_path: Path) -> None:
    async with Journal(tmp_path / "journal.db") as journal:
        await sql(journal, "CREATE TRIGGER no BEFORE INSERT ON runs"
                           " BEGIN SELECT RAISE(ABORT, 'no'); END")  # fmt: skip
        with pytest.raises(IntegrityError) as caught:
            await journal.accept(command("a private sentence"))
    assert "private" not in str(caught.value)
