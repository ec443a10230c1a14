"""What an order to an entity calls in Home Assistant, and how its state tells that it was done:
pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from device_adapters.calls import number_argument, text_argument
from device_adapters.colors import color, color_code, color_name
from device_adapters.ha.colors import WHITES, Rgb, rgb_to_hs
from device_adapters.hass import fitting
from device_adapters.hass.fitting import Part
from device_adapters.hass.home import State, number
from schemas.base import Scalar
from schemas.call import Invocation
from schemas.errors import DeviceNeedsPerson, DeviceRefused

_OFF = ("off", "standby")
_BRIGHTEST = 255
_NEAR_BRIGHT, _NEAR_HUE, _NEAR_SATURATION, _NEAR_KELVIN = 3, 6.0, 6.0, 150
"""How far from the wanted what a lamp reports may be: it counts in steps of its own."""
_FULL = 95.0  # % from which a cover that can tell is open

Reached = Callable[[State], bool]


class Order(NamedTuple):
    """One service of Home Assistant's; `reached` is None where no state tells of it."""

    service: str
    reached: Reached | None
    data: Mapping[str, Any] = {}
    failed: Reached | None = None


def switch(part: Part, *, on: bool) -> Order:
    """On or off."""
    word, domain = ("turn_on" if on else "turn_off"), part.entity.domain
    if domain == "scene":
        return Order("scene.turn_on", None)

    def reached(state: State) -> bool:
        return state.known and (state.value not in _OFF) is on

    return Order(f"{domain}.{word}", reached)


def light(part: Part, name: str, call: Invocation) -> Order:
    """Brightness and colour of a lamp; `DeviceRefused` where it takes one of them not."""
    data: dict[str, Any] = {}
    tests: list[Reached] = [lambda state: state.value == "on"]
    if call.arguments.get("brightness") is not None:
        if not fitting.dimmable(part.state):
            raise DeviceRefused(f"{name} cannot be dimmed")
        level = round(number_argument(call, "brightness") * _BRIGHTEST / 100)
        data["brightness"] = level
        tests.append(lambda state: _near(state.number("brightness"), level, _NEAR_BRIGHT))
    if call.arguments.get("color") is not None:
        added, test = _colored(part, name, color(text_argument(call, "color")))
        data |= added
        tests.append(test)
    if not data:
        raise DeviceRefused(f"{name}: how bright, or which colour?")
    return Order("light.turn_on", lambda state: all(test(state) for test in tests), data)


def light_words(call: Invocation) -> str:
    """What a lamp is set to, as a person says it: "red and 40 %"."""
    said = call.arguments.get("color"), call.arguments.get("brightness")
    return " and ".join(
        color_name(value) if isinstance(value, str) else f"{value:g} %"
        for value in said
        if value is not None
    )


def light_now(state: State) -> dict[str, Scalar | None]:
    """A lit lamp's brightness in %, never 0, which would switch it off, and its colour."""
    level = state.number("brightness")
    rgb = state.attributes.get("rgb_color")
    colored = state.text("color_mode") not in ("color_temp", "white", "brightness", "onoff")
    told = ",".join(map(str, rgb)) if isinstance(rgb, list) and colored else None
    bright = None if level is None else max(1, min(100, round(level * 100 / _BRIGHTEST)))
    return {"brightness": bright, "color": color_code(told)}


def cover(part: Part, name: str, position: str) -> Order:
    """Open, close or stop."""
    features = {"open": 1, "close": 2, "stop": 8}
    if position not in features or not part.state.can(features[position]):
        raise DeviceRefused(f"{name} cannot {position}")
    tests: dict[str, Reached] = {
        "open": lambda state: cover_end(state) == "open",
        "close": lambda state: cover_end(state) == "close",
        "stop": lambda state: state.value in ("open", "closed"),
    }
    return Order(f"cover.{position}_cover", tests[position])


def cover_end(state: State) -> str | None:
    """The end that a cover rests at; None between, on its way and where not known."""
    where = state.number("current_position")
    if state.value == "closed":
        return "close"
    return "open" if state.value == "open" and (where is None or where >= _FULL) else None


