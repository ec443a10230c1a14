"""What may be run on a computer, and nothing else: ways to serve the catalogue's functions."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

from device_adapters.pc.runner import Argv


class Where(StrEnum):
    """What must be there for a program to do anything."""

    SYSTEM = "system"  # the computer is enough
    SESSION = "session"  # what runs for the account: its sound, its players
    SCREEN = "screen"  # somebody logged in, at a screen


class How(StrEnum):
    """How a program behaves, once it is started."""

    ENDS = "ends"
    STAYS = "stays"  # and must go on when the hub looks away
    WRITES = "writes"  # its result to a file, whose name comes last


class Way(NamedTuple):
    """One program's way to serve a function; `{…}` in a word is filled in, and stays one word."""

    argv: Argv
    look: Argv = ()
    """Prints, afterwards, what was changed."""
    read: Callable[[str], str | None] = str.strip
    """What of that is the value; None where it is none."""
    where: Where = Where.SYSTEM
    how: How = How.ENDS
    display: str = ""
    """The only kind of screen it works on (x11, wayland)."""

    def there(self, programs: frozenset[str]) -> bool:
        """Whether the computer has what this needs."""
        return {self.argv[0], *self.look[:1]} <= programs


class Reading(NamedTuple):
    """How one item of a computer's status is read: a percentage."""

    argv: Argv
    read: Callable[[str], float | None]


class System(NamedTuple):
    """One operating system: the ways to serve each function, best first, and its readings."""

    ways: Mapping[str, tuple[Way, ...]]
    status: Mapping[str, Reading]
    applications: Argv = ()
    """Prints what can be opened, as `FILE:KEY=VALUE` of desktop entries."""
    environment: Mapping[str, str] = {}

    @property
    def programs(self) -> tuple[str, ...]:
        """Every program that is of use."""
        ways = [way for some in self.ways.values() for way in some]
        named = [way.argv[0] for way in ways] + [way.look[0] for way in ways if way.look]
        return tuple(dict.fromkeys(named + [one.argv[0] for one in self.status.values()]))

    def served(self, programs: frozenset[str]) -> frozenset[str]:
        """The functions for which the computer has a program."""
        found = {f for f, ways in self.ways.items() if any(way.there(programs) for way in ways)}
        if any(reading.argv[0] in programs for reading in self.status.values()):
            found.add("get_pc_status")
        return frozenset(found)


_LAUNCH = """\
"$@" </dev/null >/dev/null 2>&1 &
for pause in 0.02 0.08 0.1 0.2 0.3 0.3; do
    sleep $pause
    kill -0 $! 2>/dev/null || { wait $!; exit $?; }
done
"""
"""Starts a program and looks for a second whether it fails; then it is left alone."""
_PICTURE = """\
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
"$@" "$folder/screen.png" >&2 </dev/null && cat "$folder/screen.png"
"""
"""Prints the file that a program writes, and leaves nothing behind."""
_WRAPPED: Mapping[How, Argv] = {
    How.ENDS: (),
    How.STAYS: ("sh", "-c", _LAUNCH, "launch"),
    How.WRITES: ("sh", "-c", _PICTURE, "picture"),
}


def filled(argv: Argv, values: Mapping[str, str]) -> Argv:
    """The words of a command with the values in their places."""
    return tuple(
        re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), word) for word in argv
    )


def command(way: Way, values: Mapping[str, str]) -> Argv:
    """The words to run for a way."""
    return _WRAPPED[way.how] + filled(way.argv, values)
