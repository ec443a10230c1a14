"""Announcements of strangers: what another one announced stays its own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from device_adapters.driver import Site
from device_adapters.ha import HaClient
from device_adapters.ha.presence import away
from device_adapters.homeassistant import HomeAssistant, device_of
from tests.hakit import MemoryMqtt, announced

DEV = {"ids": ["door"], "name": "Front door"}
LOCK: dict[str, object] = {
    "uniq_id": "lock", "name": None, "cmd_t": "door/set", "stat_t": "door", "dev": DEV,
    "o": {"name": "Zigbee2MQTT"},
}  # fmt: skip
MINE = "homeassistant/lock/door/config"
THEIRS = "homeassistant/lock/evil/config"
STOLEN = LOCK | {"cmd_t": "evil/set"}


async def changed(mqtt: MemoryMqtt, ha: HaClient, topic: str, said: object) -> list[str]:
    """What orders of the device's entities are sent to, after one more announcement."""
    await mqtt.say(topic, said)
    await asyncio.sleep(0.001)
    device = ha.device("door")
    return [e.text("command_topic", "") for e in device.entities] if device else []


async def test_an_entity_stays_with_who_announced_it_first() -> None:
    async with announced({MINE: LOCK}, {}) as (mqtt, ha):
        assert await changed(mqtt, ha, THEIRS, STOLEN) == ["door/set"]
        assert await changed(mqtt, ha, MINE, LOCK | {"name": "Lock"}) == ["door/set"]
        assert await changed(mqtt, ha, MINE, LOCK | {"cmd_t": "new/set"}) == ["new/set"]
        assert await changed(mqtt, ha, MINE, b"") == ["evil/set"]


async def test_the_same_id_of_another_sort_is_another_entity() -> None:
    sensor = {"uniq_id": "lock", "name": "Battery", "stat_t": "battery", "dev": DEV}
    async with announced({MINE: LOCK}, {}) as (mqtt, ha):
        topics = await changed(mqtt, ha, "homeassistant/sensor/door/config", sensor)
        assert topics == ["door/set", ""]


async def test_another_program_does_not_join_a_device() -> None:
    second = STOLEN | {"uniq_id": "second", "o": {"name": "evil"}}
    async with announced({MINE: LOCK}, {}) as (mqtt, ha):
        assert await changed(mqtt, ha, THEIRS, second) == ["door/set"]
        unnamed = {key: value for key, value in second.items() if key != "o"}
        assert await changed(mqtt, ha, THEIRS, unnamed) == ["door/set", "evil/set"]


@pytest.mark.parametrize("topic", ["/" * 300, "$share/x", "$SYS/broker/uptime", "a/+/b", "#", "+"])
@pytest.mark.parametrize("option", ["stat_t", "cmd_t", "avty_t"])
async def test_no_topic_makes_a_broker_hang_up(topic: str, option: str) -> None:
    async with announced({MINE: LOCK}, {}) as (mqtt, ha):
        assert await changed(mqtt, ha, THEIRS, STOLEN | {"uniq_id": "x", option: topic})
        assert len(ha.devices) == 1
        assert topic not in mqtt.filters


async def test_topics_with_wildcards_are_few_and_not_the_hubs_own() -> None:
    sensors = {f"{i}": {"p": "sensor", "stat_t": f"+/{i}/BTtoMQTT/x"} for i in range(300)}
    async with announced({"homeassistant/device/x/config": {"cmps": sensors}}, {}) as (mqtt, ha):
        assert sum("BTtoMQTT" in heard for heard in mqtt.filters) == 256
        first = ha.entity(ha.devices[0].entities[0])
        await mqtt.say("octopus/0/BTtoMQTT/x", "mine")
        assert first.state() is None
        await mqtt.say("home/0/BTtoMQTT/x", "21")
        assert first.state() == "21"
        await mqtt.say("homeassistant/device/x/config", b"")
        assert not any("BTtoMQTT" in heard for heard in mqtt.filters)


