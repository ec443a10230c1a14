"""What Home Assistant has, read from its registries and states into values: pure, and safe with
whatever it sends."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

MOST_ENTITIES = 5000
LONGEST = 255
_KEY = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_ENTITY = re.compile(r"[a-z0-9_]{1,64}\.[a-z0-9_]{1,190}")
ACTING = (
    *("climate", "cover", "fan", "humidifier", "input_boolean", "light", "lock"),
    *("media_player", "scene", "siren", "switch"),
)
"""Domains of entities that can be ordered."""
TELLING = ("binary_sensor", "sensor")
"""Domains of those that only tell."""
_KEPT = (
    *("assumed_state", "device_class", "friendly_name", "supported_features"),
    *("unit_of_measurement", "code_format", "current_position"),
    *("brightness", "color_mode", "hs_color", "rgb_color", "supported_color_modes"),
    *("color_temp_kelvin", "max_color_temp_kelvin", "min_color_temp_kelvin"),
    *("current_temperature", "target_temp_step", "temperature"),
    *("media_artist", "media_content_id", "media_playlist", "media_title"),
    *("source", "source_list"),
)
"""Attributes that are used; all others are not kept."""
UNAVAILABLE, UNKNOWN = "unavailable", "unknown"


class State(NamedTuple):
    """An entity's state, with those of its attributes that are used."""

    value: str
    attributes: Mapping[str, Any] = {}

    @property
    def known(self) -> bool:
        """Whether it is there and has said how it is."""
        return self.value not in (UNAVAILABLE, UNKNOWN, "")

    def can(self, feature: int) -> bool:
        """Whether the entity supports a feature, by its bit."""
        features = self.attributes.get("supported_features")
        return isinstance(features, int) and bool(features & feature)

    def text(self, attribute: str) -> str:
        """An attribute as text; empty where it has none."""
        value = self.attributes.get(attribute)
        return line(value) if isinstance(value, str) else ""

    def number(self, attribute: str) -> float | None:
        """An attribute as a number; None where it is none."""
        return number(self.attributes.get(attribute))

    def texts(self, attribute: str) -> tuple[str, ...]:
        """An attribute that lists texts."""
        value = self.attributes.get(attribute)
        listed = value if isinstance(value, list) else []
        return tuple(line(item) for item in listed[:LONGEST] if isinstance(item, str))


class HassEntity(NamedTuple):
    """One entity; its name is empty where it is the device itself."""

    id: str
    name: str
    platform: str = ""
    opens_without_code: bool = False  # Home Assistant knows the code of the lock
    diagnostic: bool = False  # it tells of the device itself: a battery, a signal

    @property
    def domain(self) -> str:
        """What sort of thing it is: "light"."""
        return self.id.partition(".")[0]


class HassDevice(NamedTuple):
    """A device, or an entity that belongs to none; `key` stays when a person renames it."""

    key: str
    name: str
    room: str | None
    entities: tuple[HassEntity, ...]


class Registries(NamedTuple):
    """The three lists as Home Assistant sends them."""

    devices: Sequence[Any] = ()
    entities: Sequence[Any] = ()
    areas: Sequence[Any] = ()


def read_state(raw: object) -> tuple[str, State] | None:
    """An entity's id and state; None where it is none, or of a sort that nothing uses."""
    if not isinstance(raw, dict):
        return None
    entity, value, attributes = raw.get("entity_id"), raw.get("state"), raw.get("attributes")
    if not _usable(entity) or not isinstance(value, str):
        return None
    told = attributes if isinstance(attributes, dict) else {}
    kept = {name: _bounded(told[name]) for name in _KEPT if told.get(name) is not None}
    return str(entity), State(line(value), kept)


