"""The MQTT door: commands and requests in, records and events out.

    <base>/command/<user>              plain text, or {text, id?, devices?, dry_run?, expires?,
                                       hold?}
    <base>/request/<user>/<operation>  answered on <base>/response/<user>/<operation>
    <base>/execution/<id>|last, <base>/event, <base>/event/<user>
    <base>/status, <base>/info, <base>/devices, <base>/device/<id>/availability|state

The user is a segment of the topic, which the broker binds to the login.
"""

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any

from device_adapters.mqtt import Message, MqttClient
from orchestrator.broker import is_user
from orchestrator.bus import Bus
from orchestrator.doors.mqtt.mirror import Mirror
from orchestrator.doors.mqtt.payloads import (
    Mark,
    command_fields,
    done,
    failed,
    json_fields,
    mark,
    refuse_expired,
    told,
)
from orchestrator.doors.told import Told
from orchestrator.operations import SENDING
from orchestrator.people import LOCAL
from orchestrator.service import Service
from schemas.errors import HubError
from schemas.event import Event
from schemas.execution import Execution

log = logging.getLogger(__name__)

KEPT_FOR = 7 * 24 * 3600
"""Seconds a broker keeps a command's record; the journal has it for good."""
FLUSH_WITHIN = 5.0
"""Seconds to tell the last events when the hub stops."""
DEVICES_EVERY = 0.5
"""Seconds between two tellings of all devices; what changes meanwhile is told together."""


class MqttDoor:
    """Serves one hub on one MQTT connection."""

    def __init__(
        self, client: MqttClient, service: Service, bus: Bus, base: str, info: dict[str, Any]
    ) -> None:
        self._client = client
        self._service = service
        self._bus = bus
        self._base = base
        self._info = info
        self._mirror = Mirror(client, base)
        self._devices_changed = asyncio.Event()
        self._told = Told(service, self._tell_late)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take commands and requests while the block lasts."""
        with ExitStack() as stack:
            stack.callback(self._client.subscribe(f"{self._base}/command/+", self._on_command))
            stack.callback(self._client.subscribe(f"{self._base}/request/#", self._on_request))
            stack.callback(self._client.on_connect(self._announce))
            yield

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """Tell what happens while the block lasts and, once the bus is closed, what it still
        holds; then say `offline`."""
        self._service.on_devices(self._devices_changed.set)
        with self._bus.subscribe() as told:
            events = asyncio.create_task(self._tell_events(told), name="mqtt door: events")
            devices = asyncio.create_task(self._tell_devices(), name="mqtt door: devices")
            noting = asyncio.create_task(self._told.keep(), name="mqtt door: told")
            try:
                yield
            finally:
                await asyncio.wait([events], timeout=FLUSH_WITHIN)
                for task in (events, devices, noting):
                    task.cancel()
                await asyncio.gather(events, devices, noting, return_exceptions=True)
                with suppress(HubError, TimeoutError):  # then the last ends are told once more
                    async with asyncio.timeout(FLUSH_WITHIN):
                        await self._told.look()
                await self._quietly(f"{self._base}/status", "offline", retain=True)

    async def _announce(self) -> None:
        await self._quietly(f"{self._base}/status", "online", retain=True)
        await self._quietly(f"{self._base}/info", json.dumps(self._info), retain=True)
        self._mirror.forget()
        self._devices_changed.set()

    async def _on_command(self, message: Message) -> None:
        if message.retain and not message.payload:
            return  # somebody clears the topic, as a refusal asked for
        user = message.topic.rsplit("/", 1)[-1]
        reply = self._reply_to(message, user, "command")
        identity: Mark = None
        try:
            fields = command_fields(message, user)
            identity = mark(fields.setdefault("id", uuid.uuid4().hex))
            data = await self._service.request("command", user, fields)
        except Exception as error:  # noqa: BLE001 (the door's edge: everybody gets an answer)
            await self._answer(message, reply, failed(told(error, message.topic), identity))
        else:
            await self._answer(message, reply, done(data, identity))

    async def _on_request(self, message: Message) -> None:
        user, _, operation = message.topic.removeprefix(f"{self._base}/request/").partition("/")
        if message.retain or not is_user(user):
            log.warning(
                "%.100r: ignored, a request is neither retained nor without a user", message.topic
            )
            return
        reply = self._reply_to(message, user, operation)
        identity: Mark = None
        try:
            refuse_expired(message)
            request = json_fields(message.payload) if message.payload else {}
            identity = mark(request.get("id"))
            if operation not in SENDING:  # it is the sender's own mark, and comes back as it is
                request.pop("id", None)
            data = await self._service.request(operation, user, request)
        except Exception as error:  # noqa: BLE001 (the door's edge: everybody gets an answer)
            await self._answer(message, reply, failed(told(error, message.topic), identity))
        else:
            await self._answer(message, reply, done(data, identity))

    def _reply_to(self, message: Message, user: str, operation: str) -> str:
        """Where the answer goes: the sender's own choice only below its own response topics."""
        own = f"{self._base}/response/{user}/"
        wanted = message.response_topic or ""
        if wanted.startswith(own) and not set("#+") & set(wanted):
            return wanted
        return own + operation

    async def _answer(self, message: Message, topic: str, answer: dict[str, Any]) -> None:
        await self._quietly(topic, json.dumps(answer), correlation_data=message.correlation_data)

    async def _tell_events(self, events: AsyncIterator[Event]) -> None:
        async for event in events:
            self._told.news()
            try:
                await self._tell(event)
            except Exception as error:  # noqa: BLE001 (one event not told, the next are)
                why = told(error, f"event of {event.id}")
                log.warning("%s of command %s is not told: %s", event.state, event.id, why)

    async def _tell(self, event: Event) -> None:
        if event.record is not None and await self._tell_record(event.record):
            self._told.told(event.id)
        # The record is the promise; an event is for whoever watches, and costs no second packet.
        text = event.model_dump_json()
        await self._quietly(f"{self._base}/event", text, qos=0)
        if event.user != LOCAL and is_user(event.user):  # who may not read everybody's
            await self._quietly(f"{self._base}/event/{event.user}", text, qos=0)

    async def _tell_late(self, record: Execution) -> bool:
        """As `_tell_record`, once the broker has answered: what fails then is the record's own."""
        await self._client.publish(f"{self._base}/info", json.dumps(self._info), retain=True)
        return await self._tell_record(record)

    async def _tell_record(self, record: Execution) -> bool:
        """Whether the broker has a command's record now."""
        text = json.dumps(record.plain())
        kept = f"{self._base}/execution/{record.command.id}"
        told = await asyncio.gather(
            self._quietly(kept, text, retain=True, expiry=KEPT_FOR),
            self._quietly(f"{self._base}/execution/last", text, retain=True),
        )
        return all(told)

    async def _tell_devices(self) -> None:
        while True:
            await self._devices_changed.wait()
            self._devices_changed.clear()
            if not self._client.connected:
                continue  # once it is, they are told anyway
            devices = await self._service.request("device/list", "", {})
            await self._quietly(f"{self._base}/devices", json.dumps(devices), retain=True)
            await self._mirror.tell(devices)
            await asyncio.sleep(DEVICES_EVERY)

    async def _quietly(self, topic: str, payload: str, **options: Any) -> bool:
        """Publish, and say whether that went well; a broker that is away is no reason to stop, the
        journal has it all."""
        await asyncio.sleep(0)  # doing goes before telling
        try:
            await self._client.publish(topic, payload, **options)
        except HubError as error:
            log.info("%s: not published: %s", topic, error)
            return False
        return True
