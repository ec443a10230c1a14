"""Which entities of a car serve which functions, and its units: pure."""

from __future__ import annotations

import json
import re

from device_adapters.ha import HaDevice, HaEntity
from device_adapters.ha.adapter import Want, find, number, option_number, reports_fahrenheit

LOCK = Want(components=("lock",), without=("charging", "charge", "child"))
CLIMATE = Want(components=("climate",), needs="temperature_command_topic")
WINDOW = Want(components=("cover",), names=("window",), without=("sunroof",))
SUNROOF = Want(components=("cover",), names=("sunroof", "sun roof"))
HORN = Want(components=("button",), names=("honk and flash", "honk", "horn"))
CHARGING = Want(
    components=("switch",), names=("start stop charging", "charging"), without=("unlock", "auto")
)
LIGHTS = Want(components=("light", "switch"), names=("lights", "light"))
VOLUME = Want(components=("number",), names=("volume",))
DESTINATION = Want(components=("text", "notify"), names=("destination", "navigation"))

BATTERY = Want(components=("sensor",), classes=("battery",))
RANGE = Want(components=("sensor",), names=("total range", "range"), without=("100",))
DOORS = Want(components=("binary_sensor",), names=("door open state", "doors"))
POSITION = Want(components=("device_tracker",))
SPEED = Want(
    components=("sensor",),
    classes=("speed",),
    without=("charging", "charge", "rate", "wind", "limit", "maximum", "max", "average", "trip"),
)
"""How fast it drives; a charging rate is announced as a speed too."""
MOVING = Want(components=("binary_sensor",), names=("driving", "moving", "in motion"))
MOTION = Want(
    components=("sensor",),
    names=("vehicle state", "driving", "moving", "motion", "state"),
    without=(
        *("charging", "charge", "climatization", "climate", "heating", "connection", "connector"),
        *("door", "doors", "window", "windows", "lock", "light", "open", "time", "score", "mode"),
    ),
)

SERVING = {
    "lock_doors": LOCK,
    "set_climate_temperature": CLIMATE,
    "control_window": WINDOW,
    "operate_sunroof": SUNROOF,
    "honk_and_flash": HORN,
    "start_charging": CHARGING,
    "stop_charging": CHARGING,
    "control_lights": LIGHTS,
    "adjust_volume": VOLUME,
    "navigate_to": DESTINATION,
}
_MOTION = {
    **dict.fromkeys(("driving", "moving", "in motion"), True),
    **dict.fromkeys(("parked", "standing", "stopped", "charging", "asleep", "offline"), False),
}
_UNIT = re.compile(r"[\w%°/]{0,12}")
_STATUS = (BATTERY, RANGE, DOORS, POSITION)
_GATEWAYS = ("carconnectivity", "ovms", "teslamate", "wican")


def serves(device: HaDevice) -> frozenset[str]:
    """The functions that a car's entities can serve."""
    found = {function for function, want in SERVING.items() if find(device, want)}
    if any(find(device, want) for want in (*_STATUS, LOCK)):
        found.add("get_vehicle_status")
    return frozenset(found)


def recognise(device: HaDevice) -> frozenset[str] | None:
    """The functions of a car; None where the device is something else (or the gateway itself)."""
    origins = " ".join({entity.origin for entity in device.entities}).casefold()
    gateway = any(name in origins for name in _GATEWAYS)
    drives = find(device, Want(components=("sensor",), names=("odometer", "total range")))
    vehicle = drives is not None and (gateway or find(device, POSITION) is not None)
    parked = gateway and (find(device, POSITION) or find(device, LOCK))
    return serves(device) if vehicle or parked else None


def sent_temperature(climate: HaEntity, fahrenheit: float) -> tuple[float, float]:
    """What to send for a temperature, in the car's own steps, and what the car reports then:
    CarConnectivity takes °C even where it reports °F."""
    own = "carconnectivity" in climate.origin.casefold()
    if not own and reports_fahrenheit(climate):
        return fahrenheit, fahrenheit
    step = min(max(option_number(climate, "temp_step", 0.1), 0.1), 5.0)
    sent = round(round((fahrenheit - 32) / 1.8 / step) * step, 1)
    return sent, round(sent * 1.8 + 32, 1) if reports_fahrenheit(climate) else sent


def in_motion(entity: HaEntity, state: str | None) -> bool | None:
    """Whether a car drives whose entity (of `MOTION` or `MOVING`) is in this state; None where that
    is not said: a charging car stands, but an unknown one may do anything."""
    if state is None:
        return None
    if entity.component == "binary_sensor":
        words = {entity.text("payload_on", "ON"): True, entity.text("payload_off", "OFF"): False}
        return words.get(state)
    return _MOTION.get(state.casefold().replace("_", " "))


def door_word(entity: HaEntity, state: str | None) -> str | None:
    """How the doors are, by a lock or a sensor of theirs; None where that is not said."""
    if entity.component == "lock":
        words = {
            entity.text("state_locked", "LOCKED"): "locked",
            entity.text("state_unlocked", "UNLOCKED"): "unlocked",
        }
    else:
        words = {
            entity.text("payload_on", "ON"): "open",
            entity.text("payload_off", "OFF"): "closed",
        }
    return words.get(state or "")


def reading(sensor: HaEntity, state: str | None) -> str | None:
    """A number with its unit, like `81 %`; None where the state is none."""
    value, unit = number(state), sensor.unit or ""
    return None if value is None else f"{value:g} {unit if _UNIT.fullmatch(unit) else ''}".strip()


def place(attributes: str | None) -> str | None:
    """A position as `latitude, longitude`; None where the payload holds none."""
    try:
        read = json.loads(attributes or "")
        return f"{float(read['latitude']):.5f}, {float(read['longitude']):.5f}"
    except (ValueError, KeyError, TypeError):
        return None
