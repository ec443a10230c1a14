"""What the simulated PC, car and home share: a program that announces devices over real MQTT."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from device_adapters.mqtt import Message, MqttClient, Will
from schemas.errors import HubError


@dataclass
class Faults:
    """What goes wrong, for tests."""

    ignores: bool = False  # takes orders and does nothing
    mute: bool = False  # does as ordered and does not report it


class Publisher(ABC):
    """One program: its availability with a last will, its announcements, its states, its orders."""

    online, offline = "online", "offline"

    def __init__(
        self,
        host: str,
        port: int,
        *,
        client_id: str,
        status: str,
        orders: str,
        login: tuple[str, str] | None = None,
    ) -> None:
        """`status`: the availability topic; `orders`: the filter of the command topics; `login`:
        user and password at the broker."""
        self.faults = Faults()
        self.received: list[tuple[str, str]] = []
        self.on_effect: Callable[[str, str], None] = lambda _topic, _payload: None
        """Called with every order that is carried out, before anything is reported."""
        self._obeyed = asyncio.Event()
        self._announced = asyncio.Event()
        self._status = status
        self._orders = orders
        user, password = login or (None, None)
        self._mqtt = MqttClient(
            host,
            port,
            client_id=client_id,
            username=user,
            password=password,
            will=Will(topic=status, payload=self.offline),
        )

    @abstractmethod
    def announcements(self) -> dict[str, dict[str, Any]]:
        """Discovery payloads by topic."""

    @abstractmethod
    def states(self) -> dict[str, str]:
        """Every state topic's payload now."""

    def changed(self, topic: str) -> dict[str, str]:
        """The states to report after an order on a topic: every one, unless a subclass knows."""
        return self.states()

    @abstractmethod
    async def obey(self, topic: str, payload: str) -> None:
        """Do what one order says."""

    async def __aenter__(self) -> Self:
        await self._mqtt.__aenter__()
        self._mqtt.subscribe(self._orders, self._on_order)
        self._mqtt.on_connect(self.announce)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(HubError):
            await self.go_offline()
        await self._mqtt.__aexit__(kind, error, trace)

    async def announce(self) -> None:
        """Publish everything: announcements, states, and that it is there."""
        for topic, config in self.announcements().items():
            await self._mqtt.publish(topic, json.dumps(config), retain=self.retains)
        await self.report()
        await self._mqtt.publish(self._status, self.online, retain=True)
        self._announced.set()

    retains = True  # whether announcements stay with the broker

    async def announced(self, within: float = 10) -> None:
        """Wait until the broker has everything; `TimeoutError` after `within` seconds."""
        async with asyncio.timeout(within):
            await self._announced.wait()

    async def report(self) -> None:
        """Publish every state, as after a change of one's own."""
        await self._tell(self.states())

    async def publish(self, topic: str, payload: str | bytes, *, retain: bool = True) -> None:
        """Publish anything."""
        await self._mqtt.publish(topic, payload, retain=retain)

    async def withdraw(self) -> None:
        """Remove the announcements."""
        for topic in self.announcements():
            await self._mqtt.publish(topic, b"", retain=True)

    async def go_offline(self) -> None:
        """Say that it is gone, as the last will would."""
        await self._mqtt.publish(self._status, self.offline, retain=True)

    async def until(self, holds: Callable[[], bool], within: float = 10) -> None:
        """Wait until something holds, looking after every order; `TimeoutError` after `within`."""
        async with asyncio.timeout(within):
            while not holds():
                await self._obeyed.wait()

    async def _on_order(self, message: Message) -> None:
        payload = message.payload.decode()
        self.received.append((message.topic, payload))
        if not self.faults.ignores:
            self.on_effect(message.topic, payload)
            await self.obey(message.topic, payload)
            if not self.faults.mute:
                await self._tell(self.changed(message.topic))
        self._obeyed.set()
        self._obeyed = asyncio.Event()

    async def _tell(self, states: dict[str, str]) -> None:
        for topic, payload in states.items():
            await self._mqtt.publish(topic, payload, retain=True)
