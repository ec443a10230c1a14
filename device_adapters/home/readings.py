"""What an entity's state is in a person's words and units: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from device_adapters.ha import HaEntity, lights
from device_adapters.ha.adapter import number, option_number, reports_fahrenheit
from device_adapters.ha.order import leading_to
from device_adapters.ha.reports import is_word

Read = Callable[[str], str | None]
"""An attribute's state, None where it has none."""

_OPEN, _DETECTED, _PROBLEM = ("open", "closed"), ("detected", "clear"), ("a problem", "fine")
_BINARY = {
    "battery": ("low", "normal"),
    "battery_charging": ("charging", "not charging"),
    "carbon_monoxide": _DETECTED,
    "cold": ("cold", "normal"),
    "connectivity": ("connected", "disconnected"),
    "door": _OPEN,
    "garage_door": _OPEN,
    "gas": _DETECTED,
    "heat": ("hot", "normal"),
    "light": _DETECTED,
    "lock": ("unlocked", "locked"),
    "moisture": ("wet", "dry"),
    "motion": _DETECTED,
    "moving": ("moving", "still"),
    "occupancy": _DETECTED,
    "opening": _OPEN,
    "plug": ("plugged in", "unplugged"),
    "power": ("on", "off"),
    "presence": ("home", "away"),
    "problem": _PROBLEM,
    "running": ("running", "not running"),
    "safety": ("unsafe", "safe"),
    "smoke": _DETECTED,
    "sound": _DETECTED,
    "tamper": _DETECTED,
    "update": ("an update is there", "up to date"),
    "vibration": _DETECTED,
    "window": _OPEN,
}
"""What a sensor of each class says by on and by off."""
_SECONDARY = frozenset({"battery", "battery_charging", "tamper", "update", "problem"})
_OWNERS = frozenset(
    {"battery", "voltage", "current", "signal_strength", "duration", "timestamp", "power_factor"}
)
_ACTING = frozenset(
    {"light", "switch", "fan", "siren", "humidifier", "cover", "valve", "lock", "climate"}
    | {"water_heater"}
)
_UNITS = {"°C": False, "°F": True, "C": False, "F": True}


def rank(entity: HaEntity) -> int:
    """How much an entity is what its device is for; 0 the most."""
    if entity.component in _ACTING:
        return 0
    if entity.component == "binary_sensor":
        return 3 if entity.device_class in _SECONDARY else 1
    return 3 if entity.device_class in _OWNERS or entity.component != "sensor" else 2


def told(entity: HaEntity, read: Read, *, in_fahrenheit: bool) -> str | None:
    """How an entity is: "open", "21.5 °C", "on, 40 %"; None where it does not say."""
    parts = {
        "binary_sensor": _binary,
        "climate": _climate,
        "water_heater": _climate,
        "cover": _cover,
        "fan": _fan,
        "humidifier": _humidifier,
        "light": _light,
        "lock": _lock,
    }.get(entity.component, _value)
    said = [part for part in parts(entity, read, in_fahrenheit) if part]
    return ", ".join(said) or None


def degrees_said(value: float, *, given_fahrenheit: bool, in_fahrenheit: bool) -> str:
    """A temperature as people of the region say it."""
    if given_fahrenheit == in_fahrenheit:
        shown = value
    else:
        shown = value * 1.8 + 32 if in_fahrenheit else (value - 32) / 1.8
    return f"{round(shown, 1):g} °{'F' if in_fahrenheit else 'C'}"


def percent(light: HaEntity, level: float) -> int:
    """A lit lamp's brightness, never 0, which would switch it off."""
    return max(1, min(100, round(level * 100 / brightest(light))))


def brightest(light: HaEntity) -> float:
    """A lamp's full brightness, of its own scale."""
    if lights.schema(light) == "template":
        return 255.0
    scale = option_number(light, "brightness_scale", 255)
    return scale if scale >= 1 else 255.0


def is_on(entity: HaEntity, value: str) -> bool | None:
    """What a sensor that knows only on and off says; None where neither."""
    for on, word in ((True, "on"), (False, "off")):
        if is_word(entity.text(f"payload_{word}") or word.upper(), value):
            return on
    return None


def _binary(entity: HaEntity, read: Read, _: bool) -> Iterator[str | None]:
    value = read("state")
    on = None if value is None else is_on(entity, value)
    if on is None:
        yield value and value.lower()
    else:
        yield _BINARY.get(entity.device_class or "", ("on", "off"))[not on]


def _value(entity: HaEntity, read: Read, in_fahrenheit: bool) -> Iterator[str | None]:
    value = read("state")
    exact = number(value)
    if value is None or exact is None:
        yield value and (value if entity.unit or entity.component == "select" else value.lower())
    elif entity.unit in _UNITS:
        given = _UNITS[entity.unit]
        yield degrees_said(exact, given_fahrenheit=given, in_fahrenheit=in_fahrenheit)
    else:
        yield f"{round(exact, 2):.15g} {entity.unit or ''}".strip()


def _climate(entity: HaEntity, read: Read, in_fahrenheit: bool) -> Iterator[str | None]:
    def shown(attribute: str) -> str | None:
        value = number(read(attribute))
        if value is None:
            return None
        given = reports_fahrenheit(entity)
        return degrees_said(value, given_fahrenheit=given, in_fahrenheit=in_fahrenheit)

    low, high = shown("temperature_low"), shown("temperature_high")
    target = shown("temperature") or (low and high and f"{low} to {high}") or low or high
    yield target and f"set to {target}"
    now = shown("current_temperature")
    yield now and f"{now} now"
    yield read("action") or read("mode")


def _cover(entity: HaEntity, read: Read, _: bool) -> Iterator[str | None]:
    value, position = read("state"), number(read("position"))
    opened = option_number(entity, "position_open", 100)
    closed = option_number(entity, "position_closed", 0)
    if position is not None and abs(opened - closed) >= 1:
        share = round((position - closed) * 100 / (opened - closed))
        yield {0: "closed", 100: "open"}.get(share, f"{share} % open")
        return
    word = None if value is None else leading_to(entity, value)
    yield {"open": "open", "close": "closed"}.get(str(word), value and value.lower())


def _lock(entity: HaEntity, read: Read, _: bool) -> Iterator[str | None]:
    value = read("state")
    word = None if value is None else leading_to(entity, value)
    if value is not None and is_word(entity.text("state_jammed") or "JAMMED", value):
        yield "jammed"
    else:
        yield {"lock": "locked", "unlock": "unlocked"}.get(str(word), value and value.lower())


def _light(entity: HaEntity, read: Read, _: bool) -> Iterator[str | None]:
    yield _switched(entity, read)
    level = number(read("brightness"))
    if level is not None and _switched(entity, read) == "on":
        yield f"{percent(entity, level)} %"


def _fan(entity: HaEntity, read: Read, _: bool) -> Iterator[str | None]:
    yield _switched(entity, read)
    share = number(read("percentage"))
    if share and _switched(entity, read) == "on":
        yield f"{share:.0f} %"
    yield read("preset")


def _humidifier(entity: HaEntity, read: Read, _: bool) -> Iterator[str | None]:
    yield _switched(entity, read)
    for attribute, form in (("humidity", "set to {:g} %"), ("current_humidity", "{:g} % now")):
        value = number(read(attribute))
        yield None if value is None else form.format(value)


def _switched(entity: HaEntity, read: Read) -> str | None:
    value = read("state")
    on = None if value is None else leading_to(entity, value)
    return (value and value.lower()) if on is None else ("on" if on else "off")
