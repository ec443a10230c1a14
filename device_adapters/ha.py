"""The Home Assistant discovery client: finds what announces itself, tracks it and drives it."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from device_adapters import ha_order
from device_adapters.ha_discovery import Availability, HaDevice, HaEntity, read_announcement
from device_adapters.ha_order import Wanted
from device_adapters.ha_template import MAXIMUM_PAYLOAD, BadTemplateError, read
from device_adapters.mqtt import Message, MqttClient
from schemas.errors import DeviceUnavailable
from schemas.outcome import Evidence

__all__ = ["Entity", "HaClient", "HaDevice", "HaEntity"]

log = logging.getLogger(__name__)

_MAXIMUM_ENTITIES = 5000
_GRACE = 1.0  # seconds for a report that changes nothing, or for the first word of a new entity
_ATTRIBUTES = ("state", "brightness", "color", "position", "temperature", "mode", "volume")
_PICTURES = {"camera", "image"}  # too big to be kept; asked for when wanted


class HaClient:
    """Every device that announces itself; an `async with` block is its life."""

    def __init__(
        self,
        mqtt: MqttClient,
        *,
        prefix: str = "homeassistant",
        own: str = "octopus",
        birth: bool = True,
        settle: float = 0.2,
    ) -> None:
        """`own` is the hub's topic base: what reaches into it is ignored. `birth` asks publishers
        to announce themselves. A device's changes within `settle` seconds are told once.
        """
        self.mqtt = mqtt
        self._prefix, self._own, self._birth, self._settle = prefix, own, birth, settle
        self._announced: dict[str, HaDevice] = {}
        self._topics: dict[str, _Topic] = {}
        self._listeners: list[Callable[[HaDevice], None]] = []
        self._telling: dict[str, asyncio.TimerHandle] = {}
        self._versions = itertools.count(1)
        self._changed = asyncio.Event()
        self._stack = ExitStack()

    async def __aenter__(self) -> Self:
        for levels in ("+/+", "+/+/+"):
            topic_filter = f"{self._prefix}/{levels}/config"
            self._stack.callback(self.mqtt.subscribe(topic_filter, self._on_announcement))
        if self._birth:
            self._stack.callback(self.mqtt.on_connect(self._ask))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
        for timer in self._telling.values():
            timer.cancel()
        for topic in self._topics.values():
            topic.stop()

    @property
    def devices(self) -> tuple[HaDevice, ...]:
        """Every device announced now."""
        return tuple(map(self._merged, dict.fromkeys(d.id for d in self._announced.values())))

    def device(self, identifier: str) -> HaDevice | None:
        """One device, None where it is not announced."""
        device = self._merged(identifier)
        return device if device.entities else None

    def settled(self, identifier: str) -> bool:
        """Whether a device is announced and has not just changed."""
        return identifier not in self._telling and self.device(identifier) is not None

    def entity(self, description: HaEntity) -> Entity:
        """The live side of an announced entity."""
        return Entity(self, description)

    def on_change(self, listener: Callable[[HaDevice], None]) -> Callable[[], None]:
        """Tell `listener` of every new or changed device; a removed one has no entities."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def until(self, holds: Callable[[], bool], within: float) -> bool:
        """Wait until something holds, looking whenever a message came; False after `within` s."""
        try:
            async with asyncio.timeout(within):
                while not holds():
                    await self._changed.wait()
        except TimeoutError:
            return holds()
        return True

    def topic(self, name: str) -> _Topic:
        """What is known of a state topic."""
        return self._topics.get(name) or _Topic()

    def _merged(self, identifier: str) -> HaDevice:
        parts = [device for device in self._announced.values() if device.id == identifier]
        if not parts:
            return HaDevice(id=identifier, name=identifier)
        entities = {entity.id: entity for part in parts for entity in part.entities}
        return parts[-1].model_copy(update={"entities": tuple(entities.values())})

    async def _ask(self) -> None:
        await self.mqtt.publish(f"{self._prefix}/status", "online")

    async def _on_announcement(self, message: Message) -> None:
        levels = tuple(message.topic.removeprefix(f"{self._prefix}/").split("/")[:-1])
        new = read_announcement(levels, message.payload)
        if new and not self._acceptable(new):
            log.warning("ignored the announcement on %s", message.topic)
            new = None
        old = self._announced.pop(message.topic, None)
        if new:
            self._announced[message.topic] = new
        if new != old:
            self._watch(new, +1)
            self._watch(old, -1)
            for identifier in {device.id for device in (old, new) if device}:
                self._tell_soon(identifier)

    def _acceptable(self, device: HaDevice) -> bool:
        """Not the hub itself, not aimed at the hub's own topics, and not one too many."""
        held = sum(len(known.entities) for known in self._announced.values())
        topics = (topic for entity in device.entities for topic in _topics_of(entity))
        inside = any(f"{topic}/".startswith(f"{self._own}/") for topic in topics)
        return not inside and held + len(device.entities) <= _MAXIMUM_ENTITIES

    def _watch(self, device: HaDevice | None, count: int) -> None:
        """Count up or down the entities that need each state topic."""
        for entity in device.entities if device else ():
            for name in _watched(entity):
                topic = self._topics.setdefault(name, _Topic())
                if topic.users == 0:
                    topic.stop = self.mqtt.subscribe(name, self._on_state)
                topic.users += count
                if topic.users == 0:
                    self._topics.pop(name).stop()

    async def _on_state(self, message: Message) -> None:
        topic = self._topics.get(message.topic)
        if topic is None or len(message.payload) > MAXIMUM_PAYLOAD:
            return
        topic.payload = message.payload.decode(errors="replace")
        topic.version = next(self._versions)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _tell_soon(self, identifier: str) -> None:
        if identifier not in self._telling:
            loop = asyncio.get_running_loop()
            self._telling[identifier] = loop.call_later(self._settle, self._tell, identifier)

    def _tell(self, identifier: str) -> None:
        del self._telling[identifier]
        self._wake()
        for listener in list(self._listeners):
            listener(self._merged(identifier))


