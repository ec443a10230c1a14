"""What a car is not asked to do while it drives: pure."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.base import Scalar
from schemas.errors import DeviceRefused

MOVING = 1.0
"""km/h from which a car drives; below, a standing one's sensor may tremble."""
_DANGEROUS: Mapping[str, Mapping[str, frozenset[Scalar]]] = {
    "adjust_seat_position": {},
    "control_lights": {"state": frozenset({"off"})},
    "control_window": {},
    "honk_and_flash": {},
    "lock_doors": {"action": frozenset({"unlock"})},
    "operate_sunroof": {},
}
"""By function, the argument values that are dangerous; none: whatever its arguments."""
_KMH = {
    **dict.fromkeys(("km/h", "kmh", "kph"), 1.0),
    **dict.fromkeys(("mph", "mi/h"), 1.609344),
    "m/s": 3.6,
}


def dangerous(function: str, arguments: Mapping[str, Scalar | None]) -> bool:
    """Whether a call would endanger whoever drives the car."""
    values = _DANGEROUS.get(function)
    if values is None:
        return False
    return all(arguments.get(name) in dangerous for name, dangerous in values.items())


def refuse_while_driving(
    car: str, function: str, arguments: Mapping[str, Scalar | None], *, driving: bool | None
) -> None:
    """DeviceRefused where a call would endanger whoever drives; `driving` is None where the car
    does not tell, and then nothing is refused."""
    if driving and dangerous(function, arguments):
        what = function.replace("_", " ")
        raise DeviceRefused(f"{car} is driving: {what} waits until it stands")


def moves(speed: float, unit: str) -> bool | None:
    """Whether a speed is a driving car's; None where the unit is not known."""
    factor = _KMH.get(unit.strip().casefold())
    return None if factor is None else abs(speed) * factor >= MOVING
