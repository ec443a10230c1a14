"""The audit: whatever is changed in a journal, or lost from it, is found."""

import random
import shutil
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy import func

from orchestrator.journal import Journal, JournalUnavailable, opening
from orchestrator.journal.audit import faults, look
from orchestrator.journal.chain import DECIDED
from orchestrator.journal.engine import connect_to
from orchestrator.journal.tables import events, metadata, runs, schedules, seal, steps
from schemas.errors import HubError
from tests.hubkit import command, older_journal
from tests.journalkit import behind_its_back, content, ended, lived, url, wrong
from tests.schedulekit import schedule, scheduled

pytestmark = pytest.mark.both_stores

UNTOLD = {"seal.hub", "seal.told"}
"""What a hub looks at when it opens a journal, and what has been told of it."""
FLIPS = 200


@pytest_asyncio.fixture
async def file(tmp_path: Path) -> Path:
    """A journal that a hub has written."""
    await lived(tmp_path / "journal.db")
    return tmp_path / "journal.db"


async def test_a_journal_that_was_only_used_is_whole(file: Path) -> None:
    assert wrong(file) == []
    async with Journal(file) as journal:  # and beside a hub that writes
        await ended(journal, "another")
        assert wrong(file) == []


async def test_it_says_how_much_there_is_and_since_when(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        nothing = look(url(tmp_path / "j.db"))
        await journal.accept(command("x"))
        record = await journal.get("c1")
    assert record
    assert (nothing.events, nothing.since, nothing.faults) == (0, None, ())
    found = look(url(tmp_path / "j.db"))
    assert (found.events, found.since, found.faults) == (1, record.created, ())


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=str)
def test_any_column_that_is_changed_is_found(file: Path, table: sa.Table) -> None:
    unseen = set()
    with behind_its_back(url(file)) as connection:
        for row in content(connection)[table.name]:
            for column in table.columns:
                another = _another(row[column.name], column.type.python_type)
                change = table.update().where(_same(table, row)).values({column: another})
                until_the_end = column.name in DECIDED and row.get("ended") is None
                if not _found(connection, change) and not until_the_end:
                    unseen.add(str(column))
    assert unseen == {column for column in UNTOLD if column.startswith(str(table))}


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=str)
def test_any_row_that_is_removed_is_found(file: Path, table: sa.Table) -> None:
    with behind_its_back(url(file)) as connection:
        rows = content(connection)[table.name]
        assert rows
        for row in rows:
            assert _found(connection, table.delete().where(_same(table, row))), row


@pytest.mark.parametrize("table", [runs, steps, schedules, events, seal], ids=str)
def test_a_row_that_nobody_wrote_is_found(file: Path, table: sa.Table) -> None:
    with behind_its_back(url(file)) as connection:
        row = content(connection)[table.name][-1]
        key = table.primary_key.columns[0]
        forged = row | {key.name: _another(row[key.name], key.type.python_type)}
        assert _found(connection, table.insert().values(forged))


async def test_a_trace_that_is_taken_away_or_made_up_is_found(file: Path) -> None:
    with behind_its_back(url(file)) as connection:
        for run, trace in ("done", ""), ("refused", "[]"), ("running", "[]"):
            change = runs.update().where(runs.c.id == run).values(trace=trace)
            (found,) = _found(connection, change)
            assert "decision, answer or trace is not as event" in found


