"""The MQTT door on a real broker, in front of a scripted model and devices."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from device_adapters.mqtt import MqttClient
from device_adapters.mqtt import client as mqtt
from orchestrator import bus
from orchestrator.catalogue import Catalogue
from orchestrator.managers import NotAllowed
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.outcome import Done, Evidence
from tests.broker import Broker, Connect
from tests.doorkit import User, door, told
from tests.hubkit import WELL, Rig, command

SELFIE = "Take a selfie with the front camera"
CALL = "call 5551234567"
MODEL = {
    SELFIE: "<nexa_0>('front')<nexa_end>",
    CALL: "<nexa_8>('5551234567')<nexa_end>",
    "tell me a joke": "<nexa_20>()<nexa_end>",
    "set the volume": "<nexa_13>(None, 'media')<nexa_end>",
    "selfie every day at 7 am": "<nexa_0>('front')<nexa_end>",
    "selfie": "<nexa_0>('front')<nexa_end>",
}
FOUND = Device(id="p2", kind=Kind.PHONE, name="Fold", protocol="test")


@pytest.fixture
async def user(connect: Connect) -> User:
    return User(await connect())


@pytest.fixture
async def hub(
    broker: Broker, user: User, tmp_path: Path, catalogue: Catalogue
) -> AsyncIterator[Rig]:
    await user.listen("octopus/#")
    async with door(broker, tmp_path, catalogue, MODEL) as served:
        await told(user, "octopus/status", b"online")
        yield served


async def test_plain_text_is_accepted_recorded_and_told(
    hub: Rig, user: User, connect: Connect
) -> None:
    reply = await user.command(SELFIE)
    assert (reply["status"], reply["error"]) == ("ok", None)
    assert reply["data"] == {"id": reply["id"], "state": "accepted"}
    assert await hub.journal.get(reply["id"]), "the reply is the promise"
    record, states = await user.life(reply["id"])
    assert (record["state"], record["command"]["user"]) == ("succeeded", "ann")
    assert record["steps"][0]["outcome"]["evidence"] == "verified"
    assert states == [
        (None, "accepted"), (None, "running"),
        (0, "dispatched"), (0, "succeeded"), (None, "succeeded"),
    ]  # fmt: skip
    for kept in (reply["id"], "last"):
        late = User(await connect(), "late")
        await late.listen(f"octopus/execution/{kept}")
        assert await late.next(f"octopus/execution/{kept}") == record


async def test_json_is_a_command_with_an_id(hub: Rig, user: User) -> None:
    payload = {"text": SELFIE, "id": "mine-1", "devices": ["Pixel"], "expires": 4_000_000_000}
    reply = await user.command(payload)
    assert (reply["status"], reply["id"]) == ("ok", "mine-1")
    record, _ = await user.life("mine-1")
    assert record["command"]["devices"] == ["Pixel"]
    assert len(hub.adapter.calls) == 1
    reply = await user.command({"text": SELFIE, "id": "mine-2", "dry_run": True})
    record, _ = await user.life("mine-2")
    assert (record["state"], len(hub.adapter.calls)) == ("refused", 1)


@pytest.mark.parametrize(
    ("wanted", "used"),
    [
        ("octopus/response/ann/my/own", "octopus/response/ann/my/own"),
        ("octopus/response/eve/x", "octopus/response/ann/command"),
        ("octopus/command/eve", "octopus/response/ann/command"),
        ("homeassistant/switch/x/config", "octopus/response/ann/command"),
        (None, "octopus/response/ann/command"),
    ],
)
async def test_the_answer_goes_below_the_senders_own_topics(
    hub: Rig, user: User, wanted: str | None, used: str
) -> None:
    await user.client.publish(
        "octopus/command/ann", SELFIE, response_topic=wanted, correlation_data=b"\x00\xff7"
    )
    async with asyncio.timeout(10):
        answer = await user.answers.get()
    assert (answer.topic, answer.correlation_data) == (used, b"\x00\xff7")
    assert json.loads(answer.payload)["status"] == "ok"


BAD = {
    b"": "empty",
    b"   ": "empty",
    b"x" * 20_000: "20000 bytes; 16384",
    b"x" * 2_000: "2000 characters",
    b"\x00\x01\x02": "control characters",
    b"line one\nline two": "control characters",
    b"caf\xe9 and more": "not UTF-8: byte 3 is 0xe9",
    b'{"text": "selfie"': "not JSON",
    b'{"text":' * 1_500: "not JSON",
    b'{"text": ' + b"[" * 5_000: "not JSON",
    b'{"text": "x", "expires": NaN}': "NaN",
    b'{"text": "\\ud800"}': "not JSON",
    b'{"text": "x", "colour": 1}': "unknown key 'colour'",
    b'{"text": "x", "user": "eve"}': "unknown key 'user'",
    b'{"text": 7}': "text: ",
    b"{}": "text: ",
    b'{"text": "x", "id": "a b"}': "id: ",
    b'{"text": "x", "id": ""}': "id: ",
    b'{"text": "x", "devices": "Pixel"}': "devices: ",
    b'{"text": "x", "expires": true}': "expires: ",
}


@pytest.mark.parametrize(("payload", "said"), BAD.items(), ids=range(len(BAD)))
async def test_what_is_no_command_is_told_so_in_one_line(
    hub: Rig, user: User, payload: bytes, said: str
) -> None:
    reply = await user.command(payload)
    assert reply["status"] == "error"
    assert said in reply["error"]
    assert "\n" not in reply["error"]
    assert len(reply["error"]) < 200
    assert (await user.request("health"))["status"] == "ok"
    assert await hub.journal.latest(1, "ann") == ()


async def test_an_absurd_expiry_is_only_far_away(hub: Rig, user: User) -> None:
    payload = b'{"text": "%s", "id": "far", "expires": 1%s}' % (SELFIE.encode(), b"0" * 400)
    assert (await user.command(payload))["status"] == "ok"
    assert (await user.life("far"))[0]["state"] == "succeeded"


async def test_a_topic_without_a_user_is_told_so(hub: Rig, user: User) -> None:
    user.client.subscribe("octopus/response/+/command", user.answers.put)
    reply = await user.ask("command/a b", SELFIE)
    assert "user name" in reply["error"]
    assert hub.adapter.calls == []


async def test_a_retained_command_is_refused_each_time(
    broker: Broker, user: User, tmp_path: Path, catalogue: Catalogue
) -> None:
    await user.listen("octopus/status")
    async with door(broker, tmp_path, catalogue, MODEL) as hub:
        await told(user, "octopus/status", b"online")
        reply = await user.command(SELFIE, retain=True)
        assert "retained" in reply["error"]
    await told(user, "octopus/status", b"offline")
    for _ in range(2):
        async with door(broker, tmp_path, catalogue, MODEL) as hub:
            async with asyncio.timeout(10):
                assert b"retained" in (await user.answers.get()).payload
        await told(user, "octopus/status", b"offline")
    async with door(broker, tmp_path, catalogue, MODEL) as hub:
        async with asyncio.timeout(10):
            assert b"retained" in (await user.answers.get()).payload
        await told(user, "octopus/status", b"online")
        # Clearing the topic, as the refusal says, is not answered with another refusal.
        await user.client.publish("octopus/command/ann", b"", retain=True)
        assert (await user.request("health"))["status"] == "ok"
        assert user.answers.empty()
        assert hub.adapter.calls == []
        assert await hub.journal.latest(1, "ann") == ()


async def test_copies_of_a_command_get_the_same_answer(
    broker: Broker, connect: Connect, tmp_path: Path, catalogue: Catalogue
) -> None:
    gate = asyncio.Event()

    async def wait(_: Invocation) -> Done:
        await gate.wait()
        return Done(evidence=Evidence.VERIFIED)

    one, two = User(await connect()), User(await connect())
    await one.listen("octopus/#")
    async with door(broker, tmp_path, catalogue, MODEL, call=wait) as hub:
        await told(one, "octopus/status", b"online")
        payload = json.dumps({"text": SELFIE, "id": "c"})
        sent = [who.client.publish("octopus/command/ann", payload) for who in (one, two) * 50]
        await asyncio.gather(*sent)
        async with asyncio.timeout(10):
            answers = {(await one.answers.get()).payload for _ in sent}
        assert [json.loads(a)["data"] for a in answers] == [{"id": "c", "state": "accepted"}]
        gate.set()
        record, _ = await one.life("c")
        assert len(hub.adapter.calls) == 1
        assert (await one.command(payload))["data"] == record


async def test_every_request(hub: Rig, user: User) -> None:
    hub.registry.propose(FOUND)
    identity = (await user.command(SELFIE))["id"]
    record, _ = await user.life(identity)
    for operation, fields, data in (
        ("health", {}, WELL),
        ("execution/get", {"execution": identity}, record),
        ("execution/list", {"limit": 5}, [record]),
    ):
        reply = await user.request(operation, id="r-1", **fields)
        assert reply == {"status": "ok", "data": data, "error": None, "id": "r-1"}
    listed = (await user.request("device/list"))["data"]
    assert {d["id"]: d["approved"] for d in listed} == {"p1": True, "hub": True, "p2": False}
    assert (await user.request("device/approve", device="Fold"))["data"]["approved"]
    assert (await user.request("device/rename", device="p2", name="Flip"))["data"]["name"] == "Flip"
    described = await user.request(
        "device/describe", device="Flip", aliases=["foldable"], room="attic", default=True
    )
    assert described["status"] == "ok", described
    flip = (await user.request("device/describe", device="Foldable"))["data"]
    assert (flip["aliases"], flip["room"], flip["default"]) == (["foldable"], "attic", True)
    assert {d.name for d in hub.registry.approved} == {"Pixel", "octopus", "Flip"}
    assert (await user.request("device/remove", device="Flip"))["data"]["id"] == "p2"
    assert [d.id for d in hub.registry.approved] == ["p1", "hub"]
    devices = await user.next("octopus/devices")
    assert {"id", "name", "kind", "connected"} <= devices[0].keys()
    assert "address" not in devices[0]


@pytest.mark.parametrize("what", ["approve", "describe", "remove", "rename"])
async def test_only_managers_change_devices(hub: Rig, what: str) -> None:
    hub.registry.propose(FOUND)
    before = (hub.registry.approved, hub.registry.proposed)
    for user in ("bob", "", "hub"):
        named = {"name": "Mine"} if what == "rename" else {}
        with pytest.raises(NotAllowed, match=r"may not change devices: hub\.managers"):
            await hub.service.request(f"device/{what}", user, {"device": "Pixel"} | named)
    assert (hub.registry.approved, hub.registry.proposed) == before


@pytest.mark.parametrize("answer", [True, False])
async def test_a_confirmation_over_mqtt(hub: Rig, user: User, answer: bool) -> None:
    identity = (await user.command(CALL))["id"]
    while (event := await user.next("octopus/event"))["state"] != "awaiting_confirmation":
        pass
    token = event["token"]
    asked = (await user.request("execution/get", execution=identity))["data"]["awaiting"]
    told = {"text": event["text"], "token": token, "options": []}
    assert asked == told, "who missed the event asks"
    wrong = await user.request("confirm", execution=identity, token="0" * 16)
    assert wrong["code"] == "not_awaited"
    right = await user.request("confirm", execution=identity, token=token, answer=answer)
    assert right["data"] == {"execution": identity, "confirmed": answer}
    record, _ = await user.life(identity)
    assert record["state"] == ("succeeded" if answer else "cancelled")
    assert len(hub.adapter.calls) == answer


async def test_cancelling_over_mqtt(hub: Rig, user: User) -> None:
    identity = (await user.command(CALL))["id"]
    while (await user.next("octopus/event"))["state"] != "awaiting_confirmation":
        pass
    assert (await user.request("cancel", execution=identity))["data"]["state"] == "cancelled"
    assert (await user.request("cancel", execution=identity))["code"] == "not_awaited"
    assert hub.adapter.calls == []


async def test_a_question_over_mqtt(hub: Rig, user: User) -> None:
    identity = (await user.command("set the volume"))["id"]
    while (event := await user.next("octopus/event"))["state"] != "awaiting_answer":
        pass
    assert event["text"] == "set volume: which level?"
    wrong = await user.request("answer", execution=identity, text="purple")
    assert (wrong["code"], "does not answer" in wrong["error"]) == ("bad_command", True)
    right = await user.request("answer", execution=identity, text="make it 4")
    assert right["data"] == {"execution": identity, "answered": "make it 4"}
    record, _ = await user.life(identity)
    assert record["state"] == "succeeded"
    assert hub.adapter.calls[-1].arguments["level"] == 4
    late = await user.request("answer", execution=identity, text="5")
    assert late["code"] == "not_awaited"


async def test_a_schedule_over_mqtt(hub: Rig, user: User) -> None:
    identity = (await user.command("selfie every day at 7 am"))["id"]
    record, _ = await user.life(identity)
    assert record["state"] == "scheduled"
    (listed,) = (await user.request("schedule/list"))["data"]
    assert (listed["id"], listed["words"]) == (identity, "every day at 07:00")
    gone = (await user.request("schedule/cancel", schedule=identity))["data"]
    assert gone["state"] == "cancelled"
    again = await user.request("schedule/cancel", schedule=identity)
    assert again["code"] == "not_found"
    assert (await user.request("schedule/list"))["data"] == []


@pytest.mark.parametrize(
    ("operation", "payload", "said"),
    [
        (
            "open/sesame",
            b"",
            "no operation 'open/sesame'; there are: answer, call, cancel",
        ),
        ("", b"", "no operation ''"),
        ("execution/get", b"", "execution: a text is needed"),
        ("execution/get", b'{"execution": "nothing"}', "no command 'nothing'"),
        ("execution/get", b'{"execution": "\\ud800"}', "not JSON"),
        ("execution/list", b'{"limit": 501}', "limit: "),
        ("execution/list", b"[1]", "no object"),
        ("device/approve", b'{"device": "Nokia"}', "'Nokia'"),
        ("device/rename", b'{"device": "Pixel", "name": "a\\nb"}', "name: "),
        ("device/remove", b'{"device": 7}', "device: a text is needed"),
        ("device/describe", b'{"device": "Pixel", "room": 7}', "room: 1 to 60"),
        ("device/describe", b'{"device": "Pixel", "aliases": "x"}', "aliases: a list"),
        ("device/describe", b'{"device": "Pixel", "aliases": ["x", " "]}', "aliases: 1 to 60"),
        ("device/describe", b'{"device": "Pixel", "aliases": ["octopus"]}', "another device"),
        ("device/describe", b'{"device": "Pixel", "default": "yes"}', "default: true"),
        ("cancel", b'{"execution": "c"}', "no command c"),
        ("confirm", b'{"execution": "c", "token": "t"}', "No such confirmation"),
        ("health", b"\xff", "not UTF-8"),
        ("health", b'{"id": [1]}', "id: "),
        ("health", b" " * 20_000, "16384"),
    ],
)
async def test_requests_that_cannot_be_served(
    hub: Rig, user: User, operation: str, payload: bytes, said: str
) -> None:
    reply = await user.ask(f"request/ann/{operation}", payload)
    assert reply["status"] == "error"
    assert said in reply["error"]
    assert "\n" not in reply["error"]
    assert (await user.request("health"))["status"] == "ok"


async def test_users_see_their_own_commands_only(hub: Rig, user: User, connect: Connect) -> None:
    identity = (await user.command(SELFIE))["id"]
    await user.life(identity)
    eve = User(await connect(), "eve")
    assert "no command" in (await eve.request("execution/get", execution=identity))["error"]
    assert (await eve.request("execution/list"))["data"] == []
    assert "another user" in (await eve.command({"text": SELFIE, "id": identity}))["error"]


async def test_noise_is_answered_and_leaves_the_hub_up(hub: Rig, user: User) -> None:
    noise = random.Random(1)
    valid = json.dumps({"text": SELFIE, "devices": ["Pixel"], "expires": 4e9}).encode()
    payloads = [noise.randbytes(noise.randrange(200)) for _ in range(150)]
    for _ in range(150):
        spoilt = bytearray(valid)
        for _ in range(noise.randrange(1, 4)):
            spoilt[noise.randrange(len(spoilt))] = noise.randrange(256)
        payloads.append(bytes(spoilt))
    await asyncio.gather(*(user.client.publish("octopus/command/ann", p) for p in payloads))
    async with asyncio.timeout(20):
        answers = [json.loads((await user.answers.get()).payload) for _ in payloads]
    assert {answer["status"] for answer in answers} <= {"ok", "error"}
    assert all("\n" not in (answer["error"] or "") for answer in answers)
    assert (await user.request("health"))["status"] == "ok"


async def test_one_event_that_cannot_be_told_does_not_end_the_telling(
    hub: Rig, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = MqttClient.publish

    async def fail_once(*arguments: Any, **options: Any) -> bool:
        monkeypatch.setattr(MqttClient, "publish", publish)
        raise ValueError

    monkeypatch.setattr(MqttClient, "publish", fail_once)
    await hub.run(command(SELFIE, "lost"))
    identity = (await user.command(SELFIE))["id"]
    assert (await user.life(identity))[0]["state"] == "succeeded"


async def test_the_end_is_told_before_the_hub_says_goodbye(
    broker: Broker, user: User, tmp_path: Path, catalogue: Catalogue
) -> None:
    under_way, gate = asyncio.Event(), asyncio.Event()

    async def wait(_: Invocation) -> Done:
        under_way.set()
        await gate.wait()
        return Done(evidence=Evidence.VERIFIED)

    await user.listen("octopus/#")
    async with door(broker, tmp_path, catalogue, MODEL, call=wait):
        await told(user, "octopus/status", b"online")
        identity = (await user.command(SELFIE))["id"]
        await under_way.wait()
        asyncio.get_running_loop().call_later(0.05, gate.set)
    record, _ = await user.life(identity)
    assert record["state"] == "succeeded"
    await told(user, "octopus/status", b"offline")


async def test_a_broker_that_was_away_learns_everything_again(
    broker: Broker, user: User, hub: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "_FIRST_DELAY", 0.05)
    await broker.stop()
    await broker.start()
    await told(user, "octopus/status", b"online")
    assert (await user.request("health"))["status"] == "ok"
    identity = (await user.command(SELFIE))["id"]
    assert (await user.life(identity))[0]["state"] == "succeeded"


async def test_ends_that_the_bus_dropped_are_told_from_the_journal(
    broker: Broker,
    user: User,
    tmp_path: Path,
    catalogue: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish, gate = MqttClient.publish, asyncio.Event()

    async def slow(client: MqttClient, topic: str, *rest: Any, **options: Any) -> bool:
        if topic.startswith(("octopus/event", "octopus/execution")):
            await gate.wait()
        return await publish(client, topic, *rest, **options)

    monkeypatch.setattr(bus, "QUEUE", 2)
    monkeypatch.setattr(MqttClient, "publish", slow)
    await user.listen("octopus/execution/+")
    ids = {f"c{number}" for number in range(6)}
    async with door(broker, tmp_path, catalogue, MODEL) as hub:
        for identity in ids:
            await hub.run(command(SELFIE, identity))
        assert hub.bus.dropped
        gate.set()
        async with asyncio.timeout(10):
            while ids:
                ids.discard(json.loads((await user.heard.get()).payload)["id"])
