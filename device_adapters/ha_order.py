"""What an order to a Home Assistant entity publishes, and what its state must say then: pure."""

from __future__ import annotations

import json

from device_adapters.ha_discovery import HaEntity
from device_adapters.ha_template import BadTemplateError, read, render
from schemas.base import Scalar, Value
from schemas.errors import DeviceRefused

Wanted = Scalar | tuple[int, int, int]


class Place(Value):
    """Where one attribute of an entity is ordered and where it is reported."""

    command_topic: str
    command_template: str = ""
    state_topic: str = ""
    state_template: str = ""


class Order(Value):
    """One publication; `reached` is what the state reads when it is done, None where none tells."""

    topic: str
    payload: str
    reached: str | None = None


_DEFAULT = Place(
    command_topic="command_topic",
    command_template="command_template",
    state_topic="state_topic",
    state_template="value_template",
)
_PLACES = {
    ("light", "state"): _DEFAULT.model_copy(update={"state_template": "state_value_template"}),
    ("light", "brightness"): Place(
        command_topic="brightness_command_topic",
        command_template="brightness_command_template",
        state_topic="brightness_state_topic",
        state_template="brightness_value_template",
    ),
    ("light", "color"): Place(
        command_topic="rgb_command_topic",
        command_template="rgb_command_template",
        state_topic="rgb_state_topic",
        state_template="rgb_value_template",
    ),
    ("cover", "position"): Place(
        command_topic="set_position_topic",
        command_template="set_position_template",
        state_topic="position_topic",
        state_template="position_template",
    ),
    ("climate", "temperature"): Place(
        command_topic="temperature_command_topic",
        command_template="temperature_command_template",
        state_topic="temperature_state_topic",
        state_template="temperature_state_template",
    ),
    ("climate", "mode"): Place(
        command_topic="mode_command_topic",
        command_template="mode_command_template",
        state_topic="mode_state_topic",
        state_template="mode_state_template",
    ),
    ("camera", "state"): Place(command_topic="", state_topic="topic"),
    ("image", "state"): Place(command_topic="", state_topic="image_topic"),
    ("device_tracker", "state"): Place(command_topic="", state_topic="json_attributes_topic"),
    ("media_player", "volume"): Place(
        command_topic="command_volume_topic", state_topic="state_volume_topic"
    ),
    ("media_player", "state"): Place(command_topic="", state_topic="state_state_topic"),
}
# For every word of an entity: the option (and its default) that orders it, and that reports it.
_WORDS: dict[str, dict[Wanted, tuple[str, str, str, str]]] = {
    "lock": {
        "lock": ("payload_lock", "LOCK", "state_locked", "LOCKED"),
        "unlock": ("payload_unlock", "UNLOCK", "state_unlocked", "UNLOCKED"),
    },
    "cover": {
        "open": ("payload_open", "OPEN", "state_open", "open"),
        "close": ("payload_close", "CLOSE", "state_closed", "closed"),
        "stop": ("payload_stop", "STOP", "state_stopped", "stopped"),
    },
    "button": {"press": ("payload_press", "PRESS", "", "")},
    "scene": {"on": ("payload_on", "ON", "", "")},
    "media_player": {
        "play": ("command_play_payload", "Play", "", "playing"),
        "pause": ("command_pause_payload", "Pause", "", "paused"),
        "next": ("command_next_payload", "Next", "", ""),
        "previous": ("command_previous_payload", "Previous", "", ""),
    },
}
_SWITCHABLE = ("switch", "light", "fan", "siren", "humidifier")


def place(entity: HaEntity, attribute: str) -> Place:
    """Where an attribute lives; the topics and templates themselves, empty where not announced."""
    known = _PLACES.get((entity.component, attribute)) or (
        _DEFAULT if attribute == "state" else None
    )
    if known is None:
        return Place(command_topic="")
    if _is_json_light(entity) and attribute != "state":
        known = _DEFAULT
    found = {key: entity.text(option, "") for key, option in known.model_dump().items() if option}
    if _is_json_light(entity):
        found["state_template"] = _JSON_LIGHT.get(attribute, "")
    return Place.model_validate({"command_topic": ""} | found)


