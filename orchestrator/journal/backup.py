"""A hub's state in one archive, and back: the journal as a SQLite file, whatever it is kept in, and
the files beside it.
"""

import contextlib
import fcntl
import gzip
import itertools
import os
import shutil
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from orchestrator import taught, texts
from orchestrator.journal import audit, opening
from orchestrator.journal import engine as engines
from orchestrator.journal import schedules as scheduled
from orchestrator.journal.engine import JournalUnavailable
from orchestrator.journal.opening import JournalUnusable
from orchestrator.journal.reading import plain, reading, rows
from orchestrator.journal.records import Records
from orchestrator.journal.tables import events, metadata, runs, schedules, seal
from orchestrator.times.rhythms import following
from schemas.errors import HubError
from schemas.execution import Execution, RunState, StepRecord, StepState
from schemas.outcome import Outcome, Skipped, Unknown
from schemas.schedule import Schedule

JOURNAL, MARK, LOCK = "journal.db", "hub-id", "lock"
_STAYS = (LOCK, MARK, "files", "backups", "before-restore-*", "*.partial", "*.tar.gz")
"""What of a state folder is in no backup, and stays where it is."""
_PASSES = (f"{JOURNAL}*", "broker/pid", "broker/mosquitto.db*")
"""What is in no backup as a file; messages that were on their way are not sent again."""
_VERSION = sa.Table(
    "alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True)
)
_BATCH = 1000


class NoBackup(HubError):
    """The state of the hub cannot be backed up, or not restored."""

    code = "storage"


@dataclass(frozen=True)
class Restored:
    """What came of a restore."""

    aside: Path | None  # where what was there before is now; None where there was nothing
    passed: int  # schedules that had an occurrence since the backup, which is not run again


def backup(
    url: sa.URL, state: Path, target: Path, stopped: Callable[[], bool] = lambda: False
) -> None:
    """Write the state to an archive, beside a running hub or without one. NoBackup where the
    journal is not as it was written, the archive cannot be written, or it was stopped."""
    try:
        _check_target(target)
        with _beside(target) as partial:
            _snapshot(url, partial, stopped)
            _packed(partial, state, stopped).replace(target)
        _sync(target.parent)
    except OSError as error:
        said = f"{error.filename or target}: {error.strerror or error}"
        raise NoBackup(f"{said}: no backup made") from error


def _check_target(target: Path) -> None:
    if target.is_dir() or not target.name:
        raise NoBackup(f"{target} is a folder: name a file in it")
    if target.exists() and not target.is_file():
        raise NoBackup(f"{target} is no regular file: no backup made")
    if not target.parent.is_dir():
        raise NoBackup(f"{target}: there is no such folder: no backup made")


def restore(archive: Path, url: sa.URL, state: Path, replace: bool = False) -> Restored:
    """Put a backup in place of the state. NoBackup says what is in the way; nothing is changed
    then.

    Until the last step the hub's mark fits no journal: a hub that is started after a restore was
    cut off refuses, and the restore can be done again.
    """
    aside = state / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    fresh = state / "restore.partial"
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _without_hub(state), _empty(fresh):
            if url.get_backend_name() == "sqlite" and not replace:
                _check_free(url)
            _unpack(archive, fresh)
            passed = _check(archive, fresh)
            _settle(fresh, state)
            if url.get_backend_name() == "sqlite":
                _swap(fresh, state, aside)
                (fresh / JOURNAL).replace(state / JOURNAL)
            else:
                _load(url, fresh, lambda: _swap(fresh, state, aside))
            (fresh / MARK).replace(state / MARK)
            _sync(state)
    except OSError as error:
        raise NoBackup(f"{error.filename or archive}: {error.strerror}: not restored") from error
    return Restored(aside if aside.exists() else None, passed)


def _snapshot(url: sa.URL, folder: Path, stopped: Callable[[], bool]) -> None:
    """The journal as a SQLite file, and the mark of the hub that it is of."""
    engine = sa.create_engine(_sqlite(folder / JOURNAL))
    # SQLite asks as it works, and gives up when it is told so.
    sa.event.listen(engine, "connect", lambda made, _: made.set_progress_handler(stopped, 1000))
    try:
        with reading(url) as source, engine.begin() as made:
            metadata.create_all(made)
            _VERSION.create(made)
            made.execute(_VERSION.insert(), {"version_num": opening.NEWEST})
            _copy(source, made)
        with engine.connect() as made:
            wrong = next(audit.faults(made), None)
            if wrong:
                said = "is not as it was written, so no backup was made"
                raise NoBackup(f"{engines.name(url)} {said}: {wrong}")
            hub = made.execute(sa.select(seal.c.hub)).scalar_one()
    finally:
        engine.dispose()
    (folder / MARK).write_text(f"{hub}\n", encoding="utf-8")


