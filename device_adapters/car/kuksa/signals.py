"""A car's signals: what each may hold, and its values to and from the protocol's: pure."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from kuksa.val.v2 import types_pb2 as types

from schemas.base import Scalar, Value
from schemas.errors import DeviceRefused

_LONGEST = 200  # characters of a text that a car reports
_WHOLE = {"INT8": 8, "INT16": 16, "INT32": 32, "INT64": 64}
_KINDS: dict[int, tuple[str, float | None, float | None]] = {
    types.DATA_TYPE_STRING: ("string", None, None),
    types.DATA_TYPE_BOOLEAN: ("bool", None, None),
    types.DATA_TYPE_FLOAT: ("float", None, None),
    types.DATA_TYPE_DOUBLE: ("double", None, None),
} | {
    types.DataType.Value(f"DATA_TYPE_{sign}{name}"): (
        f"{sign.lower()}int{max(bits, 32)}",
        0 if sign else -(2 ** (bits - 1)),
        2**bits - 1 if sign else 2 ** (bits - 1) - 1,
    )
    for name, bits in _WHOLE.items()
    for sign in ("", "U")
}
"""By data type: the field of a value that holds it, its least and its greatest number."""


class Signal(Value):
    """One signal of a car, under the car's own path."""

    path: str
    actuator: bool
    kind: str  # the field of a value that holds it: bool | string | float | uint32 | …
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[Scalar, ...] = ()
    unit: str = ""

    @property
    def numeric(self) -> bool:
        """Whether it holds a number."""
        return self.kind not in ("bool", "string")

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers only."""
        return "int" in self.kind

    @property
    def degree(self) -> str:
        """What a temperature is counted in; VSS says °C."""
        return "°F" if "fahrenheit" in self.unit else "°C"


class Car(NamedTuple):
    """What is known of a car, by VSS's own paths: the signals it has, and their values now."""

    name: str
    signals: dict[str, Signal]
    values: dict[str, Scalar | None]

    def number(self, path: str) -> float | None:
        """A value that is a number."""
        value = self.values.get(path)
        return None if isinstance(value, bool | str | None) else float(value)

    def actuators(self, *paths: str) -> list[str]:
        """Those of the paths that can be ordered."""
        return [path for path in paths if path in self.signals and self.signals[path].actuator]


def signal(path: str, described: Any) -> Signal | None:
    """A signal from its metadata; None where its values are of no use here (a list, a struct)."""
    kind = _KINDS.get(described.data_type)
    if kind is None:
        return None
    field, least, greatest = kind
    minimum, maximum = _number(described.min), _number(described.max)
    return Signal(
        path=path,
        actuator=described.entry_type == types.ENTRY_TYPE_ACTUATOR,
        kind=field,
        minimum=least if minimum is None else minimum,
        maximum=greatest if maximum is None else maximum,
        allowed=_values(described.allowed_values),
        unit=described.unit[:_LONGEST].casefold(),
    )


def value_of(point: Any) -> Scalar | None:
    """What a data point holds; None where that is nothing, no number, or no single value."""
    return _scalar(point.value)


def packed(car: str, to: Signal, value: Scalar) -> tuple[Scalar, Any]:
    """A value as the signal can hold it, and as the protocol carries it. DeviceRefused where the
    car does not take it."""
    if to.kind == "bool":
        fits = isinstance(value, bool)
    elif to.kind == "string":
        fits = isinstance(value, str)
    else:
        fits = not isinstance(value, bool | str)
    if not fits:
        raise DeviceRefused(f"{car} takes no {type(value).__name__} for {to.path}")
    if to.numeric:
        value = round(float(value)) if to.whole else float(value)
        if not _within(to, value):
            raise DeviceRefused(f"{car} takes {_range(to)} for {to.path}, not {value:g}")
    if to.allowed and value not in to.allowed:
        offered = ", ".join(map(str, to.allowed[:20]))
        raise DeviceRefused(f"{car} takes {offered} for {to.path}, not {value}")
    return value, types.Value(**{to.kind: value})


def agrees(wanted: Scalar, seen: Scalar | None, before: Scalar | None = None) -> bool:
    """Whether a signal shows what was ordered. Numbers may differ by one in a hundred, but not so
    far that what it showed before would do."""
    if isinstance(wanted, bool | str) or isinstance(seen, bool | str | None):
        return type(wanted) is type(seen) and wanted == seen
    near = 0.01 * max(1.0, abs(wanted))
    if not isinstance(before, bool | str | None):
        near = min(near, max(abs(wanted - before) / 2, near / 10))
    return abs(wanted - seen) <= near


def _within(to: Signal, value: float) -> bool:
    low = -math.inf if to.minimum is None else to.minimum
    high = math.inf if to.maximum is None else to.maximum
    return low <= value <= high


def _range(to: Signal) -> str:
    low, high = (None if v is None else f"{v:g}" for v in (to.minimum, to.maximum))
    if low and high:
        return f"{low} to {high}"
    return f"{low} or more" if low else f"{high} or less"


def _scalar(value: Any) -> Scalar | None:
    field = value.WhichOneof("typed_value")
    if field is None or field.endswith("_array"):
        return None
    held: Scalar = getattr(value, field)
    if isinstance(held, str):
        return held[:_LONGEST]
    return held if math.isfinite(held) else None


def _number(value: Any) -> float | None:
    held = _scalar(value)
    return None if isinstance(held, bool | str | None) else float(held)


def _values(value: Any) -> tuple[Scalar, ...]:
    field = value.WhichOneof("typed_value")
    return tuple(getattr(value, field).values) if field and field.endswith("_array") else ()
