"""Devices under the hub's own topics, with the simulated one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device_adapters.driver import Site
from device_adapters.ha import HaClient
from device_adapters.native import NativeDriver
from device_adapters.native.adapter import NativeAdapter
from device_adapters.simulated.native import SimulatedNative
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused, DeviceUnavailable, DeviceUncertain
from schemas.outcome import Evidence
from schemas.state import DeviceState
from tests.broker import Broker, heard_so_far, hub_on, invocation, running_broker

HOME, PHONE = frozenset({Kind.HOME}), frozenset({Kind.PHONE})
FUNCTIONS = dict.fromkeys(("turn_on", "turn_off", "get_state", "set_light"), HOME) | {
    "take_a_photo": PHONE
}
LAMP = Device(
    id="mqtt-lamp", kind=Kind.HOME, name="Lamp", protocol="octopus", address={"id": "lamp"}
)
TURN_ON = invocation("turn_on", timeout=1.2, name="Lamp")


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    async with running_broker(tmp_path) as running:
        yield running


@pytest.fixture
async def hub(broker: Broker) -> AsyncIterator[HaClient]:
    async with hub_on(broker) as ha:
        yield ha


@pytest.fixture
def site(hub: HaClient, tmp_path: Path) -> Site:
    return Site(hub.mqtt, hub, tmp_path, functions=FUNCTIONS)


@pytest.fixture
async def lamp(hub: HaClient) -> AsyncIterator[SimulatedNative]:
    async with SimulatedNative(*hub.mqtt.address) as simulated:
        await simulated.announced()
        yield simulated


@pytest.fixture
async def adapter(site: Site, lamp: SimulatedNative) -> AsyncIterator[NativeAdapter]:
    made = NativeDriver(site).adapter(LAMP)
    assert await made.connect() == {"turn_on", "turn_off", "get_state"}
    yield made
    await made.close()


class Proposals:
    """What a driver proposes, and withdraws."""

    def __init__(self) -> None:
        self.devices: dict[str, Device] = {}

    def propose(self, device: Device) -> bool:
        self.devices[device.id] = device
        return True

    def withdraw(self, identity: str) -> None:
        self.devices.pop(identity, None)


@pytest.fixture
async def proposals(site: Site) -> AsyncIterator[Proposals]:
    found = Proposals()
    async with NativeDriver(site).finding(found.propose, found.withdraw):
        yield found


async def test_what_announces_itself_is_proposed_until_it_takes_that_back(
    hub: HaClient, proposals: Proposals, lamp: SimulatedNative
) -> None:
    await heard_so_far(hub)
    assert proposals.devices == {
        "mqtt-lamp": Device(
            id="mqtt-lamp", kind=Kind.HOME, name="Porch lamp", protocol="octopus",
            address={"id": "lamp"}, functions=("get_state", "turn_off", "turn_on"),
        )
    }  # fmt: skip
    lamp.config |= {"room": "porch", "aliases": ["the old lamp"], "since a later release": [1]}
    await lamp.announce()
    await heard_so_far(hub)
    told = proposals.devices["mqtt-lamp"]
    assert (told.room, told.aliases) == ("porch", ("the old lamp",))
    await lamp.withdraw()
    await heard_so_far(hub)
    assert proposals.devices == {}


async def test_only_functions_of_the_catalogue_that_are_for_its_kind_are_believed(
    hub: HaClient, proposals: Proposals, lamp: SimulatedNative
) -> None:
    lamp.config["functions"] = ["turn_on", "take_a_photo", "reboot_hub", "turn_on"]
    await lamp.announce()
    await heard_so_far(hub)
    assert proposals.devices["mqtt-lamp"].functions == ("turn_on",)
    lamp.config["functions"] = ["take_a_photo"]
    await lamp.announce()
    await heard_so_far(hub)
    assert proposals.devices == {}, "there is nothing that it could be used for"


GOOD = {"name": "Lamp", "kind": "home", "functions": ["turn_on"]}


@pytest.mark.parametrize(
    ("identifier", "payload"),
    [
        ("hub", GOOD), ("adb-1", GOOD), ("x" * 41, GOOD), ("lamp 1", GOOD), ("lämp", GOOD),
        ("a", GOOD | {"kind": "toaster"}), ("a", GOOD | {"kind": "hub"}),
        ("a", GOOD | {"name": "x" * 61}),
        ("a", GOOD | {"name": "a\nb"}), ("a", GOOD | {"name": " "}), ("a", GOOD | {"name": 7}),
        ("a", GOOD | {"functions": ["turn_on"] * 101}), ("a", GOOD | {"functions": "turn_on"}),
        ("a", GOOD | {"aliases": ["\x1b[31m"]}), ("a", GOOD | {"room": ["attic"]}),
        ("a", GOOD | {"more": "x" * 20_000}), ("a", {"kind": "home"}), ("a", [GOOD]), ("a", 1),
    ],
)  # fmt: skip
async def test_a_bad_announcement_is_none(
    hub: HaClient, proposals: Proposals, identifier: str, payload: object
) -> None:
    await hub.mqtt.publish(f"octopus/device/{identifier}/config", json.dumps(payload))
    await heard_so_far(hub)
    assert proposals.devices == {}


@pytest.mark.parametrize("payload", [b"{", b"\xff", b"[" * 9_000, b'{"name": "\\ud800"}'])
async def test_an_announcement_that_is_no_json_is_none(
    hub: HaClient, proposals: Proposals, payload: bytes
) -> None:
    await hub.mqtt.publish("octopus/device/a/config", payload)
    await heard_so_far(hub)
    assert proposals.devices == {}


async def test_an_order_is_done_and_the_device_says_what_it_saw(
    adapter: NativeAdapter, lamp: SimulatedNative
) -> None:
    done = await adapter.call(TURN_ON)
    assert (lamp.attributes["state"], done.evidence) == ("on", Evidence.VERIFIED)
    assert done.detail == "Lamp: turn on"
    assert lamp.done == [("turn_on", {"name": "Lamp"})]
    assert [topic for topic, _ in lamp.received] == ["octopus/device/lamp/set"]


async def test_without_a_word_about_it_nothing_is_verified(
    adapter: NativeAdapter, lamp: SimulatedNative
) -> None:
    lamp.faults.answers = json.dumps({"id": TURN_ON.key, "status": "ok"}).encode()
    assert (await adapter.call(TURN_ON)).evidence is Evidence.UNVERIFIED


async def test_what_it_answers_with_is_the_result(
    adapter: NativeAdapter, lamp: SimulatedNative
) -> None:
    lamp.faults.result = ["one", "two\n"]
    done = await adapter.call(TURN_ON)
    assert (done.result, done.detail) == (("one", "two "), "Lamp: one, two ")


async def test_the_same_order_again_is_answered_and_not_done_again(
    adapter: NativeAdapter, lamp: SimulatedNative
) -> None:
    first = await adapter.call(TURN_ON)
    assert await adapter.call(TURN_ON) == first
    assert len(lamp.received) == 2
    assert len(lamp.done) == 1
    await adapter.call(TURN_ON.model_copy(update={"key": "run-2-0"}))
    assert len(lamp.done) == 2


async def test_a_device_that_says_no_is_refused_in_its_words(
    adapter: NativeAdapter, lamp: SimulatedNative
) -> None:
    lamp.faults.reason = "the bulb\x07 is broken"
    with pytest.raises(DeviceRefused, match=r"^Lamp: the bulb  is broken$"):
        await adapter.call(TURN_ON)


async def test_a_silent_device_may_have_done_it(
    hub: HaClient, adapter: NativeAdapter, lamp: SimulatedNative
) -> None:
    lamp.faults.mute = True
    with pytest.raises(DeviceUncertain, match="Lamp did not answer in time"):
        await adapter.call(TURN_ON)
    late = json.dumps({"id": TURN_ON.key, "status": "ok"})
    await hub.mqtt.publish("octopus/device/lamp/result", late)
    lamp.faults.mute = False
    again = TURN_ON.model_copy(update={"key": "run-2-0"})
    assert (await adapter.call(again)).detail == "Lamp: turn on", "a late answer is nobody's"


@pytest.mark.parametrize(
    "said",
    [
        b"", b"ok", b"{", b"\xff", b'{"status": "ok"}', b'{"id": 7, "status": "ok"}',
        b'{"id": "run-9-0", "status": "ok"}', b"[" * 9_000, b'{"id": "run-1-0", "x": "%s"}',
    ],
)  # fmt: skip
async def test_what_is_no_answer_to_this_order_is_not_taken_for_one(
    adapter: NativeAdapter, lamp: SimulatedNative, said: bytes
) -> None:
    lamp.faults.answers = said.replace(b"%s", b"x" * 20_000)
    with pytest.raises(DeviceUncertain, match="Lamp did not answer in time"):
        await adapter.call(TURN_ON.model_copy(update={"timeout": 0.4}))


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "done"}, {}, {"status": "ok", "evidence": "drafted"},
        {"status": "ok", "result": {"a": 1}}, {"status": "ok", "result": "x" * 5_000},
        {"status": "ok", "result": ["x"] * 101}, {"status": "ok", "result": float("nan")},
        {"status": "error", "reason": ["no"]},
    ],
)  # fmt: skip
async def test_an_answer_that_cannot_be_read_leaves_the_order_open(
    adapter: NativeAdapter, lamp: SimulatedNative, answer: dict[str, object]
) -> None:
    lamp.faults.answers = json.dumps({"id": TURN_ON.key} | answer).encode()
    with pytest.raises(DeviceUncertain, match="an answer that cannot be read"):
        await adapter.call(TURN_ON)


async def test_one_device_answers_no_order_of_another(
    hub: HaClient, adapter: NativeAdapter, lamp: SimulatedNative
) -> None:
    lamp.faults.mute = True
    answer = json.dumps({"id": TURN_ON.key, "status": "ok"})
    asked = asyncio.create_task(adapter.call(TURN_ON.model_copy(update={"timeout": 0.6})))
    await lamp.until(lambda: len(lamp.received) == 1)
    await hub.mqtt.publish("octopus/device/other/result", answer)
    await hub.mqtt.publish("octopus/device/lamp/result", answer, retain=True)
    with pytest.raises(DeviceUncertain):
        await asked


async def test_the_state_is_what_it_publishes(
    hub: HaClient, adapter: NativeAdapter, lamp: SimulatedNative
) -> None:
    get = invocation("get_state", name="Lamp")
    lamp.attributes |= {"brightness": 40.5, "dimmed": True, "of": {"no": "use"}}
    await lamp.report()
    await heard_so_far(hub)
    done = await adapter.call(get)
    assert done.evidence is Evidence.VERIFIED
    assert done.result == "off, brightness 40.5, dimmed yes"
    assert lamp.received == []
    await lamp.publish(f"{lamp.base}/state", '{"\x00": 1}')
    await heard_so_far(hub)
    lamp.faults.result = "off, I think"
    assert (await adapter.call(get)).result == "off, I think", "it is asked where it publishes none"


async def test_a_device_that_goes_is_away_and_comes_back(
    hub: HaClient, adapter: NativeAdapter, lamp: SimulatedNative
) -> None:
    told: list[bool] = []
    adapter.noticed = lambda: told.append(adapter.notice is None)
    await lamp.go_offline()
    await heard_so_far(hub)
    assert adapter.notice is not None
    assert adapter.notice.state is DeviceState.OFFLINE
    with pytest.raises(DeviceUnavailable, match="Lamp is offline; nothing was sent"):
        await adapter.call(TURN_ON)
    assert lamp.received == []
    await lamp.announce()
    await heard_so_far(hub)
    assert told == [False, True]
    await adapter.call(TURN_ON)


async def test_a_device_that_goes_while_it_is_asked_is_not_waited_for(
    adapter: NativeAdapter, lamp: SimulatedNative
) -> None:
    lamp.faults.mute = True
    asked = asyncio.create_task(adapter.call(TURN_ON.model_copy(update={"timeout": 60.0})))
    await lamp.until(lambda: len(lamp.received) == 1)
    await lamp.go_offline()
    with pytest.raises(DeviceUncertain, match="went offline before it answered"):
        await asked


@pytest.mark.parametrize("said", ["config", "availability"])
async def test_a_device_that_says_less_is_not_connected(
    site: Site, lamp: SimulatedNative, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setattr("device_adapters.native.adapter._ANNOUNCED", 0.3)
    await lamp.publish(f"{lamp.base}/{said}", "")
    adapter = NativeDriver(site).adapter(LAMP)
    with pytest.raises(DeviceUnavailable, match=r"^Lamp (is offline|does not announce)"):
        await adapter.connect()
    await adapter.close()
    await adapter.close()


async def test_a_device_that_does_not_listen_was_not_reached(site: Site, hub: HaClient) -> None:
    """Its last will did not come yet, and the broker knows no listener (MQTT 5)."""
    for name, said in (("config", json.dumps(GOOD)), ("availability", "online")):
        await hub.mqtt.publish(f"octopus/device/lamp/{name}", said, retain=True)
    adapter = NativeDriver(site).adapter(LAMP)
    await adapter.connect()
    with pytest.raises(DeviceUnavailable, match="Lamp does not listen; nothing reached it"):
        await adapter.call(TURN_ON)
    await adapter.close()


async def test_a_broker_that_starts_anew_is_told_who_is_there(
    broker: Broker, hub: HaClient, adapter: NativeAdapter, lamp: SimulatedNative
) -> None:
    """This one keeps nothing: the lamp says it all again."""
    back = asyncio.Event()
    adapter.noticed = lambda: back.set() if adapter.notice is None else None
    await broker.stop()
    await broker.start()
    async with asyncio.timeout(15):
        await back.wait()
    assert (await adapter.call(TURN_ON)).evidence is Evidence.VERIFIED


async def test_a_new_name_is_taken_in_and_other_topics_are_not(adapter: NativeAdapter) -> None:
    assert adapter.moved(LAMP.model_copy(update={"name": "Desk lamp"}))
    assert (await adapter.call(TURN_ON)).detail == "Desk lamp: turn on"
    assert not adapter.moved(LAMP.model_copy(update={"address": {"id": "other"}}))
