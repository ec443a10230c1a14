"""What the MQTT door offers beside commands: every operation, and what it says of itself."""

from __future__ import annotations

import asyncio
import functools
import json
import operator
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from device_adapters.mqtt import Message
from orchestrator.catalogue import Catalogue
from orchestrator.doors.mqtt import info
from orchestrator.doors.mqtt import mirror as mirrors
from orchestrator.doors.mqtt.mirror import segment_of
from orchestrator.operations import OPERATIONS
from orchestrator.people import LOCAL
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused
from schemas.outcome import Done
from tests.broker import Broker, Connect
from tests.doorkit import User, door, told
from tests.hubkit import Rig, ScriptedAdapter

SELFIE = "Take a selfie with the front camera"
MODEL = {SELFIE: "<nexa_0>('front')<nexa_end>", "undo that": "<nexa_20>()<nexa_end>"}
LAMP = Device(
    id="ha-desk/lamp+1", kind=Kind.HOME, name="Lamp", protocol="test", room="office",
    functions=("turn_on",),
)  # fmt: skip
NATIVE = Device(
    id="mqtt-fan", kind=Kind.HOME, name="Fan", protocol="octopus", address={"id": "fan"}
)


@pytest.fixture
async def user(connect: Connect) -> User:
    return User(await connect())


@pytest.fixture(autouse=True)
def listened_shortly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrors, "LISTEN", 0.1)


@pytest.fixture
async def hub(
    broker: Broker, user: User, tmp_path: Path, catalogue: Catalogue
) -> AsyncIterator[Rig]:
    await user.listen("octopus/#")
    async with door(broker, tmp_path, catalogue, MODEL) as served:
        await told(user, "octopus/status", b"online")
        yield served


async def test_every_operation_is_answered_on_its_own_topic(hub: Rig, user: User) -> None:
    for operation in OPERATIONS:
        await user.client.publish(f"octopus/request/ann/{operation}", b'{"id": 7}')
        async with asyncio.timeout(10):
            message = await user.answers.get()
        answer = json.loads(message.payload)
        assert message.topic == f"octopus/response/ann/{operation}"
        assert answer["status"] in {"ok", "error"}
        assert answer.get("code") != "unknown_operation"


async def test_a_call_and_a_sentence_come_by_request_too(hub: Rig, user: User) -> None:
    fields: dict[str, Any] = {"function": "take_a_photo", "arguments": {"camera": "front"}}
    for operation, more in (("command", {"text": SELFIE}), ("call", fields)):
        reply = await user.request(operation, id=operation, **more)
        assert reply["data"] == {"id": operation, "state": "accepted"}
        assert (await user.life(operation))[0]["state"] == "succeeded"
        again = await user.request(operation, id=operation, **more)
        assert again["data"]["state"] == "succeeded", "sent again it is the same command"
    assert len(hub.adapter.calls) == 2


async def test_a_failed_command_is_the_last_one_too(
    broker: Broker, user: User, tmp_path: Path, catalogue: Catalogue
) -> None:
    async def refuse(_: Invocation) -> Done:
        raise DeviceRefused("the lens is covered")

    await user.listen("octopus/status")
    await user.listen("octopus/execution/last")
    async with door(broker, tmp_path, catalogue, MODEL, call=refuse):
        await told(user, "octopus/status", b"online")
        identity = (await user.command(SELFIE))["id"]
        last = await user.next("octopus/execution/last")
        assert (last["id"], last["state"]) == (identity, "failed")
        await user.command({"text": SELFIE, "id": "gone", "expires": 1})
        last = await user.next("octopus/execution/last")
        assert (last["id"], last["state"]) == ("gone", "expired")


async def test_events_are_told_to_all_and_to_their_user(
    hub: Rig, user: User, connect: Connect
) -> None:
    local = User(await connect(), LOCAL)
    heard: asyncio.Queue[Message] = asyncio.Queue()
    local.client.subscribe("octopus/event/+", heard.put)
    for who in (local, user):
        identity = (await who.command(SELFIE))["id"]
        await user.life(identity)
    async with asyncio.timeout(10):
        while json.loads((message := await heard.get()).payload)["state"] != "succeeded":
            assert message.topic == "octopus/event/ann", "local reads everybody's"
    assert heard.empty() or (await heard.get()).topic == "octopus/event/ann"


