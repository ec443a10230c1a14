"""What a computer is, and whether somebody is logged in at its screen."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from device_adapters.pc.commands import System
from device_adapters.pc.linux import LINUX
from device_adapters.pc.macos import MACOS
from device_adapters.pc.runner import Answer, Argv

Look = Callable[[Argv], Awaitable[Answer]]
"""Runs a program that changes nothing."""
_UNAMES = {"Linux": LINUX, "Darwin": MACOS}

_PROBE = """\
echo "system $(uname -s)"
echo "home $HOME"
for program do
    command -v "$program" >/dev/null 2>&1 && echo "program $program"
done
exit 0
"""
_SESSION = """\
user=$(id -u)
run=${XDG_RUNTIME_DIR:-/run/user/$user}
if [ "$(uname -s)" = Darwin ]; then
    [ "$(stat -f %u /dev/console)" = "$user" ] && echo Type=aqua
    exit 0
fi
[ -n "$DISPLAY" ] && echo "DISPLAY=$DISPLAY"
[ -n "$WAYLAND_DISPLAY" ] && echo "WAYLAND_DISPLAY=$WAYLAND_DISPLAY"
if [ -d "$run" ]; then
    echo "XDG_RUNTIME_DIR=$run"
    export XDG_RUNTIME_DIR="$run"
fi
for socket in "$run"/wayland-[0-9] "$run"/wayland-[0-9][0-9]; do
    [ -S "$socket" ] && echo "WAYLAND_DISPLAY=${socket##*/}"
done
if [ -S "$run/bus" ]; then
    echo "DBUS_SESSION_BUS_ADDRESS=unix:path=$run/bus"
    command -v systemctl >/dev/null 2>&1 && systemctl --user show-environment 2>/dev/null
fi
loginctl --no-legend list-sessions >/dev/null 2>&1 || exit 0
echo logind=yes
session=$(loginctl show-user "$user" --property=Display --value 2>/dev/null)
[ -n "$session" ] || exit 0
echo "session=$session"
loginctl show-session "$session" --property=Type --property=Display --property=State 2>/dev/null
exit 0
"""
_LINE = re.compile(r"(\w{1,40})=([\w./:@=,+-]{1,200})")
_PASSED = (
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
    "XDG_CURRENT_DESKTOP",
    "DBUS_SESSION_BUS_ADDRESS",
)
_SCREENS = ("x11", "wayland", "aqua")


class Host(NamedTuple):
    """What a computer is: its operating system, its programs that are of use, the home."""

    system: System
    programs: frozenset[str]
    home: str = ""

    @property
    def served(self) -> frozenset[str]:
        """The functions for which it has a program."""
        return self.system.served(self.programs)

    @property
    def lacking(self) -> Mapping[str, str]:
        """What is missing for the functions that it does not serve."""
        return {
            function: f"it has none of {', '.join(way.argv[0] for way in ways)}"
            for function, ways in self.system.ways.items()
            if function not in self.served
        }


class Session(NamedTuple):
    """What an account has running: what its programs must be told, its session and its screen."""

    environment: Mapping[str, str]
    id: str = ""
    screen: str = ""
    """The kind of screen somebody is logged in at: x11, wayland, aqua; empty where nobody is."""


async def host_of(look: Look) -> Host | None:
    """Look what a computer is; None where it is neither Linux nor macOS."""
    programs = tuple(dict.fromkeys(LINUX.programs + MACOS.programs))
    answer = await look(("sh", "-c", _PROBE, "probe", *programs))
    said = [line.partition(" ")[::2] for line in answer.text.splitlines()[:500]]
    facts = dict(said)
    system = _UNAMES.get(facts.get("system", ""))
    if system is None:
        return None
    home = facts.get("home", "")
    there = frozenset(value for key, value in said if key == "program") & set(programs)
    return Host(system, there, home if home.startswith("/") else "")


async def session_of(look: Look) -> Session:
    """Look who is logged in at a computer's screen."""
    return parsed((await look(("sh", "-c", _SESSION, "session"))).text)


def parsed(text: str) -> Session:
    """A session from what the look printed: the last word on each thing; pure."""
    said: dict[str, str] = {}
    for line in text.splitlines()[:500]:
        if found := _LINE.fullmatch(line):
            said[found[1]] = found[2]
    environment = {name: said[name] for name in _PASSED if name in said}
    if "DISPLAY" not in environment and "Display" in said:
        environment["DISPLAY"] = said["Display"]
    screen = said.get("Type", "")
    if "logind" not in said and not screen:  # nobody counts logins: what is set must do
        screen = "wayland" if "WAYLAND_DISPLAY" in said else "x11" if "DISPLAY" in said else ""
    if screen not in _SCREENS or said.get("State") == "closing":
        screen = ""
    return Session(environment, said.get("session", ""), screen)
