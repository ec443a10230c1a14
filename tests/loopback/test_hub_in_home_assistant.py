"""The hub as a device of Home Assistant's: what it announces, tells, and takes from there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from device_adapters.ha import HaClient
from device_adapters.ha.announcement import read_announcement
from device_adapters.mqtt import Message, MqttClient
from orchestrator.catalogue import Catalogue
from orchestrator.doors.mqtt import HomeAssistant
from orchestrator.doors.mqtt.announced import Topics, announcement
from schemas.execution import RunState
from tests.broker import Broker, Connect, heard_so_far
from tests.hubkit import Rig, command, rig

SELFIE = "Take a selfie with the front camera"
CALL = "call 5551234567"
MODEL = {SELFIE: "<nexa_0>('front')<nexa_end>", CALL: "<nexa_8>('5551234567')<nexa_end>"}
TOPICS = Topics("octopus", "homeassistant", "attic")


class Assistant:
    """Home Assistant, as far as the hub meets it."""

    def __init__(self, client: MqttClient) -> None:
        self.client = client
        self.heard: asyncio.Queue[Message] = asyncio.Queue()
        for topic in (TOPICS.config, TOPICS.last, TOPICS.event):
            client.subscribe(topic, self.heard.put)

    async def next(self, topic: str) -> Any:
        async with asyncio.timeout(10):
            while (message := await self.heard.get()).topic != topic:
                pass
        return json.loads(message.payload) if message.payload else None


@asynccontextmanager
async def shown(
    broker: Broker, folder: Path, catalogue: Catalogue, user: str = "ann"
) -> AsyncIterator[Rig]:
    """A hub that shows itself."""
    async with (
        rig(folder, catalogue, MODEL) as hub,
        MqttClient(broker.host, broker.port, client_id="hub") as client,
    ):
        await client.wait_connected(10)
        served = HomeAssistant(
            client, hub.service, hub.bus, base="octopus", prefix="homeassistant", name="attic",
            user=user,
        )  # fmt: skip
        async with served.telling():
            with served.listening():
                yield hub
            await hub.pipeline.drain(5)
            hub.bus.close()


@pytest.fixture
async def assistant(connect: Connect) -> Assistant:
    return Assistant(await connect())


@pytest.fixture
async def hub(broker: Broker, tmp_path: Path, catalogue: Catalogue) -> AsyncIterator[Rig]:
    async with shown(broker, tmp_path, catalogue) as running:
        yield running


async def test_it_announces_itself_and_again_when_home_assistant_starts(
    hub: Rig, assistant: Assistant
) -> None:
    first = await assistant.next(TOPICS.config)
    assert first == json.loads(json.dumps(announcement(TOPICS, "attic")))
    await assistant.client.publish(TOPICS.birth, b"online", retain=True)
    await assistant.client.publish(TOPICS.birth, b"offline")
    await assistant.client.publish(TOPICS.birth, b"online")
    assert await assistant.next(TOPICS.config) == first
    await assistant.client.publish(TOPICS.last, b'"a barrier"')
    async with asyncio.timeout(10):
        assert (await assistant.heard.get()).topic == TOPICS.last, "once, not for a retained word"


async def test_a_sentence_from_there_is_its_users_command(hub: Rig, assistant: Assistant) -> None:
    await assistant.next(TOPICS.config)
    await assistant.client.publish(TOPICS.command, SELFIE)
    states = []
    while not states or states[-1] != "succeeded":
        event = await assistant.next(TOPICS.event)
        assert event.keys() == {"event_type", "id", "text", "options"}
        states.append(event["event_type"])
    assert states == ["accepted", "running", "succeeded"]
    last = await assistant.next(TOPICS.last)
    assert (last["state"], last["sentence"]) == ("succeeded", SELFIE)
    assert last["steps"] == [
        {"function": "take_a_photo", "device": "p1", "state": "succeeded", "said": "ok"}
    ]
    (record,) = await hub.journal.latest(5, "ann")
    assert (record.command.user, record.command.door) == ("ann", "home_assistant")


async def test_what_others_ask_is_not_shown(hub: Rig, assistant: Assistant) -> None:
    await assistant.next(TOPICS.config)
    await hub.run(command(SELFIE, "c-bob", user="bob"))
    await hub.run(command(SELFIE, "c-ann", user="ann"))
    assert (await assistant.next(TOPICS.event))["id"] == "c-ann"
    assert (await assistant.next(TOPICS.last))["id"] == "c-ann"


async def test_a_button_cancels_what_waits(hub: Rig, assistant: Assistant) -> None:
    buttons = (await assistant.next(TOPICS.config))["components"]
    await assistant.client.publish(TOPICS.command, CALL)
    while (await assistant.next(TOPICS.event))["event_type"] != "awaiting_confirmation":
        pass
    await assistant.client.publish(TOPICS.command, buttons["cancel"]["payload_press"])
    while (await assistant.next(TOPICS.event))["event_type"] != "cancelled":
        pass
    assert hub.adapter.calls == []


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "empty"),
        (b"\xff", "not UTF-8"),
        (b"x" * 20_000, "16384"),
        (b"x" * 2_000, "characters"),
    ],
    ids=["empty", "bytes", "long", "wordy"],
)
async def test_what_is_no_command_is_shown_as_refused(
    hub: Rig, assistant: Assistant, payload: bytes, why: str
) -> None:
    await assistant.next(TOPICS.config)
    await assistant.client.publish(TOPICS.command, payload)
    last = await assistant.next(TOPICS.last)
    assert last["state"] == "refused"
    assert why in last["reason"]


async def test_a_retained_sentence_runs_nothing(
    broker: Broker, assistant: Assistant, tmp_path: Path, catalogue: Catalogue
) -> None:
    await assistant.client.publish(TOPICS.command, SELFIE, retain=True)
    async with shown(broker, tmp_path, catalogue) as hub:
        await assistant.next(TOPICS.config)
        await assistant.client.publish(TOPICS.command, b"")
        assert (await assistant.next(TOPICS.last))["state"] == "refused"  # the empty one
        assert hub.adapter.calls == []


async def test_without_a_user_it_takes_back_what_it_announced(
    broker: Broker, assistant: Assistant, tmp_path: Path, catalogue: Catalogue
) -> None:
    async with shown(broker, tmp_path / "", catalogue):
        assert await assistant.next(TOPICS.config)
    async with shown(broker, tmp_path, catalogue, user="") as hub:
        assert await assistant.next(TOPICS.config) is None
        await assistant.client.publish(TOPICS.command, SELFIE)
        await hub.run(command(SELFIE, "c-ann"))
        assert len(hub.adapter.calls) == 1
        await assistant.client.publish(TOPICS.last, b'"a barrier"')
        assert await assistant.next(TOPICS.last) == "a barrier"


async def test_the_hub_does_not_find_itself(hub: Rig, connect: Connect) -> None:
    async with HaClient(await connect(), settle=0.01) as ha:
        await heard_so_far(ha)
        assert ha.devices == ()
        payload = json.dumps(announcement(TOPICS, "attic")).encode()
        await ha.mqtt.publish("homeassistant/device/stranger/config", payload)
        await heard_so_far(ha)
        assert ha.devices == ()


def test_its_announcement_is_one_that_is_understood() -> None:
    told = announcement(TOPICS, "attic")
    read = read_announcement(("device", "octopus_attic"), json.dumps(told).encode())
    assert read is not None
    components = {entity.component for entity in read.entities}
    assert components >= {"text", "button", "sensor", "event", "binary_sensor"}
    assert told["origin"]["name"]
    for key, component in told["components"].items():
        assert component["qos"] == 1
        assert component["unique_id"] == f"octopus_attic_{key}"
        assert ("availability_topic" in component) is (key != "connection")
    assert set(told["components"]["event"]["event_types"]) == set(RunState)
