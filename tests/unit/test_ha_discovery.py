"""Discovery payloads, the friendly and the hostile."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device_adapters.car import functions as car
from device_adapters.ha.abbreviations import ENTITY
from device_adapters.ha.adapter import Want, candidates
from device_adapters.ha.announcement import (
    Availability,
    BadAnnouncementError,
    HaDevice,
    HaEntity,
    merged,
    read_announcement,
)
from device_adapters.ha.order import Order, Wanted, orders
from device_adapters.ha.reports import agree, place, state
from device_adapters.home import functions as home
from device_adapters.homeassistant import device_of
from device_adapters.pc import functions as pc
from schemas.base import Scalar
from schemas.errors import DeviceRefused


def order(entity: HaEntity, attribute: str, wanted: Wanted) -> Order:
    [only] = orders(entity, {attribute: wanted})
    return only


def announced(topic: str, config: object) -> HaDevice:
    device = read_announcement(tuple(topic.split("/")), json.dumps(config).encode())
    assert device
    return device


def test_abbreviations_and_the_base_topic() -> None:
    device = announced(
        "switch/fan",
        {
            "~": "tasmota/fan",
            "name": "Fan",
            "uniq_id": "f1",
            "stat_t": "~/state",
            "cmd_t": "cmnd/~",
            "avty": [{"t": "~/LWT", "pl_avail": "Online"}],
            "dev": {"ids": "plug", "mf": "Sonoff", "mdl": "S26", "cns": [["mac", "aa:bb"]]},
        },
    )
    (entity,) = device.entities
    assert (device.id, device.identifiers) == ("plug", ("plug", "mac:aa:bb"))
    assert (device.name, device.manufacturer, device.model) == ("Fan", "Sonoff", "S26")
    assert entity.options["command_topic"] == "cmnd/tasmota/fan"
    assert entity.availability == (Availability(topic="tasmota/fan/LWT", available="Online"),)
    assert order(entity, "state", True) == Order(
        topic="cmnd/tasmota/fan", payload="ON", reached={"state": "ON"}
    )


def test_both_ends_of_a_topic_and_an_availability_have_the_base() -> None:
    config = {"~": "b", "cmd_t": "~/x/~", "stat_t": "~", "avty": [{"t": "y/~"}, {"t": "~/z"}]}
    (entity,) = announced("switch/x", config).entities
    assert (entity.text("command_topic"), entity.text("state_topic")) == ("b/x/b", "b")
    assert [item.topic for item in entity.availability] == ["y/b", "b/z"]


def test_a_name_left_out_is_the_class_and_no_name_is_the_device() -> None:
    sensor = {"stat_t": "s", "dev_cla": "carbon_dioxide"}
    for own, name in (({}, "carbon dioxide"), ({"name": None}, ""), ({"name": ""}, "")):
        assert announced("sensor/x", sensor | own).entities[0].name == name


def test_what_is_for_the_owner_is_marked_as_such() -> None:
    switch = {"cmd_t": "c"}
    for own in ({"en": False}, {"ent_cat": "config"}, {"entity_category": "diagnostic"}):
        assert not announced("switch/x", switch | own).entities[0].primary
    for shown in ({}, {"en": True}, {"ent_cat": "strange"}, {"ent_cat": None}):
        assert announced("switch/x", switch | shown).entities[0].primary


def test_one_parts_availability_replaces_that_of_its_message() -> None:
    device = announced(
        "device/d",
        {
            "dev": {"ids": ["d"]},
            "avty": [{"t": "all"}],
            "avty_mode": "all",
            "pl_avail": "up",
            "cmps": {
                "a": {"p": "switch", "cmd_t": "c", "avty_t": "own"},
                "b": {"p": "switch", "cmd_t": "c"},
            },
        },
    )
    own, shared = (entity.availability for entity in device.entities)
    assert (own, shared) == (
        (Availability(topic="own", available="up"),),
        (Availability(topic="all"),),
    )


def test_every_short_name_stands_for_one_option() -> None:
    assert len(ENTITY) > 250
    assert all(short != full and "_" not in full[:1] for short, full in ENTITY.items())
    for short, full in {
        "schm": "schema", "sup_clrm": "supported_color_modes", "clrm": "color_mode",
        "def_ent_id": "default_entity_id", "avty": "availability", "cmps": "components",
        "pl_prs": "payload_press", "hum_state_tpl": "target_humidity_state_template",
        "clr_temp_k": "color_temp_kelvin", "on_cmd_type": "on_command_type",
    }.items():  # fmt: skip
        assert ENTITY[short] == full


def test_parts_of_a_device_are_merged_in_the_order_they_came() -> None:
    first, second = (
        announced("switch/x", {"name": n, "uniq_id": i, "cmd_t": n, "dev": {"ids": "d", "name": n}})
        for n, i in (("one", "1"), ("two", "2"))
    )
    both = merged([first, second, first])
    assert (both.name, [entity.name for entity in both.entities]) == ("one", ["one", "two"])


@pytest.mark.parametrize(
    "own",
    [
        {"availability_topic": "a", "payload_available": "up", "availability_template": "{{ 1 }}"},
        {"availability": {"topic": "a", "payload_available": "up", "value_template": "{{ 1 }}"}},
        {"avty": [{"t": "a", "pl_avail": "up", "val_tpl": "{{ 1 }}"}]},
    ],
)
def test_every_way_to_say_availability(own: dict[str, Any]) -> None:
    (entity,) = announced("switch/x", {"cmd_t": "c"} | own).entities
    assert entity.availability == (Availability(topic="a", template="{{ 1 }}", available="up"),)


def test_a_device_message_shares_its_options() -> None:
    device = announced(
        "device/d",
        {
            "dev": {"ids": ["d"], "name": "D"},
            "o": {"name": "program"},
            "state_topic": "all",
            "avty_t": "there",
            "cmps": {
                "a": {"p": "sensor", "uniq_id": "a1"},
                "b": {"p": "switch", "cmd_t": "b/set", "stat_t": "own"},
                "gone": {"p": "sensor"},
            },
        },
    )
    assert [(e.id, e.component, e.options["state_topic"]) for e in device.entities] == [
        ("a1", "sensor", "all"),
        ("d_b", "switch", "own"),
    ]
    assert {(e.origin, e.availability[0].topic) for e in device.entities} == {("program", "there")}


@pytest.mark.parametrize(
    "payload",
    [
        b"not json",
        b"\xff",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"command_topic": "a/#"}',
        b'{"command_topic": ""}',
        b'{"command_topic": "a\\u0000"}',
        b'{"~": "#", "command_topic": "~/x"}',
        b'{"availability_topic": "+"}',
        b'{"state_topic": "\\ud800"}',
        b'{"state_topic": "a\\nb"}',
        b'{"name": "' + b"x" * 300_000 + b'"}',
    ],
)
def test_a_bad_payload_announces_nothing_and_removes_nothing(payload: bytes) -> None:
    with pytest.raises(BadAnnouncementError):
        read_announcement(("switch", "x"), payload)


def test_an_empty_payload_removes() -> None:
    assert read_announcement(("switch", "x"), b"") is None


def test_a_device_message_whose_parts_hold_only_their_platform_removes() -> None:
    config = {"dev": {"ids": "d"}, "o": {"name": "p"}, "cmps": {"a": {"p": "sensor"}}}
    assert read_announcement(("device", "d"), json.dumps(config).encode()) is None


keys = st.sampled_from(
    [
        "~",
        "name",
        "uniq_id",
        "cmd_t",
        "avty",
        "avty_t",
        "dev",
        "o",
        "cmps",
        "p",
        "schema",
        "t",
        "ids",
    ]
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["", "~/a", "a/#", "{{ x }}", "\ud800"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=200)


@relaxed
@given(
    st.sampled_from(["device", "light", "climate", "cover", "lock", "x"]),
    st.dictionaries(keys, json_values, max_size=5),
)
def test_no_payload_raises(component: str, config: dict[str, Any]) -> None:
    try:
        device = read_announcement((component, "x"), json.dumps(config).encode())
    except BadAnnouncementError:
        return
    if device:
        device_of(device)
        for entity in device.entities:
            place(entity, "state")
            state(entity, "state", "payload")


@relaxed
@given(st.binary(max_size=64))
def test_no_bytes_raise_anything_else(payload: bytes) -> None:
    with contextlib.suppress(BadAnnouncementError):
        read_announcement(("switch", "x"), payload)


def entity(component: str, **options: Scalar) -> HaEntity:
    return HaEntity(id="e", component=component, name="E", options=options)


def test_words_become_payloads() -> None:
    lock = entity("lock", command_topic="c", state_topic="s", payload_unlock="auf")
    assert order(lock, "state", "unlock") == Order(
        topic="c", payload="auf", reached={"state": "UNLOCKED"}, failed={"state": "JAMMED"}
    )
    button = entity("button", command_topic="c")
    assert order(button, "state", "press") == Order(topic="c", payload="PRESS")
    with pytest.raises(DeviceRefused, match="cannot explode"):
        order(lock, "state", "explode")


def test_numbers_go_through_the_command_template() -> None:
    light = entity(
        "light",
        brightness_command_topic="c",
        brightness_command_template='{"bri": {{ value }}}',
        brightness_state_topic="s",
    )
    assert order(light, "brightness", 128) == Order(
        topic="c", payload='{"bri": 128}', reached={"brightness": "128"}
    )
    hostile = entity("number", command_topic="c", command_template="{% for i in [1] %}{% endfor %}")
    with pytest.raises(DeviceRefused, match="not allowed"):
        order(hostile, "state", 1)


def test_a_read_only_entity_takes_no_orders() -> None:
    with pytest.raises(DeviceRefused, match="takes no orders"):
        order(entity("sensor", state_topic="s"), "state", "x")


def test_half_a_character_is_replaced() -> None:
    sensor = entity("sensor", state_topic="s", value_template="{{ value_json.x }}")
    assert state(sensor, "state", '{"x": "\\ud800"}') == "?"


@pytest.mark.parametrize("payload", ["", " ", "null", "None", "none"])
def test_an_empty_state_says_nothing(payload: str) -> None:
    assert state(entity("sensor", state_topic="s"), "state", payload) is None


@pytest.mark.parametrize(
    ("goal", "value", "same"),
    [
        ("ON", "on", True),
        ("70", "69.98", True),
        ("68", "69", False),
        ("0.3", "0.5", False),
        ("128", "127", True),
        ("ON", "OFF", False),
        ("ON", None, False),
        ("nan", "1", False),
    ],
)
def test_agreement(goal: str, value: str | None, same: bool) -> None:
    assert agree(goal, value) is same


def test_a_gateway_beside_its_car_is_no_car() -> None:
    bridge = announced(
        "device/carconnectivity",
        {
            "dev": {"ids": "carconnectivity", "name": "CarConnectivity"},
            "o": {"name": "CarConnectivity"},
            "cmps": {"update": {"p": "button", "name": "Force Update", "cmd_t": "update"}},
        },
    )
    assert device_of(bridge) is None


def test_a_lamp_that_can_only_be_switched_is_not_offered_for_dimming() -> None:
    lamp = {"schema": "json", "cmd_t": "c", "supported_color_modes": ["onoff"]}
    found = device_of(announced("light/x", lamp | {"dev": {"ids": "x", "name": "X"}}))
    assert found
    assert found.functions == ("get_state", "turn_off", "turn_on")


@pytest.mark.parametrize(
    ("want", "component", "names", "meant"),
    [
        (car.LOCK, "lock", ["Charge port lock", "Child lock", "Doors"], "Doors"),
        (pc.VOLUME, "number", ["Microphone volume", "Speaker volume"], "Speaker volume"),
        (pc.LOCK, "switch", ["Caps lock", "Lock"], "Lock"),
        (home.LOCK, "lock", ["Lock remotes", "Child lock", "Door"], "Door"),
    ],
)
def test_what_is_called_alike_is_not_meant(
    want: Want, component: str, names: list[str], meant: str
) -> None:
    parts = {n: {"p": component, "name": n, "command_topic": "c"} for n in names}
    device = read_announcement(("device", "x"), json.dumps({"cmps": parts}).encode())
    assert device
    assert [entity.name for entity in candidates(device, want)] == [meant]
