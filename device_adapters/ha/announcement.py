"""Home Assistant's discovery payloads, read into values: pure, and safe with hostile input."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, overload

from device_adapters.ha import abbreviations
from schemas.base import Scalar, Value

MAXIMUM_PAYLOAD = 256 * 1024
_MAXIMUM_TEXT = 4096
_MAXIMUM_NAME = 256
_MAXIMUM_TOPIC = 1024
_MAXIMUM_LEVELS = 100
"""Of a topic; a broker hangs up on who asks for one of some more."""
_MAXIMUM_OPTIONS = 512
_MAXIMUM_COMPONENTS = 512
_MAXIMUM_CHOICES = 128
_MAXIMUM_TELLING = 8  # topics that tell whether one entity is there
_MAXIMUM_WAYS = 16  # of a device to tell that
_TOPIC = re.compile(rf"[^+#]{{1,{_MAXIMUM_TOPIC}}}")
_SENSORS = {"sensor", "binary_sensor"}
_ANY_LEVEL = re.compile(r"(?<![^/])\+(?=/)")
"""Of a sensor that several gateways may hear (OpenMQTTGateway): `+/+/BTtoMQTT/A4C138…`."""
_HALF = re.compile("[\ud800-\udfff]")
"""Half a character."""
_SHARED = {"~", "origin", "state_topic", "command_topic", "json_attributes_topic"} | {
    "payload_available",
    "payload_not_available",
}
"""What a message for several entities says for each of them, beside its availability."""


class BadAnnouncementError(ValueError):
    """The message announces nothing that could be trusted, and removes nothing."""


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
    category: str = ""  # "config" or "diagnostic"; empty where people mean it every day
    enabled: bool = True  # whether its publisher thinks that people want it
    availability: tuple[Availability, ...] = ()
    availability_mode: str = "latest"
    options: dict[str, Scalar]
    choices: dict[str, tuple[str, ...]] = {}  # options that are lists: modes, supported_color_modes
    lacks: tuple[str, ...] = ()  # options that are said not to be there (`payload_stop: null`)

    @overload
    def text(self, option: str) -> str | None: ...
    @overload
    def text(self, option: str, default: str) -> str: ...
    def text(self, option: str, default: str | None = None) -> str | None:
        """One option as text."""
        value = self.options.get(option)
        return default if value is None or value == "" else _text(value)

    def flag(self, option: str) -> bool:
        """Whether an option is said to be true."""
        return (self.text(option) or "").casefold() == "true"

    @property
    def primary(self) -> bool:
        """Whether it is what the device is for, not a setting of it or a reading for its owner."""
        return self.enabled and not self.category


class HaDevice(Value):
    """One device as announced, with all its entities."""

    id: str  # its first identifier
    name: str
    manufacturer: str = ""
    model: str = ""
    area: str = ""  # the room that its publisher suggests
    identifiers: tuple[str, ...] = ()
    entities: tuple[HaEntity, ...] = ()

    @functools.cached_property
    def telling(self) -> tuple[HaEntity, ...]:
        """Of the entities that tell whether they are there, one for each way of telling; none
        where there are more ways than could be looked at with every word."""
        ways = {(e.availability, e.availability_mode): e for e in self.entities if e.availability}
        return tuple(ways.values()) if len(ways) <= _MAXIMUM_WAYS else ()


def read_announcement(topic: tuple[str, ...], payload: bytes) -> HaDevice | None:
    """What one discovery message announces; None where it removes what was announced there.

    `topic` holds the levels between the prefix and `config`: component, [node,] object.
    """
    if not payload:
        return None
    if len(payload) > MAXIMUM_PAYLOAD:
        raise BadAnnouncementError(f"{len(payload)} bytes are too many")
    try:
        config = json.loads(payload)
    except (ValueError, RecursionError) as exc:
        raise BadAnnouncementError("it is no JSON") from exc
    if not isinstance(config, dict):
        raise BadAnnouncementError("it is no object")
    return _read(topic, _full(config))


def merged(parts: Sequence[HaDevice]) -> HaDevice:
    """One device from the messages that announce it, in the order in which they first came.

    An entity belongs to who announced it first, and a device to the first program that named
    itself: nobody else's message redirects or joins what is there until that is removed.
    """
    program = next((e.origin for part in parts for e in part.entities if e.origin), "")
    entities: dict[tuple[str, str], HaEntity] = {}
    for part in parts:
        for entity in part.entities:
            if entity.origin in ("", program):
                entities.setdefault((entity.component, entity.id), entity)
    return parts[0].model_copy(update={"entities": tuple(entities.values())})


def _read(topic: tuple[str, ...], config: dict[str, Any]) -> HaDevice | None:
    components = _components(topic[0], "_".join(topic[1:]), config)
    entities = (_entity(identifier, component) for identifier, component in components)
    found = tuple(entity for entity in entities if entity)
    if components and not found:
        raise BadAnnouncementError("no entity of it can be used")
    return _device(config, found) if found else None


def _components(
    component: str, name: str, config: dict[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    """The entities of a message: its own, or those of a `device` message with shared options.

    One that says nothing but its platform is no longer there.
    """
    if component != "device":
        return [(name, config | {"platform": component})]
    listed = config.get("components")
    if not isinstance(listed, dict):
        raise BadAnnouncementError("it lists no components")
    there = [
        (f"{name}_{key}", _full(value))
        for key, value in list(listed.items())[:_MAXIMUM_COMPONENTS]
        if isinstance(value, dict) and len(value) > 1
    ]
    return [(identifier, _with_shared(own, config)) for identifier, own in there]


def _with_shared(own: dict[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """One component's options over those of its message; what it says of its availability
    replaces all that the message says of it."""
    shared = {key: value for key, value in config.items() if key in _SHARED}
    if not any(key.startswith("availability") for key in own):
        shared |= {key: value for key, value in config.items() if key.startswith("availability")}
    return shared | own


def _entity(identifier: str, config: dict[str, Any]) -> HaEntity | None:
    """One entity; None where a topic of it is no topic."""
    base = config.get("~") or ""
    if not isinstance(base, str) or len(base) > _MAXIMUM_TOPIC:
        return None
    config = {key: _with_base(key, value, base) for key, value in config.items()}
    component = config.get("platform")
    topics = {k: v for k, v in config.items() if k.endswith("topic") and v is not None}
    availability = _availability(config, base)
    if component in _SENSORS and isinstance(topics.get("state_topic"), str):
        topics["state_topic"] = _ANY_LEVEL.sub("any", topics["state_topic"], count=2)
    said_on = (item.topic for item in availability)
    if not isinstance(component, str) or not all(map(_is_topic, (*topics.values(), *said_on))):
        return None
    origin = config.get("origin")
    device_class = _string(config.get("device_class"))
    category = _string(config.get("entity_category"))
    return HaEntity(
        id=_string(config.get("unique_id")) or identifier,
        component=component,
        # One that leaves its name out is called after its class; `null` is the device itself.
        name=_string(config.get("name", device_class.replace("_", " "))),
        device_class=device_class or None,
        unit=_string(config.get("unit_of_measurement")) or None,
        origin=_string(origin.get("name")) if isinstance(origin, dict) else "",
        category=category if category in {"config", "diagnostic"} else "",
        enabled=config.get("enabled_by_default") is not False,
        availability=availability,
        availability_mode=_string(config.get("availability_mode")) or "latest",
        options={
            key: value
            for key, value in config.items()
            if isinstance(value, str | int | float) and _is_clean(_text(value))
        },
        choices={k: tuple(_choices(v)) for k, v in config.items() if isinstance(v, list)},
        lacks=tuple(key for key, value in config.items() if value is None),
    )


def _choices(listed: list[Any]) -> Iterable[str]:
    """The words of a list: modes, colour modes, options."""
    for item in listed[:_MAXIMUM_CHOICES]:
        if isinstance(item, str | int | float) and _is_clean(_text(item)):
            yield _text(item)


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
    full = [_full(item) for item in items[:_MAXIMUM_TELLING] if isinstance(item, dict)]
    return tuple(
        _said_on(
            _with_base("topic", item["topic"], base),
            _template(item.get("value_template")),
            _string(item.get("payload_available")),
            _string(item.get("payload_not_available")),
        )
        for item in full
        if isinstance(item.get("topic"), str)
    )


@functools.lru_cache(maxsize=1024)
def _said_on(topic: str, template: str, available: str, not_available: str) -> Availability:
    """One way of telling, which hundreds of entities may share."""
    return Availability(
        topic=topic,
        template=template or None,
        available=available or "online",
        not_available=not_available or "offline",
    )


def _device(config: Mapping[str, Any], entities: tuple[HaEntity, ...]) -> HaDevice:
    """The device block; an entity without one is a device of its own."""
    block = config.get("device")
    device = _full(block, abbreviations.DEVICE) if isinstance(block, dict) else {}
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
        area=_string(device.get("suggested_area")),
        identifiers=tuple(known),
        entities=entities,
    )


def _full(
    config: Mapping[str, Any], table: Mapping[str, str] = abbreviations.ENTITY
) -> dict[str, Any]:
    """A block without its short names; `BadAnnouncementError` where it says far too much."""
    if len(config) > _MAXIMUM_OPTIONS:
        raise BadAnnouncementError(f"{len(config)} options are too many")
    return {table.get(key, key): value for key, value in config.items()}


def _with_base(key: str, value: Any, base: str) -> Any:
    """`~` at either end of a topic stands for the base, once."""
    if not base or not key.endswith("topic") or not isinstance(value, str):
        return value
    before, after = value.startswith("~"), value.endswith("~") and len(value) > 1
    middle = value[before : len(value) - after]
    return base * before + middle + base * after


def _is_clean(text: str) -> bool:
    """Whether it is short, and Unicode (JSON may hold half a character)."""
    return len(text) <= _MAXIMUM_TEXT and not _HALF.search(text)


def _is_topic(value: object) -> bool:
    """Whether it is a device's topic without wildcards, and one that no broker hangs up on."""
    if not isinstance(value, str) or value.startswith("$") or value.count("/") >= _MAXIMUM_LEVELS:
        return False
    return value.isprintable() and bool(_TOPIC.fullmatch(value))


def _string(value: object) -> str:
    """A short text, or an empty one for anything else."""
    if not isinstance(value, str | int | float):
        return ""
    return _plain(_text(value)[: 4 * _MAXIMUM_NAME])


@functools.lru_cache(maxsize=1024)
def _plain(text: str) -> str:
    """A line of printable characters; the same text comes with every entity of a message."""
    return " ".join("".join(c for c in text if c.isprintable() or c == " ").split())[:_MAXIMUM_NAME]


def _template(value: object) -> str:
    """A template as it is; one that is too long stays so, and fails."""
    return value[: _MAXIMUM_TEXT + 1] if isinstance(value, str) else ""


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
