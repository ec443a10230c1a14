"""Which entities of the home serve which functions, and which one a name means: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import webcolors

from device_adapters.ha import HaDevice, HaEntity
from device_adapters.ha_adapter import (
    Want,
    candidates,
    find,
    number,
    number_argument,
    option_number,
    text_argument,
    words,
)
from device_adapters.ha_order import Wanted, leading_to, order
from schemas.base import Scalar
from schemas.call import Invocation
from schemas.color import COLORS
from schemas.errors import DeviceRefused

SWITCHABLE = Want(
    components=("light", "switch", "fan", "siren", "humidifier"), needs="command_topic"
)
LIGHT = Want(components=("light",))
COVER = Want(components=("cover",), needs="command_topic")
CLIMATE = Want(components=("climate",), needs="temperature_command_topic")
LOCK = Want(components=("lock",), needs="command_topic")
SMOKE = Want(components=("binary_sensor",), classes=("smoke", "carbon_monoxide", "gas"))
PLAYER = Want(components=("media_player", "button"), names=("play", "pause", "stop", "next"))
MEDIA = Want(components=("media_player",))
STATEFUL = Want(
    components=(
        *SWITCHABLE.components,
        *("cover", "lock", "climate", "sensor", "binary_sensor", "number", "select"),
    )
)
_SERVING = {
    "turn_on": SWITCHABLE,
    "turn_off": SWITCHABLE,
    "set_light": LIGHT,
    "set_cover": COVER,
    "get_state": STATEFUL,
    "set_nest_temperature": CLIMATE,
    "open_or_lock_door": LOCK,
    "check_nest_smoke_detector_status": SMOKE,
}


def serves(device: HaDevice) -> frozenset[str]:
    """The functions that the entities of a device of the home can serve."""
    found = {function for function, want in _SERVING.items() if find(device, want)}
    if find(device, MEDIA) or find(device, PLAYER):
        found.add("media_control")
    return frozenset(found)


def recognise(device: HaDevice) -> frozenset[str] | None:
    """The functions of a device of the home; None where it has nothing to say or do."""
    return serves(device) or None


def named(device: HaDevice, want: Want, name: str, called: Sequence[str] = ()) -> HaEntity:
    """The one entity a name means; `DeviceRefused` names the others where it is not one.

    The exact name wins, then the only one that has all the words; a device's own name means its
    only or unnamed entity, and so does one that the hub may have for it without its telling.
    `called` is what people call the device, beside what it announces.
    """
    fitting = candidates(device, want)
    asked, own = words(name), [words(one) for one in (device.name, *called)]
    exact = [e for e in fitting if asked in (words(e.name), *(one | words(e.name) for one in own))]
    if asked in own and len(exact) != 1:
        exact = [e for e in fitting if not e.name] or fitting
    partly = [e for e in fitting if any(asked <= one | words(e.name) for one in own)]
    elsewhere = any(asked & words(entity.name) for entity in device.entities)
    for found in (exact, partly, [] if elsewhere else fitting):
        if len(found) == 1:
            return found[0]
    raise DeviceRefused(f"which one is {name}? ({_offer(device, exact or partly or fitting)})")


def only(device: HaDevice, want: Want, what: str) -> HaEntity:
    """The only entity of a sort; `DeviceRefused` where there are none or several."""
    fitting = candidates(device, want)
    if len(fitting) != 1:
        raise DeviceRefused(f"{device.name}: which {what}? ({_offer(device, fitting)})")
    return fitting[0]


def color(text: str) -> tuple[int, int, int]:
    """Red, green and blue of a colour by its name or #rrggbb; `DeviceRefused` for any other."""
    plain = " ".join(text.casefold().split())
    code = COLORS.get(plain, plain.replace(" ", ""))
    read = webcolors.hex_to_rgb if code.startswith("#") else webcolors.name_to_rgb
    try:
        red, green, blue = read(code)
    except ValueError as exc:
        raise DeviceRefused(f"the colour {text} is not known") from exc
    return red, green, blue


def color_name(text: str) -> str:
    """What a person calls a colour: #rrggbb by the name that CSS has for it, all else as said."""
    try:
        return str(webcolors.hex_to_name(text))
    except ValueError:
        return text


def color_code(reported: str | None) -> str | None:
    """A lamp's "r,g,b" as #rrggbb; None where it reports none."""
    try:
        red, green, blue = bytes(map(int, (reported or "").split(",")))
    except ValueError:
        return None
    return f"#{red:02x}{green:02x}{blue:02x}"


def light_attributes(arguments: Mapping[str, Scalar | None]) -> tuple[str, ...]:
    """What of a lamp a call changes: what it gives, else brightness, which is then to be reckoned.

    The colour comes first: many a lamp takes its brightness along.
    """
    given = (name for name in ("color", "brightness") if arguments.get(name) is not None)
    return tuple(given) or ("brightness",)


def light_orders(light: HaEntity, call: Invocation) -> dict[str, Wanted]:
    """What to order of a lamp, by attribute; `DeviceRefused` where it takes one of them not."""
    orders: dict[str, Wanted] = {}
    for attribute in light_attributes(call.arguments):
        if attribute == "color":
            orders[attribute] = color(text_argument(call, "color"))
        else:
            percents = number_argument(call, "brightness")
            orders[attribute] = round(_brightest(light) * percents / 100)
        order(light, attribute, orders[attribute])
    return orders


def light_words(call: Invocation) -> str:
    """What a lamp is set to, as a person says it: "red and 40 %"."""
    said = call.arguments.get("color"), call.arguments.get("brightness")
    return " and ".join(
        color_name(value) if isinstance(value, str) else f"{value:g} %"
        for value in said
        if value is not None
    )


def percent(light: HaEntity, reported: str | None) -> int | None:
    """A lit lamp's brightness, never 0, which would switch it off; None where it reports none."""
    level = number(reported)
    if level is None:
        return None
    return max(1, min(100, round(level * 100 / _brightest(light))))


def _brightest(light: HaEntity) -> float:
    return option_number(light, "brightness_scale", 255) or 255.0


def cover_end(cover: HaEntity, state: str | None, position: str | None) -> str | None:
    """The end ("open", "close") a cover rests at; None between, on its way and where not known."""
    word = None if state is None else leading_to(cover, state)
    if state is not None and word is None:  # it opens or closes just now
        return None
    where = number(position)
    if where is None:
        return next((end for end in ("open", "close") if end == word), None)
    opened = option_number(cover, "position_open", 100)
    closed = option_number(cover, "position_closed", 0)
    return {opened: "open", closed: "close"}.get(where)


def _offer(device: HaDevice, entities: Sequence[HaEntity]) -> str:
    return ", ".join(entity.name or device.name for entity in entities[:8]) or "none"
