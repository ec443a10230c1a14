"""Home Assistant's own filters for templates, which make nothing too long: pure."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2 import Undefined

_MAXIMUM_GROWN = 8192
"""Characters or items of what an operation makes bigger."""
_MAXIMUM_ITEMS = 1000
_FORMAT = re.compile(r"%[-+ 0#]{0,3}\d{0,2}(?:\.\d)?[cdefgiosuxX%]")


class BadTemplateError(ValueError):
    """The template cannot be run safely, or failed."""


def require_short(length: int) -> None:
    """`BadTemplateError` where something would grow too long."""
    if length > _MAXIMUM_GROWN:
        raise BadTemplateError("it would make too long a text")


def replace(text: object, old: object, new: object, count: int = -1) -> str:
    """A text with something put for something else."""
    text, old, new = str(text), str(old), str(new)
    if len(new) > len(old):
        require_short(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new, count)


def _join(value: Sequence[object], separator: object = "") -> str:
    if len(value) > _MAXIMUM_ITEMS:
        raise BadTemplateError("join of too many parts")
    parts, between = [str(part) for part in value], str(separator)
    require_short(sum(map(len, parts)) + len(between) * len(parts))
    return between.join(parts)


def _to_json(value: object) -> str:
    text = json.dumps(value)
    require_short(len(text))
    return text


def _extreme(kind: Callable[[Sequence[Any]], Any]) -> Callable[[Sequence[Any]], Any]:
    """The least or the most of a short list."""

    def pick(value: Sequence[Any]) -> Any:
        if len(value) > _MAXIMUM_ITEMS:
            raise BadTemplateError("too many values to compare")
        return kind(value)

    return pick


_REQUIRED = object()


def _format(text: object, *values: object) -> str:
    """Home Assistant's format (`"%02x" | format(red)`), which must not pad to any length."""
    if "%" in _FORMAT.sub("", str(text)):
        raise BadTemplateError("format of a kind that is not allowed")
    made = str(text) % values
    require_short(len(made))
    return made


def _whole(value: object, default: object = _REQUIRED, base: int = 10) -> object:
    """Home Assistant's int: `value` may be a text in another base."""
    if base == 10 or not isinstance(value, str):
        return _number(int)(value, default)
    try:
        return int(value[:32], base)
    except ValueError:
        return _number(int)("", default)


def _number(kind: Callable[[Any], Any]) -> Callable[..., Any]:
    """Home Assistant's int and float: what is no number is the default, or fails without one."""

    def convert(value: object, default: object = _REQUIRED) -> object:
        with contextlib.suppress(ValueError, OverflowError):
            if isinstance(value, str | int | float):
                return kind(float(value))
        if default is _REQUIRED:
            raise BadTemplateError("what must be a number is none")
        return default

    return convert


_BOOLEANS = {
    **dict.fromkeys(("1", "true", "yes", "on", "enable"), True),
    **dict.fromkeys(("0", "false", "no", "off", "disable"), False),
}


def _bool(value: object, default: object = _REQUIRED) -> object:
    """Home Assistant's bool: "off" is false."""
    if isinstance(value, bool | int | float):
        return bool(value)
    found = _BOOLEANS.get(value.strip().lower(), default) if isinstance(value, str) else default
    if found is _REQUIRED:
        raise BadTemplateError("what must be true or false is neither")
    return found


def _iif(value: object, yes: object = True, no: object = False, none: object = _REQUIRED) -> object:
    if value is None and none is not _REQUIRED:
        return none
    return yes if value else no


def _is_defined(value: object) -> object:
    if isinstance(value, Undefined):
        raise BadTemplateError("what it needs is not there")
    return value


def _is_number(value: object) -> bool:
    return math.isfinite(_number(float)(value, math.nan))


def _multiply(value: object, amount: object) -> float:
    return float(_number(float)(value)) * float(_number(float)(amount))


def _add(value: object, amount: object) -> float:
    return float(_number(float)(value)) + float(_number(float)(amount))


def _bitwise_and(value: object, other: object) -> int:
    return int(_number(int)(value)) & int(_number(int)(other))


def _round(value: object, digits: int = 0, method: str = "common") -> float:
    """Home Assistant's round: a whole number where no digits are asked for."""
    exact, places = float(_number(float)(value)), max(-12, min(digits, 12))
    way = {"floor": math.floor, "ceil": math.ceil}.get(method)
    found = round(exact, places) if way is None else way(exact * 10**places) / 10**places
    return int(found) if places == 0 else found


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "float": _number(float),
    "int": _whole,
    "bool": _bool,
    "iif": _iif,
    "is_number": _is_number,
}
"""What is a function in a template, and a filter."""
FILTERS: Mapping[str, Callable[..., Any]] = {
    **FUNCTIONS,
    "from_json": lambda text: json.loads(text),
    "to_json": _to_json,
    "tojson": _to_json,
    "replace": replace,
    "join": _join,
    "format": _format,
    "max": _extreme(max),
    "min": _extreme(min),
    "title": lambda text: str(text).title(),
    "round": _round,
    "is_defined": _is_defined,
    "multiply": _multiply,
    "add": _add,
    "bitwise_and": _bitwise_and,
}
"""What is a filter."""
