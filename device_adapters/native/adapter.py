"""Drives one device under the hub's own topics.

<base>/device/<id>/config        retained: {name, kind, functions, room?, aliases?}; empty: gone
<base>/device/<id>/availability  retained: online | offline, which is its last will too
<base>/device/<id>/state         retained: {attribute: value}
<base>/device/<id>/set           from the hub, and all that it says there: {id, function,
                                 arguments}; the same id again is the same order
<base>/device/<id>/result        the device's answer: {id, status, result?, reason?, evidence?}
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Callable
from contextlib import ExitStack

from device_adapters.base import Adapter
from device_adapters.calls import patience
from device_adapters.driver import Site
from device_adapters.mqtt import Message
from device_adapters.native.payloads import Announcement, Answer, Named, State, read
from schemas.call import Invocation
from schemas.device import Device
from schemas.errors import DeviceRefused, DeviceUnavailable, DeviceUncertain
from schemas.outcome import Done, Evidence
from schemas.state import DeviceState, Standing

log = logging.getLogger(__name__)

_ANNOUNCED = 3.0
"""Seconds a device has to announce itself and to say that it is online."""
_SAID = ("config", "availability", "state", "result")
"""What the hub listens to: not to its own orders, or the broker would have a listener for each."""
_GET_STATE = "get_state"
_OFFLINE = Standing(state=DeviceState.OFFLINE)


class NativeAdapter(Adapter):
    """One device; `address["id"]` is its segment of the topics."""

    def __init__(self, device: Device, site: Site) -> None:
        self._device = device
        self._site = site
        self._topic = f"{site.topic}/device/{device.address.get('id', '')}"
        self._said: Announcement | None = None
        self._online: bool | None = None
        self._state: State | None = None
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._news = asyncio.Event()
        self._stack = ExitStack()
        self._listening = False

    async def connect(self) -> frozenset[str]:
        await self._site.mqtt.wait_connected(_ANNOUNCED)
        if not self._listening:
            self._listening = True
            for said in _SAID:
                stop = self._site.mqtt.subscribe(f"{self._topic}/{said}", self._heard)
                self._stack.callback(stop)
            self._stack.callback(self._site.mqtt.on_connect(self._forget))
        await self._until(lambda: self._said and self._online is not None, _ANNOUNCED)
        if self._said is None:
            raise DeviceUnavailable(f"{self._device.name} does not announce itself")
        self._require_online()
        return self._served

    def moved(self, device: Device) -> bool:
        """A new name is taken in; under other topics it is another adapter's."""
        same = device.address == self._device.address
        if same:
            self._device = device
        return same

    async def call(self, invocation: Invocation) -> Done:
        """Send the order, and wait for the answer that bears its id; `get_state` is read from what
        the device publishes, where it does."""
        self._require_online()
        if invocation.function not in self._served:
            raise DeviceRefused(f"{self._device.name} cannot {invocation.function}")
        if invocation.function == _GET_STATE and self._state is not None:
            told = str(self._state)
            return self._done(invocation, told, Evidence.VERIFIED)
        answer = await self._answered(invocation)
        if answer.status == "error":
            raise DeviceRefused(f"{self._device.name}: {answer.reason or 'it said no'}")
        return self._done(invocation, answer.result, answer.seen)

    async def close(self) -> None:
        self._stack.close()
        self._listening = False

    async def _answered(self, invocation: Invocation) -> Answer:
        within = patience(invocation)
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[invocation.key] = answered
        try:
            async with asyncio.timeout(within):
                await self._send(invocation, within)
                return await answered
        except TimeoutError as error:
            raise DeviceUncertain(f"{self._device.name} did not answer in time") from error
        finally:
            if self._waiting.get(invocation.key) is answered:
                del self._waiting[invocation.key]

    async def _send(self, invocation: Invocation, within: float) -> None:
        """One order, which a broker keeps no longer than its answer is waited for (MQTT 5)."""
        order = {
            "id": invocation.key,
            "function": invocation.function,
            "arguments": invocation.arguments,
        }
        heard = await self._site.mqtt.publish(
            f"{self._topic}/set", json.dumps(order), response_topic=f"{self._topic}/result",
            correlation_data=invocation.key.encode(), expiry=math.ceil(within), within=within,
        )  # fmt: skip
        if not heard:
            raise DeviceUnavailable(f"{self._device.name} does not listen; nothing reached it")

    async def _heard(self, message: Message) -> None:
        match message.topic.removeprefix(f"{self._topic}/"):
            case "config":
                self._said = read(Announcement, message.payload)
            case "availability":
                self._online = message.payload == b"online"
                if message.payload == b"offline":
                    self._lost()
            case "state":
                self._state = read(State, message.payload)
            case "result" if not message.retain:
                self._answer(message.payload)
        self._look()

    def _answer(self, payload: bytes) -> None:
        """Give an answer to whoever waits for it; nobody waits for a late, a second or a foreign
        one."""
        named = read(Named, payload)
        waiting = self._waiting.get(named.id) if named else None
        if waiting is None or waiting.done():
            log.debug("%s: an answer that nobody waits for", self._topic)
        elif (answer := read(Answer, payload)) is not None:
            waiting.set_result(answer)
        else:
            waiting.set_exception(
                DeviceUncertain(f"{self._device.name} gave an answer that cannot be read")
            )

    def _lost(self) -> None:
        """It went away: what it was asked last, nobody will answer."""
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(
                    DeviceUncertain(f"{self._device.name} went offline before it answered")
                )

    async def _forget(self) -> None:
        """A new connection: the broker says again what still holds."""
        self._said, self._online, self._state = None, None, None
        self._look()

    def _look(self) -> None:
        """Tell whoever waits, and whoever wants to know that the device came or went."""
        self._news.set()
        self._news = asyncio.Event()
        notice = None if self._there else _OFFLINE
        if notice != self.notice:
            self.notice = notice
            self.noticed()

    @property
    def _served(self) -> frozenset[str]:
        claimed = self._said.functions if self._said else ()
        return self._site.fitting(self._device.kind, claimed)

    @property
    def _there(self) -> bool:
        return self._said is not None and self._online is True

    async def _until(self, holds: Callable[[], object], within: float) -> None:
        try:
            async with asyncio.timeout(within):
                while not holds():
                    await self._news.wait()
        except TimeoutError:
            return

    def _require_online(self) -> None:
        if not self._there:
            raise DeviceUnavailable(f"{self._device.name} is offline; nothing was sent")

    def _done(self, call: Invocation, result: object, evidence: Evidence) -> Done:
        said = ", ".join(result) if isinstance(result, tuple) else result
        what = call.function.replace("_", " ") if said is None else said
        return Done.model_validate(
            {"evidence": evidence, "result": result, "detail": f"{self._device.name}: {what}"}
        )
