"""Home Assistant's discovery payloads, read into values: pure, and safe with hostile input."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from schemas.base import Scalar, Value

MAXIMUM_PAYLOAD = 256 * 1024
_MAXIMUM_TEXT = 4096
_MAXIMUM_COMPONENTS = 512
_TOPIC = re.compile(r"[^+#]{1,1024}")

_ABBREVIATIONS = dict(
    line.split()
    for line in """
    act_t action_topic
    avty availability
    avty_mode availability_mode
    avty_t availability_topic
    avty_tpl availability_template
    bri_cmd_t brightness_command_topic
    bri_cmd_tpl brightness_command_template
    bri_scl brightness_scale
    bri_stat_t brightness_state_topic
    bri_val_tpl brightness_value_template
    cmd_t command_topic
    cmd_tpl command_template
    cmps components
    cns connections
    curr_temp_t current_temperature_topic
    curr_temp_tpl current_temperature_template
    dev device
    dev_cla device_class
    ids identifiers
    img_t image_topic
    img_e image_encoding
    json_attr_t json_attributes_topic
    json_attr_tpl json_attributes_template
    max_temp max_temp
    mdl model
    mf manufacturer
    mode_cmd_t mode_command_topic
    mode_cmd_tpl mode_command_template
    mode_stat_t mode_state_topic
    mode_stat_tpl mode_state_template
    o origin
    obj_id object_id
    opt optimistic
    p platform
    pl_avail payload_available
    pl_cls payload_close
    pl_lock payload_lock
    pl_not_avail payload_not_available
    pl_off payload_off
    pl_on payload_on
    pl_open payload_open
    pl_prs payload_press
    pl_stop payload_stop
    pl_unlk payload_unlock
    pos_clsd position_closed
    pos_open position_open
    pos_t position_topic
    pos_tpl position_template
    ret retain
    rgb_cmd_t rgb_command_topic
    rgb_cmd_tpl rgb_command_template
    rgb_stat_t rgb_state_topic
    rgb_val_tpl rgb_value_template
    set_pos_t set_position_topic
    set_pos_tpl set_position_template
    sn serial_number
    stat_clsd state_closed
    stat_closing state_closing
    stat_locked state_locked
    stat_off state_off
    stat_on state_on
    stat_open state_open
    stat_opening state_opening
    stat_stopped state_stopped
    stat_t state_topic
    stat_unlocked state_unlocked
    stat_val_tpl state_value_template
    sup_clrm supported_color_modes
    sw sw_version
    t topic
    temp_cmd_t temperature_command_topic
    temp_cmd_tpl temperature_command_template
    temp_stat_t temperature_state_topic
    temp_stat_tpl temperature_state_template
    temp_unit temperature_unit
    uniq_id unique_id
    unit_of_meas unit_of_measurement
    val_tpl value_template
    """.strip().splitlines()
)


class Availability(Value):
    """One topic that says whether an entity can be reached."""

    topic: str
    template: str | None = None
    available: str = "online"
    not_available: str = "offline"


class HaEntity(Value):
    """One entity as announced: `options` hold the component's own settings, unabbreviated."""

    id: str
    component: str
    name: str  # empty where the entity is the device's main feature
    device_class: str | None = None
    unit: str | None = None
    origin: str = ""  # the program that announced it
    availability: tuple[Availability, ...] = ()
    availability_mode: str = "latest"
    options: dict[str, Scalar]

    def text(self, option: str, default: str | None = None) -> str | None:
        """One option as text."""
        value = self.options.get(option)
        return default if value is None or value == "" else _text(value)


class HaDevice(Value):
    """One device as announced, with all its entities."""

    id: str  # its first identifier
    name: str
    manufacturer: str = ""
    model: str = ""
    identifiers: tuple[str, ...] = ()
    entities: tuple[HaEntity, ...] = ()


def read_announcement(topic: tuple[str, ...], payload: bytes) -> HaDevice | None:
    """What one discovery message announces; None where it removes, or is not worth trusting.

    `topic` holds the levels between the prefix and `config`: component, [node,] object.
    """
    if not payload or len(payload) > MAXIMUM_PAYLOAD:
        return None
    try:
        config = json.loads(payload)
        return _read(topic, _full(config)) if isinstance(config, dict) else None
    except (ValueError, RecursionError):
        return None


def _read(topic: tuple[str, ...], config: dict[str, Any]) -> HaDevice | None:
    components = _components(topic[0], "_".join(topic[1:]), config)
    entities = (_entity(identifier, component) for identifier, component in components)
    found = tuple(entity for entity in entities if entity)
    return _device(config, found) if found else None


