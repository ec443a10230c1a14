"""Which order a state is the effect of, and where a cover rests."""

from __future__ import annotations

import json
from typing import Any

import pytest
import webcolors

from device_adapters.colors import color
from device_adapters.ha.adapter import degrees, fahrenheit, number
from device_adapters.ha.announcement import HaEntity, read_announcement
from device_adapters.ha.colors import hs_to_rgb, rgb_to_hs, rgb_to_xy, same, xy_to_rgb
from device_adapters.ha.lights import modes
from device_adapters.ha.limits import bounds, stepped
from device_adapters.ha.order import Wanted, leading_to, orders
from device_adapters.ha.reports import agree, state
from device_adapters.home.functions import cover_end, percent
from device_adapters.home.readings import told
from schemas.errors import DeviceRefused


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


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"schema": "json"}, set()),
        ({"schema": "json", "brightness": True}, {"brightness"}),
        ({"schema": "json", "supported_color_modes": ["onoff"]}, {"onoff"}),
        ({"schema": "json", "supported_color_modes": ["xy"]}, {"xy", "brightness"}),
        ({"schema": "json", "rgb": True, "brightness": False}, {"rgb", "brightness"}),
        ({"command_topic": "c"}, set()),
        ({"brightness_command_topic": "b", "xy_command_topic": "x"}, {"brightness", "xy"}),
        ({"schema": "template", "brightness_template": "{{ 1 }}"}, {"brightness"}),
        ({"schema": "template", "red_template": "r", "green_template": "g"}, set()),
        ({"schema": ["json"]}, set()),
    ],
)
def test_what_can_be_set_of_a_lamp(options: dict[str, Any], expected: set[str]) -> None:
    assert modes(entity("light", **options)) == expected


def test_every_colour_with_a_name_comes_back_as_lamps_round_it() -> None:
    for name in set(webcolors.names("css3")) - {"black"}:
        rgb = color(name)
        hue, saturation = rgb_to_hs(rgb)
        assert same(rgb, hs_to_rgb(round(hue), round(saturation)))
        assert same(rgb, xy_to_rgb(*rgb_to_xy(rgb)))


@pytest.mark.parametrize(
    ("options", "payload"),
    [
        ({"schema": "json"}, '{"color": {"r": NaN, "g": 1, "b": 1}}'),
        ({"schema": "json"}, '{"color": {"r": 1e999, "g": 1, "b": 1}}'),
        ({"schema": "json"}, '{"color": {"h": 1, "s": 1%s}}' % ("0" * 400)),
        ({"schema": "json"}, '{"color": {"x": 1e300, "y": 1e-300}}'),
        ({"rgb_command_topic": "c", "rgb_state_topic": "s"}, "inf,1,2"),
    ],
)
def test_what_is_no_colour_says_nothing(options: dict[str, Any], payload: str) -> None:
    assert state(entity("light", state_topic="s", **options), "color", payload) is None


def test_no_number_is_too_big() -> None:
    fan = entity("fan", percentage_state_topic="s", speed_range_max="9" * 400)
    assert state(fan, "percentage", "5") == "5"
    lamp = entity("light", brightness_scale=5e-324)
    assert (percent(lamp, "1e308"), percent(lamp, "255")) == (None, 100)
    assert stepped(50, 0, bounds(entity("number", step=5e-324), "state")[2] or 1.0) == 50
    cover = entity("cover", position_open=5e-324, position_topic="s")
    assert told(cover, {"position": "100"}.get, in_fahrenheit=False) is None


@pytest.mark.parametrize(("x", "y"), [(0, 0), (1, 0), (0.3, -1), (5, 5), (-3, 0.1), (0.7, 0.0001)])
def test_no_point_breaks_the_colours(x: float, y: float) -> None:
    assert all(0 <= channel <= 255 for channel in xy_to_rgb(x, y))


@pytest.mark.parametrize(
    ("goal", "value", "alike"),
    [
        ("0,0,255", "0,0,255", True),
        ("0,0,255", "2,1,250", True),
        ("100,149,237", "50,74,118", True),
        ("0,0,255", "255,0,0", False),
        ("0,0,255", "0,0", False),
        ("0,0,255", "nan,0,255", False),
        ("0,0,255", "1e400,0,255", False),
        ("ON", "0,0,255", False),
    ],
)
def test_a_colour_is_itself_however_bright(goal: str, value: str, alike: bool) -> None:
    assert agree(goal, value) is alike


