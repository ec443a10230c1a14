"""Which entities of the home serve which functions, and which one a name means: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from device_adapters.calls import number_argument, text_argument, words
from device_adapters.colors import color, color_name
from device_adapters.ha import HaDevice, HaEntity, lights
from device_adapters.ha.adapter import (
    Want,
    candidates,
    degrees,
    fahrenheit,
    find,
    number,
    option_number,
)
from device_adapters.ha.limits import bounds
from device_adapters.ha.order import Wanted, leading_to, orders
from device_adapters.home import readings
from schemas.base import Scalar
from schemas.call import Invocation
from schemas.errors import DeviceRefused

_COMMANDS = ("command_topic", "mode_command_topic", "power_command_topic")
_SWITCHED = ("light", "switch", "fan", "siren", "humidifier", "climate", "water_heater")
SWITCHABLE = Want(components=_SWITCHED, any_of=_COMMANDS)
STARTABLE = Want(components=(*_SWITCHED, "scene", "button"), any_of=_COMMANDS)
LIGHT = Want(components=("light",), needs="command_topic")
COVER = Want(
    components=("cover", "valve"),
    any_of=("command_topic", "set_position_topic", "tilt_command_topic"),
)
CLIMATE = Want(
    components=("climate",),
    any_of=tuple(f"temperature{end}_command_topic" for end in ("", "_low", "_high")),
)
LOCK = Want(
    components=("lock",),
    needs="command_topic",
    without=("child", "keypad", "remote", "remotes", "lockout"),
)
SMOKE = Want(components=("binary_sensor",), classes=("smoke", "carbon_monoxide", "gas"))
PLAYER = Want(components=("media_player", "button"), names=("play", "pause", "stop", "next"))
MEDIA = Want(components=("media_player",))
STATEFUL = Want(
    components=(
        *SWITCHABLE.components,
        *("cover", "valve", "lock", "sensor", "binary_sensor", "number", "select"),
    )
)
_SERVING = {
    "turn_on": STARTABLE,
    "turn_off": SWITCHABLE,
    "set_light": LIGHT,
    "set_cover": COVER,
    "get_state": STATEFUL,
    "set_nest_temperature": CLIMATE,
    "open_or_lock_door": LOCK,
    "check_nest_smoke_detector_status": SMOKE,
}
_BY_NAME_ONLY = {"button", "scene"}
"""Parts that a device's own name never means."""
_UPKEEP = {"identify", "reboot", "refresh", "reset", "restart", "update"}
"""Buttons of these classes, or with such a word in their name, keep a device going."""
_PLAIN = {"switch", "button", "scene"}
_UNLOCKING = {"unlock", "unlatch"}
_DOORS = {"door", "gate", "garage", "lock"}
_GATES = {None, "door", "garage", "gate"}
_AUTOMATIC = {"auto", "automatic"}
_WORKING = {"open", "opener", "close", "relay", "toggle", "trigger", "strike", "release", "latch"}
"""Words of what works a door without being announced as a lock or a cover."""
_MOST_READ = 8


def serves(device: HaDevice) -> frozenset[str]:
    """The functions that the entities of a device of the home can serve."""
    everyday = primary(device)
    found = {function for function, want in _SERVING.items() if find(everyday, want)}
    for function in found & {"turn_on", "turn_off"}:
        if all(_opens(device, entity) for entity in candidates(everyday, _SERVING[function])):
            found.discard(function)
    if not any(lights.modes(light) - {"onoff"} for light in candidates(everyday, LIGHT)):
        found.discard("set_light")
    if find(everyday, MEDIA) or find(everyday, PLAYER):
        found.add("media_control")
    return frozenset(found)


def primary(device: HaDevice) -> HaDevice:
    """A device without its settings, its owner's readings and what its publisher leaves off."""
    shown = (e for e in device.entities if e.primary and not _is_upkeep(e))
    return device.model_copy(update={"entities": tuple(shown)})


