"""A running hub from outside, over its own MQTT topics: what the command line uses."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from device_adapters.mqtt import Message, MqttClient
from orchestrator.broker import LOCAL, Login, passwords
from orchestrator.settings import Settings
from schemas.errors import DeviceUnavailable, DeviceUncertain, HubError
from schemas.event import Event

CONNECT_WITHIN = 3.0
ANSWER_WITHIN = 20.0
"""Seconds; approving a device waits for the device, which may be asking its owner."""
AGAIN_AFTER = 0.3
"""Seconds until what nobody listened to is sent again: the hub may be reconnecting."""
REPEAT_AFTER = 2.0
"""Seconds until a command that got no answer is sent again: with the same id it runs once."""

SHORTEST, LATEST = 4, 100
"""Characters of an id that may stand for it, and how many of the latest commands are looked at."""


class NoHub(HubError):
    """No hub answers: start one with `octopus run`."""

    code = "no_hub"


class BrokerAway(NoHub):
    """The hub's broker does not answer, or not to us."""


class Refused(HubError):
    """The hub refused the request; `code` is what it says of why."""

    code = "refused"

    def __init__(self, message: str = "", code: str = "") -> None:
        super().__init__(message)
        self.code = code or self.code


class HubClient:
    """One user's connection to a hub; `events` holds what the hub tells, in order."""

    def __init__(self, mqtt: MqttClient, base: str, user: str) -> None:
        self._mqtt = mqtt
        self._base = base
        self._user = user
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self.events: asyncio.Queue[Event] = asyncio.Queue()

    async def send(self, text: str, identity: str, **fields: Any) -> None:
        """Send a sentence, with what else a command may hold; returns once the hub has it in its
        journal."""
        payload = {"text": text, "id": identity, **fields}
        await self._ask(f"command/{self._user}", payload, identity, repeat=True)

    async def begin(self, operation: str, identity: str, **fields: Any) -> None:
        """Run an operation that sends a command, `call` or `undo`; returns as `send` does."""
        payload = {**fields, "id": identity}
        await self._ask(f"request/{self._user}/{operation}", payload, identity, repeat=True)

    async def request(self, operation: str, *, within: float = ANSWER_WITHIN, **fields: Any) -> Any:
        """Run an operation and return its data."""
        identity = uuid.uuid4().hex
        payload = {**fields, "id": identity}
        topic = f"request/{self._user}/{operation}"
        return await self._ask(topic, payload, identity, within=within)

    async def find(self, beginning: str) -> dict[str, Any]:
        """The record of the command with this id, or of the one of the latest that begins so."""
        try:
            return await self._record(beginning)
        except Refused:
            if len(beginning) < SHORTEST:
                raise
            latest = await self.request("execution/list", limit=LATEST)
            fitting = [one["id"] for one in latest if one["id"].startswith(beginning)]
            if not fitting:
                raise
        if len(fitting) > 1:
            raise Refused(f"{len(fitting)} of your latest commands begin with {beginning!r}")
        return await self._record(fitting[0])

    async def _record(self, identity: str) -> dict[str, Any]:
        record: dict[str, Any] = await self.request("execution/get", execution=identity)
        return record

    async def _ask(
        self,
        topic: str,
        payload: dict[str, Any],
        identity: str,
        *,
        repeat: bool = False,
        within: float = ANSWER_WITHIN,
    ) -> Any:
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[identity] = answered
        try:
            async with asyncio.timeout(within):
                while not answered.done():
                    heard = await self._publish(topic, payload)
                    wait = AGAIN_AFTER if not heard else REPEAT_AFTER if repeat else None
                    await asyncio.wait([answered], timeout=wait)
        except TimeoutError as error:
            raise NoHub from error
        finally:
            del self._waiting[identity]
        answer = answered.result()
        if answer["status"] != "ok":
            raise Refused(answer["error"], answer.get("code") or "")
        return answer["data"]

    async def _publish(self, topic: str, payload: dict[str, Any]) -> bool:
        """Whether it was sent and somebody, as far as the broker knows, listens."""
        try:
            return await self._mqtt.publish(f"{self._base}/{topic}", json.dumps(payload))
        except DeviceUncertain:
            return True  # perhaps: the answer says so, or the repetition of a command
        except DeviceUnavailable:
            return False

    async def on_response(self, message: Message) -> None:
        """Hand an answer to whoever waits for it."""
        answer = json.loads(message.payload)
        waiting = self._waiting.get(answer.get("id") or "")
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def on_event(self, message: Message) -> None:
        """Keep an event of this user's commands."""
        event = Event.model_validate_json(message.payload)
        if event.user == self._user:
            self.events.put_nowait(event)


def login_of(settings: Settings) -> tuple[Login, str]:
    """How this machine's own command line logs in at the hub's broker, and as which user."""
    configured = settings.broker.login()
    if configured is not None:
        return configured, configured.username or LOCAL
    own = passwords(settings.state)[LOCAL]
    return Login("127.0.0.1", settings.broker.port, LOCAL, own), LOCAL


@asynccontextmanager
async def connected(login: Login, base: str, user: str) -> AsyncIterator[HubClient]:
    """Connect to the hub's broker as `user`; BrokerAway where none answers."""
    name = f"octopus-{user}-{uuid.uuid4().hex[:8]}"
    mqtt = MqttClient(
        login.host, login.port, client_id=name, username=login.username, password=login.password,
        tls=login.tls,
    )  # fmt: skip
    async with mqtt:
        client = HubClient(mqtt, base, user)
        mqtt.subscribe(f"{base}/response/{user}/#", client.on_response, retained=False)
        # The broker shows everybody's events to this machine's own command line alone.
        events = "event" if user == LOCAL else f"event/{user}"
        mqtt.subscribe(f"{base}/{events}", client.on_event, retained=False)
        try:
            await mqtt.wait_connected(CONNECT_WITHIN)
        except HubError as error:
            raise BrokerAway(str(error)) from error
        yield client