@pytest.mark.parametrize(
    ("wanted", "start", "step", "taken"),
    [(21.1, 5, 0.5, 21.0), (0.3, 0, 0.1, 0.3), (7, 0, 5, 5), (2.0004, 0, 0.001, 2.0), (8, 1, 3, 7)],
)
def test_the_nearest_step_is_taken(wanted: float, start: float, step: float, taken: float) -> None:
    assert stepped(wanted, start, step) == taken


@pytest.mark.parametrize(
    ("component", "options", "wanted", "said"),
    [
        ("number", {"command_topic": "c", "max": 10}, 11.0, "x takes at most 10, not 11"),
        ("number", {"command_topic": "c", "min": 1}, 0.5, "x takes at least 1, not 0.5"),
        ("number", {"command_topic": "c", "min": "?", "max": "nan"}, 1e9, None),
        ("select", {"command_topic": "c", "options": ["A"]}, "B", "x takes A, not B"),
        ("select", {"command_topic": "c"}, "B", None),
        ("climate", {"mode_command_topic": "c", "modes": ["off"]}, "heat", "x takes off, not heat"),
        ("lock", {"command_topic": "c", "code_format": "."}, "lock", "x wants a code"),
        ("lock", {"command_topic": "c"}, "open", "x cannot open"),
        ("cover", {"command_topic": "c", "payload_stop": None}, "stop", "x cannot stop"),
        ("sensor", {"state_topic": "s"}, "A", "takes no orders"),
        ("valve", {"command_topic": "c"}, "stop", "x cannot stop"),
    ],
)
def test_what_an_entity_takes_is_said(
    component: str, options: dict[str, Any], wanted: Wanted, said: str | None
) -> None:
    ordered = entity(component, **options)
    if said is None:
        assert orders(ordered, {"state": wanted})
        return
    with pytest.raises(DeviceRefused, match=said):
        orders(ordered, {"state": wanted})


@pytest.mark.parametrize(
    ("device_class", "on", "off"),
    [
        ("door", "open", "closed"),
        ("motion", "detected", "clear"),
        ("moisture", "wet", "dry"),
        ("presence", "home", "away"),
        ("battery", "low", "normal"),
        ("lock", "unlocked", "locked"),
        ("something new", "on", "off"),
        (None, "on", "off"),
    ],
)
def test_a_sensor_says_on_and_off_in_the_words_of_its_class(
    device_class: str | None, on: str, off: str
) -> None:
    sensor = entity("binary_sensor", device_class=device_class, payload_on=True, payload_off=False)
    for value, words in (("True", on), ("false", off), ("maybe", "maybe")):
        assert told(sensor, lambda _, v=value: v, in_fahrenheit=True) == words  # type: ignore[misc]


@pytest.mark.parametrize(
    ("component", "options", "states", "said"),
    [
        ("sensor", {"unit_of_measurement": "°C"}, {"state": "21.456"}, "21.5 °C"),
        ("sensor", {"unit_of_measurement": "°F"}, {"state": "70"}, "21.1 °C"),
        ("sensor", {"unit_of_measurement": "kWh"}, {"state": "1234.5678"}, "1234.57 kWh"),
        ("sensor", {"unit_of_measurement": "%"}, {"state": "unknown"}, "unknown"),
        ("sensor", {"unit_of_measurement": "W"}, {"state": "nan"}, "nan"),
        ("sensor", {}, {"state": "Heavy Rain"}, "heavy rain"),
        ("cover", {}, {"state": "opening"}, "opening"),
        ("cover", {"position_open": 0, "position_closed": 100}, {"position": "25"}, "75 % open"),
        ("lock", {"state_locked": "zu"}, {"state": "zu"}, "locked"),
        ("light", {"brightness_scale": 100}, {"state": "ON", "brightness": "7"}, "on, 7 %"),
        ("light", {}, {"state": "OFF", "brightness": "200"}, "off"),
        ("climate", {"temperature_unit": "F"}, {"temperature": "68", "mode": "heat"},
         "set to 20 °C, heat"),
        ("climate", {}, {}, None),
    ],
)  # fmt: skip
def test_a_state_is_told_as_a_person_says_it(
    component: str, options: dict[str, Any], states: dict[str, str], said: str | None
) -> None:
    assert told(entity(component, **options), states.get, in_fahrenheit=False) == said
