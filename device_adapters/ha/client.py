"""The Home Assistant discovery client: finds what announces itself, tracks it and drives it."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Coroutine, Iterable
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self

from device_adapters.ha.announcement import (
    BadAnnouncementError,
    HaDevice,
    HaEntity,
    read_announcement,
)
from device_adapters.ha.entity import Entity
from device_adapters.ha.kept import Kept
from device_adapters.ha.places import state_topics
from device_adapters.ha.states import States
from device_adapters.mqtt import Message, MqttClient
from schemas.errors import HubError

log = logging.getLogger(__name__)

_ASK_AGAIN = 10.0  # seconds between two times that everything is announced anew
_MANY = 500  # announcements after which a broker may have dropped some
_QUIET, _LONGEST = 0.5, 60  # seconds without any until they are over; and pauses at most
_EVERY = ""  # whoever listens to all devices
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
        self._kept = Kept()
        self._states = States(mqtt, own)
        self._listeners: defaultdict[str, list[Callable[[HaDevice], None]]] = defaultdict(list)
        self._telling: dict[str, asyncio.TimerHandle] = {}
        self._came = 0  # messages since whoever is there was asked to announce itself
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking = False
        self._missed = False  # whether something was refused that there may be room for now
        self._stack = ExitStack()

    async def __aenter__(self) -> Self:
        for topic_filter in self._filters:
            # Brokers drop what a client has not acknowledged, from a thousand messages on: a house
            # of many entities would be found in part. With QoS 0 the connection slows them down.
            stop = self.mqtt.subscribe(topic_filter, self._on_announcement, qos=0)
            self._stack.callback(stop)
        if self._birth:
            self._stack.callback(self.mqtt.on_connect(self.ask))
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
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._states.close()

    @property
    def devices(self) -> tuple[HaDevice, ...]:
        """Every device announced now."""
        return tuple(map(self._kept.device, self._kept))

    @property
    def refused(self) -> int:
        """How many announcements there was no room for."""
        return self._kept.budget.refused

    def use(self, identifier: str) -> Callable[[], None]:
        """Keep room for a device, however many others announce themselves; gives what ends that,
        to be called once."""
        self._kept.budget.use(identifier)
        if identifier not in self._kept:
            self._room()
        return functools.partial(self._kept.budget.let_go, identifier)

    def device(self, identifier: str) -> HaDevice | None:
        """One device, None where it is not announced."""
        device = self._kept.device(identifier)
        return device if device.entities else None

    def settled(self, identifier: str) -> bool:
        """Whether a device is announced and has not just changed."""
        return identifier not in self._telling and self.device(identifier) is not None

    def entity(self, description: HaEntity) -> Entity:
        """The live side of an announced entity."""
        return Entity(self._states, description)

    def on_change(
        self, listener: Callable[[HaDevice], None], identifier: str = _EVERY
    ) -> Callable[[], None]:
        """Tell `listener` of every new or changed device, or of the one with an id; a removed one
        has no entities."""
        self._listeners[identifier].append(listener)
        return functools.partial(self._unheard, listener, identifier)

    def _unheard(self, listener: Callable[[HaDevice], None], identifier: str) -> None:
        self._listeners[identifier].remove(listener)
        if not self._listeners[identifier]:
            del self._listeners[identifier]

    def follow(self, topic: str, told: Callable[[], None]) -> Callable[[], None]:
        """Call `told` after every message of a state topic; gives what ends that."""
        return self._states.follow(topic, told)

    async def until(
        self, holds: Callable[[], bool], within: float, subjects: Collection[str] = ()
    ) -> bool:
        """Wait until something holds, looking whenever a message came of one of the subjects (ids
        of devices, state topics; none: of anything); False after `within` s."""
        return await self._states.until(holds, within, subjects)

    @property
    def _filters(self) -> tuple[str, str]:
        return f"{self._prefix}/+/+/config", f"{self._prefix}/+/+/+/config"

    async def ask(self) -> None:
        """Ask whatever is there to announce itself, as Home Assistant does when it starts."""
        self._came = 0
        await self.mqtt.publish(f"{self._prefix}/status", "online")

    async def _ask_once_more(self) -> None:
        """A broker drops what comes while it has a thousand kept announcements to send: ask those
        that announce themselves only on being asked again, once it is through."""
        before, pauses = 0, 0
        while before < self._came and pauses < _LONGEST:
            before, pauses = self._came, pauses + 1
            await asyncio.sleep(_QUIET)
        with suppress(HubError):
            await self.mqtt.publish(f"{self._prefix}/status", "online")

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name="announcements")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _on_announcement(self, message: Message) -> None:
        self._came += 1
        if self._came == _MANY and self._birth:
            self._spawn(self._ask_once_more())
        if self._kept.stands(message.topic, message.payload):
            return
        levels = tuple(message.topic.removeprefix(f"{self._prefix}/").split("/")[:-1])
        try:
            new = read_announcement(levels, message.payload)
        except BadAnnouncementError as error:
            log.debug("ignored the announcement on %s: %s", message.topic, error)
            return
        old = self._kept.on(message.topic)
        if new is None:
            self._kept.remove(message.topic)
        elif self._inside(new) or not self._kept.put(message.topic, message.payload, new):
            log.debug("ignored the announcement on %s", message.topic)
            return
        if new == old:
            return
        for topic in _watched(new):  # first the new: what both need stays
            self._states.watch(topic)
        for topic in _watched(old):
            self._states.unwatch(topic)
        for identifier in {device.id for device in (old, new) if device}:
            self._tell_soon(identifier)
        if new is None:
            self._room()

    def _inside(self, device: HaDevice) -> bool:
        """Whether it is the hub itself, or aimed at the hub's own topics."""
        topics = (topic for entity in device.entities for topic in _topics_of(entity))
        return any(f"{topic}/".startswith(f"{self._own}/") for topic in topics)

    def _room(self) -> None:
        """There is room again: what was refused may come once more."""
        self._missed = self._kept.budget.refused > 0
        if self._missed and not self._asking:
            self._asking = True
            self._spawn(self._everything())

    async def _everything(self) -> None:
        """Have the broker send all announcements that it keeps anew, not too often."""
        while self._missed:
            self._missed = False
            for topic_filter in self._filters:
                self.mqtt.ask_again(topic_filter)
            await asyncio.sleep(_ASK_AGAIN)
        self._asking = False

    def _tell_soon(self, identifier: str) -> None:
        if identifier not in self._telling:
            loop = asyncio.get_running_loop()
            self._telling[identifier] = loop.call_later(self._settle, self._tell, identifier)

    def _tell(self, identifier: str) -> None:
        del self._telling[identifier]
        self._states.waiting.wake(identifier)
        for name in (_EVERY, identifier):
            for listener in list(self._listeners.get(name, ())):
                listener(self._kept.device(identifier))


def _watched(device: HaDevice | None) -> Iterable[str]:
    """The topics that tell the states and availability of a device's entities."""
    for entity in device.entities if device else ():
        states = set() if entity.component in _PICTURES else state_topics(entity)
        yield from states | {item.topic for item in entity.availability}


def _topics_of(entity: HaEntity) -> Iterable[str]:
    """Every topic an entity names."""
    yield from (str(value) for key, value in entity.options.items() if key.endswith("topic"))
    yield from (item.topic for item in entity.availability)
