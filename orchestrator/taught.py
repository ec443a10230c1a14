"""What a person taught the hub: weights and functions kept beside the packaged ones.

A generation is a folder `<state>/taught/<number>` with whole weights and, in `functions/`, what was
taught up to it; its file `before` names the one it came from. The file `current` names the one in
use; without it the packaged weights are.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from orchestrator.disk import give, locked, sync, write_private
from schemas.errors import HubError

FOLDER, FUNCTIONS, EXAMPLES = "taught", "functions", "examples"
KEPT = 3
"""Generations that stay on the disk: the one in use and those before it."""
_CURRENT, _BEFORE = "current", "before"
Fill = Callable[[Path], None]
"""Writes a generation into an empty folder."""


class NothingTaught(HubError):
    """There is nothing to go back from."""

    code = "nothing_taught"


class CannotKeep(HubError):
    """The folder of what was taught cannot be read or written, or is being written."""

    code = "taught"


def current(state: Path) -> Path | None:
    """The folder of the generation in use; None where nothing was taught, or all was undone, or the
    state is another user's: then it is not this process that runs the hub."""
    if not os.access(state, os.X_OK):
        return None
    with _named(state):
        return _current(state / FOLDER)


def install(state: Path, fill: Fill) -> Path:
    """A new generation that `fill` writes; it is in use once everything lies on the disk, and not
    at all where `fill` fails."""
    with _locked(state) as folder:
        using = _current(folder)
        number = max((int(f.name) for f in folder.iterdir() if f.name.isdecimal()), default=0) + 1
        partial = folder / f"{number}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            fill(partial)
            (partial / _BEFORE).write_text(using.name if using else "", encoding="utf-8")
            _settle(partial, state)
            made = partial.rename(folder / str(number))
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        _point(folder, made.name)
        _prune(folder)
        return made


def undo(state: Path) -> Path | None:
    """Go back to the generation before the one in use; the folder now in use, or None for the
    packaged weights. NothingTaught where these are in use already."""
    with _locked(state) as folder:
        using = _current(folder)
        if using is None:
            raise NothingTaught("nothing was taught: the packaged weights are in use")
        _point(folder, _before(using))
        return _current(folder)


def _current(folder: Path) -> Path | None:
    try:
        number = (folder / _CURRENT).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    return folder / number if number.isdecimal() else None


def _before(generation: Path) -> str:
    """The number of the one it came from, where that is still there."""
    try:
        number = (generation / _BEFORE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    return number if number.isdecimal() and (generation.parent / number).is_dir() else ""


def _prune(folder: Path) -> None:
    """Remove what the last `KEPT` do not come from."""
    kept: set[str] = set()
    at = _current(folder)
    while at is not None and len(kept) < KEPT:
        kept.add(at.name)
        at = folder / before if (before := _before(at)) else None
    for file in folder.iterdir():
        if file.name.isdecimal() and file.name not in kept:
            shutil.rmtree(file, ignore_errors=True)


@contextlib.contextmanager
def _locked(state: Path) -> Iterator[Path]:
    """The folder, while nobody else writes in it."""
    folder = state / FOLDER
    with _named(state):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        give(folder, state)
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(folder / "lock", wait=False))
            except BlockingIOError as error:
                raise CannotKeep(f"{folder}: another teaching is under way") from error
            yield folder


@contextlib.contextmanager
def _named(state: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or state / FOLDER
        raise CannotKeep(f"{where}: {error.strerror or error}") from error


def _point(folder: Path, number: str) -> None:
    write_private(folder / _CURRENT, number)
    sync(folder)


def _settle(made: Path, owner: Path) -> None:
    """Everything in it is on the disk, and belongs to whom `owner` belongs to: a hub that runs as a
    user of its own must read what root taught it."""
    for path in (made, *made.rglob("*")):
        give(path, owner)
        sync(path)
    sync(made.parent)
