"""What counts as seen: the state's word after the order, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from device_adapters.ha import Entity, HaClient
from schemas.errors import DeviceRefused, DeviceUnavailable, DeviceUncertain
from schemas.outcome import Evidence
from tests.hakit import MemoryMqtt, announced

LOCK: dict[str, object] = {
    "name": "Gate", "uniq_id": "gate", "cmd_t": "gate/set", "stat_t": "gate", "dev": {"ids": "gate"}
}  # fmt: skip
Say = Callable[[MemoryMqtt], Awaitable[None]]


async def ordered(
    say: Say, *before: tuple[str, bool], within: float = 0.05, **options: object
) -> Evidence:
    """Lock the gate, which then says something; `before`: what it said earlier, and whether the
    broker had only kept that."""
    async with announced({"homeassistant/lock/gate/config": LOCK | options}, {}) as (mqtt, ha):
        for word, kept in before:
            await mqtt.say("gate", word, kept=kept)

        async def answer(*_: str) -> None:
            await say(mqtt)

        mqtt.answer = answer
        return await gate(ha).command("lock", within=within)


def gate(ha: HaClient) -> Entity:
    device = ha.device("gate")
    assert device
    return ha.entity(device.entities[0])


async def silence(_: MemoryMqtt) -> None:
    """The device says nothing."""


def saying(*words: str, kept: bool = False) -> Say:
    async def say(mqtt: MemoryMqtt) -> None:
        for word in words:
            await mqtt.say("gate", word, kept=kept)

    return say


async def test_a_state_that_gets_there_after_the_order_is_seen() -> None:
    assert await ordered(saying("LOCKED"), ("UNLOCKED", False)) is Evidence.VERIFIED
    assert await ordered(saying("LOCKING", "LOCKED")) is Evidence.VERIFIED


async def test_a_word_that_is_a_number_is_that_number() -> None:
    assert await ordered(saying("254"), ("0", False), state_locked=255) is Evidence.UNVERIFIED
    assert await ordered(saying("255.0"), ("0", False), state_locked=255) is Evidence.VERIFIED


async def test_a_word_holds_as_long_as_its_publisher_says() -> None:
    sensor: dict[str, object] = {"stat_t": "t", "exp_aft": 3600}
    async with announced({"homeassistant/sensor/t/config": sensor}, {}) as (mqtt, ha):
        [told] = ha.devices[0].entities
        await mqtt.say("t", "21.5")
        assert ha.entity(told).state() == "21.5"
        brief = told.model_copy(update={"options": told.options | {"expire_after": 1e-9}})
        assert ha.entity(brief).state() is None


async def test_an_old_word_that_the_broker_kept_proves_nothing() -> None:
    assert await ordered(silence, ("LOCKED", True)) is Evidence.UNVERIFIED
    assert await ordered(saying("LOCKED"), ("LOCKED", True)) is Evidence.VERIFIED


async def test_what_was_so_while_the_hub_listened_is_seen() -> None:
    config = LOCK | {"name": "Plug", "uniq_id": "plug"}
    async with announced({"homeassistant/switch/gate/config": config}, {}) as (mqtt, ha):
        await mqtt.say("gate", "OFF", kept=True)
        assert await gate(ha).command(False, within=0.05) is Evidence.UNVERIFIED
        await mqtt.say("gate", "ON", kept=False)
        assert await gate(ha).command(True, within=0.05) is Evidence.VERIFIED


async def test_a_lock_answers_the_order_itself_or_is_not_seen() -> None:
    assert await ordered(silence, ("LOCKED", False)) is Evidence.UNVERIFIED
    assert await ordered(saying("LOCKED"), ("LOCKED", False)) is Evidence.VERIFIED


async def test_a_first_word_that_the_broker_is_to_keep_is_seen_all_the_same() -> None:
    async with announced({"homeassistant/lock/gate/config": LOCK}, {}) as (mqtt, ha):
        order = asyncio.create_task(gate(ha).command("lock", within=5))
        await asyncio.sleep(0)
        while not mqtt.published:  # noqa: ASYNC110 (a turn of the loop)
            await asyncio.sleep(0)
        await asyncio.sleep(0)  # it is acknowledged
        await mqtt.say("gate", "LOCKED", kept=True)
        assert await order is Evidence.VERIFIED


@pytest.mark.parametrize("words", [(), ("UNLOCKED",), ("LOCKED", "UNLOCKED"), ("?",), ("",)])
async def test_a_state_that_lies_still_or_flips_back_is_not_seen(words: tuple[str, ...]) -> None:
    assert await ordered(saying(*words), ("UNLOCKED", False)) is Evidence.UNVERIFIED


async def test_a_state_that_comes_late_is_not_waited_for() -> None:
    async with announced({"homeassistant/lock/gate/config": LOCK}, {}) as (mqtt, ha):
        assert await gate(ha).command("lock", within=0.02) is Evidence.UNVERIFIED
        await mqtt.say("gate", "LOCKED")
        assert gate(ha).state() == "LOCKED"


@pytest.mark.parametrize("options", [{"opt": True}, {"stat_t": None}])
async def test_a_device_that_only_assumes_is_never_seen(options: dict[str, object]) -> None:
    assert await ordered(saying("LOCKED"), within=5, **options) is Evidence.UNVERIFIED


async def test_a_lock_that_jams_says_so_at_once() -> None:
    with pytest.raises(DeviceRefused, match="Gate says: JAMMED"):
        await ordered(saying("LOCKING", "JAMMED"), within=60)
    assert await ordered(saying("LOCKED"), ("JAMMED", False)) is Evidence.VERIFIED


async def test_an_offline_lock_is_sent_nothing() -> None:
    config = LOCK | {"avty_t": "there"}
    said = {"there": "offline"}
    async with announced({"homeassistant/lock/gate/config": config}, said) as (mqtt, ha):
        with pytest.raises(DeviceUnavailable, match="Gate is offline"):
            await gate(ha).command("lock")
        assert mqtt.published == []


async def test_half_an_order_is_not_called_unsent() -> None:
    lamp = {"uniq_id": "l", "name": "Lamp", "cmd_t": "l", "bri_cmd_t": "b", "dev": {"ids": "gate"}}
    async with announced({"homeassistant/light/l/config": lamp}, {}) as (mqtt, ha):

        async def answer(topic: str, _: str) -> None:
            if topic == "l":
                raise DeviceUnavailable("gone")

        mqtt.answer = answer
        with pytest.raises(DeviceUncertain, match="only part"):
            await gate(ha).apply({"brightness": 100})