class _Topic:
    """The last word of one state topic."""

    def __init__(self) -> None:
        self.payload: str | None = None
        self.version = 0
        self.users = 0
        self.stop: Callable[[], None] = lambda: None


class Entity:
    """One announced entity, alive: its state, whether it is there, and orders to it."""

    def __init__(self, client: HaClient, description: HaEntity) -> None:
        self._client = client
        self.description = description

    @property
    def available(self) -> bool | None:
        """Whether it can be reached; None before its first word."""
        items = self.description.availability
        if not items:
            return self._client.mqtt.connected
        said = [(self._client.topic(item.topic), item) for item in items]
        words = {topic.version: _word(topic, item) for topic, item in said if topic.payload}
        if not words:
            return None
        mode = self.description.availability_mode
        if mode == "any":
            return any(words.values())
        if mode == "all":
            return all(words.values()) and len(words) == len({topic.version for topic, _ in said})
        return words[max(words)]

    def state(self, attribute: str = "state") -> str | None:
        """What its state topic last said; None where that is nothing."""
        topic = self._client.topic(ha_order.place(self.description, attribute).state_topic)
        if topic.payload is None:
            return None
        return ha_order.state(self.description, attribute, topic.payload)

    async def known_state(self, attribute: str = "state") -> str | None:
        """Its state, waiting a moment for the first word of a new entity that reports it at all."""
        if not ha_order.place(self.description, attribute).state_topic:
            return None
        await self._client.until(lambda: self.state(attribute) is not None, _GRACE)
        return self.state(attribute)

    async def command(
        self,
        wanted: Wanted,
        *,
        attribute: str = "state",
        reached: Wanted | None = None,
        within: float = 5.0,
    ) -> Evidence:
        """Order, and look whether the state gets there; `reached` where it reads differently.

        `DeviceUnavailable`: not there or not listening; `DeviceRefused`: takes no such order;
        `DeviceUncertain`: the broker did not acknowledge it.
        """
        order = ha_order.order(self.description, attribute, wanted)
        await self.require_available()
        goal = order.reached if reached is None else str(reached)
        topic = self._client.topic(ha_order.place(self.description, attribute).state_topic)
        before, already = topic.version, goal is not None and self._reads(attribute, goal)
        if not await self._client.mqtt.publish(order.topic, order.payload, within=within):
            raise DeviceUnavailable(f"{self.description.name} is not listening")
        if goal is None or order.reached is None:
            return Evidence.UNVERIFIED
        verified = await self._client.until(
            lambda: topic.version > before and self._reads(attribute, goal),
            min(within, _GRACE) if already else within,
        )
        verified = verified or (already and self._reads(attribute, goal))
        return Evidence.VERIFIED if verified else Evidence.UNVERIFIED

    async def require_available(self) -> None:
        """`DeviceUnavailable` where it is gone, or says nothing for a moment."""
        await self._client.until(lambda: self.available is not None, _GRACE)
        if not self.available:
            raise DeviceUnavailable(f"{self.description.name or 'the device'} is offline")

    async def picture(self, within: float) -> bytes | None:
        """The next picture of a camera or image entity as it comes; None where none does."""
        topic = ha_order.place(self.description, "state").state_topic
        pictures: asyncio.Queue[bytes] = asyncio.Queue(1)

        async def take(message: Message) -> None:
            if pictures.empty() and message.payload:
                pictures.put_nowait(message.payload)

        stop = self._client.mqtt.subscribe(topic, take, retained=False)
        try:
            async with asyncio.timeout(within):
                return await pictures.get()
        except TimeoutError:
            return None
        finally:
            stop()

    def _reads(self, attribute: str, goal: str) -> bool:
        return ha_order.agree(goal, self.state(attribute))


def _word(topic: _Topic, item: Availability) -> bool:
    payload = topic.payload or ""
    try:
        return (read(item.template, payload) if item.template else payload) == item.available
    except BadTemplateError:
        return False


def _watched(entity: HaEntity) -> set[str]:
    """The topics that tell an entity's state and availability."""
    places = () if entity.component in _PICTURES else _ATTRIBUTES
    states = {ha_order.place(entity, attribute).state_topic for attribute in places}
    return (states | {item.topic for item in entity.availability}) - {""}


def _topics_of(entity: HaEntity) -> Iterable[str]:
    """Every topic an entity names."""
    yield from (str(value) for key, value in entity.options.items() if key.endswith("topic"))
    yield from (item.topic for item in entity.availability)
