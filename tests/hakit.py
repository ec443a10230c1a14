"""A broker in memory under the Home Assistant client: what is published is at once delivered."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

from device_adapters.ha import HaClient
from device_adapters.mqtt import Message, MqttClient
from device_adapters.mqtt.link import topic_matches

Handler = Callable[[Message], Awaitable[None]]


class MemoryMqtt:
    """The part of `MqttClient` that the Home Assistant client uses, and a device behind it."""

    connected = True

    def __init__(self) -> None:
        self.published: list[tuple[str, str]] = []
        self.kept: dict[str, bytes] = {}
        self.answer: Callable[[str, str], Awaitable[None] | None] = lambda _topic, _payload: None
        """Called with every order before it is acknowledged."""
        self._handlers: list[tuple[str, Handler]] = []

    async def wait_connected(self, within: float) -> None:
        """It is."""

    def on_connect(self, callback: Callable[[], Awaitable[None]]) -> Callable[[], None]:
        """It was before anybody could ask, and stays so."""
        return lambda: None

    def subscribe(
        self, topic_filter: str, handler: Handler, *, qos: int = 1, retained: bool = True
    ) -> Callable[[], None]:
        entry = (topic_filter, handler)
        self._handlers.append(entry)
        for topic, payload in self.kept.items() if retained else ():
            if topic_matches(topic_filter, topic):
                asyncio.get_running_loop().create_task(
                    cast(Any, handler(Message(topic=topic, payload=payload, retain=True)))
                )
        return functools.partial(self.unsubscribe, topic_filter, handler)

    def unsubscribe(self, topic_filter: str, handler: Handler) -> None:
        """Deliver no more."""
        self._handlers.remove((topic_filter, handler))

    @property
    def filters(self) -> list[str]:
        """What the hub listens to."""
        return [topic_filter for topic_filter, _ in self._handlers]

    async def publish(self, topic: str, payload: bytes | str, **_: object) -> bool:
        """An order of the hub's."""
        text = payload if isinstance(payload, str) else payload.decode()
        self.published.append((topic, text))
        answered = self.answer(topic, text)
        if inspect.isawaitable(answered):
            await answered
        return True

    async def say(self, topic: str, said: object, *, kept: bool = False) -> None:
        """A device says something; `kept`: the broker had it stored already."""
        payload = said if isinstance(said, bytes) else as_payload(said).encode()
        if kept:
            self.kept[topic] = payload
        for topic_filter, handler in list(self._handlers):
            if topic_matches(topic_filter, topic):
                await handler(Message(topic=topic, payload=payload, retain=kept))


def as_payload(said: object) -> str:
    """Text as it is, anything else as JSON."""
    return said if isinstance(said, str) else json.dumps(said)


@asynccontextmanager
async def announced(
    messages: Mapping[str, object], said: Mapping[str, object]
) -> AsyncIterator[tuple[MemoryMqtt, HaClient]]:
    """A hub to which all this was announced and said."""
    mqtt = MemoryMqtt()
    async with HaClient(cast(MqttClient, mqtt), birth=False, settle=0) as ha:
        for topic, payload in messages.items():
            await mqtt.say(topic, payload)
        for topic, payload in said.items():
            await mqtt.say(topic, payload)
        await asyncio.sleep(0.001)  # the settling of no time at all
        yield mqtt, ha
