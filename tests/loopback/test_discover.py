"""Looking for devices on purpose: whatever waits to be asked is asked, once for all who want it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from device_adapters.driver import Service, Site
from device_adapters.ha import HaClient
from device_adapters.homeassistant import HomeAssistant
from device_adapters.mqtt import Message
from orchestrator.catalogue import Catalogue
from orchestrator.discovery import CONNECT, Announced, Search
from orchestrator.discovery import search as searching
from schemas.device import Kind
from schemas.errors import DeviceUnavailable
from tests.broker import Broker, Connect
from tests.discoverykit import announced, service, unique
from tests.doorkit import User, door, told
from tests.hubkit import Rig

LAMP = {
    "unique_id": "lamp-1", "name": None, "command_topic": "lamp/set", "state_topic": "lamp",
    "device": {"identifiers": ["lamp-1"], "name": "Shelf lamp"},
}  # fmt: skip


@dataclass
class Asked:
    """A hub that is asked to look, in two ways: one works."""

    hub: Rig
    ann: User
    times: int = 0


@pytest.fixture
async def asked(
    broker: Broker,
    connect: Connect,
    tmp_path: Path,
    catalogue: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Asked]:
    monkeypatch.setattr(searching, "LOOK_FOR", 0.5)
    ann = User(await connect())
    await ann.listen("octopus/status")
    kinds = {function.name: frozenset(map(Kind, function.kinds)) for function in catalogue}
    async with (
        door(broker, tmp_path, catalogue, {}) as hub,
        HaClient(await connect(), birth=False, settle=0.01) as ha,
    ):
        running = Asked(hub, ann)

        async def ask() -> None:
            running.times += 1
            await ha.ask()

        async def fail() -> None:
            raise DeviceUnavailable("no network")

        ways = {"mqtt": ask, "network": fail}
        search = Search(hub.service, lambda: (d.id for d in hub.registry.proposed), ways)
        hub.service.offer("discover", search.look)
        driver = HomeAssistant(Site(ha.mqtt, ha, tmp_path, functions=kinds))
        async with driver.finding(hub.registry.propose, hub.registry.withdraw):
            await told(ann, "octopus/status", b"online")
            yield running
        await search.close()


async def test_what_announces_itself_only_when_asked_is_found(
    asked: Asked, connect: Connect
) -> None:
    lamp = await connect()

    async def announce(message: Message) -> None:
        if message.payload == b"online" and not message.retain:
            await lamp.publish("homeassistant/light/lamp-1/config", json.dumps(LAMP))

    lamp.subscribe("homeassistant/status", announce)
    data = (await asked.ann.request("discover"))["data"]
    assert [(one["id"], one["name"]) for one in data["found"]] == [("ha-lamp-1", "Shelf lamp")]
    assert (data["proposed"], data["looked"]) == (1, ["mqtt"])
    again = (await asked.ann.request("discover"))["data"]
    assert (again["found"], again["proposed"]) == ([], 1), "only what is new"


async def test_many_who_ask_at_once_are_one_look(asked: Asked) -> None:
    work = [asked.hub.service.request("discover", "ann", {}) for _ in range(12)]
    answers = await asyncio.gather(*work, return_exceptions=True)
    refused = [one for one in answers if isinstance(one, Exception)]
    assert asked.times == 1
    assert [str(one) for one in refused] == [
        "Devices are being looked for already: see `device/list` in a few seconds."
    ] * 4


async def test_the_network_is_asked_anew() -> None:
    name = unique("adb-SIM") + "-abcdef"
    async with (
        announced(service(name, 40_001, CONNECT)),
        Announced((CONNECT,), loopback_only=True) as hub,
    ):
        await asyncio.wait_for(hub.first(lambda one: one.name == name), 10)
        heard: asyncio.Queue[Service] = asyncio.Queue()
        with hub.telling(heard.put_nowait):
            while not heard.empty():
                heard.get_nowait()
            await hub.ask()
            async with asyncio.timeout(10):
                while (await heard.get()).name != name:
                    pass
