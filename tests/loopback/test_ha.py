"""The Home Assistant client on a real broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from device_adapters.ha import Entity, HaClient, HaDevice
from device_adapters.mqtt import MqttClient
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.outcome import Evidence
from tests.broker import Broker, Connect, heard_so_far, hub_on

TOPIC = "homeassistant/switch/lamp/config"
LAMP: dict[str, Any] = {
    "name": "Lamp",
    "unique_id": "lamp",
    "device": {"identifiers": ["lamp-1"], "name": "Desk lamp"},
    "command_topic": "lamp/set",
    "state_topic": "lamp/state",
}


@pytest.fixture
async def hub(broker: Broker) -> AsyncIterator[HaClient]:
    async with hub_on(broker) as ha:
        yield ha


@pytest.fixture
async def other(connect: Connect) -> MqttClient:
    return await connect()


async def announce(hub: HaClient, other: MqttClient, **own: object) -> Entity:
    await other.publish(TOPIC, json.dumps(LAMP | own), retain=True)
    await heard_so_far(hub)
    device = hub.device("lamp-1")
    assert device
    return hub.entity(device.entities[0])


async def test_devices_come_change_and_go(hub: HaClient, other: MqttClient) -> None:
    told: asyncio.Queue[HaDevice] = asyncio.Queue()
    forget = hub.on_change(told.put_nowait)
    await announce(hub, other)
    new = await told.get()
    assert (new.id, new.name, [e.name for e in new.entities]) == ("lamp-1", "Desk lamp", ["Lamp"])
    await announce(hub, other, name="Big lamp")
    assert [e.name for e in (await told.get()).entities] == ["Big lamp"]
    await other.publish(TOPIC, b"", retain=True)
    assert (await told.get()).entities == ()
    assert hub.devices == ()
    forget()


async def test_announcements_of_one_device_are_merged_and_told_once(
    hub: HaClient, other: MqttClient
) -> None:
    told: asyncio.Queue[HaDevice] = asyncio.Queue()
    hub.on_change(told.put_nowait)
    for number in range(5):
        config = LAMP | {"name": f"Lamp {number}", "unique_id": str(number)}
        await other.publish(f"homeassistant/switch/lamp/{number}/config", json.dumps(config))
    await heard_so_far(hub)
    assert await hub.until(lambda: hub.settled("lamp-1"), 10)
    assert [e.name for e in hub.devices[0].entities] == [f"Lamp {number}" for number in range(5)]
    assert told.qsize() <= 2


async def test_publishers_are_asked_to_announce_themselves(
    broker: Broker, other: MqttClient
) -> None:
    births: asyncio.Queue[bytes] = asyncio.Queue()

    async def birth(message: Any) -> None:
        births.put_nowait(message.payload)

    other.subscribe("homeassistant/status", birth)
    async with hub_on(broker):
        assert await births.get() == b"online"


@pytest.mark.parametrize(
    "own",
    [
        {"command_topic": "octopus/command/anna"},
        {"state_topic": "octopus/device/x/state"},
        {"availability_topic": "octopus/status"},
    ],
)
async def test_what_reaches_into_the_hub_is_ignored(
    hub: HaClient, other: MqttClient, own: dict[str, str]
) -> None:
    await other.publish(TOPIC, json.dumps(LAMP | own))
    await heard_so_far(hub)
    assert hub.devices == ()


async def test_hostile_payloads_change_nothing(
    hub: HaClient, other: MqttClient, caplog: pytest.LogCaptureFixture
) -> None:
    lamp = await announce(hub, other, value_template="{{ 9 ** 999 }}")
    for payload in (b"\xff\xfe", b"[" * 100_000, b'{"device": 1, "availability": [1, null]}'):
        await other.publish("homeassistant/light/bad/config", payload)
        await other.publish("lamp/state", payload)
    await heard_so_far(hub)
    assert hub.device("lamp-1")
    assert lamp.state() is None
    assert "Traceback" not in caplog.text


async def test_a_state_that_arrives_late_verifies_and_none_does_not(
    hub: HaClient, other: MqttClient
) -> None:
    lamp = await announce(hub, other)

    async def obey(message: Any) -> None:
        if message.payload == b"ON":
            await other.publish("lamp/state", b"...")
            await other.publish("lamp/state", b"ON")

    other.subscribe("lamp/set", obey)
    await other.publish("ready", b"", qos=1)
    assert await lamp.command(True, within=10) is Evidence.VERIFIED
    assert lamp.state() == "ON"
    assert await lamp.command(False, within=0.1) is Evidence.UNVERIFIED


async def test_an_order_that_nobody_hears_is_unavailable(hub: HaClient, other: MqttClient) -> None:
    lamp = await announce(hub, other)
    with pytest.raises(DeviceUnavailable, match="not listening"):
        await lamp.command(True)


async def test_an_order_that_makes_no_sense_is_refused(hub: HaClient, other: MqttClient) -> None:
    lamp = await announce(hub, other)
    with pytest.raises(DeviceRefused, match="brightness"):
        await lamp.command(5, attribute="brightness")


@pytest.mark.parametrize(
    ("mode", "one", "two", "available"),
    [
        ("all", b"online", b"offline", False),
        ("all", b"online", b"online", True),
        ("any", b"online", b"offline", True),
        ("any", b"offline", b"offline", False),
        ("latest", b"online", b"offline", False),
        ("latest", b"offline", b"online", True),
    ],
)
async def test_availability_modes(
    hub: HaClient, other: MqttClient, mode: str, one: bytes, two: bytes, available: bool
) -> None:
    topics = [{"topic": "lamp/one"}, {"topic": "lamp/two"}]
    lamp = await announce(hub, other, availability=topics, availability_mode=mode)
    assert lamp.available is None
    await other.publish("lamp/one", one, retain=True)
    await other.publish("lamp/two", two, retain=True)
    await heard_so_far(hub)
    assert lamp.available is available


async def test_what_reports_nothing_is_not_waited_for(hub: HaClient, other: MqttClient) -> None:
    lamp = await announce(hub, other, state_topic=None)
    async with asyncio.timeout(0):
        assert await lamp.known_state() is None


async def test_what_is_offline_gets_no_order(hub: HaClient, other: MqttClient) -> None:
    orders: asyncio.Queue[bytes] = asyncio.Queue()

    async def keep(message: Any) -> None:
        orders.put_nowait(message.payload)

    other.subscribe("lamp/set", keep)
    await other.publish("lamp/there", b"offline", retain=True)
    lamp = await announce(hub, other, availability_topic="lamp/there")
    with pytest.raises(DeviceUnavailable, match="Lamp is offline"):
        await lamp.command(True)
    assert orders.empty()


async def test_topics_are_let_go_with_their_last_entity(hub: HaClient, other: MqttClient) -> None:
    await announce(hub, other)
    assert await other.publish("lamp/state", b"ON")
    await other.publish(TOPIC, b"", retain=True)
    await heard_so_far(hub)
    assert not await other.publish("lamp/state", b"ON")
