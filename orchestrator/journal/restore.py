"""A backup is put in place of a hub's state, whatever its journal is kept in."""

import contextlib
import gzip
import shutil
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from orchestrator import texts
from orchestrator.disk import give, locked, sync
from orchestrator.journal import audit, opening
from orchestrator.journal import engine as engines
from orchestrator.journal import schedules as scheduled
from orchestrator.journal.backup import (
    JOURNAL,
    LOCK,
    MARK,
    NoBackup,
    copy,
    empty,
    journal_in,
    stays,
)
from orchestrator.journal.engine import JournalUnavailable
from orchestrator.journal.opening import JournalUnusable
from orchestrator.journal.reading import reading
from orchestrator.journal.records import Records
from orchestrator.journal.tables import events, runs, schedules, seal
from orchestrator.times.rhythms import following
from schemas.execution import Execution, RunState, StepRecord, StepState
from schemas.outcome import Outcome, Skipped, Unknown
from schemas.schedule import Schedule


@dataclass(frozen=True)
class Restored:
    """What came of a restore."""

    aside: Path | None  # where what was there before is now; None where there was nothing
    passed: int  # schedules that had an occurrence since the backup, which is not run again


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
        with _without_hub(state), empty(fresh):
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
            sync(state)
    except OSError as error:
        raise NoBackup(f"{error.filename or archive}: {error.strerror}: not restored") from error
    return Restored(aside if aside.exists() else None, passed)


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
    engine = engines.connect_to(journal_in(folder))
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
        with reading(journal_in(fresh)) as source, engine.begin() as target:
            target.exec_driver_sql("SET LOCAL statement_timeout = 0")
            for table in (runs, schedules, events):
                if target.execute(sa.select(sa.exists(sa.select(table)))).scalar():
                    raise NoBackup(f"{where} is not empty: restore into a new database")
            target.execute(seal.delete())
            copy(source, target)
            if wrong := next(audit.faults(target), None):
                raise NoBackup(f"{where}: the copy is not what was copied: {wrong}")
            swap()
    finally:
        engine.dispose()


def _swap(fresh: Path, state: Path, aside: Path) -> None:
    """The new files for the old, which go aside; the journal and the mark are still to come."""
    old = [path for path in sorted(state.iterdir()) if not stays(path.name)]
    mark = state / MARK
    if old or mark.exists():
        aside.mkdir(mode=0o700)
        give(aside, state)
    if mark.exists():
        shutil.copy2(mark, aside)
    guard = fresh / "guard.partial"
    guard.write_text("a restore is under way\n", encoding="utf-8")
    give(guard, state)
    guard.replace(mark)
    sync(state)
    # The journal first: without one, and with a mark, a hub asks for a restore.
    for path in sorted(old, key=lambda path: not path.name.startswith(JOURNAL)):
        path.rename(aside / path.name)
    for folder in (aside, state):
        if folder.exists():
            sync(folder)
    for path in sorted(fresh.iterdir()):
        if path.name != JOURNAL and not stays(path.name):
            path.rename(state / path.name)
    sync(state)


@contextlib.contextmanager
def _without_hub(state: Path) -> Iterator[None]:
    """Hold the state folder, as a hub does that runs."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(state / LOCK, wait=False))
        except BlockingIOError as error:
            raise NoBackup(f"{state}: a hub runs with this folder: stop it first") from error
        yield


def _settle(folder: Path, state: Path) -> None:
    """All of it is the hub's own, for nobody else to read, and on the disk."""
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o700 if path.is_dir() else 0o600)
        give(path, state)
        sync(path)