def _components(
    component: str, name: str, config: dict[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    """The entities of a message: its own, or those of a `device` message with shared options."""
    if component != "device":
        return [(name, config | {"platform": component})]
    listed = config.get("components")
    if not isinstance(listed, dict):
        return []
    shared = {
        key: value
        for key, value in config.items()
        if key in {"~", "origin", "state_topic", "command_topic"} or key.startswith("availability")
    }
    return [
        (f"{name}_{key}", shared | _full(value))
        for key, value in list(listed.items())[:_MAXIMUM_COMPONENTS]
        if isinstance(value, dict) and len(value) > 1
    ]


def _entity(identifier: str, config: dict[str, Any]) -> HaEntity | None:
    """One entity; None where a topic of it is no topic."""
    base = config.get("~")
    if isinstance(base, str):
        config = {key: _with_base(key, value, base) for key, value in config.items()}
    component = config.get("platform")
    options = {
        key: value
        for key, value in config.items()
        if isinstance(value, str | int | float) and _is_clean(_text(value))
    }
    topics = [v for key, v in config.items() if key.endswith("topic") and v is not None]
    availability = _availability(config, base if isinstance(base, str) else "")
    topics += [item.topic for item in availability]
    if not isinstance(component, str) or not all(_is_topic(topic) for topic in topics):
        return None
    origin = config.get("origin")
    return HaEntity(
        id=_string(config.get("unique_id")) or identifier,
        component=component,
        name=_string(config.get("name")),
        device_class=_string(config.get("device_class")) or None,
        unit=_string(config.get("unit_of_measurement")) or None,
        origin=_string(origin.get("name")) if isinstance(origin, dict) else "",
        availability=availability,
        availability_mode=_string(config.get("availability_mode")) or "latest",
        options=options,
    )


def _availability(config: Mapping[str, Any], base: str) -> tuple[Availability, ...]:
    """Where to look whether an entity is there: a list, one dict, or the older flat options."""
    items = config.get("availability")
    items = [items] if isinstance(items, dict) else items if isinstance(items, list) else []
    if not items and isinstance(config.get("availability_topic"), str):
        items = [
            {
                "topic": config["availability_topic"],
                "value_template": config.get("availability_template"),
                "payload_available": config.get("payload_available"),
                "payload_not_available": config.get("payload_not_available"),
            }
        ]
    full = [_full(item) for item in items[:16] if isinstance(item, dict)]
    return tuple(
        Availability(
            topic=_with_base("topic", item["topic"], base),
            template=_string(item.get("value_template")) or None,
            available=_string(item.get("payload_available")) or "online",
            not_available=_string(item.get("payload_not_available")) or "offline",
        )
        for item in full
        if isinstance(item.get("topic"), str)
    )


def _device(config: Mapping[str, Any], entities: tuple[HaEntity, ...]) -> HaDevice:
    """The device block; an entity without one is a device of its own."""
    block = config.get("device")
    device = _full(block) if isinstance(block, dict) else {}
    identifiers = device.get("identifiers")
    listed = identifiers if isinstance(identifiers, list) else [identifiers]
    known = [_string(item) for item in listed[:16]]
    connections = device.get("connections")
    for item in connections[:16] if isinstance(connections, list) else []:
        if isinstance(item, list):
            known.append(":".join(_string(part) for part in item[:2]))
    known = [item for item in known if item] or [entities[0].id]
    return HaDevice(
        id=known[0],
        name=_string(device.get("name")) or entities[0].name or known[0],
        manufacturer=_string(device.get("manufacturer")),
        model=_string(device.get("model")),
        identifiers=tuple(known),
        entities=entities,
    )


def _full(config: Mapping[str, Any]) -> dict[str, Any]:
    return {_ABBREVIATIONS.get(key, key): value for key, value in config.items()}


def _with_base(key: str, value: Any, base: str) -> Any:
    """`~` at either end of a topic stands for the base."""
    if not key.endswith("topic") or not isinstance(value, str):
        return value
    if value.startswith("~"):
        return base + value[1:]
    return value[:-1] + base if value.endswith("~") else value


def _is_clean(text: str) -> bool:
    """Whether it is short, and Unicode (JSON may hold half a character)."""
    return len(text) <= _MAXIMUM_TEXT and not any("\ud800" <= c <= "\udfff" for c in text)


def _is_topic(value: object) -> bool:
    """Whether it is a topic without wildcards, and of text that no broker hangs up on."""
    return isinstance(value, str) and value.isprintable() and bool(_TOPIC.fullmatch(value))


def _string(value: object) -> str:
    """A short text, or an empty one for anything else."""
    if not isinstance(value, str | int | float):
        return ""
    return " ".join("".join(c for c in _text(value) if c.isprintable() or c == " ").split())[:256]


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
