"""An entity's state as a person reads it: pure."""

from __future__ import annotations

from device_adapters.hass import fitting
from device_adapters.hass.fitting import Part
from device_adapters.hass.orders import light_now


def reading(part: Part, *, celsius: bool) -> str:
    """An entity's state as a person reads it."""
    state, unit = part.state, "°C" if celsius else "°F"
    said = [state.value.replace("_", " ")]
    match part.entity.domain:
        case "climate":
            now, target = state.number("current_temperature"), state.number("temperature")
            said += [] if now is None else [f"{now:g} {unit}"]
            said += [] if target is None else [f"set to {target:g} {unit}"]
        case "light":
            level = light_now(state)["brightness"]
            said += [] if level is None or state.value != "on" else [f"{level} %"]
        case "cover":
            where = state.number("current_position")
            said += [] if where is None else [f"{where:g} % open"]
        case "media_player":
            said += [t for t in (state.text("media_title"), state.text("media_artist")) if t]
        case "binary_sensor":
            return _TOLD.get(state.text("device_class"), {}).get(state.value, state.value)
        case "sensor":
            return f"{state.value} {state.text('unit_of_measurement')}".strip()
    return ", ".join(said)


_OPEN = {"on": "open", "off": "closed"}
_SEEN = {"on": "detected", "off": "clear"}
_TOLD = {
    **dict.fromkeys(("door", "garage_door", "opening", "window"), _OPEN),
    **dict.fromkeys((*fitting.SMOKE, "moisture", "motion", "occupancy", "sound"), _SEEN),
    "battery": {"on": "low", "off": "normal"},
    "lock": {"on": "unlocked", "off": "locked"},
    "problem": {"on": "a problem", "off": "fine"},
}
"""What on and off of a sensor mean, by its sort."""
