"""Is what the hub keeps private, whole, and is there room for more?"""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from orchestrator.doctor.checks import Check, good, warning, wrong
from orchestrator.journal import engine
from orchestrator.journal.reading import reading
from orchestrator.settings import Settings
from schemas.errors import HubError

LEAST, LITTLE = 100 * 10**6, 10**9
"""Bytes of room: under the first nothing may be written soon, under the second is worth a look."""
_OTHERS = 0o077


def kept_checks(settings: Settings) -> Iterator[Check]:
    """The state folder, the files with passwords, the journal, and the disk."""
    folder = settings.state
    if folder.is_dir():
        yield from _folder(folder)
    elif folder.exists():
        yield wrong("state", f"{folder} is no folder", "set hub.state in hub.toml")
    else:
        yield good("state", f"{folder} is not there yet: made at the hub's first start")
    yield from _secrets(settings)
    yield _journal(settings)
    yield _room(folder)


def _folder(folder: Path) -> Iterator[Check]:
    look = folder.stat()
    me = os.geteuid()
    if me not in (0, look.st_uid):
        todo = f"sudo chown -R {me} {folder}, or be that user"
        yield wrong("state", f"{folder} belongs to user {look.st_uid}, and not to {me}", todo)
        return
    if look.st_mode & _OTHERS:
        yield wrong("state", f"{folder} is open to others", f"chmod 700 {folder}")
    others, foreign = [], []
    for file in _files(folder):
        with contextlib.suppress(OSError):  # gone meanwhile
            its = file.lstat()
            if stat.S_ISREG(its.st_mode) and its.st_mode & _OTHERS:
                others.append(file)
            if its.st_uid != look.st_uid:
                foreign.append(file)
    if foreign:
        said = f"{foreign[0]}{_more(foreign)} belongs to another user than the folder"
        yield wrong("state", said, f"chown -R --reference={folder} {folder}")
    if others:
        said = f"{others[0]}{_more(others)} may be read by others, were the folder open"
        yield warning("state", said, f"chmod -R go-rwx {folder}")
    if not (look.st_mode & _OTHERS or foreign or others):
        yield good("state", f"{folder} is its owner's alone")


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        yield from (Path(where, name) for name in (*folders, *files))


def _more(found: list[Path]) -> str:
    return f" (and {len(found) - 1} more)" if len(found) > 1 else ""


def _secrets(settings: Settings) -> Iterator[Check]:
    """Files that hub.toml names for passwords and keys."""
    named = {
        "broker.password_file": settings.broker.password_file,
        "store.password_file": settings.store.password_file,
        "email.password_file": settings.email.password_file,
        "model.key_file": settings.model.key_file,
        "broker.key_file": settings.broker.key_file,
        "http.key_file": settings.http.key_file,
    }
    for setting, file in named.items():
        if not file:
            continue
        try:
            mode = Path(file).stat().st_mode
        except OSError as error:
            yield wrong(setting, f"{file}: {error.strerror}", "write it, or leave the setting out")
            continue
        if mode & _OTHERS:
            yield warning(setting, f"{file} may be read by others", f"chmod 600 {file}")
        else:
            yield good(setting, f"{file} is its owner's alone")


def _journal(settings: Settings) -> Check:
    """Whether it can be read, and its file is whole; every row is `octopus audit`'s to look at."""
    file = settings.state / "journal.db"
    if not settings.store.url and not file.exists():
        return good("journal", "none yet: made at the hub's first start")
    try:
        url = engine.at(settings.store.address(), file)
        with reading(url) as connection:
            if connection.dialect.name != "sqlite":
                return good("journal", "the database answers")
            said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    except HubError as error:
        return wrong("journal", str(error), _BRING_BACK)
    if said != "ok":
        return wrong("journal", f"the file is damaged: {said}", _BRING_BACK)
    return good("journal", "the file is whole (octopus audit looks at every row)")


_BRING_BACK = "octopus restore brings back a backup of the folder backups"


def _room(folder: Path) -> Check:
    there = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        return wrong("disk", f"{there}: {error.strerror}")
    said = f"{free / 1e9:,.1f} GB free at {there}"
    if free < LEAST:
        return wrong("disk", said, "make room: without it nothing is written down, so nothing done")
    return good("disk", said) if free >= LITTLE else warning("disk", said, "make room")
