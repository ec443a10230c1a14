"""What an order to a Home Assistant entity publishes, and what its state must say then: pure."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Mapping

from device_adapters.ha import lights
from device_adapters.ha.announcement import HaEntity
from device_adapters.ha.limits import taken
from device_adapters.ha.reports import is_word, place, speeds
from device_adapters.ha.template import BadTemplateError, render
from schemas.base import Scalar, Value
from schemas.errors import DeviceRefused

Wanted = Scalar | tuple[int, int, int]


class Order(Value):
    """One publication. `reached`: what attributes read once it is done, none where nothing tells;
    `failed`: what they read where it went wrong."""

    topic: str
    payload: str
    reached: dict[str, str] = {}
    failed: dict[str, str] = {}


# For every word of an entity: the option (and its default) that orders it, and that reports it.
_WORDS: dict[str, dict[Wanted, tuple[str, str, str, str]]] = {
    "lock": {
        "lock": ("payload_lock", "LOCK", "state_locked", "LOCKED"),
        "unlock": ("payload_unlock", "UNLOCK", "state_unlocked", "UNLOCKED"),
        "open": ("payload_open", "", "state_unlocked", "UNLOCKED"),
    },
    "cover": {
        "open": ("payload_open", "OPEN", "state_open", "open"),
        "close": ("payload_close", "CLOSE", "state_closed", "closed"),
        "stop": ("payload_stop", "STOP", "state_stopped", "stopped"),
    },
    "valve": {
        "open": ("payload_open", "OPEN", "state_open", "open"),
        "close": ("payload_close", "CLOSE", "state_closed", "closed"),
        "stop": ("payload_stop", "", "", ""),
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
_JAMMED = ("state_jammed", "JAMMED")
_SWITCHABLE = ("switch", "light", "fan", "siren", "humidifier")
_SWITCHED_ATTRIBUTES = {"power": "", "oscillation": "oscillation_"}
_SAID = {True: "oscillate_on", False: "oscillate_off"}
_ENDS = {
    "open": (("position_open", 100.0), ("tilt_opened_value", 100.0)),
    "close": (("position_closed", 0.0), ("tilt_closed_value", 0.0)),
}
"""Where a cover's position and tilt are at its ends, and the options that say so."""


def orders(
    entity: HaEntity, wanted: Mapping[str, Wanted], *, checked: bool = True
) -> tuple[Order, ...]:
    """What to publish, in order, so that attributes become as wanted; `DeviceRefused` where one
    cannot. `checked`: whether the announced limits hold for them."""
    try:
        if entity.component == "light":
            found = _light_orders(entity, wanted)
        else:
            found = [_order(entity, name, value, checked=checked) for name, value in wanted.items()]
    except BadTemplateError as exc:
        raise DeviceRefused(f"{_called(entity)}: {exc}") from exc
    if not found or not all(order.topic for order in found):
        raise DeviceRefused(f"{_called(entity)} takes no orders for its {', '.join(wanted)}")
    if not entity.flag("optimistic"):
        return tuple(found)
    return tuple(order.model_copy(update={"reached": {}}) for order in found)


def _light_orders(entity: HaEntity, wanted: Mapping[str, Wanted]) -> list[Order]:
    made = []
    for topic, payload, goals in lights.steps(entity, wanted):
        told = {
            "color" if isinstance(value, tuple) else name: lights.goal(entity, name, value)
            for name, value in goals.items()
        }
        reached = {name: text for name, text in told.items() if place(entity, name).state_topic}
        made.append(Order(topic=topic, payload=payload, reached=reached))
    return made


def _order(entity: HaEntity, attribute: str, wanted: Wanted, *, checked: bool) -> Order:
    """One attribute of anything but a light."""
    if attribute == "state" and entity.component in {"cover", "valve"}:
        return _move(entity, str(wanted))
    if checked and not isinstance(wanted, tuple | bool):
        wanted = taken(entity, attribute, wanted, _called(entity))
    where = place(entity, attribute)
    topic = where.command_topic
    if entity.component == "media_player" and attribute == "state":
        topic = entity.text(f"command_{wanted}_topic", "")
    value, reached = _payload(entity, attribute, wanted)
    return Order(
        topic=topic,
        payload=_through(entity, where.command_template, value),
        reached={attribute: reached} if where.state_topic and reached else {},
        failed=_failed(entity, attribute),
    )


def _failed(entity: HaEntity, attribute: str) -> dict[str, str]:
    """A lock may say that it is jammed."""
    if entity.component != "lock" or not place(entity, attribute).state_topic:
        return {}
    return {attribute: entity.text(_JAMMED[0]) or _JAMMED[1]}


