"""Which order a state is the effect of, and where a cover rests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from device_adapters.ha_adapter import degrees, fahrenheit, number
from device_adapters.ha_discovery import HaEntity, read_announcement
from device_adapters.ha_order import Wanted, leading_to, state
from device_adapters.home.functions import cover_end, percent


def entity(component: str, **options: Any) -> HaEntity:
    device = read_announcement((component, "x"), json.dumps({"name": "x"} | options).encode())
    assert device
    return device.entities[0]


@pytest.mark.parametrize(
    ("component", "options", "value", "wanted"),
    [
        ("switch", {}, "ON", True),
        ("switch", {}, "off", False),
        ("switch", {"payload_on": "start", "state_on": "charging"}, "charging", True),
        ("switch", {"payload_on": True, "payload_off": False}, "true", True),
        ("light", {"schema": "json"}, "OFF", False),
        ("fan", {"payload_off": 0, "payload_on": 1}, "0", False),
        ("lock", {}, "LOCKED", "lock"),
        ("lock", {"state_unlocked": "open"}, "open", "unlock"),
        ("lock", {}, "JAMMED", None),
        ("cover", {}, "closed", "close"),
        ("cover", {}, "closing", None),
        ("sensor", {}, "ON", None),
    ],
)
def test_the_order_that_a_state_is_the_effect_of(
    component: str, options: dict[str, Any], value: str, wanted: Wanted | None
) -> None:
    assert leading_to(entity(component, **options), value) == wanted


@pytest.mark.parametrize(
    ("said", "position", "end"),
    [
        ("open", None, "open"),
        ("closed", None, "close"),
        (None, "100", "open"),
        (None, "0", "close"),
        ("open", "100.0", "open"),
        ("stopped", "0", "close"),
        ("open", "40", None),
        ("opening", "100", None),
        ("stopped", None, None),
        ("open", "nan", "open"),
        (None, None, None),
    ],
)
def test_where_a_cover_rests(said: str | None, position: str | None, end: str | None) -> None:
    assert cover_end(entity("cover"), said, position) == end


def test_a_cover_that_counts_the_other_way() -> None:
    cover = entity("cover", position_open=0, position_closed=255)
    assert (cover_end(cover, None, "0"), cover_end(cover, None, "255")) == ("open", "close")


@pytest.mark.parametrize(
    ("scale", "reported", "percents"),
    [(None, "102", 40), (254, "1", 1), (100, "7", 7), (None, "300", 100), (0, "255", 100)],
)
def test_a_lit_lamp_is_never_at_nothing(scale: int | None, reported: str, percents: int) -> None:
    assert percent(entity("light", brightness_scale=scale), reported) == percents


@pytest.mark.parametrize(
    ("payload", "color"),
    [
        ({"color": {"r": 1, "g": 2, "b": 3}}, "1,2,3"),
        ({"color_mode": "rgb", "color": {"r": 1, "g": 2, "b": 3}}, "1,2,3"),
        ({"color_mode": "color_temp", "color": {"r": 1, "g": 2, "b": 3}}, None),
        ({"color_mode": "color_temp"}, None),
        ({}, None),
    ],
)
def test_a_white_lamp_has_no_colour(payload: dict[str, Any], color: str | None) -> None:
    assert state(entity("light", schema="json"), "color", json.dumps(payload)) == color


@pytest.mark.parametrize("unit", ["C", "F"])
def test_a_reported_temperature_comes_back(unit: str) -> None:
    climate = entity("climate", temperature_unit=unit)
    for tenths in range(-100, 1000):
        reported = tenths / 10
        assert degrees(climate, fahrenheit(climate, reported)) == reported


@pytest.mark.parametrize("text", [None, "", "unknown", "nan", "inf", "1,5"])
def test_what_is_no_number(text: str | None) -> None:
    assert number(text) is None
