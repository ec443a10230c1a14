"""Lights in their three ways of speaking (default, JSON, template): pure.

A light's `color` is red, green and blue here, whatever it takes: hue and saturation, x and y, or,
for the whites that have names, a temperature.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Mapping
from typing import Any

from device_adapters.ha.announcement import HaEntity
from device_adapters.ha.colors import WHITES, Rgb, hs_to_rgb, rgb_to_hs, rgb_to_xy, xy_to_rgb
from device_adapters.ha.places import place
from device_adapters.ha.template import read, render
from schemas.errors import DeviceRefused

_MODES = ("rgb", "hs", "xy", "rgbw", "rgbww")
"""The ways to give a colour, the best one first."""
_WHITE_MODES = {"color_temp", "white", "cwww", "brightness", "onoff"}
_FULL = 255


def schema(light: HaEntity) -> str:
    """How a light speaks: "basic", "json" or "template"."""
    said = light.text("schema", "basic")
    return said if said in {"json", "template"} else "basic"


def modes(light: HaEntity) -> frozenset[str]:
    """What of its light can be set: "rgb", "hs", "xy", "color_temp", "brightness" …"""
    match schema(light):
        case "json":
            said = light.choices.get("supported_color_modes", ())
            flags = [*_MODES, "color_temp", "brightness"]
            found = {*said, *(name for name in flags if light.flag(name))}
            dims = found - {"onoff"}
        case "template":
            colored = all(light.text(f"{c}_template") for c in ("red", "green", "blue"))
            found = {"rgb"} if colored else set()
            found |= {n for n in ("brightness", "color_temp") if light.text(f"{n}_template")}
            dims = found & {"brightness"}
        case _:
            names = [*_MODES, "color_temp", "brightness"]
            found = {name for name in names if light.text(f"{name}_command_topic")}
            dims = found & {"brightness"}
    return frozenset(found | ({"brightness"} if dims else set()))


def colored(light: HaEntity) -> bool:
    """Whether it can be given any colour."""
    return not modes(light).isdisjoint(_MODES)


def steps(light: HaEntity, wanted: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """What to publish, in order: topic, payload, and the attributes that this brings about.

    `wanted` holds `state`, `brightness` (of the light's own scale) or `color`;
    `DeviceRefused` where the light cannot be set so.
    """
    goals = dict(
        _native(light, value) if key == "color" else (key, value) for key, value in wanted.items()
    )
    if "brightness" in goals and "brightness" not in modes(light):
        raise DeviceRefused(f"{_called(light)} cannot be dimmed")
    goals.setdefault("state", True)
    write = {"json": _json_steps, "template": _template_steps}.get(schema(light), _basic_steps)
    return write(light, goals)


def goal(light: HaEntity, mode: str, value: Any) -> str:
    """What an attribute reads once it is so."""
    if mode == "state":
        word = "on" if value else "off"
        if schema(light) == "template":
            return word
        return light.text(f"state_{word}") or light.text(f"payload_{word}") or word.upper()
    return ",".join(map(str, _rgb(mode, value) or (value,)))


def told(light: HaEntity, attribute: str, payload: str) -> str | None:
    """What a light that speaks JSON or by templates says of an attribute; None where nothing.

    `BadTemplateError` where a template of it fails.
    """
    if schema(light) == "template":
        return _template_told(light, attribute, payload)
    said: object = None
    with contextlib.suppress(ValueError, RecursionError):
        said = json.loads(payload)
    if not isinstance(said, dict):
        return None
    return _color_told(said) if attribute == "color" else _plain(said.get(attribute))


def color_of(mode: str, text: str) -> str | None:
    """Red, green and blue, as `r,g,b`, of what a light says in one of the modes."""
    with contextlib.suppress(ValueError):
        rgb = _rgb(mode, tuple(map(float, text.split(","))))
        return rgb and ",".join(map(str, rgb))
    return None


def color_place(light: HaEntity) -> str:
    """The mode in which a light of the default schema tells its colour; empty where in none."""
    told_in = (m for m in _MODES if place(light, m).state_topic)
    return next(told_in, "")


def _native(light: HaEntity, rgb: Rgb) -> tuple[str, Any]:
    """A colour as the light takes it."""
    takes = modes(light)
    if "color_temp" in takes and rgb in WHITES:
        return "color_temp", _temperature(light, WHITES[rgb])
    for mode in _MODES:
        if mode in takes:
            converted = {"hs": rgb_to_hs, "xy": rgb_to_xy}.get(mode)
            return mode, converted(rgb) if converted else rgb
    if "color_temp" in takes:
        raise DeviceRefused(f"{_called(light)} shows only whites: warm, soft, cool, daylight")
    raise DeviceRefused(f"{_called(light)} shows no colours")


def _temperature(light: HaEntity, kelvin: int) -> int:
    """A temperature in the light's own unit, no further than it goes."""
    in_kelvin = light.flag("color_temp_kelvin")
    value = kelvin if in_kelvin else round(1_000_000 / kelvin)
    unit = "kelvin" if in_kelvin else "mireds"
    low, high = _number(light, f"min_{unit}", value), _number(light, f"max_{unit}", value)
    return int(min(max(value, low), max(low, high)))


def _json_steps(light: HaEntity, goals: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    said: dict[str, Any] = {"state": _word(light, on=goals["state"])}
    for mode, value in goals.items():
        if mode in {"brightness", "color_temp"}:
            said[mode] = value
        elif mode != "state":
            names = {"hs": "hs", "xy": "xy", "rgbw": "rgbw", "rgbww": "rgbcw"}.get(mode, "rgb")
            said["color"] = dict(zip(names, (*value, 0, 0), strict=False))
    return [(light.text("command_topic", ""), json.dumps(said), goals)]


def _template_steps(
    light: HaEntity, goals: dict[str, Any]
) -> list[tuple[str, str, dict[str, Any]]]:
    word = "on" if goals["state"] else "off"
    names: dict[str, Any] = {k: v for k, v in goals.items() if k in {"brightness", "color_temp"}}
    if (rgb := goals.get("rgb")) is not None:
        names |= dict(zip(("red", "green", "blue"), rgb, strict=True))
        names |= dict(zip(("hue", "sat"), rgb_to_hs(rgb), strict=True))
    payload = render(light.text(f"command_{word}_template", ""), state=goals["state"], **names)
    return [(light.text("command_topic", ""), payload, goals)]


def _basic_steps(light: HaEntity, goals: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """One message for each attribute; `on_command_type` says where switching on belongs."""
    topic, on = light.text("command_topic", ""), goals.pop("state")
    switch = [(topic, _word(light, on=on), {"state": on})] if topic else []
    if not on:
        return switch
    when = light.text("on_command_type", "last")
    if when == "brightness" and not goals and "brightness" in modes(light):
        goals["brightness"] = int(_number(light, "brightness_scale", _FULL))
    styles = [_styled(light, mode, value) for mode, value in goals.items()]
    if when == "brightness" and "brightness" in goals:
        return styles
    return switch + styles if when == "first" else styles + switch


def _styled(light: HaEntity, mode: str, value: Any) -> tuple[str, str, dict[str, Any]]:
    where = place(light, mode)
    payload = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    if where.command_template:
        names = dict(zip(("red", "green", "blue"), value, strict=False)) if mode == "rgb" else {}
        if mode == "hs":
            names = dict(zip(("hue", "sat"), value, strict=True))
        if mode == "xy":
            names = dict(zip("xy", value, strict=True))
        payload = render(where.command_template, value=value, **names)
    return where.command_topic, payload, {mode: value}


def _template_told(light: HaEntity, attribute: str, payload: str) -> str | None:
    names = ("red", "green", "blue") if attribute == "color" else (attribute,)
    templates = [light.text(f"{name}_template") for name in names]
    if None in templates:
        return None
    return ",".join(read(template or "", payload) for template in templates)


def _color_told(said: Mapping[str, Any]) -> str | None:
    """The colour that a light reports; a white one may still report the colour that it had."""
    color = said.get("color")
    if not isinstance(color, dict) or said.get("color_mode") in _WHITE_MODES:
        return None
    hue, saturation = color.get("h", color.get("hue")), color.get("s", color.get("saturation"))
    for mode, value in (
        ("rgb", (color.get("r"), color.get("g"), color.get("b"))),
        ("xy", (color.get("x"), color.get("y"))),
        ("hs", (hue, saturation)),
    ):
        if all(isinstance(part, int | float) for part in value):
            rgb = _rgb(mode, value)
            return rgb and ",".join(map(str, rgb))
    return None


def _rgb(mode: str, value: Any) -> Rgb | None:
    """A colour of one of the modes as red, green and blue; None where it is no colour's."""
    if not isinstance(value, tuple):
        return None
    with contextlib.suppress(ValueError, OverflowError):  # of what is no finite number
        match mode, value:
            case "hs", (hue, saturation):
                return hs_to_rgb(hue, saturation)
            case "xy", (x, y):
                return xy_to_rgb(x, y)
            case "rgb" | "rgbw" | "rgbww", (red, green, blue, *_):
                return round(red), round(green), round(blue)
    return None


def _word(light: HaEntity, *, on: bool) -> str:
    word = "on" if on else "off"
    if schema(light) == "json":
        return word.upper()
    return light.text(f"payload_{word}") or word.upper()


def _plain(value: object) -> str | None:
    return str(value) if isinstance(value, str | int | float) else None


def _number(light: HaEntity, option: str, default: float) -> float:
    value = default
    with contextlib.suppress(ValueError):
        value = float(light.text(option) or default)
    return value if math.isfinite(value) else default


def _called(light: HaEntity) -> str:
    return light.name or "the light"
