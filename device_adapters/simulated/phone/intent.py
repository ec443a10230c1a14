"""An intent's words, read as AOSP's Intent.parseCommandArgs reads them."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from device_adapters.simulated.phone.java import (
    ILLEGAL,
    JavaError,
    decode_int,
    parse_float,
    parse_long,
)
from device_adapters.simulated.phone.result import Words

Extra = str | int | float | bool | list[str] | list[int]

MAIN, LAUNCHER = "android.intent.action.MAIN", "android.intent.category.LAUNCHER"
VIEW = "android.intent.action.VIEW"
_FLAGS = {
    "--activity-brought-to-front": 0x00400000,
    "--activity-clear-top": 0x04000000,
    "--activity-clear-task": 0x00008000,
    "--activity-new-task": 0x10000000,
    "--activity-no-history": 0x40000000,
    "--activity-reset-task-if-needed": 0x00200000,
    "--activity-single-top": 0x20000000,
    "--grant-read-uri-permission": 0x00000001,
    "--grant-write-uri-permission": 0x00000002,
}
_SWITCHES = ("-W", "-D", "-N", "-S")
_IGNORED = ("--user", "-R", "--display", "--windowingMode")


@dataclass
class Intent:
    """What is asked for; extras by name as (Java type, value)."""

    action: str | None = None
    data: str | None = None
    type: str | None = None
    categories: list[str] | None = None
    component: str | None = None
    package: str | None = None
    flags: int = 0
    extras: dict[str, tuple[str, Extra]] = field(default_factory=dict)
    wait: bool = False
    stop_first: bool = False

    def text(self, name: str) -> str:
        """A String extra; empty where it is missing or of another type, as getStringExtra does."""
        kind, value = self.extras.get(name, ("", ""))
        return str(value) if kind == "String" else ""

    def integer(self, name: str) -> int | None:
        """An Integer extra; None where it is missing or of another type."""
        kind, value = self.extras.get(name, ("", None))
        return value if kind == "Integer" and isinstance(value, int) else None

    def flag(self, name: str) -> bool:
        """A Boolean extra; False where it is missing or of another type."""
        kind, value = self.extras.get(name, ("", False))
        return kind == "Boolean" and value is True


def link(uri: str | None) -> SplitResult:
    """A URI's parts; what is no URI has none."""
    try:
        return urlsplit(uri or "")
    except ValueError:
        return urlsplit("")


def parse(words: Words) -> Intent:
    """Words to an intent; raises `JavaError`."""
    return read(Reader(words))


def read(reader: "Reader") -> Intent:
    """An intent from what is left: every option, then one bare word, whosever it is."""
    intent, known = Intent(), False
    while (option := reader.option()) is not None:
        known = _apply(intent, option, reader) or known
    rest = reader.next()
    if rest is None and not known:
        raise JavaError(ILLEGAL, "No intent supplied")
    if rest is not None:
        _fill_in(intent, rest)
    return intent


def _apply(intent: Intent, option: str, reader: "Reader") -> bool:
    """Put one option into the intent; whether it says what to start."""
    if option in _FIELDS:
        setattr(intent, _FIELDS[option], reader.required())
        return True
    if option == "-c":
        intent.categories = [*(intent.categories or []), reader.required()]
        return True
    if option == "-n":
        intent.component = _component(reader.required())
        return True
    if option in _EXTRAS:
        kind, read = _EXTRAS[option]
        name = reader.required()
        intent.extras[name] = (kind, read(reader.required()))
    elif option == "-f":
        intent.flags = decode_int(reader.required())
    elif option in _FLAGS:
        intent.flags |= _FLAGS[option]
    elif option in _SWITCHES:
        intent.wait = intent.wait or option == "-W"
        intent.stop_first = intent.stop_first or option == "-S"
    elif option in _IGNORED:
        reader.required()
    else:
        raise JavaError(ILLEGAL, f"Unknown option: {option}")
    return False


def _fill_in(intent: Intent, rest: str) -> None:
    """The last bare word: a URI, a component or a package, for what is still unsaid."""
    if ":" in rest:
        intent.action = intent.action or VIEW
        intent.data = intent.data or rest
        return
    launcher = [LAUNCHER] if intent.action is None else []
    intent.action = intent.action or MAIN
    intent.categories = intent.categories or launcher
    if "/" in rest:
        intent.component = _component(rest)
    else:
        intent.package = intent.package or rest


def _component(text: str) -> str:
    package, slash, name = text.partition("/")
    if not slash or not name:
        raise JavaError(ILLEGAL, f"Bad component name: {text}")
    return f"{package}/{package + name if name.startswith('.') else name}"


def _boolean(text: str) -> bool:
    if text.lower() in ("true", "t"):
        return True
    if text.lower() in ("false", "f"):
        return False
    try:
        return decode_int(text) != 0
    except JavaError:
        raise JavaError(ILLEGAL, f"Invalid boolean value: {text}") from None


def _strings(text: str) -> list[str]:
    return re.split(r"(?<!\\),", text)


def _ints(text: str) -> list[int]:
    return [decode_int(part) for part in text.split(",")]


def _longs(text: str) -> list[int]:
    return [parse_long(part) for part in text.split(",")]


_FIELDS = {"-a": "action", "-d": "data", "-t": "type", "-p": "package"}
_EXTRAS: dict[str, tuple[str, Callable[[str], Extra]]] = {
    "-e": ("String", str),
    "--es": ("String", str),
    "--ei": ("Integer", decode_int),
    "--el": ("Long", parse_long),
    "--ef": ("Float", parse_float),
    "--ez": ("Boolean", _boolean),
    "--eia": ("int[]", _ints),
    "--ela": ("long[]", _longs),
    "--esa": ("String[]", _strings),
    "--esal": ("ArrayList", _strings),
}


class Reader:
    """Android's ShellCommand: options, and `-aX` as `-a X`."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._position = 0
        self._rest: str | None = None

    def option(self) -> str | None:
        """The next option; None at the first bare word or after `--`."""
        if self._position >= len(self._words):
            return None
        word = self._words[self._position]
        if not word.startswith("-"):
            return None
        self._position += 1
        if word == "--":
            return None
        if len(word) > 2 and word[1] != "-":
            self._rest = word[2:]
            return word[:2]
        return word

    def peek(self) -> str | None:
        """The next word, left where it is."""
        return self._words[self._position] if self._position < len(self._words) else None

    def next(self) -> str | None:
        """The next word, whatever it is."""
        if self._rest is not None:
            word, self._rest = self._rest, None
            return word
        if self._position >= len(self._words):
            return None
        self._position += 1
        return self._words[self._position - 1]

    def required(self) -> str:
        """The next word, or Android's complaint that there is none."""
        word = self.next()
        if word is None:
            last = self._words[self._position - 1]
            raise JavaError(ILLEGAL, f'Argument expected after "{last}"')
        return word