def _is_upkeep(entity: HaEntity) -> bool:
    called = words(entity.name) | {entity.device_class}
    return entity.component == "button" and not called.isdisjoint(_UPKEEP)


def recognise(device: HaDevice) -> frozenset[str] | None:
    """The functions of a device of the home; None where it has nothing to say or do."""
    return serves(device) or None


def named(device: HaDevice, want: Want, name: str, called: Sequence[str] = ()) -> HaEntity:
    """The one entity a name means; `DeviceRefused` names the others where it is not one.

    The exact name wins, then the only one that has all the words; a device's own name means its
    unnamed or only entity, and so does one that the hub may have for it without its telling.
    A setting, a scene or a button is meant only by its own name. `called` is what people call
    the device, beside what it announces.
    """
    fitting = candidates(device, want)
    shown = [e for e in fitting if e.primary]
    asked, own = words(name), [words(one) for one in (device.name, *called)]
    if not asked and asked not in own:
        raise DeviceRefused(f"which one is {name}? ({_offer(device, shown)})")
    exact = [e for e in fitting if e.name and asked in _names(e, own)]
    exact = [e for e in exact if e.primary] or exact
    if len(exact) != 1 and asked in own:
        exact = _itself(device, shown)
    partly = [e for e in shown if _is_partly(e, asked, own)]
    if any(asked <= one for one in own):
        partly = _itself(device, shown)
    elsewhere = any(asked & words(entity.name) for entity in device.entities)
    for found in (exact, partly, [] if elsewhere else _itself(device, shown)):
        if len(found) == 1:
            return found[0]
    raise DeviceRefused(f"which one is {name}? ({_offer(device, exact or partly or shown)})")


def switched(device: HaDevice, want: Want, name: str, called: Sequence[str] = ()) -> HaEntity:
    """The one entity of a sort to switch that a name means; `DeviceRefused` as `named`, and where
    it opens a door: switching asks nobody first."""
    found = named(device, want, name, called)
    if _opens(device, found):
        raise DeviceRefused(
            f"{found.name or device.name} may open a door; as a switch or a button it is not used"
        )
    return found


def _opens(device: HaDevice, entity: HaEntity) -> bool:
    """Whether a switch or a button seems to work a lock, a gate or a garage door."""
    own = words(entity.name)
    if entity.component not in _PLAIN or own & _AUTOMATIC:
        return False
    gates = [e for e in candidates(device, COVER) if e.device_class in _GATES]
    if gates or candidates(device, LOCK):
        return bool(own & (_UNLOCKING | _DOORS | _WORKING))
    about_a_door = (own | words(device.name)) & _DOORS
    return bool(own & _UNLOCKING or (about_a_door and own & _WORKING))


def read_for(device: HaDevice, name: str, called: Sequence[str] = ()) -> list[HaEntity]:
    """The entities that tell how something is: one, or, by the device's own name, those that are
    what it is for. `DeviceRefused` as `named`."""
    own = [words(one) for one in (device.name, *called)]
    shown = [e for e in candidates(device, STATEFUL) if e.primary]
    exact = [e for e in shown if e.name and words(name) in _names(e, own)]
    if words(name) not in own or len(exact) == 1 or not shown:
        return [named(device, STATEFUL, name, called)]
    unnamed = [entity for entity in shown if not entity.name]
    best = min(map(readings.rank, unnamed or shown))
    meant = [entity for entity in unnamed or shown if readings.rank(entity) == best]
    if len(meant) > _MOST_READ:
        raise DeviceRefused(f"which one is {name}? ({_offer(device, meant)})")
    return meant


