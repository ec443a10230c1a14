"""A device that goes away is said to be offline, and is back by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from device_adapters.driver import Site
from device_adapters.ha import HaClient
from device_adapters.home import HomeAdapter
from device_adapters.homeassistant import HomeAssistant
from schemas.device import Device, Kind
from schemas.errors import DeviceUnavailable
from schemas.state import DeviceState, Standing
from tests.hakit import MemoryMqtt, announced

DEV = {"ids": ["plug"], "name": "Plug", "sa": "Study"}
SWITCH = {
    "uniq_id": "s",
    "name": None,
    "cmd_t": "p/set",
    "stat_t": "p",
    "dev": DEV,
    "avty_t": "p/there",
}
METER = {"uniq_id": "m", "name": "Power", "stat_t": "m", "dev": DEV, "avty_t": "m/there"}
BOTH: dict[str, object] = {
    "homeassistant/switch/s/config": SWITCH,
    "homeassistant/sensor/m/config": METER,
}
HERE: dict[str, object] = {"p/there": "online", "m/there": "online"}
OFFLINE = Standing(state=DeviceState.OFFLINE)


def adapter(ha: HaClient, **address: str) -> tuple[HomeAdapter, list[Standing | None]]:
    """An adapter, and every change of what it notices."""
    device = Device(
        id="x", kind=Kind.HOME, name="Desk plug", protocol="homeassistant",
        address={"ha": "plug"} | address,
    )  # fmt: skip
    made, seen = HomeAdapter(device, ha), list[Standing | None]()
    made.noticed = lambda: seen.append(made.notice)
    return made, seen


async def test_it_is_offline_once_every_entity_says_so_and_back_once_one_is() -> None:
    async with announced(BOTH, HERE) as (mqtt, ha):
        plug, seen = adapter(ha)
        assert await plug.connect() == {"turn_on", "turn_off", "get_state"}
        await mqtt.say("p/there", "offline")
        assert (plug.notice, seen) == (None, [])
        await mqtt.say("m/there", "offline")
        assert seen == [OFFLINE]
        await mqtt.say("m/there", "offline")
        await mqtt.say("p/there", "online")
        assert (plug.notice, seen) == (None, [OFFLINE, None])
        await plug.close()
        await mqtt.say("m/there", "offline")
        await mqtt.say("p/there", "offline")
        assert seen == [OFFLINE, None]
        await plug.close()


async def test_an_offline_device_is_not_connected_to() -> None:
    async with announced(BOTH, {"p/there": "offline", "m/there": "offline"}) as (mqtt, ha):
        plug, _ = adapter(ha)
        with pytest.raises(DeviceUnavailable, match="Desk plug is offline"):
            await plug.connect()
        await mqtt.say("p/there", "online")
        assert await plug.connect()
        assert plug.notice is None
        await plug.close()


async def test_one_that_can_be_woken_is() -> None:
    async with announced(BOTH, {"p/there": "offline", "m/there": "offline"}) as (_, ha):
        plug, seen = adapter(ha, mac="00:11:22:33:44:55")
        assert await plug.connect()
        assert (plug.notice, seen) == (None, [])
        await plug.close()


async def test_a_device_that_tells_nothing_of_it_is_there() -> None:
    config = {key: value for key, value in SWITCH.items() if key != "avty_t"}
    async with announced({"homeassistant/switch/s/config": config}, {}) as (_, ha):
        plug, _ = adapter(ha)
        assert await plug.connect()
        await plug.close()


async def test_a_new_announcement_is_followed_and_a_removed_device_is_gone() -> None:
    async with announced({"homeassistant/switch/s/config": SWITCH}, HERE) as (mqtt, ha):
        plug, seen = adapter(ha)
        await plug.connect()
        moved = SWITCH | {"avty_t": "new/there"}
        await mqtt.say("homeassistant/switch/s/config", moved)
        await _settled(ha)
        await mqtt.say("new/there", "offline")
        assert seen == [OFFLINE]
        await mqtt.say("p/there", "offline")
        await mqtt.say("new/there", "online")
        assert seen == [OFFLINE, None]
        await mqtt.say("homeassistant/switch/s/config", b"")
        await _settled(ha)
        assert seen == [OFFLINE, None, OFFLINE]
        await mqtt.say("homeassistant/switch/s/config", SWITCH)
        await mqtt.say("p/there", "online")
        await _settled(ha)
        assert seen[-1] is None
        await plug.close()


async def test_a_device_is_proposed_with_its_room_and_again_when_it_is_back(
    tmp_path: Path,
) -> None:
    proposed, withdrawn = list[Device](), list[str]()

    def propose(device: Device) -> bool:
        proposed.append(device)
        return True

    async with announced({}, {}) as (mqtt, ha):
        driver = HomeAssistant(Site(cast(Any, mqtt), ha, tmp_path))
        async with driver.finding(propose, withdrawn.append):
            await _announce(mqtt, ha)
            await mqtt.say("p/there", "online")
            assert [(d.id, d.room, d.parts) for d in proposed] == [
                ("ha-plug", "Study", ("Power",))
            ] * len(proposed)
            before = len(proposed)
            await mqtt.say("p/there", "offline")
            await mqtt.say("m/there", "offline")
            assert len(proposed) == before
            await mqtt.say("m/there", "online")
            assert len(proposed) == before + 1
            for topic in BOTH:
                await mqtt.say(topic, b"")
            await _settled(ha)
            assert withdrawn == ["ha-plug"]
        await mqtt.say("m/there", "offline")
        assert len(proposed) == before + 1


async def test_no_id_reaches_into_other_topics(tmp_path: Path) -> None:
    proposed = list[Device]()
    config = SWITCH | {"dev": {"ids": ["a/+/#%"], "name": "A"}}

    def propose(device: Device) -> bool:
        proposed.append(device)
        return True

    async with announced({}, {}) as (mqtt, ha):
        driver = HomeAssistant(Site(cast(Any, mqtt), ha, tmp_path))
        async with driver.finding(propose, lambda _: None):
            await mqtt.say("homeassistant/switch/s/config", config)
            await _settled(ha)
    assert [(d.id, d.address) for d in proposed] == [("ha-a%2F%2B%2F%23%25", {"ha": "a/+/#%"})]


async def _announce(mqtt: MemoryMqtt, ha: HaClient) -> None:
    for topic, config in BOTH.items():
        await mqtt.say(topic, config)
    await _settled(ha)


async def _settled(ha: HaClient) -> None:
    """Wait until the changes were told."""
    for _ in range(3):
        await asyncio.sleep(0.001)


async def test_true_is_true_however_it_is_written() -> None:
    way = {"avty_tpl": "{{ value_json.up }}", "pl_avail": True, "pl_not_avail": False}
    said: dict[str, object] = {"p/there": '{"up": true}'}
    async with announced({"homeassistant/switch/s/config": SWITCH | way}, said) as (mqtt, ha):
        switch = ha.entity(ha.devices[0].entities[0])
        assert switch.available is True
        await mqtt.say("p/there", '{"up": false}')
        assert switch.available is False
