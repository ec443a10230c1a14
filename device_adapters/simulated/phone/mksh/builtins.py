"""mksh's own `echo` and `exit`."""

import re

from device_adapters.simulated.phone.mksh.tree import NotSimulatedError
from device_adapters.simulated.phone.result import Result, Words

_ESCAPES = dict(zip("abefnrtv\\", "\a\b\x1b\f\n\r\t\v\\", strict=True))
_ECHOED = re.compile(
    r"\\(?:(?P<stop>c)|(?P<plain>[abefnrtv\\])|0(?P<octal>[0-7]{0,3})|(?P<unread>[xuU]))"
)
_OTHERS = """
. alias autoload bg bind break builtin cd chdir command continue eval exec export fc fg functions
getopts global hash history integer jobs let local nameref nohup print pwd r read readonly return
set shift source suspend times trap type typeset ulimit umask unalias unset wait whence
"""
OTHERS = frozenset(_OTHERS.split())
"""What mksh has too; only a plain `export` is run elsewhere."""


def echo(words: Words) -> Result:
    """`echo` with -n, -e and -E; unlike other shells' it reads backslashes unless told not to."""
    end, reads, rest = "\n", True, list(words)
    while rest and re.fullmatch(r"-[neE]+", rest[0]):
        for letter in rest.pop(0)[1:]:
            end = "" if letter == "n" else end
            reads = letter == "e" if letter != "n" else reads
    text = " ".join(rest)
    if reads:
        text, stop = _read(text)
        end = "" if stop else end
    return Result((text + end).encode(errors="surrogateescape"))


def _read(text: str) -> tuple[str, bool]:
    """The text with its backslash sequences read, and whether a `\\c` takes its line's end."""
    stop = False

    def meaning(match: re.Match[str]) -> str:
        nonlocal stop
        stop = stop or bool(match["stop"])
        if match["unread"]:
            raise NotSimulatedError(f"{match[0]} in echo")
        if match["octal"] is None:
            return _ESCAPES.get(match["plain"], "")
        return bytes([int(match["octal"] or "0", 8) & 0xFF]).decode(errors="surrogateescape")

    return _ECHOED.sub(meaning, text), stop


def exit_code(words: Words, status: int) -> int:
    """What `exit` ends with, where the command before it ended with `status`."""
    match words:
        case []:
            return status
        case [number] if number.isascii() and number.isdigit():
            return int(number) & 0xFF
    raise NotSimulatedError(f"exit {' '.join(words)}")