def test_the_hub_says_what_it_is() -> None:
    told = info("attic", "home/octopus", model="embedded:", functions=("take_a_photo",))
    assert told["version"]
    assert told["operations"].keys() == OPERATIONS.keys()
    assert told["topics"]["command"] == "home/octopus/command/<user>"
    assert (told["name"], told["model"]) == ("attic", "embedded:")
    json.dumps(told)


class Mirrored:
    """What a broker keeps of devices, as somebody hears it."""

    def __init__(self, user: User) -> None:
        self._user = user
        self.there: dict[str, Any] = {}
        self.heard: list[str] = []

    async def until(self, topic: str, wanted: Any) -> None:
        """Wait until a topic holds something, or what a function finds in it."""
        holds = wanted if callable(wanted) else functools.partial(operator.eq, wanted)
        async with asyncio.timeout(10):
            while topic not in self.there or not holds(self.there[topic]):
                message = await self._user.heard.get()
                name = message.topic.removeprefix("octopus/device/")
                self.heard.append(name)
                text = message.payload.decode()
                self.there[name] = json.loads(text) if name.endswith("/state") and text else text


@pytest.fixture
async def mirrored(user: User) -> Mirrored:
    await user.listen("octopus/device/#")
    return Mirrored(user)


async def test_every_device_has_topics_of_its_own(
    broker: Broker, user: User, mirrored: Mirrored, tmp_path: Path, catalogue: Catalogue
) -> None:
    lamp = ScriptedAdapter(frozenset({"turn_on"}))
    name = "ha-desk%2Flamp%2B1"
    more = [(LAMP, lamp), (NATIVE, ScriptedAdapter(frozenset()))]
    async with door(broker, tmp_path, catalogue, MODEL, more=more) as hub:
        await mirrored.until(f"{name}/availability", "offline")
        await hub.registry.connect(LAMP.id)
        await mirrored.until(f"{name}/availability", "online")
        await mirrored.until(
            f"{name}/state",
            {
                "state": "connected", "todo": "", "functions": ["turn_on"], "kind": "home",
                "room": "office", "name": "Lamp",
            },
        )  # fmt: skip
        assert mirrored.there["test-p1/availability"] == "offline"
        assert mirrored.there["hub/state"]["kind"] == "hub"
        assert not any("fan" in topic for topic in mirrored.there), "it speaks for itself"
        mirrored.heard.clear()
        for _ in range(3):
            hub.registry._changed()
        hub.registry.rename("Lamp", "Desk lamp")
        await mirrored.until(f"{name}/state", lambda said: said["name"] == "Desk lamp")
        assert all(topic.startswith(name) for topic in mirrored.heard), "only what changed"
        await hub.registry.remove("Desk lamp")
        await mirrored.until(f"{name}/state", "")
        await mirrored.until(f"{name}/availability", "")


async def test_what_a_hub_of_before_left_is_cleared_and_nothing_else(
    broker: Broker, user: User, mirrored: Mirrored, tmp_path: Path, catalogue: Catalogue
) -> None:
    for name in ("ha-gone", "fan", "desk_lamp"):
        for what in ("availability", "state"):
            await user.client.publish(f"octopus/device/{name}/{what}", b'"old"', retain=True)
    async with door(broker, tmp_path, catalogue, MODEL):
        await mirrored.until("ha-gone/availability", "")
        await mirrored.until("ha-gone/state", "")
        await mirrored.until("hub/availability", "offline")
        for name in ("fan", "desk_lamp"):
            assert mirrored.there[f"{name}/availability"] == '"old"'


@pytest.mark.parametrize(
    ("identity", "segment"),
    [
        ("adb-0A1B", "adb-0A1B"),
        ("hub", "hub"),
        ("tablet", "adb-tablet"),
        ("a/#+\n", "a%2F%23%2B%0A"),
        ("ha-x%2Fy", "ha-x%2Fy"),
    ],
)
def test_no_device_of_its_own_can_have_the_name(identity: str, segment: str) -> None:
    assert segment_of(identity, "adb") == segment
