"""A plan whose steps fail or are called off midway: what could be done is done, and no more."""

import asyncio
from pathlib import Path

import pytest

from orchestrator.catalogue import Catalogue
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused
from schemas.outcome import Done, Evidence
from tests.hubkit import command, rig

pytestmark = pytest.mark.both_stores

THREE = "what is the weather in Seoul, my computer's battery and the car's range"
STEPS = "<nexa_2>('Seoul');<nexa_42>('battery');<nexa_31>('range')<nexa_end>"
SELFIE = {"selfie": "<nexa_0>('front')<nexa_end>"}
OTHERS = (
    Device(id="desk", kind=Kind.PC, name="Desk", protocol="test"),
    Device(id="van", kind=Kind.CAR, name="Van", protocol="test"),
)


async def test_of_three_devices_one_fails_and_two_do_as_asked_at_the_same_time(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    together = asyncio.Barrier(3)

    async def meet(invocation: Invocation) -> Done:
        await together.wait()  # passes only if all three are under way
        if invocation.function == "get_pc_status":
            raise DeviceRefused("the battery is not there")
        return Done(evidence=Evidence.VERIFIED, result="sunny")

    async with rig(tmp_path, catalogue, {THREE: STEPS}, call=meet) as hub:
        for device in OTHERS:
            hub.registry.propose(device)
            await hub.registry.approve(device.id)
        assert await hub.run(command(THREE)) == "partly"
        record = await hub.journal.get("c1")
        assert record is not None
        assert [(s.device, s.state) for s in record.steps] == [
            ("hub", "succeeded"), ("desk", "failed"), ("van", "succeeded"),
        ]  # fmt: skip
        assert "the battery is not there" in record.answer


async def test_what_waits_is_called_off_at_once_and_what_was_sent_says_how_it_ended(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    sent: asyncio.Queue[str] = asyncio.Queue()
    let_go = asyncio.Event()

    async def hold(invocation: Invocation) -> Done:
        sent.put_nowait(invocation.key)
        await (let_go if invocation.key == "c0/0" else asyncio.Event()).wait()
        return Done(evidence=Evidence.VERIFIED)

    async with rig(tmp_path, catalogue, SELFIE, call=hold) as hub:
        ids = [f"c{number}" for number in range(14)]
        for identity in ids:
            await hub.pipeline.submit(command("selfie", identity))
        at_once = hub.registry.at_once("p1")
        for identity in ids[:at_once]:
            assert await sent.get() == f"{identity}/0"
        waiting = ids[at_once:]
        async with asyncio.timeout(0.1 * len(waiting)):
            for identity in waiting:
                await hub.pipeline.cancel(identity, "ann")
        called_off = [hub.pipeline.cancel(identity, "ann") for identity in ids[:at_once]]
        asyncio.get_running_loop().call_soon(let_go.set)
        await asyncio.gather(*called_off)
        await hub.pipeline.drain(5)
        states = {record.command.id: record.state for record in await hub.journal.latest(20, "ann")}
        assert [states[identity] for identity in ids] == [
            "succeeded", *["needs_attention"] * (at_once - 1), *["cancelled"] * len(waiting),
        ]  # fmt: skip
        assert sent.empty(), "nothing runs after the answer"