_JSON_LIGHT = {
    "state": "{{ value_json.state }}",
    "brightness": "{{ value_json.brightness }}",
    # A white lamp may still report the colour that it had, or one that is like its white.
    "color": (
        "{% if value_json.color_mode not in ('color_temp', 'white') %}"
        "{{ value_json.color.r }},{{ value_json.color.g }},{{ value_json.color.b }}"
        "{% endif %}"
    ),
}


def order(entity: HaEntity, attribute: str, wanted: Wanted) -> Order:
    """What to publish so that `attribute` becomes `wanted`; `DeviceRefused` where it cannot."""
    where = place(entity, attribute)
    if entity.component == "media_player" and attribute == "state":
        where = where.model_copy(
            update={"command_topic": entity.text(f"command_{wanted}_topic", "")}
        )
    if not where.command_topic or entity.text("schema") == "template":
        raise DeviceRefused(f"{entity.name or entity.id} takes no orders for its {attribute}")
    payload, reached = _payload(entity, attribute, wanted)
    if where.command_template:
        try:
            payload = render(where.command_template, value=payload, position=payload)
        except BadTemplateError as exc:
            raise DeviceRefused(f"{entity.name or entity.id}: {exc}") from exc
    return Order(
        topic=where.command_topic,
        payload=payload,
        reached=reached if where.state_topic and reached else None,
    )


def _payload(entity: HaEntity, attribute: str, wanted: Wanted) -> tuple[str, str | None]:
    """The payload of an order before its template, and the state it leads to."""
    if entity.component in _SWITCHABLE and isinstance(wanted, bool):
        word = "on" if wanted else "off"
        payload = entity.text(f"payload_{word}") or word.upper()
        reached = entity.text(f"state_{word}") or payload
        return (json.dumps({"state": payload}) if _is_json_light(entity) else payload), reached
    if attribute == "state" and entity.component in _WORDS:
        words = _WORDS[entity.component]
        if wanted not in words:
            raise DeviceRefused(f"{entity.name or entity.id} cannot {wanted}")
        option, default, state_option, state_default = words[wanted]
        return entity.text(option) or default, entity.text(state_option) or state_default or None
    text = ",".join(map(str, wanted)) if isinstance(wanted, tuple) else str(wanted)
    if _is_json_light(entity):
        value = dict(zip("rgb", wanted, strict=True)) if isinstance(wanted, tuple) else wanted
        return json.dumps({"state": "ON", attribute: value}), text
    return text, text


def leading_to(entity: HaEntity, value: str) -> Wanted | None:
    """The order whose effect a state is ("lock", True for on); None where it is none's: jammed,
    opening."""
    switchable = entity.component in _SWITCHABLE
    orders = (True, False) if switchable else tuple(_WORDS.get(entity.component, ()))
    for wanted in orders:
        reached = _payload(entity, "state", wanted)[1]
        if reached and agree(reached, value):
            return wanted
    return None


def state(entity: HaEntity, attribute: str, payload: str) -> str | None:
    """What a state payload says; None where that is nothing: empty, null, a failing template."""
    template = place(entity, attribute).state_template
    try:
        value = read(template, payload) if template else payload.strip()
    except BadTemplateError:
        return None
    if value.casefold() in {"", "none", "null"}:
        return None
    return value.encode(errors="replace").decode()  # JSON may hold half a character


def agree(reached: str, value: str | None) -> bool:
    """Whether a state is the wanted one; numbers may differ by one in a hundred."""
    if value is None:
        return False
    if reached.casefold() == value.casefold():
        return True
    try:
        return abs(float(reached) - float(value)) <= 0.01 * max(1.0, abs(float(reached)))
    except ValueError:
        return False


def _is_json_light(entity: HaEntity) -> bool:
    return entity.component == "light" and entity.text("schema") == "json"
