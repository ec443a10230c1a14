"""Where an attribute of an entity is reported, and what a report says: pure."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Sequence

from device_adapters.ha import lights, places
from device_adapters.ha.announcement import HaEntity
from device_adapters.ha.colors import same
from device_adapters.ha.places import Place
from device_adapters.ha.template import BadTemplateError, read

_MOST_SPEED = 65_535


def place(entity: HaEntity, attribute: str) -> Place:
    """Where an attribute is ordered and reported; empty where it is not."""
    if entity.component == "light":
        if lights.schema(entity) != "basic":
            return places.place(entity, "state").model_copy(
                update={"state_template": "", "command_template": ""}
            )
        if attribute == "color":
            return places.place(entity, lights.color_place(entity))
    return places.place(entity, attribute)


def state(entity: HaEntity, attribute: str, payload: str) -> str | None:
    """What a state payload says; None where that is nothing: empty, null, a failing template."""
    try:
        value = _read(entity, attribute, payload)
    except BadTemplateError:
        return None
    if value is None or value.casefold() in {"", "none", "null"}:
        return None
    return value.encode(errors="replace").decode()  # JSON may hold half a character


def _read(entity: HaEntity, attribute: str, payload: str) -> str | None:
    if entity.component == "light" and lights.schema(entity) != "basic":
        return lights.told(entity, attribute, payload)
    template = place(entity, attribute).state_template
    value = read(template, payload) if template else payload.strip()
    if entity.component == "light" and attribute == "color":
        return lights.color_of(lights.color_place(entity), value)
    if attribute == "percentage":
        return _percentage(entity, value)
    if entity.component in {"siren", "valve"} and attribute == "state":
        return _field(value, "position" if entity.flag("reports_position") else "state")
    return value


def _percentage(fan: HaEntity, value: str) -> str | None:
    low, high = speeds(fan)
    with contextlib.suppress(ValueError):
        share = (float(value) - low + 1) / (high - low + 1)
        return f"{max(0.0, min(100.0, share * 100)):g}"
    return None


def _field(text: str, name: str) -> str | None:
    """A field of what may be JSON; what is none is the field itself."""
    with contextlib.suppress(ValueError, RecursionError):
        said = json.loads(text)
        if isinstance(said, dict):
            value = said.get(name)
            return str(value) if isinstance(value, str | int | float) else None
    return text


def agree(reached: str, value: str | None) -> bool:
    """Whether a state is the wanted one; numbers may differ by one in a hundred, colours by what
    lamps round."""
    if is_word(reached, value):
        return True
    one, other = _numbers(reached), _numbers(value or "")
    if len(one) == len(other) == 1:
        return abs(one[0] - other[0]) <= 0.01 * max(1.0, abs(one[0]))
    if len(one) == len(other) == 3:
        return same(_rgb(one), _rgb(other))
    return False


def is_word(word: str, value: str | None) -> bool:
    """Whether a state is a word. Words may be numbers: a lock that says 255 once it is locked may
    say 254 where it does not know."""
    if value is None or word.casefold() == value.casefold():
        return value is not None
    number = _numbers(word)
    return bool(number) and number == _numbers(value)


def is_measured(entity: HaEntity, attribute: str) -> bool:
    """Whether an attribute tells a number, which devices round, and not one of some words."""
    return attribute != "state" or entity.component == "number" or entity.flag("reports_position")


def _rgb(numbers: Sequence[float]) -> tuple[int, int, int]:
    red, green, blue = (int(number) for number in numbers)
    return red, green, blue


def _numbers(text: str) -> list[float]:
    """The numbers between the commas; none where one of them is none."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        return []
    return found if all(map(math.isfinite, found)) else []


def speeds(fan: HaEntity) -> tuple[int, int]:
    """A fan's slowest and fastest speed."""
    try:
        low = int(fan.text("speed_range_min") or 1)
        high = int(fan.text("speed_range_max") or 100)
    except ValueError:
        return 1, 100
    return (low, high) if 0 <= low <= high <= _MOST_SPEED else (1, 100)