def _sqlite(file: Path) -> sa.URL:
    return sa.URL.create("sqlite", database=str(file))


def _copy(source: sa.Connection, target: sa.Connection) -> None:
    for table in metadata.sorted_tables:
        its = plain(table)
        found = rows(source, sa.select(its))
        while batch := list(itertools.islice(found, _BATCH)):
            try:
                target.execute(its.insert(), batch)
            except DBAPIError as error:
                said = f"{engines.name(target.engine.url)}: cannot be written"
                raise NoBackup(f"{said}: {opening.line(error)}") from error


def _packed(folder: Path, state: Path, stopped: Callable[[], bool]) -> Path:
    """The archive of a snapshot and what is beside the journal; on the disk once it is there."""
    archive = folder / "archive"
    descriptor = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=6) as tar:
            for name in (MARK, JOURNAL):
                tar.add(folder / name, name)
            for name, path in _files(state):
                if stopped():
                    raise NoBackup("interrupted: no backup made")
                # The hub may just replace it: then it is as it was when it was opened.
                with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
                    tar.addfile(_member(name, os.fstat(file.fileno())), file)
        stream.flush()
        os.fsync(stream.fileno())
    return archive


def _member(name: str, found: os.stat_result) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mtime = found.st_size, int(found.st_mtime)
    return member


