"""Discovery payloads, the friendly and the hostile."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device_adapters.classify import classify
from device_adapters.ha_discovery import Availability, HaDevice, HaEntity, read_announcement
from device_adapters.ha_order import Order, agree, order, place, state
from schemas.base import Scalar
from schemas.errors import DeviceRefused


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
        topic="cmnd/tasmota/fan", payload="ON", reached="ON"
    )


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
        b"",
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
def test_a_bad_payload_announces_nothing(payload: bytes) -> None:
    assert read_announcement(("switch", "x"), payload) is None


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
    device = read_announcement((component, "x"), json.dumps(config).encode())
    if device:
        classify(device)
        for entity in device.entities:
            place(entity, "state")
            state(entity, "state", "payload")


@relaxed
@given(st.binary(max_size=64))
def test_no_bytes_raise(payload: bytes) -> None:
    read_announcement(("switch", "x"), payload)


def entity(component: str, **options: Scalar) -> HaEntity:
    return HaEntity(id="e", component=component, name="E", options=options)


def test_words_become_payloads() -> None:
    lock = entity("lock", command_topic="c", state_topic="s", payload_unlock="auf")
    assert order(lock, "state", "unlock") == Order(topic="c", payload="auf", reached="UNLOCKED")
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
        topic="c", payload='{"bri": 128}', reached="128"
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
    assert classify(bridge) is None
