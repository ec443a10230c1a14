"""Whether a hub runs with a state folder: it holds a lock there, which ends with its process."""

import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from schemas.errors import InvalidSettings

FILE = "lock"
_LOOK = 0.05
"""Seconds that a look at the lock takes at the very most."""


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the state folder; two hubs would run each other's commands."""
    try:
        with (folder / FILE).open("w") as lock:
            _take(lock)
            yield
    except BlockingIOError as error:
        raise InvalidSettings(
            f"{folder}: another hub runs with this folder: stop it, or set another hub.state"
        ) from error


def _take(lock: IO[str]) -> None:
    """Take the lock; somebody who only looks whether it is taken is waited for."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(_LOOK)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def held(folder: Path) -> bool | None:
    """Whether a hub runs with this folder; None where its lock cannot be read."""
    try:
        with (folder / FILE).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # let go of at once
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False
