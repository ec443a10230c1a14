"""What Zigbee2MQTT, ESPHome, Tasmota and others announce: the device, and what is sent to it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from device_adapters.ha import HaClient
from device_adapters.home import HomeAdapter
from device_adapters.homeassistant import device_of
from schemas.device import Device
from schemas.errors import DeviceRefused
from tests.broker import invocation
from tests.hakit import MemoryMqtt, announced

CORPUS = {
    f"{file.stem}: {case['what']}": case
    for file in sorted((Path(__file__).parents[1] / "fixtures/discovery").glob("*.json"))
    for case in json.loads(file.read_text())
}
ORDERS = [
    pytest.param(case, order, id=f"{what}: {order['function']} {order['arguments']}")
    for what, case in CORPUS.items()
    for order in case["orders"]
]
ATTRIBUTES = [
    pytest.param(case, order, id=f"{what}: {order['attribute']} {order['value']}")
    for what, case in CORPUS.items()
    for order in case.get("attributes", ())
]


def found(ha: HaClient) -> Device:
    [device] = ha.devices
    found = device_of(device)
    assert found
    return found


@pytest.mark.parametrize("what", CORPUS)
async def test_what_is_announced_is_recognised(what: str) -> None:
    case = CORPUS[what]
    async with announced(case["announced"], case["said"]) as (_, ha):
        if case["device"] is None:
            assert [device_of(device) for device in ha.devices] == [None]
            return
        device = found(ha)
        said = device.model_dump(mode="json", include={"id", "kind", "name", "room", "parts"})
        assert said == {"room": None} | case["device"]
        adapter = HomeAdapter(device, ha)
        assert sorted(await adapter.connect()) == case["functions"] == list(device.functions)
        await adapter.close()


@pytest.mark.parametrize(("case", "order"), ORDERS)
async def test_a_call_sends_what_the_device_understands(
    case: dict[str, Any], order: dict[str, Any]
) -> None:
    async with announced(case["announced"], case["said"]) as (mqtt, ha):
        _answer(mqtt, order)
        adapter = HomeAdapter(found(ha), ha, order.get("region", "US"))
        call = invocation(order["function"], timeout=0.1, **order["arguments"])
        run = adapter.runners[call.function]  # a busy machine may take longer than the call's time
        if "refused" in order:
            with pytest.raises(DeviceRefused, match=re.escape(order["refused"])):
                await run(call)
        else:
            done = await run(call)
            assert done.evidence == order.get("evidence", "verified")
            assert done.detail == order.get("detail", done.detail)
            assert done.result == order.get("result")
        assert [list(sent) for sent in mqtt.published] == order["publishes"]


@pytest.mark.parametrize(("case", "order"), ATTRIBUTES)
async def test_an_attribute_sends_what_the_device_understands(
    case: dict[str, Any], order: dict[str, Any]
) -> None:
    async with announced(case["announced"], case["said"]) as (mqtt, ha):
        [device] = ha.devices
        [described] = [e for e in device.entities if e.id == order["entity"]]
        ordered = ha.entity(described).command(
            order["value"], attribute=order["attribute"], within=0.05
        )
        if "refused" in order:
            with pytest.raises(DeviceRefused, match=re.escape(order["refused"])):
                await ordered
        else:
            await ordered
        assert [list(sent) for sent in mqtt.published] == order.get("publishes", [])


def _answer(mqtt: MemoryMqtt, order: dict[str, Any]) -> None:
    """Have the device say what it says once it has all of the order."""

    async def answer(*_: str) -> None:
        if len(mqtt.published) == len(order.get("publishes", ())):
            for topic, said in order.get("then", {}).items():
                await mqtt.say(topic, said)

    mqtt.answer = answer
