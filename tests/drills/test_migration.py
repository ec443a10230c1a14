"""An older journal, and a hub that is killed while it brings it up to date."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import config
from alembic.command import upgrade

from orchestrator import trace
from orchestrator.journal import Journal, engine
from orchestrator.journal.engine import connect_to
from schemas.execution import RunState, StageName
from tests.hubkit import older_journal
from tests.journalkit import DONE, wrong

ROOT = Path(__file__).parent.parent.parent
ROUNDS, MANY, SEED = 6, 3000, 5
_OPEN = """
import asyncio, sys
from pathlib import Path
from orchestrator.journal import Journal

async def main():
    print("now", flush=True)
    async with Journal(Path(sys.argv[1])):
        print("open", flush=True)

asyncio.run(main())
"""


async def test_a_migration_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    file = tmp_path / "journal.db"
    older_journal(file)
    with closing(sqlite3.connect(file)) as old, old:
        old.executemany(
            "INSERT INTO runs (id, user, command, state, created, ended, answer) SELECT ?, user,"
            " command, state, created, ended, answer FROM runs WHERE id = 'done'",
            [(f"done{n}",) for n in range(MANY)],
        )
        old.executemany(
            "INSERT INTO events (run, state, at) VALUES (?, 'succeeded', 1)",
            [(f"done{n}",) for n in range(MANY)],
        )
    cut = 0
    for _ in range(ROUNDS):
        cut += await asyncio.to_thread(_killed_while_opening, file, rng.uniform(0, 0.4))
    assert cut, "no round was cut: the drill drills nothing"
    async with Journal(file) as journal:
        assert len(await journal.unfinished()) == 2
        kept = await journal.latest(MANY + 10, "ann")
        assert len(kept) == MANY + 3
        assert {record.answer for record in kept if record.command.id.startswith("done")} == {
            "Took a photo on Pixel"
        }


def _killed_while_opening(file: Path, after: float) -> bool:
    """Whether the kill came before the journal was open."""
    with subprocess.Popen(
        [sys.executable, "-c", _OPEN, str(file)], stdout=subprocess.PIPE, cwd=ROOT
    ) as hub:
        assert hub.stdout is not None
        assert hub.stdout.readline() == b"now\n"
        try:
            hub.wait(after)
        except subprocess.TimeoutExpired:
            os.kill(hub.pid, signal.SIGKILL)
        return b"open" not in hub.stdout.read()


@pytest.mark.both_stores
async def test_a_journal_of_the_revision_before_is_whole_and_has_traces_from_now_on(
    tmp_path: Path,
) -> None:
    file = tmp_path / "journal.db"
    _of_revision_0002(file, tmp_path)
    async with Journal(file) as journal:
        done, asked = await journal.get("done"), await journal.get("asked")
        assert done is not None
        assert (done.state, done.answer, done.trace) == (RunState.SUCCEEDED, "Took a photo", ())
        assert asked is not None
        assert asked.state is RunState.AWAITING_ANSWER
        with trace.begun():
            refused = (RunState.REFUSED, "no")
            ended = await journal.end("asked", lambda record: DONE, lambda _: refused)
        assert ended is not None
        assert [stage.name for stage in ended.trace] == [StageName.JOURNAL]
        assert await journal.get("asked") == ended
    assert wrong(file) == []


def _of_revision_0002(file: Path, folder: Path) -> None:
    """The journal of a hub of that revision, wherever this test's journals are."""
    older_journal(folder / "older.db", "0002")
    source, target = (
        connect_to(sa.URL.create("sqlite", database=str(folder / "older.db"))),
        connect_to(engine.at("", file)),
    )
    told = config.Config()
    told.set_main_option("script_location", "orchestrator.journal:migrations")
    try:
        with source.connect() as old, target.begin() as new:
            told.attributes["connection"] = new
            upgrade(told, "0002")
            new.exec_driver_sql("DELETE FROM seal")
            tables = sa.MetaData()
            tables.reflect(old)
            for table in tables.sorted_tables:
                if table.name != "alembic_version":
                    rows = [dict(row) for row in old.execute(sa.select(table)).mappings()]
                    new.execute(table.insert(), rows)
            hub = old.execute(sa.select(tables.tables["seal"].c.hub)).scalar_one()
    finally:
        source.dispose()
        target.dispose()
    (folder / "hub-id").write_text(f"{hub}\n")
