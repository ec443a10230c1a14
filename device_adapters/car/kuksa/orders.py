"""What a call orders of a car, and what shows that it happened: pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from device_adapters.calls import number_argument, text_argument
from device_adapters.car.kuksa import vss
from device_adapters.car.kuksa.signals import Car, Signal
from schemas.base import Scalar
from schemas.call import Invocation
from schemas.errors import DeviceRefused

_WINDOW_TRAVEL = 1000  # mm, from closed to open
_LOUDEST = 50  # of the volume as a person says it
_BLAST = 0.7  # seconds the horn sounds
_ROOF_TRAVEL = 12.0  # seconds after which a sunroof has arrived, or will not
ROOF_WORDS: Mapping[str, tuple[Sequence[str], float, str]] = {
    "open": (("ONE_SHOT_OPEN", "OPEN"), 100, "Opened"),
    "close": (("ONE_SHOT_CLOSE", "CLOSE"), 0, "Closed"),
    "tilt": (("TILT_UP",), -100, "Tilted"),
}
"""By action: the words of its switch, best first; the position it leads to; what is said then."""


class Order(NamedTuple):
    """Values for actuators, by VSS's paths, and how their effect shows."""

    orders: Mapping[str, Scalar]
    detail: str
    shown: Mapping[str, Scalar]
    """What must be seen; nothing where the car has nothing to look at."""
    release: Mapping[str, Scalar] = {}
    """What a button held down is set to again, whatever happens."""
    held: tuple[float, float] = (0.0, 0.0)
    """Seconds it is held: at least, and at most while nothing is seen."""


Planner = Callable[[Invocation, Car], Order]


def order(call: Invocation, car: Car) -> Order:
    """What a call orders; DeviceRefused where this car cannot do it."""
    planner = _PLANNERS.get(call.function)
    if planner is None or not car.actuators(*vss.ORDERED[call.function]):
        raise DeviceRefused(f"{car.name} cannot {call.function}")
    return planner(call, car)


def _lock(call: Invocation, car: Car) -> Order:
    locks = text_argument(call, "action") == "lock"
    doors = dict.fromkeys(car.actuators(*vss.LOCKS), locks)
    said = "Locked" if locks else "Unlocked"
    return Order(doors, f"{said} the doors of {car.name}", shown=doors)


def _climate(call: Invocation, car: Car) -> Order:
    zone, wanted = call.arguments.get("zone") or "driver", number_argument(call, "temperature")
    stations = _some(car, vss.CLIMATE.get(str(zone), ()), f"{zone} temperature")
    orders: dict[str, Scalar] = {path: degrees(car.signals[path], wanted) for path in stations}
    sent = ", ".join(f"{value:g} {car.signals[path].degree}" for path, value in orders.items())
    detail = f"Set {wanted:g} °F for the {zone} of {car.name} (sent {sent})"
    return Order(orders, detail, shown=orders)


def degrees(station: Signal, fahrenheit: float) -> float:
    """A temperature in a station's unit, to a tenth; to one degree where it has whole ones."""
    value = fahrenheit if station.degree == "°F" else (fahrenheit - 32) / 1.8
    return round(value, 0 if station.whole else 1)


def _seat(call: Invocation, car: Car) -> Order:
    seat, way = call.arguments.get("seat") or "driver", text_argument(call, "position")
    if way not in vss.SEAT_MOVES or seat not in vss.SEATS:
        raise DeviceRefused(f"{car.name} cannot move its {seat} seat {way}")
    end, sign = vss.SEAT_MOVES[way]
    [path] = _some(car, (f"{vss.SEATS[str(seat)]}.{end}",), f"{seat} seat that moves {way}")
    at = car.number(path)
    if at is None:
        raise DeviceRefused(f"{car.name} does not say where its {seat} seat is")
    limits = car.signals[path]
    if limits.unit not in ("", "mm"):
        raise DeviceRefused(f"{car.name} counts its seats' places in {limits.unit}, not in mm")
    goal = at + sign * number_argument(call, "distance")
    low = 0.0 if limits.minimum is None else limits.minimum
    if goal < low or (limits.maximum is not None and goal > limits.maximum):
        most = "" if limits.maximum is None else f" to {limits.maximum:g}"
        raise DeviceRefused(
            f"the {seat} seat of {car.name} is at {at:g} mm and moves from {low:g}{most} mm"
        )
    detail = f"Moved the {seat} seat of {car.name} {way}: {goal:g} mm"
    return Order({path: goal}, detail, shown={path: goal})


def _window(call: Invocation, car: Car) -> Order:
    name, up = text_argument(call, "window"), text_argument(call, "position") == "up"
    path = _window_path(name, car)
    [path] = _some(car, (path,) if path else (), f"{name} window")
    at, move = car.number(path), number_argument(call, "distance") * 100 / _WINDOW_TRAVEL
    if at is None and move < 100:
        raise DeviceRefused(f"{car.name} does not say where its {name} window is")
    before = at if at is not None else (100.0 if up else 0.0)
    goal = max(0, min(100, round(before - move if up else before + move)))
    said = "Closed" if up else "Opened"
    detail = f"{said} the {name} window of {car.name}: {goal} % open"
    return Order({path: goal}, detail, shown={path: goal})