async def test_a_device_with_too_many_ways_of_telling_is_taken_to_be_there() -> None:
    def ways(count: int) -> dict[str, object]:
        told = [{"t": "t", "val_tpl": f"{{{{ value + '{i}' }}}}"} for i in range(count)]
        parts = {f"{i}": {"p": "switch", "avty": [way]} for i, way in enumerate(told)}
        return {"homeassistant/device/x/config": {"cmps": parts, "stat_t": "s"}}

    for count, gone in ((16, True), (17, False)):
        async with announced(ways(count), {"t": "x"}) as (_, ha):
            assert away(ha, ha.devices[0]) is gone


async def test_nothing_is_kept_of_devices_that_come_and_go() -> None:
    async with announced({}, {}) as (mqtt, ha):
        driver = HomeAssistant(Site(mqtt=cast(Any, mqtt), ha=ha, state=Path()))
        withdrawn = list[str]()
        async with driver.finding(lambda _: True, withdrawn.append):
            for one in range(50):
                topic, dev = f"homeassistant/lock/{one}/config", {"ids": f"{one}"}
                await mqtt.say(topic, LOCK | {"dev": dev, "avty_t": f"there/{one}"})
                await asyncio.sleep(0.001)
                await mqtt.say(f"there/{one}", "offline")
                await mqtt.say(topic, b"")
                await asyncio.sleep(0.001)
            assert len(withdrawn) == 50
            assert (ha.devices, mqtt.filters) == ((), mqtt.filters[:2])


async def test_the_same_id_on_another_device_touches_nothing() -> None:
    other = STOLEN | {"dev": {"ids": ["evil", "door"], "name": "Front door"}}
    async with announced({MINE: LOCK}, {}) as (mqtt, ha):
        assert await changed(mqtt, ha, THEIRS, other) == ["door/set"]
        assert {device.id for device in ha.devices} == {"door", "evil"}


@pytest.mark.parametrize(
    "said",
    [
        b"x" * 10_000_000,
        b'{"cmd_t": "' + b"x" * 200_000 + b'"}',
        b'{"~": "' + b"x" * 200_000 + b'", "cmd_t": "~/~"}',
        b"{" + b",".join(b'"t%d_topic": "~"' % n for n in range(10_000)) + b', "~": "a"}',
        b'{"cmd_t": "octopus/command/mallory"}',
        b'{"~": "octopus", "cmd_t": "~/set"}',
        b"\xff\xfe",
    ],
)
async def test_what_cannot_be_used_changes_nothing(said: bytes) -> None:
    async with announced({MINE: LOCK}, {}) as (mqtt, ha):
        assert await changed(mqtt, ha, MINE, said) == ["door/set"]
        await mqtt.say(THEIRS, said)
        assert [device.id for device in ha.devices] == ["door"]


@pytest.mark.parametrize(
    "base", ["~", "~/~", "a/~", "~a~", "{{ 9 ** 9 }}", "../..", "a" * 1025, "a\n", "+", "", 7, None]
)
async def test_a_base_is_put_in_once_or_not_at_all(base: object) -> None:
    config = LOCK | {"~": base, "cmd_t": "~/set", "avty": [{"t": "~"}, {"t": "x/~"}]}
    async with announced({THEIRS: config}, {}) as (_, ha):
        for device in ha.devices:
            [entity] = device.entities
            assert len(entity.text("command_topic", "")) <= 1024
            assert entity.text("command_topic") == f"{base}/set" if base else "~/set"


async def test_hostile_names_are_made_plain() -> None:
    name = "Door\u202e\x00\n\u200b <b>lock</b> " + "x" * 1000
    config = LOCK | {"name": name, "dev": {"ids": ["\x00", "door\n1"], "name": name, "sa": name}}
    async with announced({MINE: config}, {}) as (_, ha):
        [device] = ha.devices
        found = device_of(device)
        assert found
        for text in (found.id, found.name, found.room or "", *found.parts):
            assert text.isprintable()
            assert len(text) <= 260
        assert found.name.startswith("Door <b>lock</b>")


async def test_a_template_bomb_costs_no_time_and_says_nothing() -> None:
    bomb = "{{ " + "value|replace('a', value)|" * 100 + "upper }}"
    config = LOCK | {"val_tpl": bomb, "cmd_tpl": "{% for i in range(10**9) %}x{% endfor %}"}
    async with announced({MINE: config}, {"door": "a" * 60_000}) as (_, ha):
        device = ha.device("door")
        assert device
        assert ha.entity(device.entities[0]).state() is None
