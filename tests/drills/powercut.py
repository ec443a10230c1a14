"""Power cuts: what the journal told SQLite, told again on a disk that keeps only what was synced.

Of what was written to a file since its last sync, each write is kept, lost or torn by itself, as
the seed wills. That a file was made or removed is kept at once.
"""

from __future__ import annotations

import bisect
import itertools
import random
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import sqlalchemy as sa

from orchestrator.journal import Journal
from schemas.command import Command
from schemas.execution import Decision, RunState
from schemas.outcome import Done, Evidence
from schemas.plan import Plan, Step

COMMITS_EACH = 3
"""Of a command of one call: accepted, dispatched, ended."""
OPERATIONS = 20
"""Writes and syncs of one commit, more or less."""
MOMENTS = 200
"""Power cuts in one replay, more or less."""
JOURNAL = "/journal.db"
SECTOR = 4096
DONE = Done(evidence=Evidence.VERIFIED, detail="Photo taken")
PLAN = Plan(
    steps=(Step(index=0, function="take_a_photo", arguments={"camera": "front"}, device="p1"),)
)
FIRST = frozenset({0})
_names = itertools.count()


@dataclass(frozen=True)
class Told:
    """The statements that opened a journal, and those of its work."""

    opening: Sequence[str]
    work: Sequence[str]


@dataclass
class Found:
    """What the power cuts of one replay did."""

    commits: int = 0
    cuts: int = 0
    damaged: int = 0  # cuts that left no whole database, or half a commit
    lost: int = 0  # commits that had returned and were gone, the cuts taken together
    left: dict[str, bytes] = field(default_factory=dict, repr=False)  # files, by the last cut


class Disk:
    """Files by name, and what each was told since it was synced."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = {name: File(self, content) for name, content in (files or {}).items()}
        self.cuts: list[dict[str, bytes]] = []
        """What was left at each moment at which the power failed."""
        self.likely = 0.0
        """How probable a cut is after each write and sync."""
        self.random = random.Random()

    def cut(self) -> None:
        """Let the power fail now; whoever writes does not notice."""
        self.cuts.append({name: file.left(self.random) for name, file in self.files.items()})

    def operated(self) -> None:
        """A write or a sync is through."""
        if self.random.random() < self.likely:
            self.cut()


class File:
    """One file as SQLite's file system has it: its methods are those that apsw calls."""

    def __init__(self, disk: Disk, content: bytes = b"") -> None:
        self._disk = disk
        self._now, self._synced = bytearray(content), bytearray(content)
        self._since: list[tuple[int, bytes | None]] = []  # None: the file ends there

    def left(self, chance: random.Random) -> bytes:
        """What a power cut leaves of it."""
        found = bytearray(self._synced)
        for offset, data in self._since:
            kept = chance.choice(("kept", "lost", "torn"))
            if kept == "torn" and data is not None:
                data = data[: chance.randrange(len(data))]
            if kept != "lost":
                _put(found, offset, data)
        return bytes(found)

    def _change(self, offset: int, data: bytes | None) -> None:
        _put(self._now, offset, data)
        self._since.append((offset, data))
        self._disk.operated()

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._change(offset, bytes(data))

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._change(size, None)

    def xSync(self, _flags: int) -> None:  # noqa: N802
        for offset, data in self._since:
            _put(self._synced, offset, data)
        self._since.clear()
        self._disk.operated()

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        return bytes(self._now[offset : offset + amount])

    def xFileSize(self) -> int:  # noqa: N802
        return len(self._now)

    def xSectorSize(self) -> int:  # noqa: N802
        return SECTOR

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        """As SQLite takes it for granted of every Unix: a torn write harms nothing beside it."""
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE

    def xFileControl(self, _operation: int, _pointer: int) -> bool:  # noqa: N802
        return False

    def xLock(self, _level: int) -> None:  # noqa: N802
        """Nobody else is there."""

    xUnlock = xLock  # noqa: N815

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xClose(self) -> None:  # noqa: N802
        """The disk has it."""


def _put(content: bytearray, offset: int, data: bytes | None) -> None:
    """Write into a file, or end it there; what lies between its end and the offset is zeros."""
    if data is None:
        del content[offset:]
        return
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data


