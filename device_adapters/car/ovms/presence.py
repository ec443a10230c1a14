"""Whether a car's module is there: it says so when it connects, and its last will takes it back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from device_adapters.mqtt import Message, MqttClient
from schemas.errors import DeviceUnavailable

CONNECTED = "metric/s/v3/connected"
"""Below a car's prefix: "yes" while its module is connected."""
_WAIT = 3.0  # seconds for the first word about a car


class Presence:
    """What was last heard; `changed` is told of every change."""

    def __init__(self, mqtt: MqttClient, prefix: str, changed: Callable[[bool], None]) -> None:
        self._mqtt, self._prefix, self._changed = mqtt, prefix, changed
        self._there: bool | None = None
        self._heard = asyncio.Event()
        self._stop: Callable[[], None] | None = None

    async def open(self, name: str) -> None:
        """Listen, and have heard of the car; DeviceUnavailable where nothing is heard in time."""
        if self._stop is None:
            self._stop = self._mqtt.subscribe(f"{self._prefix}/{CONNECTED}", self._on_word)
        try:
            async with asyncio.timeout(_WAIT):
                await self._heard.wait()
        except TimeoutError as error:
            raise DeviceUnavailable(f"{name}: no module reports as {self._prefix}") from error

    def close(self) -> None:
        """Listen no more."""
        if self._stop is not None:
            self._stop()
            self._stop = None

    def require(self, name: str) -> None:
        """DeviceUnavailable where it is not there."""
        if not self._there:
            raise DeviceUnavailable(f"{name} is offline; nothing was sent")

    async def _on_word(self, message: Message) -> None:
        there = message.payload.strip().lower() == b"yes"
        self._heard.set()
        if there is not self._there:
            self._there = there
            self._changed(there)
