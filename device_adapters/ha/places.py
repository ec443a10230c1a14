"""Where each attribute of an entity is ordered and reported: the options that say so. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from device_adapters.ha.announcement import HaEntity
from schemas.base import Value


class Place(Value):
    """Topics and templates of one attribute, or the options that hold them; empty where none."""

    command_topic: str = ""
    command_template: str = ""
    state_topic: str = ""
    state_template: str = ""


def _of(name: str, *, reads: str = "state_template") -> Place:
    """The four options as most attributes have them."""
    return Place(
        command_topic=f"{name}_command_topic",
        command_template=f"{name}_command_template",
        state_topic=f"{name}_state_topic",
        state_template=f"{name}_{reads}",
    )


def _told(name: str) -> Place:
    """An attribute that can only be read."""
    return Place(state_topic=f"{name}_topic", state_template=f"{name}_template")


_DEFAULT = Place(
    command_topic="command_topic",
    command_template="command_template",
    state_topic="state_topic",
    state_template="value_template",
)
_SWITCHED = _DEFAULT.model_copy(update={"state_template": "state_value_template"})
_VALUE = "value_template"
_PLACES: Mapping[str, Mapping[str, Place]] = {
    "light": {
        "state": _SWITCHED,
        "brightness": _of("brightness", reads=_VALUE),
        "rgb": _of("rgb", reads=_VALUE),
        "hs": _of("hs", reads=_VALUE),
        "xy": _of("xy", reads=_VALUE),
        "color_temp": _of("color_temp", reads=_VALUE),
    },
    "cover": {
        "state": _DEFAULT,
        "position": Place(
            command_topic="set_position_topic",
            command_template="set_position_template",
            state_topic="position_topic",
            state_template="position_template",
        ),
        "tilt": Place(
            command_topic="tilt_command_topic",
            command_template="tilt_command_template",
            state_topic="tilt_status_topic",
            state_template="tilt_status_template",
        ),
    },
    "climate": {
        "state": _of("mode"),
        "mode": _of("mode"),
        "power": _of("power"),
        "temperature": _of("temperature"),
        "temperature_low": _of("temperature_low"),
        "temperature_high": _of("temperature_high"),
        "fan_mode": _of("fan_mode"),
        "swing_mode": _of("swing_mode"),
        "preset": _of("preset_mode", reads=_VALUE),
        "humidity": _of("target_humidity"),
        "current_temperature": _told("current_temperature"),
        "current_humidity": _told("current_humidity"),
        "action": _told("action"),
    },
    "water_heater": {
        "state": _of("mode"),
        "mode": _of("mode"),
        "power": _of("power"),
        "temperature": _of("temperature"),
        "current_temperature": _told("current_temperature"),
    },
    "fan": {
        "state": _SWITCHED,
        "percentage": _of("percentage", reads=_VALUE),
        "preset": _of("preset_mode", reads=_VALUE),
        "oscillation": _of("oscillation", reads=_VALUE),
        "direction": _of("direction", reads=_VALUE),
    },
    "humidifier": {
        "state": _SWITCHED,
        "humidity": _of("target_humidity"),
        "mode": _of("mode"),
        "current_humidity": _told("current_humidity"),
        "action": _told("action"),
    },
    "siren": {"state": _SWITCHED},
    "camera": {"state": Place(state_topic="topic")},
    "image": {"state": Place(state_topic="image_topic")},
    "device_tracker": {"state": Place(state_topic="json_attributes_topic")},
    "media_player": {
        "state": Place(state_topic="state_state_topic"),
        "volume": Place(command_topic="command_volume_topic", state_topic="state_volume_topic"),
    },
}
_FALLING_BACK = {"climate", "water_heater"}  # their value_template serves what has none of its own


def place(entity: HaEntity, attribute: str) -> Place:
    """The topics and templates of an attribute, empty where they are not announced."""
    known = _PLACES.get(entity.component, {}).get(attribute)
    if known is None and (attribute != "state" or entity.component in _PLACES):
        return Place()
    options = (known or _DEFAULT).model_dump()
    found = {key: entity.text(option, "") for key, option in options.items() if option}
    if entity.component in _FALLING_BACK and not found["state_template"]:
        found["state_template"] = entity.text("value_template", "")
    return Place.model_validate(found)


def state_topics(entity: HaEntity) -> set[str]:
    """Every topic that tells how something of an entity is."""
    attributes = _PLACES.get(entity.component, ("state",))
    return {place(entity, attribute).state_topic for attribute in attributes} - {""}
