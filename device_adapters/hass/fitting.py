"""Which entities serve which functions, and which one a name means: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from device_adapters.calls import words
from device_adapters.hass.home import ACTING, HassDevice, HassEntity, State
from schemas.errors import DeviceRefused

TURN_ON = {"climate": 256, "media_player": 128, "siren": 1}
"""What an entity of a domain must support to be switched on; others need nothing."""
TURN_OFF = {"climate": 128, "media_player": 256, "siren": 2}
PAUSE, PREVIOUS, NEXT, PLAY_MEDIA, SELECT_SOURCE = 1, 16, 32, 512, 2048
STOP, PLAY, BROWSE, SEARCH = 4096, 16384, 131072, 4194304
"""What a media player may support."""
TARGET_TEMPERATURE = 1
SMOKE = ("smoke", "carbon_monoxide", "gas")
_MOST_READ = 8
_SWITCHES = ("fan", "humidifier", "input_boolean", "light", "switch")


class Part(NamedTuple):
    """An entity with its state now."""

    entity: HassEntity
    state: State


Parts = Sequence[Part]


def parts(device: HassDevice, states: Mapping[str, State]) -> list[Part]:
    """A device's entities that have a state."""
    return [Part(e, states[e.id]) for e in device.entities if e.id in states]


def fitting(function: str, among: Iterable[Part]) -> list[Part]:
    """The parts that can serve a function."""
    return [part for part in among if _serves(function, part)]


def functions(among: Parts) -> frozenset[str]:
    """The functions of the catalogue that these parts can serve."""
    return frozenset(function for function in FUNCTIONS if fitting(function, among))


FUNCTIONS = (
    *("turn_on", "turn_off", "set_light", "set_cover", "get_state", "set_nest_temperature"),
    *("open_or_lock_door", "check_nest_smoke_detector_status", "media_control"),
    *("play_music_on_nest_hub", "play_video_on_nest_hub"),
)


def _serves(function: str, part: Part) -> bool:
    domain, state = part.entity.domain, part.state
    match function:
        case "turn_on":
            return domain in (*_SWITCHES, "scene") or state.can(TURN_ON.get(domain, 0))
        case "turn_off":
            return domain in _SWITCHES or state.can(TURN_OFF.get(domain, 0))
        case "set_light":
            return domain == "light" and dimmable(state)
        case "set_cover":
            return domain == "cover" and state.can(1 | 2 | 8)
        case "get_state":
            return domain not in ("scene",)
        case "set_nest_temperature":
            return domain == "climate" and state.can(TARGET_TEMPERATURE)
        case "open_or_lock_door":
            return domain == "lock"
        case "check_nest_smoke_detector_status":
            return domain == "binary_sensor" and state.text("device_class") in SMOKE
        case "media_control":
            return domain == "media_player"
        case "play_music_on_nest_hub":
            return domain == "media_player" and state.can(PLAY_MEDIA | PLAY | SELECT_SOURCE)
        case "play_video_on_nest_hub":
            loud = state.text("device_class") == "speaker" or part.entity.platform == MUSIC
            return not loud and _serves("play_music_on_nest_hub", part)
        case _:
            return False


MUSIC = "music_assistant"
"""The integration whose players find music by its name."""


def dimmable(state: State) -> bool:
    """Whether a lamp can be more than on or off."""
    return bool(set(state.texts("supported_color_modes")) - {"onoff", "unknown"})


def colored(state: State) -> bool:
    """Whether a lamp takes colours."""
    return bool(set(state.texts("supported_color_modes")) & {"hs", "xy", "rgb", "rgbw", "rgbww"})


def named(device: HassDevice, among: Parts, name: str, called: Sequence[str]) -> Part:
    """The one part that a name means; `DeviceRefused` names the others where it is not one.

    `called` is what people call the device. The exact name wins, then the only one that has all
    the words; the device's own name, with its room or without, means its only or unnamed entity.
    """
    asked, room = words(name), words(device.room or "")
    plain = [words(one) for one in (device.name, *called)]
    own = [*plain, *(one | room for one in plain)]
    exact = [p for p in among if asked in _ways(p, own)]
    if asked in own and len(exact) != 1:
        exact = [p for p in among if not p.entity.name] or list(among)
    partly = [p for p in among if any(asked <= one | words(p.entity.name) for one in own)]
    elsewhere = any(asked & words(entity.name) for entity in device.entities)
    for found in (exact, partly, [] if elsewhere else among):
        if len(found) == 1:
            return found[0]
    raise DeviceRefused(f"which one is {name}? ({offer(device, exact or partly or among)})")


def read_for(device: HassDevice, among: Parts, name: str, called: Sequence[str]) -> Parts:
    """What tells how something is: one part, or several where a device by its own name has no
    part that is it."""
    asked, room = words(name), words(device.room or "")
    own = [words(one) for one in (device.name, *called)]
    if asked not in (*own, *(one | room for one in own)):
        return [named(device, among, name, called)]
    acting = [part for part in among if part.entity.domain in ACTING]
    telling = [part for part in among if not part.entity.diagnostic] or among
    itself = [part for part in acting if not part.entity.name]
    return (itself or acting or telling)[:_MOST_READ]


def only(device: HassDevice, among: Parts, what: str) -> Part:
    """The only part of a sort; `DeviceRefused` where there are none or several."""
    if len(among) != 1:
        raise DeviceRefused(f"{device.name}: which {what}? ({offer(device, among)})")
    return among[0]


def offer(device: HassDevice, among: Parts) -> str:
    """What there is to choose from."""
    return ", ".join(p.entity.name or device.name for p in among[:8]) or "none"


def _ways(part: Part, own: Sequence[frozenset[str]]) -> set[frozenset[str]]:
    """Every way to say a part in full."""
    called = words(part.entity.name)
    return {called, *(one | called for one in own)}
