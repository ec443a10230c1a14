"""Templates: words with places for values, `{level | scale 0 255}`, and what is done to a value.

A place names a value and then filters, each with operands: a number, or another value's name. What
a filled place may contain is decided by where the template stands: `quote` makes a value safe for
SQL or a pattern, so that no value is ever read as part of the template.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from device_adapters.adb import quoting
from device_adapters.addresses import web_page
from schemas.base import Scalar
from schemas.errors import DeviceRefused

Values = Mapping[str, Scalar | None]
Operand = Scalar | None
Quote = Callable[[Scalar], str]

LEVELS = 10
LONGEST_TIMER = timedelta(hours=24)
LONGEST_ASCII, LONGEST_OTHER = 160, 70
"""Characters that fit into one text message."""

_PLACE = re.compile(r"\{([a-z_][a-z_0-9]*)((?: *\| *[^{}|\s][^{}|]*)*)\}")
_NO_PLACE = re.compile(r"(?<!\\)\{[A-Za-z_][^{}]*\}")
_LENGTH = re.compile(r"PT(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?")


def plain(value: Scalar) -> str:
    """A value as a person writes it."""
    return str(value)


def in_sql(value: Scalar) -> str:
    """A value as SQL writes it: numbers bare, everything else as a string."""
    bare = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if bare else quoting.sql(str(value))


def in_pattern(value: Scalar) -> str:
    """A value as a pattern that matches just it."""
    return f"(?:{re.escape(str(value))})"


@dataclass(frozen=True)
class Place:
    """One `{name | filter operand …}`."""

    name: str
    filters: tuple[tuple[str, tuple[str, ...]], ...]

    def value(self, values: Values) -> Scalar | None:
        """The value here; `DeviceRefused` where a filter cannot take it."""
        value = values.get(self.name)
        for name, operands in self.filters:
            try:
                given = [_operand(one, values) for one in operands]
                value = FILTERS[name](self.name, value, *given)
            except (ArithmeticError, ValueError) as exc:
                raise DeviceRefused(f"{self.name} cannot be used with {name}: {exc}") from exc
        return value


@dataclass(frozen=True)
class Template:
    """A text with places; ValueError where one is none, or has a filter that is none."""

    source: str

    def __post_init__(self) -> None:
        if odd := _NO_PLACE.search(_PLACE.sub("", self.source)):
            raise ValueError(f"{odd[0]} is no place")
        for name, operands in (one for place in self.places for one in place.filters):
            if name not in FILTERS:
                raise ValueError(f"no filter is called {name}")
            try:
                inspect.signature(FILTERS[name]).bind("", None, *operands)
            except TypeError as exc:
                raise ValueError(f"the filter {name} does not take {len(operands)} words") from exc

    @property
    def places(self) -> tuple[Place, ...]:
        """Its places, from the left."""
        return tuple(_place(found) for found in _PLACE.finditer(self.source))

    @property
    def blank(self) -> str:
        """The pattern with an x in every place."""
        return _PLACE.sub(in_pattern("x"), self.source)

    def fill(self, values: Values, quote: Quote = plain, missing: str | None = None) -> str:
        """The text with every place filled. A value that is not there is `missing`, and without
        that `DeviceRefused`."""

        def filled(found: re.Match[str]) -> str:
            place = _place(found)
            value = place.value(values)
            if value is not None:
                return quote(value)
            if missing is None:
                raise DeviceRefused(f"{place.name} is missing")
            return missing

        return _PLACE.sub(filled, self.source)

    def value(self, values: Values) -> Scalar | None:
        """What it stands for: of one place alone its very value, else a text."""
        alone = _PLACE.fullmatch(self.source)
        return _place(alone).value(values) if alone else self.fill(values)


def place(said: str) -> Place:
    """What stands within the braces of a place; ValueError where that is none."""
    template = Template(f"{{{said}}}")
    if _PLACE.fullmatch(template.source) is None:
        raise ValueError(f"{said!r} is no value")
    return template.places[0]


def _place(found: re.Match[str]) -> Place:
    words = [part.split() for part in found[2].split("|")[1:]]
    return Place(found[1], tuple((name, tuple(operands)) for name, *operands in words))


def _operand(word: str, values: Values) -> Operand:
    """A number, a value's name, or the word itself."""
    if word.lstrip("-").isdecimal():
        return int(word)
    return values.get(word, word)


def whole(name: str, value: Operand) -> int:
    """A whole number; one that a phone wrote counts too."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise DeviceRefused(f"{name} is missing" if value is None else f"{name} is no number")
    return value


def _scale(name: str, value: Operand, lowest: Operand, highest: Operand) -> int:
    """0-10 on the phone's own scale, halves rounded up."""
    low, high = whole("the lowest", lowest), whole("the highest", highest)
    if not 0 <= (level := whole(name, value)) <= LEVELS:
        raise DeviceRefused(f"{name} is 0 to {LEVELS}")
    return low + int((high - low) * level / LEVELS + 0.5)


def _level(name: str, value: Operand, lowest: Operand, highest: Operand) -> int | None:
    """The level that sets an index of the phone's own scale, or comes nearest; of several the
    lowest. None where the phone counts further than we know."""
    index, high = whole(name, value), whole("the highest", highest)
    if index > high:
        return None
    return min(
        range(LEVELS + 1), key=lambda level: abs(_scale(name, level, lowest, highest) - index)
    )


