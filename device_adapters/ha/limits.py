"""What an entity takes: between which numbers, in which steps, which words. Pure."""

from __future__ import annotations

import math

from device_adapters.ha.announcement import HaEntity
from schemas.base import Scalar
from schemas.errors import DeviceRefused

_MOST, _LEAST = 1e15, 1e-6
"""Beyond them a limit or a step is none."""
_NUMBERS = {
    ("number", "state"): ("min", "max", "step"),
    ("climate", "temperature"): ("min_temp", "max_temp", "temp_step"),
    ("climate", "temperature_low"): ("min_temp", "max_temp", "temp_step"),
    ("climate", "temperature_high"): ("min_temp", "max_temp", "temp_step"),
    ("climate", "humidity"): ("min_humidity", "max_humidity", ""),
    ("water_heater", "temperature"): ("min_temp", "max_temp", ""),
    ("humidifier", "humidity"): ("min_humidity", "max_humidity", ""),
}
_WORDS = {
    ("select", "state"): "options",
    ("climate", "state"): "modes",
    ("climate", "mode"): "modes",
    ("climate", "fan_mode"): "fan_modes",
    ("climate", "swing_mode"): "swing_modes",
    ("climate", "preset"): "preset_modes",
    ("water_heater", "state"): "modes",
    ("water_heater", "mode"): "modes",
    ("fan", "preset"): "preset_modes",
    ("humidifier", "mode"): "modes",
}


def bounds(entity: HaEntity, attribute: str) -> tuple[float | None, float | None, float | None]:
    """The least and the most that an attribute takes, and its step; None for what is not said."""
    names = _NUMBERS.get((entity.component, attribute), ("", "", ""))
    low, high, step = (_number(entity, name) for name in names)
    return low, high, step if step and step >= _LEAST else None


def words(entity: HaEntity, attribute: str) -> tuple[str, ...]:
    """The words that an attribute takes; none where any will do."""
    return entity.choices.get(_WORDS.get((entity.component, attribute), ""), ())


def taken(entity: HaEntity, attribute: str, wanted: Scalar, called: str) -> Scalar:
    """A value as the entity takes it, on its steps and in its spelling; `DeviceRefused`, which
    says what it takes instead, where it does not."""
    if isinstance(wanted, str):
        return _word(entity, attribute, wanted, called)
    low, high, step = bounds(entity, attribute)
    if (low is not None and wanted < low) or (high is not None and wanted > high):
        raise DeviceRefused(f"{called} takes {_range(low, high)}{_unit(entity)}, not {wanted:g}")
    return wanted if step is None else stepped(wanted, low or 0.0, step)


def stepped(wanted: float, start: float, step: float) -> float:
    """The nearest value that some steps from a start lead to."""
    digits = max(0, min(6, 2 - math.floor(math.log10(step))))
    return round(start + round((wanted - start) / step) * step, digits)


def _word(entity: HaEntity, attribute: str, wanted: str, called: str) -> str:
    offered = words(entity, attribute)
    most = _number(entity, "max") if entity.component == "text" else None
    if most is not None and len(wanted) > most:
        raise DeviceRefused(f"{called} takes at most {most:g} characters")
    if not offered:
        return wanted
    for word in offered:
        if word.casefold() == wanted.casefold():
            return word
    raise DeviceRefused(f"{called} takes {', '.join(offered[:12])}, not {wanted[:40]}")


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"{low:g} to {high:g}"


def _unit(entity: HaEntity) -> str:
    if entity.component in {"climate", "water_heater"}:
        return f" °{(entity.text('temperature_unit') or 'C').upper()[:1]}"
    return f" {entity.unit}" if entity.unit else ""


def _number(entity: HaEntity, option: str) -> float | None:
    try:
        value = float(entity.text(option) or "nan")
    except ValueError:
        return None
    return value if abs(value) <= _MOST else None
