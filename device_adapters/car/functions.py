"""Which entities of a car serve which functions, and its units: pure."""

from __future__ import annotations

import json

from device_adapters.ha import HaDevice, HaEntity
from device_adapters.ha_adapter import Want, find, reports_fahrenheit

LOCK = Want(components=("lock",), without=("charging",))
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

_SERVING = {
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
_STATUS = (BATTERY, RANGE, DOORS, POSITION)
_GATEWAYS = ("carconnectivity", "ovms", "teslamate", "wican")


def serves(device: HaDevice) -> frozenset[str]:
    """The functions that a car's entities can serve."""
    found = {function for function, want in _SERVING.items() if find(device, want)}
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


def sent_temperature(climate: HaEntity, fahrenheit: float) -> float:
    """What to send for a temperature: CarConnectivity takes °C even where it reports °F."""
    celsius = "carconnectivity" in climate.origin.casefold() or not reports_fahrenheit(climate)
    return round((fahrenheit - 32) / 1.8, 1) if celsius else fahrenheit


def place(attributes: str | None) -> str | None:
    """A position as `latitude, longitude`; None where the payload holds none."""
    try:
        read = json.loads(attributes or "")
        return f"{float(read['latitude']):.5f}, {float(read['longitude']):.5f}"
    except (ValueError, KeyError, TypeError):
        return None
