"""The Home Assistant client on a real broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from device_adapters.ha import Entity, HaClient, HaDevice, budget, client
from device_adapters.home import HomeAdapter
from device_adapters.mqtt import Message, MqttClient
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused, DeviceUnavailable, DeviceUncertain
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


async def test_after_many_announcements_publishers_are_asked_once_more(
    hub: HaClient, other: MqttClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker may have dropped what they answered meanwhile."""
    monkeypatch.setattr(client, "_MANY", 5)
    monkeypatch.setattr(client, "_QUIET", 0.01)
    births: asyncio.Queue[bytes] = asyncio.Queue()

    async def birth(message: Any) -> None:
        births.put_nowait(message.payload)

    other.subscribe("homeassistant/status", birth)
    for number in range(20):
        await other.publish(*forged(number))
    async with asyncio.timeout(10):
        assert await births.get() == b"online"
    await heard_so_far(hub)
    assert births.empty()


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


async def test_an_order_of_which_only_a_part_is_heard_is_uncertain(
    hub: HaClient, other: MqttClient
) -> None:
    heard: asyncio.Queue[Message] = asyncio.Queue()
    for topic in ("lamp/mode", "lamp/set"):
        other.subscribe(topic, heard.put)
    thermostat = {"mode_command_topic": "lamp/mode", "temperature_command_topic": "lamp/warm"}
    config = LAMP | thermostat | {"modes": ["off", "heat"]}
    await other.publish("homeassistant/climate/lamp/config", json.dumps(config), retain=True)
    await heard_so_far(hub)
    device = hub.device("lamp-1")
    assert device
    entity = hub.entity(device.entities[0])
    with pytest.raises(DeviceUncertain, match="got only part of the order"):
        await entity.apply({"mode": "heat", "temperature": 21})
    assert (await heard.get()).payload == b"heat"


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


async def test_what_is_announced_while_it_connects_is_served(
    hub: HaClient, other: MqttClient
) -> None:
    await announce(hub, other, availability_topic="lamp/there")
    assert await hub.until(lambda: hub.settled("lamp-1"), 10)
    found = Device(
        id="ha-lamp-1", kind=Kind.HOME, name="Desk lamp", protocol="homeassistant",
        address={"ha": "lamp-1"},
    )  # fmt: skip
    adapter = HomeAdapter(found, hub)
    connecting = asyncio.create_task(adapter.connect())
    await heard_so_far(hub)
    lock = {"unique_id": "lock", "name": "Lock", "availability_topic": "lamp/there"}
    await other.publish("homeassistant/lock/lamp/config", json.dumps(LAMP | lock))
    await heard_so_far(hub)
    await other.publish("lamp/there", b"online")
    assert "open_or_lock_door" in await connecting
    await adapter.close()


def forged(number: int) -> tuple[str, str]:
    """Topic and payload of a lamp that there is none of."""
    device = {"identifiers": [f"forged{number}"], "name": "Lamp"}
    own = {"unique_id": f"forged{number}", "device": device, "state_topic": f"forged/{number}"}
    return f"homeassistant/switch/forged{number}/config", json.dumps(LAMP | own)


async def test_a_flood_of_announcements_crowds_out_nothing_that_is_used(
    hub: HaClient, other: MqttClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "OF_STRANGERS", 100_000)
    let_go = hub.use("lamp-1")
    await asyncio.gather(*(other.publish(*forged(n), retain=True) for n in range(300)))
    await heard_so_far(hub)
    known = hub.devices
    assert len(known) + hub.refused == 300
    assert hub.refused > 200
    lamp = await announce(hub, other)
    assert lamp.description.name == "Lamp"
    assert hub.devices[:-1] == known
    let_go()


async def test_what_was_refused_comes_once_there_is_room(
    hub: HaClient, other: MqttClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "OF_STRANGERS", 5_000)
    for number in range(5):
        await other.publish(*forged(number), retain=True)
    await other.publish(TOPIC, json.dumps(LAMP), retain=True)
    await heard_so_far(hub)
    assert hub.device("lamp-1") is None
    hub.use("lamp-1")  # somebody approved it at another time
    assert await hub.until(lambda: hub.device("lamp-1") is not None, 10)


async def test_what_is_withdrawn_makes_room_for_what_was_refused(
    hub: HaClient, other: MqttClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "OF_STRANGERS", 3_000)
    for number in range(2):
        await other.publish(*forged(number), retain=True)
    await heard_so_far(hub)
    assert [device.id for device in hub.devices] == ["forged0"]
    await other.publish(forged(0)[0], b"", retain=True)
    assert await hub.until(lambda: hub.device("forged1") is not None, 10)
    assert [device.id for device in hub.devices] == ["forged1"]