def read_home(registries: Registries, states: Mapping[str, State]) -> dict[str, HassDevice]:
    """Every device by its key.

    What comes over MQTT is left out: the hub finds it there itself. So is what is disabled, hidden
    or only configures something.
    """
    areas = {raw["area_id"]: name for raw in _rows(registries.areas, "area_id")
             if (name := _text(raw, "name"))}  # fmt: skip
    rows = {raw["id"]: raw for raw in _rows(registries.devices, "id")}
    registered = {raw["entity_id"]: raw for raw in _rows(registries.entities, "entity_id")}
    found: dict[str, HassDevice] = {}
    for entity_id, state in states.items():
        raw = registered.get(entity_id, {})
        owner = rows.get(_text(raw, "device_id"))
        if not _wanted(entity_id, raw, owner, state):
            continue
        key = owner["id"] if owner else _text(raw, "id") or entity_id
        if not _KEY.fullmatch(key):
            continue
        entity = _entity(entity_id, raw, state, owner)
        room = areas.get(_text(raw, "area_id") or _text(owner or {}, "area_id"))
        if key in found:
            before = found[key]
            found[key] = before._replace(entities=(*before.entities, entity))
        else:
            name = (owner and _device_name(owner)) or state.text("friendly_name") or entity_id
            found[key] = HassDevice(key, name, room, (entity,))
    return found


def number(value: object) -> float | None:
    """A finite number; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def line(text: str) -> str:
    """A text of Home Assistant's as one short line that can be shown."""
    plain = "".join(c if c.isprintable() else " " for c in text[:LONGEST])
    return " ".join(plain.split())


def _bounded(value: object) -> object:
    """An attribute without what is too long to be of use; None where it is of no use at all."""
    if isinstance(value, str):
        return value[:LONGEST]
    if isinstance(value, list):
        return [_bounded(item) for item in value[:LONGEST] if not isinstance(item, list)]
    return value if isinstance(value, int | float) else None


def _usable(entity: object) -> bool:
    """Whether it is the id of an entity of a sort that something uses."""
    if not isinstance(entity, str) or not _ENTITY.fullmatch(entity):
        return False
    return entity.partition(".")[0] in (*ACTING, *TELLING)


def _wanted(
    entity: str, raw: Mapping[str, Any], owner: Mapping[str, Any] | None, state: State
) -> bool:
    """Whether an entity is one to propose."""
    if raw.get("platform") == "mqtt" or raw.get("disabled_by") or raw.get("hidden_by"):
        return False
    tells = entity.partition(".")[0] in TELLING
    if raw.get("entity_category") not in ((None, "diagnostic") if tells else (None,)):
        return False
    if not tells:
        return True
    if owner is None:
        return bool(state.text("device_class"))
    return owner.get("entry_type") != "service"


def _entity(
    entity_id: str, raw: Mapping[str, Any], state: State, owner: Mapping[str, Any] | None
) -> HassEntity:
    platform = raw.get("platform")
    options = raw.get("options")
    lock = options.get("lock") if isinstance(options, dict) else None
    code = lock.get("default_code") if isinstance(lock, dict) else None
    return HassEntity(
        id=entity_id,
        name=_entity_name(raw, state, owner),
        platform=platform if isinstance(platform, str) else "",
        opens_without_code=isinstance(code, str) and bool(code),
        diagnostic=raw.get("entity_category") is not None,
    )


def _entity_name(raw: Mapping[str, Any], state: State, owner: Mapping[str, Any] | None) -> str:
    """An entity's own name, without its device's; empty where it is the device itself."""
    if owner is None:
        return ""
    if own := _text(raw, "name"):
        return own
    if raw.get("has_entity_name"):
        return _text(raw, "original_name")
    full, device = state.text("friendly_name"), _text(owner, "name")
    rest = full.removeprefix(device).strip() if device else full
    return rest if rest != full or full != device else ""


def _device_name(owner: Mapping[str, Any]) -> str:
    return _text(owner, "name_by_user") or _text(owner, "name")


def _rows(listed: Iterable[Any], key: str) -> Iterator[dict[str, Any]]:
    """The rows of a registry that have their key."""
    return (raw for raw in listed if isinstance(raw, dict) and isinstance(raw.get(key), str))


def _text(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    return line(value) if isinstance(value, str) else ""