def _window_path(name: str, car: Car) -> str | None:
    """The path of "rear left": which side that is depends on where the driver sits."""
    row, _, side = name.partition(" ")
    rows = {"front": 0, "rear": 2}
    if row not in rows or side not in ("left", "right"):
        return None
    drivers = "right" if car.values.get(vss.DRIVER_SIDE) == "RIGHT" else "left"
    return vss.WINDOWS[rows[row] + (side != drivers)]


def _roof(call: Invocation, car: Car) -> Order:
    action = text_argument(call, "action")
    if action not in ROOF_WORDS:
        raise DeviceRefused(f"the sunroof of {car.name} cannot {action}")
    if call.arguments.get("intensity") not in (None, 100):
        raise DeviceRefused(f"the sunroof of {car.name} goes all the way only")
    words, goal, said = ROOF_WORDS[action]
    allowed = car.signals[vss.ROOF_SWITCH].allowed
    word = next((word for word in words if word in allowed), None if allowed else words[-1])
    if word is None:
        raise DeviceRefused(f"the sunroof of {car.name} cannot {action}")
    held = not word.startswith("ONE_SHOT")
    return Order(
        {vss.ROOF_SWITCH: word},
        f"{said} the sunroof of {car.name}",
        shown={vss.ROOF: goal} if vss.ROOF in car.signals else {},
        release={vss.ROOF_SWITCH: "INACTIVE"} if held else {},
        held=(0.0, _ROOF_TRAVEL),
    )


def _honk(call: Invocation, car: Car) -> Order:
    pressed = car.actuators(vss.HAZARD, vss.HORN)  # the loud one last
    said = "Honked and flashed" if vss.HAZARD in pressed else "Honked, without lights"
    flashing = car.values.get(vss.HAZARD) is True
    on = dict.fromkeys(pressed, True)
    off = {path: path == vss.HAZARD and flashing for path in pressed}
    return Order(on, f"{said} on {car.name}", shown=on, release=off, held=(_BLAST, _BLAST))


def _start_charging(call: Invocation, car: Car) -> Order:
    return _charge(car, start=True)


def _stop_charging(call: Invocation, car: Car) -> Order:
    return _charge(car, start=False)


def _charge(car: Car, *, start: bool) -> Order:
    orders = {vss.CHARGE: "START" if start else "STOP"}
    shown = {vss.CHARGING: start} if vss.CHARGING in car.signals else {}
    return Order(orders, f"{'Started' if start else 'Stopped'} charging {car.name}", shown=shown)


def _lights(call: Invocation, car: Car) -> Order:
    light, on = text_argument(call, "light"), text_argument(call, "state") == "on"
    orders: dict[str, Scalar] = dict.fromkeys(car.actuators(*vss.LIGHTS.get(light, ())), on)
    if light == "headlights" and not orders and car.actuators(vss.LIGHT_SWITCH):
        orders = {vss.LIGHT_SWITCH: "BEAM" if on else "OFF"}
    if not orders:
        raise DeviceRefused(f"{car.name} has no {light} to set")
    detail = f"Switched the {light} of {car.name} {'on' if on else 'off'}"
    return Order(orders, detail, shown=orders)


def _volume(call: Invocation, car: Car) -> Order:
    if call.arguments.get("set_value") is not None:
        level = number_argument(call, "set_value")
    else:
        now = volume_level(car)
        if now is None:
            raise DeviceRefused(f"{car.name} does not report its volume")
        level = now + number_argument(call, "volume_diff")
    level = max(0.0, min(_LOUDEST, level))
    low, high = _volume_range(car)
    orders = {vss.VOLUME: round(low + (high - low) * level / _LOUDEST)}
    return Order(orders, f"Volume {level:g} of {_LOUDEST} in {car.name}", shown=orders)


def volume_level(car: Car) -> float | None:
    """The volume as a person counts it."""
    value = car.number(vss.VOLUME)
    low, high = _volume_range(car)
    return None if value is None or low >= high else (value - low) / (high - low) * _LOUDEST


def _volume_range(car: Car) -> tuple[float, float]:
    """VSS counts percent; a car may say that it ends sooner."""
    limits = car.signals[vss.VOLUME]
    return max(limits.minimum or 0.0, 0.0), min(limits.maximum or 100.0, 100.0)


def _some(car: Car, paths: Sequence[str], what: str) -> list[str]:
    """Those of the paths that the car takes orders for; DeviceRefused where there are none."""
    found = car.actuators(*paths)
    if not found:
        raise DeviceRefused(f"{car.name} has no {what}")
    return found


_PLANNERS: Mapping[str, Planner] = {
    "lock_doors": _lock,
    "set_climate_temperature": _climate,
    "adjust_seat_position": _seat,
    "control_window": _window,
    "operate_sunroof": _roof,
    "honk_and_flash": _honk,
    "start_charging": _start_charging,
    "stop_charging": _stop_charging,
    "control_lights": _lights,
    "adjust_volume": _volume,
}