class FileSystem(apsw.VFS):
    """A disk, for SQLite."""

    def __init__(self, disk: Disk) -> None:
        self.name, self._disk = f"power-{next(_names)}", disk
        super().__init__(self.name, "")

    def xOpen(self, name: Any, _flags: list[int]) -> Any:  # noqa: N802
        if name is None:
            return File(Disk())
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        return self._disk.files.setdefault(path, File(self._disk))

    def xDelete(self, path: str, _sync: bool) -> None:  # noqa: N802
        self._disk.files.pop(path, None)

    def xAccess(self, path: str, _flags: int) -> bool:  # noqa: N802
        return path in self._disk.files

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        return name


async def told(file: Path, commits: int) -> Told:
    """What SQLite is told while a journal keeps one command after the other."""
    with _listening() as heard:
        async with Journal(file) as journal:
            opening = list(heard)
            for number in range(-(-commits // COMMITS_EACH)):
                await _keep(journal, f"c{number}")
            await journal.get("c0")  # whatever came before it has been committed and heard
            work = heard[len(opening) :]
    return Told(opening, work)


async def _keep(journal: Journal, run: str) -> None:
    await journal.accept(Command(id=run, text="Take a photo", user="local", door="cli"))
    await journal.decide(
        run, Decision.ACT, reason="", model_text="<nexa_0>", confidence=0.9, plan=PLAN, start=FIRST
    )
    await journal.end(run, lambda _: DONE, lambda _: (RunState.SUCCEEDED, "Photo taken"))


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Every statement and pragma of every connection made in the block, with its values."""
    heard: list[str] = []

    def connected(connection: Any, _: object) -> None:
        connection.set_trace_callback(heard.append)

    sa.event.listen(sa.Engine, "connect", connected)  # before the engine's own, which set pragmas
    try:
        yield heard
    finally:
        sa.event.remove(sa.Engine, "connect", connected)


def replay(told: Told, commits: int, seed: int, synchronous: str = "FULL") -> Found:
    """So many commits again, with power cuts in each and after the last; what they did.

    `synchronous` takes the place of the journal's own, which is FULL.
    """
    disk, found, last = Disk(), Found(), [0]
    disk.random = random.Random(seed)
    with closing(_opened(disk)) as connection:
        for statement in told.opening:
            _run(connection, statement.replace("synchronous=FULL", f"synchronous={synchronous}"))
        disk.likely = MOMENTS / (commits * OPERATIONS)
        for statement in told.work:
            _run(connection, statement)
            _examine(disk, last, found)
            if statement == "COMMIT":
                last.append(_events(connection))
                found.commits += 1
                disk.cut()
                _examine(disk, last, found)
            if found.commits == commits:
                break
        disk.likely = 0.0  # what closing does is not the journal's
    return found


def _opened(disk: Disk) -> apsw.Connection:
    system = FileSystem(disk)
    connection = apsw.Connection(JOURNAL, vfs=system.name)
    # The index of the write-ahead log is shared memory, which this file system does not have.
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    return connection


def _run(connection: apsw.Connection, statement: str) -> None:
    connection.execute(statement).fetchall()


def _events(connection: apsw.Connection) -> int:
    """How many events the journal has, by its seal."""
    return _number(connection, "SELECT last FROM seal")


def _number(connection: apsw.Connection, query: str) -> int:
    found = connection.execute(query).fetchall()[0][0]
    assert isinstance(found, int)
    return found


def _examine(disk: Disk, last: list[int], found: Found) -> None:
    """Look at what each cut left; `last` are the events there were after each commit."""
    for files in disk.cuts:
        found.cuts += 1
        survived = events_of(files)
        if survived is None:
            found.damaged += 1
        else:
            found.lost += len(last) - bisect.bisect_right(last, survived)
        found.left = files
    disk.cuts.clear()


def events_of(files: dict[str, bytes]) -> int | None:
    """How many events a journal has after a power cut; None where it is damaged."""
    try:
        with closing(_opened(Disk(files))) as connection:
            if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                return None
            if not connection.table_exists(None, "seal"):
                return 0  # whole, and as it was before the journal was made
            counted = _number(connection, "SELECT count(*) FROM events")
            return counted if counted == _events(connection) else None
    except apsw.Error:
        return None
