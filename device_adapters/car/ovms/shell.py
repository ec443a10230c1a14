"""A module's shell over MQTT: a line is published, its answer comes under the same number."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import secrets
from collections.abc import AsyncIterator, Callable

from device_adapters.mqtt import Message, MqttClient
from schemas.errors import DeviceUnavailable, DeviceUncertain, HubError

log = logging.getLogger(__name__)

_BRIEFLY = 0.25  # seconds to say that somebody is there; nothing depends on it
_MAXIMUM_ANSWER = 64 * 1024  # bytes that are read


class NoAnswer(Exception):
    """The line was sent, and nothing came back in time."""


class Shell:
    """One client of one module. Numbers are random and used once, so that no answer to an earlier
    line, or to somebody else's, is taken for this one's."""

    def __init__(self, mqtt: MqttClient, prefix: str, name: str) -> None:
        self._mqtt, self.name = mqtt, name
        self._topic = f"{prefix}/client/octopus-{secrets.token_hex(6)}"
        self._waiting: dict[str, asyncio.Future[str]] = {}
        self._users = 0
        self._stop: Callable[[], None] | None = None

    def open(self) -> None:
        """Listen for answers; once is enough."""
        if self._stop is None:
            answers = f"{self._topic}/response/+"
            self._stop = self._mqtt.subscribe(answers, self._on_answer, retained=False)

    def close(self) -> None:
        """Listen no more."""
        if self._stop is not None:
            self._stop()
            self._stop = None

    @contextlib.asynccontextmanager
    async def attended(self) -> AsyncIterator[None]:
        """Tell the module that somebody is there: at the block's beginning and end it reports its
        metrics at once. It takes a client that says nothing for gone after two minutes."""
        self._users += 1
        try:
            if self._users == 1:
                await self._active("1")
            yield
        finally:
            self._users -= 1
            if not self._users:
                await self._active("0")

    async def run(self, line: str, within: float) -> str:
        """What the shell answers to a line, at most 64 KiB of it. DeviceUnavailable: nothing was
        sent; NoAnswer: nothing came back within so many seconds.

        A module keeps its session, so a broker would hand over later what it cannot now: the line
        expires (which takes MQTT 5; without, a line that was sent may come late).
        """
        number = secrets.token_hex(8)
        answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answered
        topic = f"{self._topic}/command/{number}"
        try:
            async with asyncio.timeout(within):
                expiry = max(1, math.floor(within))
                if not await self._mqtt.publish(topic, line, expiry=expiry, within=within + 1):
                    raise DeviceUnavailable(f"{self.name} is not listening; nothing was sent")
                return await answered
        except (TimeoutError, DeviceUncertain) as error:
            raise NoAnswer from error
        finally:
            del self._waiting[number]

    async def _active(self, state: str) -> None:
        with contextlib.suppress(HubError):
            await self._mqtt.publish(f"{self._topic}/active", state, qos=0, within=_BRIEFLY)

    async def _on_answer(self, message: Message) -> None:
        waiting = self._waiting.get(message.topic.rpartition("/")[2])
        if message.retain or waiting is None or waiting.done():
            log.debug("an answer that nobody waits for, on %s", message.topic)
            return
        waiting.set_result(message.payload[:_MAXIMUM_ANSWER].decode(errors="replace"))
