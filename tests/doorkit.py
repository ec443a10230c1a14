"""A door on a real broker in front of a scripted model and devices, and the people there."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from device_adapters.mqtt import Message, MqttClient
from orchestrator import ledger
from orchestrator.catalogue import Catalogue
from orchestrator.doors.mqtt import MqttDoor
from tests.broker import Broker
from tests.hubkit import Rig, rig


class User:
    """Somebody at the broker: what was heard on each topic, and questions with their answers."""

    def __init__(self, client: MqttClient, name: str = "ann") -> None:
        self.client, self.name = client, name
        self.heard: asyncio.Queue[Message] = asyncio.Queue()
        self.answers: asyncio.Queue[Message] = asyncio.Queue()
        client.subscribe(f"octopus/response/{name}/#", self.answers.put)

    async def listen(self, topic: str) -> None:
        self.client.subscribe(topic, self.heard.put)

    async def ask(self, topic: str, payload: bytes | str, **options: Any) -> Any:
        await self.client.publish(f"octopus/{topic}", payload, **options)
        async with asyncio.timeout(10):
            return json.loads((await self.answers.get()).payload)

    async def command(self, payload: bytes | str | dict[str, Any], **options: Any) -> Any:
        payload = json.dumps(payload) if isinstance(payload, dict) else payload
        return await self.ask(f"command/{self.name}", payload, **options)

    async def request(self, operation: str, **fields: Any) -> Any:
        return await self.ask(f"request/{self.name}/{operation}", json.dumps(fields))

    async def next(self, topic: str) -> Any:
        """The next JSON that is heard on `topic`."""
        async with asyncio.timeout(10):
            while (message := await self.heard.get()).topic != topic:
                pass
        return json.loads(message.payload)

    async def life(self, identity: str) -> tuple[Any, list[tuple[int | None, str]]]:
        """The record a command leaves and the states that were told, once it has ended."""
        record, states = None, list[tuple[int | None, str]]()
        async with asyncio.timeout(10):
            while not states or states[-1] not in {(None, str(s)) for s in ledger.ENDED_RUN}:
                message = await self.heard.get()
                if message.topic == f"octopus/execution/{identity}":
                    record = json.loads(message.payload)
                elif message.topic == "octopus/event":
                    event = json.loads(message.payload)
                    states += [(event["step"], event["state"])] * (event["id"] == identity)
        return record, states


@asynccontextmanager
async def people(broker: Broker, *names: str) -> AsyncIterator[tuple[User, ...]]:
    """People, each with a connection of their own; the first hears whether the hub is there."""
    async with AsyncExitStack() as stack:
        users = []
        for name in names:
            client = MqttClient(broker.host, broker.port, client_id=f"person-{name}")
            await stack.enter_async_context(client)
            await client.wait_connected(10)
            users.append(User(client, name))
        await users[0].listen("octopus/status")
        yield tuple(users)


@asynccontextmanager
async def door(
    broker: Broker, folder: Path, catalogue: Catalogue, model: dict[str, str], **options: Any
) -> AsyncIterator[Rig]:
    """A hub that serves; at the end it stops as the daemon does. See `rig` for the rest."""
    async with (
        rig(folder, catalogue, model, **options) as hub,
        MqttClient(broker.host, broker.port, client_id="hub") as client,
    ):
        await client.wait_connected(10)
        served = MqttDoor(client, hub.service, hub.bus, "octopus", {"name": "test"})
        async with served.telling():
            with served.listening():
                yield hub
            await hub.pipeline.drain(5)
            hub.bus.close()


async def told(user: User, topic: str, payload: bytes) -> None:
    """Wait for a message; the hub says `online` once the broker knows its subscriptions."""
    async with asyncio.timeout(10):
        while (message := await user.heard.get()).topic != topic or message.payload != payload:
            pass
