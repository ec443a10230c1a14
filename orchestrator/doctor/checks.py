"""What a look at one thing comes to."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from schemas.errors import HubError

_WITHIN = 5.0
"""Seconds that a program of the system gets to answer."""


class Level(StrEnum):
    """How something is: in order, working but worth a look, or keeping the hub from working."""

    GOOD = "good"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: what was seen, and what to do where it is not in order."""

    name: str
    level: Level
    said: str
    todo: str = ""


def good(name: str, said: str) -> Check:
    """It is in order."""
    return Check(name, Level.GOOD, said)


def warning(name: str, said: str, todo: str = "") -> Check:
    """The hub works, and something is missing or not as it should be."""
    return Check(name, Level.WARNING, said, todo)


def wrong(name: str, said: str, todo: str = "") -> Check:
    """The hub, or what its configuration asks for, does not work."""
    return Check(name, Level.WRONG, said, todo)


def checked(name: str, look: Callable[[], str]) -> Check:
    """Good with what the look says, wrong with the error that it raises."""
    try:
        return good(name, look())
    except HubError as error:
        return wrong(name, str(error))


def output(*command: str) -> str | None:
    """What a program of the system prints, whatever its status; None where there is none, or it is
    silent for long."""
    program = shutil.which(command[0]) or shutil.which(command[0], path="/usr/sbin:/sbin")
    if program is None:
        return None
    try:
        ran = subprocess.run(
            [program, *command[1:]], capture_output=True, text=True, timeout=_WITHIN
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.stdout + ran.stderr
