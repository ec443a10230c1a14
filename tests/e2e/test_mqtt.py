"""The daemon's own broker and its MQTT door, for people who have logins of their own."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import Any

from device_adapters.mqtt import Message, MqttClient
from orchestrator.broker import Login, password_of
from orchestrator.client import connected
from orchestrator.operations import OPERATIONS
from schemas.execution import RunState
from schemas.requests import Request
from tests.e2e.daemon import Site, eventually

STARTED_WITHIN = 40.0
NOT_OFFERED = {"console/open": "no phone is a console"}
"""What only some hubs do, and what the others say."""


async def test_people_have_logins_and_ask_for_everything(site: Site) -> None:
    (site.config / "people.toml").write_text("[users.ann]\n")
    await site.spawn()
    await eventually(lambda: "ready after" in site.log, STARTED_WITHIN, site)
    login = login_of(site, "ann")
    async with connected(login, "octopus", "ann") as ann:
        await ann.send("what is the meaning of life", "c-ann")
        async with asyncio.timeout(20):
            while (event := await ann.events.get()).state != RunState.REFUSED:
                pass
        assert event.id == "c-ann"
        found = await ann.request("discover")
        assert set(found["looked"]) == {"mqtt", "network", "usb"}

    async with client_of(login) as client:
        told = await heard(client, "octopus/info")
        assert told["operations"].keys() == OPERATIONS.keys()
        assert (told["name"], told["model"]) == ("octopus", "embedded:")
        state = await heard(client, "octopus/device/hub/state")
        assert (state["kind"], state["name"]) == ("hub", "octopus")
        answers: asyncio.Queue[Message] = asyncio.Queue()
        client.subscribe("octopus/response/ann/#", answers.put)
        for operation, known in OPERATIONS.items():
            fields = least(known.request) | {"id": f"last-{operation.replace('/', '-')}"}
            await client.publish(f"octopus/request/ann/{operation}", json.dumps(fields))
            async with asyncio.timeout(20):
                message = await answers.get()
            assert message.topic == f"octopus/response/ann/{operation}"
            answer = json.loads(message.payload)
            missing = NOT_OFFERED.get(operation, "this hub does no") in (answer["error"] or "")
            assert missing is (operation in NOT_OFFERED), answer

    (site.config / "people.toml").write_text("[users.eve]\n")
    site.kill(signal.SIGHUP)
    eve = login_of(site, "eve")
    async with client_of(eve) as client:
        await client.wait_connected(20)
        async with client_of(login) as gone:
            await eventually(lambda: not gone.connected, 5, site)
    assert await site.stop() == 0
    assert "Traceback" not in site.log


def login_of(site: Site, user: str) -> Login:
    return Login("127.0.0.1", site.port, user, password_of(site.state, user, (user,)))


def client_of(login: Login) -> MqttClient:
    return MqttClient(
        login.host, login.port, client_id=f"test-{login.username}", username=login.username,
        password=login.password,
    )  # fmt: skip


async def heard(client: MqttClient, topic: str) -> Any:
    """What the broker keeps on a topic."""
    kept: asyncio.Queue[bytes] = asyncio.Queue()

    async def hear(message: Message) -> None:
        kept.put_nowait(message.payload)

    stop = client.subscribe(topic, hear)
    async with asyncio.timeout(10):
        said = await kept.get()
    stop()
    return json.loads(said)


def least(request: type[Request]) -> dict[str, str]:
    """The fewest fields that an operation can be asked with."""
    fields = request.model_fields.items()
    return {name: "nothing" for name, field in fields if field.is_required()}