def _files(folder: Path, under: str = "") -> Iterator[tuple[str, Path]]:
    """What a hub needs again; files before folders, for some name a folder that must be there."""
    using = taught.current(folder.parent) if under == f"{taught.FOLDER}/" else None
    for path in sorted(folder.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        name = under + path.name
        if path.is_symlink() or _is_one(name, *_STAYS, *_PASSES):
            continue
        if under == f"{taught.FOLDER}/" and path.is_dir() and path != using:
            continue  # one that another came from
        if path.is_dir():
            yield from _files(path, f"{name}/")
        elif path.is_file():
            yield name, path


def _is_one(name: str, *patterns: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _check_free(url: sa.URL) -> None:
    """NoBackup where there is a journal; a hub that found none may have left an empty file."""
    where = engines.name(url)
    if not Path(where).exists():
        return
    engine = engines.connect_to(url, read_only=True)
    try:
        with engine.connect() as connection:
            free = not sa.inspect(connection).has_table("runs")
    except DBAPIError:
        free = False
    finally:
        engine.dispose()
    if not free:
        raise NoBackup(f"{where}: there is a journal here already: --replace moves it aside")


def _unpack(archive: Path, folder: Path) -> None:
    try:
        with gzip.open(archive) as whole:  # to its end: only there is the checksum
            while whole.read(1 << 20):
                pass
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(folder, [m for m in tar if m.isreg()], filter="data")
    except (gzip.BadGzipFile, EOFError, zlib.error, tarfile.TarError) as error:
        raise NoBackup(f"{archive} is damaged, or no backup: {error}") from error
    if missing := [name for name in (JOURNAL, MARK) if not (folder / name).is_file()]:
        raise NoBackup(f"{archive} is no backup of a hub: it has no {missing[0]}")


def _check(archive: Path, folder: Path) -> int:
    """Bring the journal to this release and to this moment, and see that it is as it was written;
    says how many schedules had an occurrence meanwhile."""
    engine = engines.connect_to(_sqlite(folder / JOURNAL))
    try:
        with engine.connect() as connection:
            revision = opening.revision(connection)
        if revision not in (None, *opening.KNOWN):
            raise NoBackup(
                f"{archive} is of a newer release (its tables are {revision}, this one knows"
                f" {opening.NEWEST}): install that release first"
            )
        opening.prepare(engine, folder / MARK)
        with engine.connect() as connection:
            if wrong := next(audit.faults(connection), None):
                raise NoBackup(f"{archive} is not as it was written: {wrong}")
        return _caught_up(engine)
    except (JournalUnavailable, JournalUnusable) as error:
        said = str(error).replace(str(folder / JOURNAL), "its journal")
        raise NoBackup(f"{archive}: {said}") from error
    except DBAPIError as error:
        raise NoBackup(f"{archive} is damaged: {opening.line(error)}") from error
    finally:
        engine.dispose()


def _caught_up(engine: sa.Engine) -> int:
    """What was under way when the backup was made has gone on since, and what was due since has
    run, as far as anybody knows: neither runs again. Says how many schedules were due."""
    now = time.time()
    with engine.begin() as connection:
        kept = Records(connection)
        kept.begin()
        for execution in kept.unfinished():
            kept.end(execution.command.id, _cut_off, _concluded)
        due = scheduled.due(kept, now)
        for schedule in due:
            _pass(kept, schedule, now)
        kept.seal()
    return len(due)


def _pass(kept: Records, schedule: Schedule, now: float) -> None:
    """Go on to the first occurrence after now; a schedule that has none ends as missed."""
    assert schedule.next is not None
    after = following(schedule.when, datetime.fromtimestamp(now, UTC))
    if after is not None:
        scheduled.rewind(kept, schedule.id, schedule.next, after.timestamp())
    else:
        scheduled.miss(kept, schedule.id, schedule.next, None, texts.BACKED_UP_BEFORE)


def _cut_off(step: StepRecord) -> Outcome:
    reason = texts.BACKED_UP_UNDER_WAY
    return (Unknown if step.state is StepState.DISPATCHED else Skipped)(reason=reason)


def _concluded(execution: Execution) -> tuple[RunState, str]:
    running = execution.state is RunState.RUNNING
    return RunState.NEEDS_ATTENTION if running else RunState.EXPIRED, texts.BACKED_UP_UNDER_WAY


def _load(url: sa.URL, fresh: Path, swap: Callable[[], None]) -> None:
    """Copy the journal into an empty database; the files are swapped before it is committed."""
    where = engines.name(url)
    engine = engines.connect_to(url)
    try:
        opening.prepare(engine, fresh / "mark.partial")  # whichever hub this was, it is no more
        with reading(_sqlite(fresh / JOURNAL)) as source, engine.begin() as target:
            target.exec_driver_sql("SET LOCAL statement_timeout = 0")
            for table in (runs, schedules, events):
                if target.execute(sa.select(sa.exists(sa.select(table)))).scalar():
                    raise NoBackup(f"{where} is not empty: restore into a new database")
            target.execute(seal.delete())
            _copy(source, target)
            if wrong := next(audit.faults(target), None):
                raise NoBackup(f"{where}: the copy is not what was copied: {wrong}")
            swap()
    finally:
        engine.dispose()


def _swap(fresh: Path, state: Path, aside: Path) -> None:
    """The new files for the old, which go aside; the journal and the mark are still to come."""
    old = [path for path in sorted(state.iterdir()) if not _is_one(path.name, *_STAYS)]
    mark = state / MARK
    if old or mark.exists():
        aside.mkdir(mode=0o700)
        _give(aside, state)
    if mark.exists():
        shutil.copy2(mark, aside)
    guard = fresh / "guard.partial"
    guard.write_text("a restore is under way\n", encoding="utf-8")
    _give(guard, state)
    guard.replace(mark)
    _sync(state)
    # The journal first: without one, and with a mark, a hub asks for a restore.
    for path in sorted(old, key=lambda path: not path.name.startswith(JOURNAL)):
        path.rename(aside / path.name)
    for folder in (aside, state):
        if folder.exists():
            _sync(folder)
    for path in sorted(fresh.iterdir()):
        if path.name != JOURNAL and not _is_one(path.name, *_STAYS):
            path.rename(state / path.name)
    _sync(state)


@contextlib.contextmanager
def _without_hub(state: Path) -> Iterator[None]:
    """Hold the state folder, as a hub does that runs."""
    with (state / LOCK).open("w") as lock:
        _give(state / LOCK, state)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NoBackup(f"{state}: a hub runs with this folder: stop it first") from error
        yield


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A new folder to work in, on the same disk; gone afterwards."""
    made = Path(tempfile.mkdtemp(prefix="octopus-", suffix=".partial", dir=target.parent))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def _empty(folder: Path) -> Iterator[None]:
    """A folder to work in, whatever an earlier attempt left of it; gone afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _settle(folder: Path, state: Path) -> None:
    """All of it is the hub's own, for nobody else to read, and on the disk."""
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o700 if path.is_dir() else 0o600)
        _give(path, state)
        _sync(path)


def _give(path: Path, state: Path) -> None:
    """A hub that runs as a user of its own must read what root restored."""
    if os.geteuid() == 0:
        like = state.stat()
        os.chown(path, like.st_uid, like.st_gid)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
