"""Files that are on the disk, and the hub's own."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


def give(what: Path | int, owner: Path) -> None:
    """A hub that runs as a user of its own must read what root wrote: a path or an open file
    belongs to whom `owner` belongs to. No link is followed: the hub's user may have put it there,
    and would get what it points to."""
    if os.geteuid() == 0:
        like = owner.stat()
        if isinstance(what, int):
            os.fchown(what, like.st_uid, like.st_gid)
        else:
            os.chown(what, like.st_uid, like.st_gid, follow_symlinks=False)


def write_private(file: Path, text: str) -> None:
    """Replace a file at once by one that only the owner of its folder can read, from its first byte
    on; it is on the disk, its name not yet."""
    new = file.with_name(f".{file.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        give(descriptor, file.parent)
        stream.write(text)
        stream.flush()
        os.fsync(descriptor)
    new.replace(file)


@contextlib.contextmanager
def locked(file: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold this lock: the hub and command lines change a file one by one. Who does not `wait` for
    it gets BlockingIOError where somebody else holds it."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w"):
        give(descriptor, file.parent)
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


def sync(path: Path) -> None:
    """A file, or the names in a folder, are on the disk afterwards."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
