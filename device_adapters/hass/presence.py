"""One device of Home Assistant's: whether it is there, its entities, and ordering one of them."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

from device_adapters.base import Adapter
from device_adapters.calls import patience
from device_adapters.hass import fitting
from device_adapters.hass.client import HassClient
from device_adapters.hass.fitting import Part
from device_adapters.hass.home import HassDevice, State
from device_adapters.hass.orders import Order
from schemas.call import Invocation
from schemas.device import Device
from schemas.errors import DeviceNeedsPerson, DeviceRefused, DeviceUnavailable, HubError
from schemas.outcome import Evidence
from schemas.state import DeviceState, Standing

CONNECT_WITHIN = 4.0
"""Seconds that connecting waits for Home Assistant."""


class Presence(Adapter):
    """The device of `address["hass"]`; a subclass says how each function is run."""

    def __init__(self, device: Device, client: HassClient) -> None:
        self.device = device
        self.client = client
        self._watching = ExitStack()
        self._watched: tuple[str, ...] | None = None

    async def connect(self) -> frozenset[str]:
        await self.client.ready(CONNECT_WITHIN)
        if trouble := self.trouble():
            raise trouble
        self._changed()
        return fitting.functions(self.parts())

    def moved(self, device: Device) -> bool:
        if device.address != self.device.address:
            return False
        self.device = device
        return True

    async def close(self) -> None:
        self._watching.close()
        self._watched = None

    async def order(
        self, part: Part, order: Order, call: Invocation, within: float | None = None
    ) -> Evidence:
        """Order something, and look whether it came to be."""
        state = self.state(part)
        if state.value == "unavailable":
            raise DeviceUnavailable(f"{self.called(part)} is offline, says Home Assistant")
        loop = asyncio.get_running_loop()
        until = loop.time() + (patience(call) if within is None else within)
        reached, failed = order.reached or (lambda _: False), order.failed or (lambda _: False)
        sent = asyncio.create_task(self.client.order(order.service, part.entity.id, order.data))
        try:
            done, _ = await asyncio.wait({sent}, timeout=max(0.0, until - loop.time()))
            if done:
                sent.result()
            elif reached(state) or not reached(self.state(part)):
                raise TimeoutError
        finally:
            sent.cancel()
            await asyncio.gather(sent, return_exceptions=True)
        if order.reached is None or state.attributes.get("assumed_state"):
            return Evidence.UNVERIFIED

        failed_before = failed(state)

        def settled() -> bool:
            now = self.state(part)
            return reached(now) or (failed(now) and not failed_before)

        await self.client.until(settled, max(0.0, until - loop.time()))
        now = self.state(part)
        if failed(now):
            raise DeviceRefused(f"{self.called(part)} is {now.value}: look after it")
        return Evidence.VERIFIED if reached(now) else Evidence.UNVERIFIED

    @property
    def home(self) -> HassDevice:
        """The device as Home Assistant has it; `DeviceUnavailable` where it has it no more."""
        found = self.client.devices.get(self.device.address.get("hass", ""))
        if found is None:
            raise DeviceUnavailable(f"{self.device.name} is not in Home Assistant any more")
        return found

    def parts(self) -> list[Part]:
        """Its entities with their states."""
        return fitting.parts(self.home, self.client.states)

    def serving(self, call: Invocation) -> list[Part]:
        """Those that can serve a call's function."""
        return fitting.fitting(call.function, self.parts())

    def state(self, part: Part) -> State:
        """A part's state now."""
        return self.client.states.get(part.entity.id, part.state)

    def known(self, part: Part) -> Part:
        """A part that has said how it is."""
        if not part.state.known:
            raise DeviceUnavailable(f"{self.called(part)} is {part.state.value} to Home Assistant")
        return part

    def called(self, part: Part) -> str:
        """What a person calls a part."""
        return part.entity.name or self.device.name

    def trouble(self) -> HubError | None:
        """What keeps the device from being used; None: nothing."""
        if (gone := self.client.trouble) is not None:
            return type(gone)(f"{self.device.name}: {gone}")
        try:
            states = [part.state.value for part in self.parts()]
        except DeviceUnavailable as error:
            return error
        if all(value == "unavailable" for value in states):
            return DeviceUnavailable(
                f"{self.device.name} is offline, says Home Assistant; nothing was sent"
            )
        return None

    def _changed(self) -> None:
        """Look at what there is, and tell of what is amiss."""
        device = self.client.devices.get(self.device.address.get("hass", ""))
        entities = tuple(entity.id for entity in device.entities) if device else ()
        if entities != self._watched:
            self._watch(entities)
        trouble = self.trouble()
        notice = None if trouble is None else _standing(trouble)
        if notice != self.notice:
            self.notice = notice
            self.noticed()

    def _watch(self, entities: tuple[str, ...]) -> None:
        """Hear of these entities from now on."""
        self._watching.close()
        self._watched = entities
        self._watching.callback(self.client.on_change(self._changed))
        for entity in entities:
            self._watching.callback(self.client.watch(entity, self._changed))


def _standing(trouble: HubError) -> Standing:
    person = isinstance(trouble, DeviceNeedsPerson)
    state = DeviceState.NEEDS_PERSON if person else DeviceState.OFFLINE
    return Standing(state=state, todo=str(trouble))
