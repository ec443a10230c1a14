"""A hub's state in one archive: the journal as a SQLite file, whatever it is kept in, and the files
beside it.
"""

import contextlib
import itertools
import os
import secrets
import shutil
import tarfile
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from orchestrator import taught
from orchestrator.disk import sync
from orchestrator.journal import audit, opening
from orchestrator.journal import engine as engines
from orchestrator.journal.reading import plain, reading, rows
from orchestrator.journal.tables import metadata, seal
from schemas.errors import HubError

JOURNAL, MARK, LOCK = "journal.db", "hub-id", "lock"
_STAYS = (LOCK, MARK, "files", "backups", "before-restore-*", "*.partial", "*.tar.gz")
_PASSES = (f"{JOURNAL}*", "broker/pid", "broker/mosquitto.db*")
"""What is in no backup as a file; messages that were on their way are not sent again."""
_VERSION = sa.Table(
    "alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True)
)
_BATCH = 1000


class NoBackup(HubError):
    """The state of the hub cannot be backed up, or not restored."""

    code = "storage"


def backup(
    url: sa.URL, state: Path, target: Path, stopped: Callable[[], bool] = lambda: False
) -> None:
    """Write the state to an archive, beside a running hub or without one. NoBackup where the
    journal is not as it was written, the archive cannot be written, or it was stopped."""
    try:
        _check_target(target)
        partial = target.parent / f"octopus-{secrets.token_hex(8)}.partial"
        with empty(partial):
            _snapshot(url, partial, stopped)
            _packed(partial, state, stopped).replace(target)
        sync(target.parent)
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


def _snapshot(url: sa.URL, folder: Path, stopped: Callable[[], bool]) -> None:
    """The journal as a SQLite file, and the mark of the hub that it is of."""
    engine = sa.create_engine(journal_in(folder))
    # SQLite asks as it works, and gives up when it is told so.
    sa.event.listen(engine, "connect", lambda made, _: made.set_progress_handler(stopped, 1000))
    try:
        with reading(url) as source, engine.begin() as made:
            metadata.create_all(made)
            _VERSION.create(made)
            made.execute(_VERSION.insert(), {"version_num": opening.NEWEST})
            copy(source, made)
        with engine.connect() as made:
            wrong = next(audit.faults(made), None)
            if wrong:
                said = "is not as it was written, so no backup was made"
                raise NoBackup(f"{engines.name(url)} {said}: {wrong}")
            hub = made.execute(sa.select(seal.c.hub)).scalar_one()
    finally:
        engine.dispose()
    (folder / MARK).write_text(f"{hub}\n", encoding="utf-8")


def journal_in(folder: Path) -> sa.URL:
    """The journal as it is in an archive."""
    return sa.URL.create("sqlite", database=str(folder / JOURNAL))


def copy(source: sa.Connection, target: sa.Connection) -> None:
    """Every row of a journal into the empty tables of another."""
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
        if path.is_symlink() or stays(name) or _is_one(name, *_PASSES):
            continue
        if under == f"{taught.FOLDER}/" and path.is_dir() and path != using:
            continue  # one that another came from
        if path.is_dir():
            yield from _files(path, f"{name}/")
        elif path.is_file():
            yield name, path


def stays(name: str) -> bool:
    """Whether a file of the state folder is in no backup, and stays where it is."""
    return _is_one(name, *_STAYS)


def _is_one(name: str, *patterns: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


@contextlib.contextmanager
def empty(folder: Path) -> Iterator[None]:
    """A folder to work in, whatever an earlier attempt left of it; gone afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
