"""How a car is, out of its metrics, as a person reads it: pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from device_adapters.car.ovms.replies import flag, number

ASKED: Mapping[str, tuple[str, ...]] = {
    "battery": ("v.b.soc",),
    "range": ("v.b.range.est",),
    "doors": ("v.e.locked", "v.d."),
    "location": ("v.p.latitude", "v.p.longitude"),
}
"""What must be listed for each thing that may be asked."""
_UNITS = {"km": "km", "m": "mi", "mi": "mi", "miles": "mi"}
_DOORS = {
    "v.d.fl": "front left",
    "v.d.fr": "front right",
    "v.d.rl": "rear left",
    "v.d.rr": "rear right",
    "v.d.hood": "hood",
    "v.d.trunk": "trunk",
}


def told(item: str, found: dict[str, str]) -> str | None:
    """One thing in words; None where the metrics do not tell it."""
    return _TOLD[item](found)


def _battery(found: dict[str, str]) -> str | None:
    level = number(found.get("v.b.soc"))
    return f"battery {level[0]:g} %" if level and 0 <= level[0] <= 100 else None


def _range(found: dict[str, str]) -> str | None:
    far = number(found.get("v.b.range.est"))
    unit = _UNITS.get(far[1].casefold()) if far else None
    return f"range {far[0]:g} {unit}" if far and unit else None


def _doors(found: dict[str, str]) -> str | None:
    locked = flag(found.get("v.e.locked"))
    known = {name: flag(found.get(metric)) for metric, name in _DOORS.items()}
    opened = [name for name, is_open in known.items() if is_open]
    said = [] if locked is None else ["locked" if locked else "unlocked"]
    if opened:
        said.append(f"open ({', '.join(opened)})")
    elif False in known.values():
        said.append("closed")
    return f"doors {' and '.join(said)}" if said else None


def _location(found: dict[str, str]) -> str | None:
    north, east = number(found.get("v.p.latitude")), number(found.get("v.p.longitude"))
    if north is None or east is None or abs(north[0]) > 90 or abs(east[0]) > 180:
        return None
    return f"at {north[0]:.5f}, {east[0]:.5f}"


_TOLD: Mapping[str, Callable[[dict[str, str]], str | None]] = {
    "battery": _battery,
    "range": _range,
    "doors": _doors,
    "location": _location,
}