def _move(cover: HaEntity, wanted: str) -> Order:
    """Open, close or stop a cover or a valve: by its word, else by its position, else its tilt.

    A cover that tells its position is where that says; its state may call half open open.
    """
    position, tilt = place(cover, "position"), place(cover, "tilt")
    ends = _ends(cover, wanted)
    if cover.flag("reports_position") and ends:
        where = place(cover, "state")
        payload = _through(cover, where.command_template, ends[0])
        reached = {"state": f"{ends[0]:g}"} if where.state_topic else {}
        return Order(topic=where.command_topic, payload=payload, reached=reached)
    where = place(cover, "state")
    if where.command_topic:
        value, word = _payload(cover, "state", wanted)
        reached = {"state": word} if word and where.state_topic else {}
        if position.state_topic and ends:
            reached = {"position": f"{ends[0]:g}"}
        payload = _through(cover, where.command_template, value)
        return Order(topic=where.command_topic, payload=payload, reached=reached)
    for name, where, end in zip(("position", "tilt"), (position, tilt), ends, strict=False):
        if where.command_topic:
            reached = {name: f"{end:g}"} if where.state_topic else {}
            payload = _through(cover, where.command_template, end)
            return Order(topic=where.command_topic, payload=payload, reached=reached)
    raise DeviceRefused(f"{_called(cover)} cannot {wanted}")


def _ends(cover: HaEntity, wanted: str) -> list[float]:
    """A cover's position and tilt once it is open or closed; none for anything else."""
    found = []
    for option, default in _ENDS.get(wanted, ()):
        value = default
        with contextlib.suppress(ValueError):
            value = float(cover.text(option) or default)
        found.append(value if math.isfinite(value) else default)
    return found


def _payload(entity: HaEntity, attribute: str, wanted: Wanted) -> tuple[Scalar, str | None]:
    """The value of an order before its template, and the state it leads to."""
    if isinstance(wanted, bool):
        return _switched(entity, attribute, on=wanted)
    if attribute == "state" and entity.component in _WORDS:
        words = _WORDS[entity.component]
        option, default, state_option, state_default = words.get(wanted, ("", "", "", ""))
        payload = "" if option in entity.lacks else entity.text(option) or default
        if not payload:
            raise DeviceRefused(f"{_called(entity)} cannot {wanted}")
        if entity.component == "lock" and entity.text("code_format"):
            raise DeviceRefused(f"{_called(entity)} wants a code, and the hub holds none")
        return payload, entity.text(state_option) or state_default or None
    if attribute == "percentage" and isinstance(wanted, int | float):
        return _speed(entity, wanted), f"{wanted:g}"
    if isinstance(wanted, float) and wanted.is_integer():
        wanted = int(wanted)
    text = ",".join(map(str, wanted)) if isinstance(wanted, tuple) else wanted
    return text, str(text)


def _switched(entity: HaEntity, attribute: str, *, on: bool) -> tuple[str, str | None]:
    """What switches, and what it reads then; a siren without a template takes JSON."""
    word, prefix = "on" if on else "off", _SWITCHED_ATTRIBUTES.get(attribute, "")
    default = _SAID[on] if prefix else word.upper()
    payload = entity.text(f"payload_{prefix}{word}") or default
    reached = entity.text(f"state_{word}") or payload if attribute == "state" else payload
    if entity.component == "siren" and not entity.text("command_template"):
        payload = json.dumps({"state": payload})
    return payload, reached


def _speed(fan: HaEntity, percentage: float) -> int:
    """A percentage in a fan's own speeds; 0 is off."""
    low, high = speeds(fan)
    return math.ceil((high - low + 1) * percentage / 100) + low - 1 if percentage else 0


def _through(entity: HaEntity, template: str, value: Scalar) -> str:
    """A payload as an entity's template makes it."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not template:
        return str(value)
    ends = {name: _ends(entity, word)[0] for name, word in _POSITIONS}
    return render(template, value=value, position=value, tilt_position=value, code=None, **ends)


_POSITIONS = (("position_open", "open"), ("position_closed", "close"))


def leading_to(entity: HaEntity, value: str) -> Wanted | None:
    """The order whose effect a state is ("lock", True for on); None where it is none's: jammed,
    opening."""
    if entity.component in _SWITCHABLE:
        for on in (True, False):
            if is_word(_switch_goal(entity, on=on), value):
                return on
        return None
    for wanted, (_, _, option, default) in _WORDS.get(entity.component, {}).items():
        reached = (entity.text(option) or default) if default else ""
        if reached and is_word(reached, value):
            return wanted
    return None


def _switch_goal(entity: HaEntity, *, on: bool) -> str:
    if entity.component == "light":
        return lights.goal(entity, "state", on)
    return _switched(entity, "state", on=on)[1] or ""


def _called(entity: HaEntity) -> str:
    return entity.name or entity.id
