"""Files that are on the disk, and the hub's own."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


def give(path: Path, owner: Path) -> None:
    """A hub that runs as a user of its own must read what root wrote: it belongs to whom `owner`
    belongs to."""
    if os.geteuid() == 0:
        like = owner.stat()
        os.chown(path, like.st_uid, like.st_gid)


def write_private(file: Path, text: str) -> None:
    """Replace a file at once by one that only the owner of its folder can read, from its first byte
    on."""
    new = file.with_name(f".{file.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    give(new, file.parent)
    new.replace(file)


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold this lock, which is waited for: the hub and command lines change a file one by one."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w") as lock:
        give(file, file.parent)
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sync(path: Path) -> None:
    """A file, or the names in a folder, are on the disk afterwards."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
