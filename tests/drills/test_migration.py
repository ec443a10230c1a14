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

from orchestrator.journal import Journal
from tests.hubkit import older_journal

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
