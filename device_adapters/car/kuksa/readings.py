"""What a car's values say: its state in words, and the call that would leave it as it is: pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from device_adapters.calls import as_now, text_argument
from device_adapters.car import driving
from device_adapters.car.kuksa import vss
from device_adapters.car.kuksa.orders import volume_level
from device_adapters.car.kuksa.signals import Car
from schemas.base import Scalar
from schemas.call import Invocation, Restore
from schemas.errors import DeviceRefused

Look = Callable[[Invocation, Car], Restore | None]

_KM = {"": 0.001, "m": 0.001, "km": 1.0, "mi": 1.609344, "miles": 1.609344}
"""Kilometres by a range's unit; VSS says m."""


def status(call: Invocation, car: Car) -> str:
    """How the car is, in one line; DeviceRefused where it does not say."""
    item = call.arguments.get("item") or "all"
    readings = {
        "battery": _battery(car),
        "range": _range(car),
        "doors": _doors(car),
        "location": _location(car),
    }
    said = [text for key, text in readings.items() if text and item in ("all", key)]
    if not said:
        raise DeviceRefused(f"{car.name} does not report its {item} state")
    return ", ".join(said)


def present(call: Invocation, car: Car) -> Restore | None:
    """The call that would leave the car as it is; None where its values do not tell."""
    look = _LOOKS.get(call.function)
    return None if look is None else look(call, car)


def drives(car: Car) -> bool | None:
    """Whether it drives; None where it does not tell."""
    speed = car.number(vss.SPEED)
    return None if speed is None else driving.moves(speed, car.signals[vss.SPEED].unit or "km/h")


def _first(car: Car, paths: Sequence[str]) -> float | None:
    return next((value for path in paths if (value := car.number(path)) is not None), None)


def _battery(car: Car) -> str | None:
    charge = _first(car, vss.BATTERY)
    return None if charge is None else f"battery {charge:.0f} %"


def _range(car: Car) -> str | None:
    told = ((car.number(path), car.signals[path].unit) for path in vss.RANGE if path in car.signals)
    far = (f"{n * _KM[unit]:.0f} km" for n, unit in told if n is not None and unit in _KM)
    return next((f"range {kilometres}" for kilometres in far), None)


def _doors(car: Car) -> str | None:
    locks = _each(car, vss.LOCKS, yes="locked", no="unlocked", one="unlocked")
    opened = _each(car, vss.OPEN_DOORS, yes="open", no="closed", one="open")
    said = [text for text in (locks, opened) if text]
    return f"doors {' and '.join(said)}" if said else None


def _each(car: Car, paths: Sequence[str], *, yes: str, no: str, one: str) -> str | None:
    """What the doors say together: `one` where a single one says so, else the other word with how
    many of them say it, unless all do; None where none says anything."""
    states = [car.values.get(path) for path in paths if path in car.signals]
    words = [yes if state else no for state in states if isinstance(state, bool)]
    if not words or one in words:
        return one if words else None
    return words[0] + (f" ({len(words)} of {len(states)} tell)" if len(words) < len(states) else "")


def _location(car: Car) -> str | None:
    latitude, longitude = car.number(vss.LATITUDE), car.number(vss.LONGITUDE)
    if latitude is None or longitude is None:
        return None
    return f"at {latitude:.5f}, {longitude:.5f}"


def _all_same(car: Car, paths: Sequence[str]) -> Scalar | None:
    """What all of them say; None where they differ or one says nothing."""
    values = [car.values.get(path) for path in paths if path in car.signals]
    return values[0] if values and all(value == values[0] for value in values) else None


def _lock(call: Invocation, car: Car) -> Restore | None:
    locked = _all_same(car, vss.LOCKS)
    word = {True: "lock", False: "unlock"}.get(locked) if isinstance(locked, bool) else None
    return as_now(call, action=word)


def _climate(call: Invocation, car: Car) -> Restore | None:
    """To the nearest degree, as the function counts."""
    zone = str(call.arguments.get("zone") or "driver")
    stations = [path for path in vss.CLIMATE.get(zone, ()) if path in car.signals]
    shown = _all_same(car, stations)
    if isinstance(shown, bool | str | None):
        return None
    counted = car.signals[stations[0]].degree
    return as_now(call, temperature=round(shown if counted == "°F" else shown * 1.8 + 32))


def _charging(call: Invocation, car: Car) -> Restore | None:
    charges = car.values.get(vss.CHARGING)
    if not isinstance(charges, bool):
        return None
    return Restore(function="start_charging" if charges else "stop_charging", arguments={})


def _lights(call: Invocation, car: Car) -> Restore | None:
    light = text_argument(call, "light")
    on = _all_same(car, vss.LIGHTS.get(light, ()))
    if on is None and light == "headlights":
        on = {"BEAM": True, "OFF": False}.get(str(car.values.get(vss.LIGHT_SWITCH)))
    return as_now(call, state={True: "on", False: "off"}[on]) if isinstance(on, bool) else None


def _volume(call: Invocation, car: Car) -> Restore | None:
    level = volume_level(car) if vss.VOLUME in car.signals else None
    if level is None:
        return None
    return Restore(
        function="adjust_volume", arguments={"volume_diff": None, "set_value": round(level)}
    )


_LOOKS: Mapping[str, Look] = {
    "lock_doors": _lock,
    "set_climate_temperature": _climate,
    "start_charging": _charging,
    "stop_charging": _charging,
    "control_lights": _lights,
    "adjust_volume": _volume,
}