def _names(entity: HaEntity, own: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    """What an entity is called, with its device's names and without."""
    return [words(entity.name), *(one | words(entity.name) for one in own)]


def _itself(device: HaDevice, shown: Sequence[HaEntity]) -> list[HaEntity]:
    """What a device's own name means among some of its entities: its unnamed ones; nothing where
    those are of another sort."""
    unnamed = [entity for entity in shown if not entity.name]
    if unnamed or any(entity.primary and not entity.name for entity in device.entities):
        return unnamed
    return [entity for entity in shown if entity.component not in _BY_NAME_ONLY]


def _is_partly(entity: HaEntity, asked: frozenset[str], own: Sequence[frozenset[str]]) -> bool:
    """Whether all words that were said are an entity's or its device's."""
    if entity.component == "button":
        return False
    if entity.component == "scene" and not asked & words(entity.name):
        return False
    return any(asked <= one | words(entity.name) for one in own)


def only(device: HaDevice, want: Want, what: str) -> HaEntity:
    """The only entity of a sort; `DeviceRefused` where there are none or several."""
    fitting = candidates(primary(device), want)
    if len(fitting) != 1:
        raise DeviceRefused(f"{device.name}: which {what}? ({_offer(device, fitting)})")
    return fitting[0]


def light_attributes(arguments: Mapping[str, Scalar | None]) -> tuple[str, ...]:
    """What of a lamp a call changes: what it gives, else brightness, which is then to be reckoned.

    The colour comes first: many a lamp takes its brightness along.
    """
    given = (name for name in ("color", "brightness") if arguments.get(name) is not None)
    return tuple(given) or ("brightness",)


def light_orders(light: HaEntity, call: Invocation) -> dict[str, Wanted]:
    """What to order of a lamp, by attribute; `DeviceRefused` where it takes one of them not."""
    wanted: dict[str, Wanted] = {}
    for attribute in light_attributes(call.arguments):
        if attribute == "color":
            wanted[attribute] = color(text_argument(call, "color"))
        else:
            percents = number_argument(call, "brightness")
            wanted[attribute] = max(1, round(readings.brightest(light) * percents / 100))
    orders(light, wanted)
    return wanted


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
    return None if level is None else readings.percent(light, level)


def start_mode(climate: HaEntity, *, on: bool) -> str:
    """The mode that switches a thermostat on or off; `DeviceRefused` where it has none."""
    modes = climate.choices.get("modes", ())
    wanted = ("heat_cool", "auto", "heat", "cool", *modes) if on else ("off",)
    for mode in wanted:
        if mode in modes and (mode == "off") is not on:
            return mode
    raise DeviceRefused(f"{climate.name} cannot be switched {'on' if on else 'off'}")


def target(climate: HaEntity, mode: str | None) -> str:
    """Which of a thermostat's temperatures is the one it keeps; `DeviceRefused` where it keeps
    between two."""
    if climate.text("temperature_command_topic"):
        return "temperature"
    end = {"heat": "low", "cool": "high"}.get((mode or "").casefold())
    if end is None or not climate.text(f"temperature_{end}_command_topic"):
        raise DeviceRefused(
            f"{climate.name} keeps between two temperatures: set it to heat or to cool first"
        )
    return f"temperature_{end}"


def setpoint(climate: HaEntity, attribute: str, wanted: float, *, in_fahrenheit: bool) -> float:
    """A temperature in °F in the thermostat's own unit; `DeviceRefused`, in the region's unit,
    where it is beyond what it takes."""
    low, high, _ = bounds(climate, attribute)
    sent = degrees(climate, wanted)
    if (low is None or sent >= low - _ROUNDED) and (high is None or sent <= high + _ROUNDED):
        return min(max(sent, sent if low is None else low), sent if high is None else high)
    said = [
        readings.degrees_said(
            fahrenheit(climate, end), given_fahrenheit=True, in_fahrenheit=in_fahrenheit
        )
        for end in (low, high)
        if end is not None
    ]
    asked = readings.degrees_said(wanted, given_fahrenheit=True, in_fahrenheit=in_fahrenheit)
    ends = (
        " to ".join(said)
        if len(said) > 1
        else f"{'at most' if low is None else 'at least'} {said[0]}"
    )
    raise DeviceRefused(f"{climate.name} takes {ends}, not {asked}")


_ROUNDED = 0.3
"""Degrees by which a whole °F may miss the end of a range in °C."""


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
