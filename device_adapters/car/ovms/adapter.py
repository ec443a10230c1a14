"""Drives a car through its OVMS v3 module."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from device_adapters.base import Adapter
from device_adapters.calls import patience
from device_adapters.car import driving
from device_adapters.car.ovms import pin, replies, status
from device_adapters.car.ovms.presence import Presence
from device_adapters.car.ovms.replies import Order
from device_adapters.car.ovms.shell import NoAnswer, Shell
from device_adapters.mqtt import MqttClient
from schemas.call import Invocation, Restore
from schemas.device import Device
from schemas.errors import DeviceRefused, DeviceUnavailable, DeviceUncertain, HubError
from schemas.outcome import Done, Evidence
from schemas.state import DeviceState, Standing

_ADDRESS = ("prefix", "pin_file")
_PREFIX = re.compile(r"[^\x00-\x1f+#]{1,200}")
_WAIT = 3.0  # seconds for the broker, and for one reading
_FIRST_LOOK, _LAST_LOOK = 0.25, 1.0  # seconds between two looks whether an order had its effect
_NO_COMMAND = "OVMS has no command for it"
_COMMANDLESS = (
    *("adjust_volume", "adjust_seat_position", "control_window", "operate_sunroof"),
    *("control_lights", "navigate_to", "honk_and_flash"),
)
_LACKING = {
    "set_climate_temperature": "OVMS switches the climate on and off, and sets no temperature",
    **dict.fromkeys(_COMMANDLESS, _NO_COMMAND),
}


class OvmsAdapter(Adapter):
    """One car: `address["prefix"]` is where its module publishes (`ovms/<user>/<vehicle>`), and
    `address["pin_file"]` holds its PIN, without which it is not locked or unlocked."""

    def __init__(self, device: Device, mqtt: MqttClient) -> None:
        self.device = device
        self._mqtt = mqtt
        self._prefix = device.address.get("prefix", "").strip("/")
        self._shell = Shell(mqtt, self._prefix, device.name)
        self._presence = Presence(mqtt, self._prefix, self._turned)
        self._ordering = asyncio.Lock()
        self._complaint: Standing | None = None
        self.identity = self._prefix

    def moved(self, device: Device) -> bool:
        if any(device.address.get(key) != self.device.address.get(key) for key in _ADDRESS):
            return False
        self.device, self._shell.name = device, device.name
        return True

    async def connect(self) -> frozenset[str]:
        if not _PREFIX.fullmatch(self._prefix):
            raise DeviceRefused(f"{self.device.name}: the prefix in its address is no topic")
        await self._mqtt.wait_connected(_WAIT)
        self._shell.open()
        await self._presence.open(self.device.name)
        self._presence.require(self.device.name)
        return await self._served()

    async def call(self, invocation: Invocation) -> Done:
        try:
            return await self._call(invocation)
        except HubError as error:
            if self.device.name in str(error):
                raise
            raise type(error)(
                f"{self.device.name}: {error}"
            ) from error  # the broker's, or of a PIN

    async def _call(self, invocation: Invocation) -> Done:
        self._presence.require(self.device.name)
        until = asyncio.get_running_loop().time() + patience(invocation)
        async with self._shell.attended():
            if invocation.function == "get_vehicle_status":
                return await self._status(invocation, until)
            return await self._order(invocation, _order_of(self.device.name, invocation), until)

    async def present(self, invocation: Invocation) -> Restore | None:
        if invocation.function not in {function for function, _ in replies.ORDERS}:
            return None
        self._presence.require(self.device.name)
        metric = _order_of(self.device.name, invocation).metric
        until = asyncio.get_running_loop().time() + _WAIT
        now = replies.flag((await self._list(metric, until)).get(metric))
        for (function, action), order in replies.ORDERS.items():
            if (order.metric, order.reached) == (metric, now):
                return Restore(function=function, arguments={"action": action} if action else {})
        return None

    async def close(self) -> None:
        self._shell.close()
        self._presence.close()

    async def _served(self) -> frozenset[str]:
        """What is served now, and what keeps the rest from it."""
        functions = {"start_charging", "stop_charging", "get_vehicle_status"}
        try:
            await self._pin()
        except DeviceRefused as error:
            self.lacking = {**_LACKING, "lock_doors": str(error)}
            todo = f"to lock and unlock {self.device.name}: {error}"
            self._complaint = Standing(state=DeviceState.PERMISSION_MISSING, todo=todo)
        else:
            self.lacking, self._complaint = _LACKING, None
            functions.add("lock_doors")
        self.notice = self._complaint
        return frozenset(functions)

    async def _pin(self) -> str:
        file = self.device.address.get("pin_file", "")
        return await asyncio.to_thread(pin.read, file, secure=self._mqtt.secure)

    async def _order(self, call: Invocation, order: Order, until: float) -> Done:
        """Order, and look whether it happened. One at a time: what one reads back is its own."""
        try:
            async with asyncio.timeout_at(until):
                await self._ordering.acquire()
        except TimeoutError as error:
            raise DeviceUnavailable(f"{self.device.name} is busy; nothing was sent") from error
        try:
            secret = await self._pin() if "{pin}" in order.line else ""
            await self._refuse_while_driving(call, until)
            await self._send(order, secret, until)
            return Done(
                evidence=await self._look(order, until),
                detail=f"{order.told} on {self.device.name}",
            )
        finally:
            self._ordering.release()

    async def _send(self, order: Order, secret: str, until: float) -> None:
        """Have the shell carry out an order, and believe what it says of that."""
        name = self.device.name
        try:
            answer = await self._shell.run(order.line.format(pin=secret), _left(until))
        except NoAnswer:
            raise DeviceUncertain(f"{name} did not answer; it may have happened") from None
        if replies.carried_out(order, answer):
            return
        answer = pin.hidden(answer, secret)
        if (refusal := replies.refusal(answer)) is not None:
            raise DeviceRefused(f"{name} refused: {refusal}")
        said = replies.excerpt(answer)
        what = f"answered {said!r}, which is no answer to the order" if said else "answered nothing"
        raise DeviceUncertain(f"{name} {what}; it may have happened")

    async def _look(self, order: Order, until: float) -> Evidence:
        """Whether the car itself says that an order had its effect, looking until it does."""
        loop, pause = asyncio.get_running_loop(), _FIRST_LOOK
        while (left := until - loop.time()) > 0:
            try:
                value = (await self._list(order.metric, until)).get(order.metric)
            except HubError:
                break
            if value is None:
                break  # the car does not tell
            if replies.flag(value) is order.reached:
                return Evidence.VERIFIED
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, _LAST_LOOK)
        return Evidence.UNVERIFIED

    async def _refuse_while_driving(self, call: Invocation, until: float) -> None:
        """The car is asked right before the order; what it said earlier is of no use."""
        if driving.dangerous(call.function, call.arguments):
            found = await self._all(("v.e.on", "v.p.speed"), until)
            driving.refuse_while_driving(
                self.device.name, call.function, call.arguments, driving=replies.driving(found)
            )

    async def _status(self, call: Invocation, until: float) -> Done:
        item = call.arguments.get("item") or "all"
        wanted = [key for key in status.ASKED if item in ("all", key)]
        found = await self._all([name for key in wanted for name in status.ASKED[key]], until)
        said = [text for key in wanted if (text := status.told(key, found))]
        if not said:
            raise DeviceRefused(f"{self.device.name} does not report its {item} state")
        text = ", ".join(said)
        return Done(evidence=Evidence.VERIFIED, result=text, detail=f"{self.device.name}: {text}")

    async def _all(self, names: Sequence[str], until: float) -> dict[str, str]:
        asked = [asyncio.create_task(self._list(name, until)) for name in names]
        try:
            found = await asyncio.gather(*asked)
        finally:  # where one fails, nobody waits for the others
            for one in asked:
                one.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        return {name: value for part in found for name, value in part.items()}

    async def _list(self, name: str, until: float) -> dict[str, str]:
        """The metrics whose names hold `name`, as the module has them now."""
        try:
            return replies.metrics(await self._shell.run(replies.listing(name), _left(until)))
        except NoAnswer:
            raise DeviceUnavailable(f"{self.device.name} does not answer") from None

    def _turned(self, there: bool) -> None:
        self.notice = self._complaint if there else Standing(state=DeviceState.OFFLINE)
        self.noticed()


def _order_of(name: str, call: Invocation) -> Order:
    """The order that a call is; DeviceRefused where OVMS has none."""
    order = replies.ORDERS.get((call.function, call.arguments.get("action")))
    if order is None:
        raise DeviceRefused(f"{name} cannot {call.function.replace('_', ' ')}: {_NO_COMMAND}")
    return order


def _left(until: float) -> float:
    return max(0.0, until - asyncio.get_running_loop().time())