async def test_texts_that_changed_places_are_found(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await ended(journal, "c1")
        await scheduled(journal, schedule(1e9, "s1"))
    with behind_its_back(url(tmp_path / "j.db")) as connection:
        (theirs,) = connection.execute(sa.select(runs.c.answer).where(runs.c.id == "of-s1")).one()
        mine = runs.update().where(runs.c.id == "c1").values(answer=theirs)
        assert _found(connection, mine) == [
            "command c1: decision, answer or trace is not as event 6 (c1) tells",
        ]


async def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await ended(journal, "c1")
    with behind_its_back(url(tmp_path / "j.db")) as connection:
        for change, said in [
            (events.delete().where(events.c.sequence == 3), [
                "event 4 (c1) comes after event 2: what was between is gone",
            ]),
            (events.update().where(events.c.sequence == 3).values(state="failed"), [
                "event 3 (c1) is not as it was written",
            ]),
            (events.delete().where(events.c.sequence == 6), [
                "the last event is 5, and not event 6 as it was sealed",
                "command c1: state is not as event 3 (c1) tells",
                "command c1: ended is not as event 3 (c1) tells",
                "command c1: decision, answer or trace is not as event 3 (c1) tells",
            ]),
            (runs.delete(), ["command c1 is gone: event 1 (c1) tells of it"]),
            (seal.delete(), [
                "the seal is gone or damaged: nothing says where the events begin and end",
            ]),
        ]:  # fmt: skip
            assert _found(connection, change)[: len(said)] == said


async def test_of_a_journal_of_release_0_1_what_is_known_is_looked_at(tmp_path: Path) -> None:
    older_journal(tmp_path / "j.db")
    file = sa.URL.create("sqlite", database=str(tmp_path / "j.db"))
    engine = connect_to(file)
    opening.prepare(engine, tmp_path / "hub-id")
    engine.dispose()
    assert look(file).faults == ()
    with behind_its_back(file) as connection:
        for column in (runs.c.command, runs.c.answer, runs.c.user, steps.c.outcome):
            table = column.table
            assert isinstance(table, sa.Table)
            assert _found(connection, table.update().values({column: '{"other": 1}'})), column
        for column, other in [
            (steps.c.step, func.replace(steps.c.step, '"front"', '"back"')),
            (schedules.c.schedule, func.replace(schedules.c.schedule, "lamp", "heater")),
            (schedules.c.next, schedules.c.next + 60),
            (runs.c.question, "which?"),
        ]:
            table = column.table
            assert isinstance(table, sa.Table)
            assert _found(connection, table.update().values({column: other})), column
        assert _found(connection, steps.delete().where(steps.c.index == 1))


def test_a_question_of_release_0_1_is_looked_at(tmp_path: Path) -> None:
    file = sa.URL.create("sqlite", database=str(tmp_path / "j.db"))
    older_journal(tmp_path / "j.db")
    with behind_its_back(file) as connection:
        connection.exec_driver_sql(
            "UPDATE runs SET state = 'awaiting_answer', question = 'which?' WHERE id = 'new'"
        )
        connection.exec_driver_sql(
            "INSERT INTO events (run, state, at) VALUES ('new', 'awaiting_answer', 1)"
        )
        connection.commit()
    engine = connect_to(file)
    opening.prepare(engine, tmp_path / "hub-id")
    engine.dispose()
    assert look(file).faults == ()
    with behind_its_back(file) as connection:
        change = runs.update().where(runs.c.id == "new").values(question="who?")
        assert _found(connection, change) == [
            "command new: question is not as event 17 (new) tells"
        ]


@pytest.mark.sqlite
def test_no_byte_of_the_file_changes_unnoticed(file: Path, tmp_path: Path) -> None:
    written = file.read_bytes()
    with behind_its_back(url(file)) as connection:
        whole = _told(content(connection))
    chance = random.Random(22)
    unseen = []
    for flip in range(FLIPS):
        folder = tmp_path / str(flip)
        folder.mkdir()
        shutil.copy(tmp_path / "hub-id", folder)
        at, bits = chance.randrange(len(written)), chance.randrange(1, 256)
        damaged = bytearray(written)
        damaged[at] ^= bits
        (folder / "journal.db").write_bytes(damaged)
        if not _noticed(folder / "journal.db", whole):
            unseen.append((at, bits))
    assert unseen == []


@pytest.mark.sqlite
def test_no_journal_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(JournalUnavailable, match=r"j\.db: there is no journal here"):
        look(url(tmp_path / "j.db"))
    older_journal(tmp_path / "older.db")
    with pytest.raises(HubError, match=r"release 0\.1: start the hub once"):
        look(url(tmp_path / "older.db"))
    (tmp_path / "bad.db").write_bytes(b"no journal" * 1000)
    with pytest.raises(JournalUnavailable, match="not a database"):
        look(url(tmp_path / "bad.db"))


def _another(value: Any, kind: type) -> Any:
    """A value that differs, for a column of this kind."""
    if value is None:
        return kind(1) if kind is not str else "x"
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1, *value[1:]]) if value else b"x"
    return f"{value}x" if isinstance(value, str) else value + 1000


def _same(table: sa.Table, row: dict[str, Any]) -> sa.ColumnElement[bool]:
    return sa.and_(*(column == row[column.name] for column in table.primary_key.columns))


def _found(connection: sa.Connection, change: sa.Executable) -> list[str]:
    """What the audit finds after a change, which is taken back."""
    assert connection.execute(change).rowcount
    found = list(faults(connection))
    connection.rollback()
    return found


def _told(kept: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """What is kept, but for what no event tells of."""
    return {
        table: [{c: v for c, v in row.items() if not _untold(table, c, row)} for row in rows]
        for table, rows in kept.items()
    }


def _untold(table: str, column: str, row: dict[str, Any]) -> bool:
    """Whether no event tells of it, or not before the command has ended."""
    until_the_end = table == "runs" and column in DECIDED and row["ended"] is None
    return until_the_end or f"{table}.{column}" in UNTOLD


def _noticed(file: Path, whole: dict[str, list[dict[str, Any]]]) -> bool:
    """Whether a hub refuses the file, or the audit finds what is wrong, or nothing is."""
    engine = connect_to(sa.URL.create("sqlite", database=str(file)))
    try:
        opening.prepare(engine, file.with_name("hub-id"))
        with engine.connect() as connection:
            return any(faults(connection)) or _told(content(connection)) == whole
    except (HubError, sa.exc.DBAPIError, UnicodeDecodeError):  # SQLite's message may be damaged too
        return True
    finally:
        engine.dispose()