def temperature(part: Part, fahrenheit: float, *, celsius: bool) -> Order:
    """A target temperature, in Home Assistant's own unit."""
    wanted = round((fahrenheit - 32) / 1.8, 1) if celsius else fahrenheit
    step = part.state.number("target_temp_step") or (0.5 if celsius else 1.0)

    def reached(state: State) -> bool:
        return _near(state.number("temperature"), wanted, max(step / 2, 0.05))

    return Order("climate.set_temperature", reached, {"temperature": wanted})


def target_now(state: State, *, celsius: bool) -> float | None:
    """A thermostat's target in °F, to a tenth."""
    target = state.number("temperature")
    return target if target is None or not celsius else round(target * 1.8 + 32, 1)


def door(part: Part, name: str, *, opens: bool) -> Order:
    """Unlock or lock; `DeviceNeedsPerson` where the lock wants a code."""
    if part.state.text("code_format") and not part.entity.opens_without_code:
        raise DeviceNeedsPerson(
            f"{name} wants a code: set its default code in Home Assistant "
            "(the lock's settings), or use the lock itself"
        )
    wanted = ("unlocked", "open") if opens else ("locked",)
    return Order(
        "lock.unlock" if opens else "lock.lock",
        lambda state: state.value in wanted,
        failed=lambda state: state.value == "jammed",
    )


_ACTIONS = {
    "play": (fitting.PLAY, "media_play"),
    "pause": (fitting.PAUSE, "media_pause"),
    "stop": (fitting.STOP, "media_stop"),
    "next": (fitting.NEXT, "media_next_track"),
    "previous": (fitting.PREVIOUS, "media_previous_track"),
}


def media(part: Part, name: str, action: str) -> Order:
    """What a player is doing; a title that changed tells of a skip."""
    feature, service = _ACTIONS.get(action, (0, ""))
    if not part.state.can(feature):
        raise DeviceRefused(f"{name} cannot {action} now: it is {part.state.value}")
    before = playing(part.state)
    tests: dict[str, Reached] = {
        "play": lambda state: state.value == "playing",
        "pause": lambda state: state.value == "paused",
        "stop": lambda state: state.value in ("idle", "on", *_OFF),
    }
    skipped: Reached | None = (lambda state: playing(state) != before) if any(before) else None
    return Order(f"media_player.{service}", tests.get(action, skipped))


def playing(state: State) -> tuple[str, ...]:
    """What tells one title that plays from another."""
    named = ("media_content_id", "media_title", "media_artist", "media_playlist", "source")
    return tuple(state.text(name) for name in named)


def _near(value: float | None, wanted: float, by: float) -> bool:
    return value is not None and abs(value - wanted) <= by


def _colored(part: Part, name: str, rgb: Rgb) -> tuple[dict[str, Any], Reached]:
    """What to order for a colour; a white is made of a lamp's white light, where it has some."""
    state = part.state
    if (kelvin := WHITES.get(rgb)) and "color_temp" in state.texts("supported_color_modes"):
        least, most = state.number("min_color_temp_kelvin"), state.number("max_color_temp_kelvin")
        wanted = round(min(max(kelvin, least or kelvin), most or kelvin))
        return {"color_temp_kelvin": wanted}, lambda state: _near(
            state.number("color_temp_kelvin"), wanted, _NEAR_KELVIN
        )
    if not fitting.colored(state):
        raise DeviceRefused(f"{name} takes no colours")
    return {"rgb_color": list(rgb)}, lambda state: _is_color(state, rgb)


def _is_color(state: State, rgb: Rgb) -> bool:
    """Whether a lamp shows a colour: its hue and saturation; how bright it is does not count."""
    told = state.attributes.get("hs_color")
    if not (isinstance(told, list | tuple) and len(told) == 2):
        return False
    shown = number(told[0])
    if shown is None:
        return False
    hue, saturation = rgb_to_hs(rgb)
    apart = abs(shown - hue) % 360
    gray = saturation < _NEAR_SATURATION
    return (gray or min(apart, 360 - apart) <= _NEAR_HUE) and _near(
        number(told[1]), saturation, _NEAR_SATURATION
    )