def _agrees(name: str, value: Operand, part: Operand) -> str:
    """Whether an index counts up to 255, as the same brightness as a part of 1 shows; `true` also
    where the phone tells no part. Down at 0 to 2 every scale looks alike."""
    index, told = whole(name, value), str(part)
    if re.fullmatch(r"[01]\.\d+(?:E-\d+)?|\d\.\d+E-\d+", told) is None:
        return str(index <= 255).lower()
    return str(2 < index <= 255 and float(told) > index / 255 / 3).lower()


def _divided(name: str, value: Operand, by: Operand) -> float:
    return whole(name, value) / whole("the divisor", by)


def _times(name: str, value: Operand, by: Operand) -> int:
    return whole(name, value) * whole("the factor", by)


def _or(_: str, value: Operand, otherwise: Operand) -> Operand:
    return otherwise if value is None else value


def _map(name: str, value: Operand, *pairs: Operand) -> str:
    """`a=x b=y`: x for a; truth is written `true` and `false`."""
    said = str(value).lower() if isinstance(value, bool) else str(value)
    table = dict(str(pair).split("=", 1) for pair in pairs)
    if said not in table:
        raise DeviceRefused(f"{name} cannot be {said}")
    return table[said]


def _flag(_: str, value: Operand) -> bool | None:
    """Whether a number a phone wrote is other than 0; None where it wrote none."""
    return str(value) != "0" if str(value).isdecimal() else None


def _uri(_: str, value: Operand) -> str | None:
    return None if value is None else quoting.part(str(value))


def _mail(_: str, value: Operand) -> str | None:
    """An address within a mailto: URI."""
    return None if value is None else quoting.part(str(value)).replace("%40", "@")


def _page(_: str, value: Operand) -> str | None:
    return None if value is None else web_page(str(value))


def _tag(_: str, value: Operand) -> str:
    return re.sub(r"[^\w-]", "", str(value), flags=re.ASCII)


def _sms(_: str, value: Operand) -> str:
    """Whether a text `fits` into one message or is `long`: 16-bit units of it count."""
    text = str(value)
    room = LONGEST_ASCII if text.isascii() else LONGEST_OTHER
    return "fits" if len(text.encode("utf-16-le", "surrogatepass")) // 2 <= room else "long"


def _hour(_: str, value: Operand) -> int:
    return int(str(value).partition(":")[0])


def _minute(_: str, value: Operand) -> int:
    return int(str(value).partition(":")[2])


def _length(_: str, value: Operand) -> timedelta:
    """An ISO 8601 length of time that a timer runs for."""
    match = _LENGTH.fullmatch(str(value))
    if match is None or not any(match.groups()):
        raise DeviceRefused(f"{value} is not a length of time")
    hours, minutes, seconds = (int(group or 0) for group in match.groups())
    length = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if not timedelta(0) < length <= LONGEST_TIMER:
        raise DeviceRefused(f"a timer cannot run for {length}")
    return length


def _seconds(name: str, value: Operand) -> int:
    return int(_length(name, value).total_seconds())


def _span(name: str, value: Operand) -> str:
    return str(_length(name, value))


def _moment(_: str, value: Operand) -> datetime:
    try:
        return datetime.strptime(str(value), "%Y-%m-%d-%H-%M")
    except ValueError as exc:
        raise DeviceRefused(f"{value} is not a date with a time") from exc


def _ms(name: str, value: Operand, zone: Operand) -> int | None:
    """A moment in a time zone, in milliseconds since 1970."""
    if value is None:
        return None
    try:
        place = ZoneInfo(str(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:  # a folder's name, for one
        raise DeviceRefused(f"the phone's time zone is unknown: {zone}") from exc
    return int(_moment(name, value).replace(tzinfo=place).timestamp() * 1000)


def _plus(name: str, value: Operand, more: Operand) -> int:
    return whole(name, value) + whole("the addend", more)


def _after(name: str, value: Operand, earlier: Operand) -> int:
    """The number itself; `DeviceRefused` where it is not greater than another."""
    if whole(name, value) <= whole("the start", earlier):
        raise DeviceRefused("it would end before it starts")
    return whole(name, value)


def _spoken(name: str, value: Operand) -> str:
    return f"{_moment(name, value):%A %d %B, %H:%M}"


FILTERS: Mapping[str, Callable[..., Operand]] = {
    "or": _or,
    "map": _map,
    "flag": _flag,
    "scale": _scale,
    "level": _level,
    "agrees": _agrees,
    "divided": _divided,
    "times": _times,
    "plus": _plus,
    "after": _after,
    "uri": _uri,
    "mail": _mail,
    "page": _page,
    "tag": _tag,
    "sms": _sms,
    "hour": _hour,
    "minute": _minute,
    "seconds": _seconds,
    "span": _span,
    "ms": _ms,
    "spoken": _spoken,
    "is": lambda _, value, *wanted: str(value) in map(str, wanted),
    "blank": lambda _, value: "" if value is None else value,
    "capital": lambda _, value: str(value).capitalize(),
    "size": lambda name, value: f"{whole(name, value) / 1e9:.1f} GB",
}
"""What a place may do to its value, by name; the first argument is the value's name, for errors."""
