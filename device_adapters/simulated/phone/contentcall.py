"""The words of the `content` command, read as AOSP's Content.Parser reads them."""

from dataclasses import dataclass, field

from device_adapters.simulated.phone.java import JavaError, decode_int, parse_float, parse_long
from device_adapters.simulated.phone.provider import Cell
from device_adapters.simulated.phone.result import Words

USAGE = "usage: adb shell content [subcommand] [options]\n"
_NO_URI = "Content provider URI not specified. Did you specify --uri argument?"
_NO_BINDINGS = "Bindings not specified. Did you specify --bind argument(s)?"
_JAVA_TYPES = {"s": "String", "b": "Boolean", "i": "Long", "l": "Long", "f": "Float", "d": "Double"}
_OPTIONS = {
    "insert": ("--bind",),
    "update": ("--bind", "--where"),
    "delete": ("--where",),
    "query": ("--projection", "--where", "--sort"),
    "read": (),
    "write": (),
    "gettype": (),
    "call": ("--method", "--arg", "--extra"),
}


class BadCommandError(Exception):
    """What follows `[ERROR]`."""


@dataclass(frozen=True)
class Binding:
    """A typed value; `java` is Java's name of its type."""

    name: str
    java: str
    value: Cell


@dataclass
class ContentCall:
    """What one `content` command asks of a provider."""

    operation: str
    uri: str = ""
    user: int = 0
    bindings: list[Binding] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)  # without the dashes

    @property
    def values(self) -> dict[str, Cell]:
        """The bound values by column."""
        return {binding.name: binding.value for binding in self.bindings}

    @property
    def projection(self) -> tuple[str, ...] | None:
        """The wanted columns; None for all."""
        wanted = self.options.get("projection")
        return tuple(part.strip() for part in wanted.split(":")) if wanted else None


def parse(words: Words) -> ContentCall:
    """Words to a call; raises `BadCommandError`."""
    operation = words[0] if words else "null"
    if operation not in _OPTIONS:
        raise BadCommandError(f"Unsupported operation: {operation}")
    call = ContentCall(operation)
    rest = iter(words[1:])
    for option in rest:
        _apply(call, option, next(rest, None))
    if not call.uri:
        raise BadCommandError(_NO_URI)
    if operation in ("insert", "update") and not call.bindings:
        raise BadCommandError(_NO_BINDINGS)
    if operation == "call" and "method" not in call.options:
        raise BadCommandError("Content provider method not specified.")
    return call


def _apply(call: ContentCall, option: str, value: str | None) -> None:
    """Put one option into the call."""
    if option not in ("--uri", "--user", *_OPTIONS[call.operation]):
        raise BadCommandError(f"Unsupported argument: {option}")
    if value is None or value.startswith("--"):
        raise BadCommandError(f"No value for argument: {option}")
    if option == "--uri":
        call.uri = value
    elif option == "--user":
        call.user = _number(value)
    elif option in ("--bind", "--extra"):
        call.bindings.append(_binding(value))
    else:
        call.options[option.removeprefix("--")] = value


def _number(text: str) -> int:
    try:
        return decode_int(text)
    except JavaError as exc:
        raise BadCommandError(exc.message) from None


def _binding(text: str) -> Binding:
    """`name:type:value`; the value may hold colons."""
    if text.count(":") < 2:
        raise BadCommandError(f"Binding not well formed: {text}".rstrip())
    name, letter, value = text.split(":", 2)
    try:
        return Binding(name, _JAVA_TYPES.get(letter.lower(), "null"), _cell(letter, value))
    except JavaError as exc:
        raise BadCommandError(exc.message) from None


def _cell(letter: str, value: str) -> Cell:
    """The value; AOSP compares `s` exactly, and the other letters in either case."""
    if letter == "s":
        return value
    match letter.lower():
        case "b":
            return value.lower() == "true"
        case "i" | "l":
            return parse_long(value)
        case "f" | "d":
            return parse_float(value)
        case "n":
            return None
    raise BadCommandError(f"Unsupported type: {letter}")
