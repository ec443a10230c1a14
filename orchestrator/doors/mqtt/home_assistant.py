"""The hub as one device of Home Assistant's, found by its MQTT discovery.

    <base>/home_assistant/command  a sentence, in the name of the one user the settings name
    <base>/home_assistant/last     retained: that user's last command, as a state and attributes
    <base>/home_assistant/event    that user's commands, whenever one reaches a state

Topics of its own, so that the broker can tell Home Assistant from everything else and shows it
nothing that other people asked.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any

from device_adapters.mqtt import Message, MqttClient
from orchestrator.bus import Bus
from orchestrator.doors.mqtt.announced import Topics, announcement
from orchestrator.doors.mqtt.payloads import text_of, told
from orchestrator.service import Service
from schemas.errors import HubError
from schemas.event import Event
from schemas.execution import Execution, RunState, StepRecord

log = logging.getLogger(__name__)

DOOR = "home_assistant"
FLUSH_WITHIN = 5.0
"""Seconds to tell the last events when the hub stops."""
LONGEST, MOST = 500, 20
"""Characters of a text and steps of a command that Home Assistant gets to see."""


class HomeAssistant:
    """Shows one hub to Home Assistant and takes sentences from there; without a user it takes back
    what it announced before."""

    def __init__(
        self,
        client: MqttClient,
        service: Service,
        bus: Bus,
        *,
        base: str,
        prefix: str,
        name: str,
        user: str,
    ) -> None:
        self._client, self._service, self._bus = client, service, bus
        self._topics = Topics(base, prefix, name)
        self._name, self._user = name, user

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Be found, and take sentences, while the block lasts."""
        with ExitStack() as stack:
            if self._user:
                for topic, heard in (
                    (self._topics.command, self._on_command),
                    (self._topics.birth, self._on_birth),
                ):
                    stack.callback(self._client.subscribe(topic, heard))
            stack.callback(self._client.on_connect(self._announce))
            yield

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """Tell what happens while the block lasts and, once the bus is closed, what it still
        holds."""
        with self._bus.subscribe() as events:
            task = asyncio.create_task(self._tell_events(events), name="home assistant: events")
            try:
                yield
            finally:
                await asyncio.wait([task], timeout=FLUSH_WITHIN)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _announce(self) -> None:
        said = json.dumps(announcement(self._topics, self._name)) if self._user else ""
        await self._publish(self._topics.config, said, retain=True)

    async def _on_birth(self, message: Message) -> None:
        """Home Assistant has started; a retained word of that is of some time or other."""
        if message.payload == b"online" and not message.retain:
            await self._announce()

    async def _on_command(self, message: Message) -> None:
        if message.retain:
            log.warning("%s: a retained sentence is ignored: clear the topic", message.topic)
            return
        text = ""
        try:
            text = text_of(message.payload)
            await self._service.request("command", self._user, {"text": text}, door=DOOR)
        except Exception as error:  # noqa: BLE001 (the door's edge: it is said what is wrong)
            why = told(error, message.topic)
            await self._tell_last(RunState.REFUSED, "", text, {"reason": str(why)})

    async def _tell_events(self, events: AsyncIterator[Event]) -> None:
        async for event in events:
            if event.user == self._user and event.step is None:
                try:
                    await self._tell(event)
                except Exception as error:  # noqa: BLE001 (one not told, the next are)
                    log.warning("event of %s is not told: %s", event.id, told(error, "it"))

    async def _tell(self, event: Event) -> None:
        said = {"event_type": event.state, "id": event.id, "text": event.text[:LONGEST]}
        await self._publish(self._topics.event, json.dumps(said | {"options": event.options}))
        if (record := event.record) is not None:
            sentence, more = record.command.text, _attributes(record)
            await self._tell_last(record.state, record.command.id, sentence, more)

    async def _tell_last(
        self, state: RunState, identity: str, sentence: str, more: dict[str, Any]
    ) -> None:
        said = {"state": state, "id": identity, "sentence": sentence[:LONGEST], **more}
        await self._publish(self._topics.last, json.dumps(said), retain=True)

    async def _publish(self, topic: str, payload: str, *, retain: bool = False) -> None:
        try:
            await self._client.publish(topic, payload, retain=retain)
        except HubError as error:
            log.info("%s: not published: %s", topic, error)


def _attributes(record: Execution) -> dict[str, Any]:
    """What Home Assistant shows beside a command's state."""
    return {
        "answer": record.answer[:LONGEST],
        "reason": record.reason[:LONGEST],
        "ended": record.ended,
        "steps": [_step(step) for step in record.steps[:MOST]],
    }


def _step(step: StepRecord) -> dict[str, str]:
    outcome = step.outcome
    said = getattr(outcome, "detail", "") or getattr(outcome, "reason", "")
    return {
        "function": step.function,
        "device": step.device,
        "state": step.state,
        "said": said[:LONGEST],
    }
