"""Drives a car through its databroker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from device_adapters.base import Adapter
from device_adapters.calls import in_time, patience
from device_adapters.car import driving
from device_adapters.car.kuksa import address, vss
from device_adapters.car.kuksa.link import Link
from device_adapters.car.kuksa.orders import Order, order
from device_adapters.car.kuksa.readings import drives, present, status
from device_adapters.car.kuksa.signals import Car, Signal
from schemas.base import Scalar
from schemas.call import Invocation, Restore
from schemas.device import Device
from schemas.errors import (
    DeviceNeedsPerson,
    DeviceRefused,
    DeviceUnavailable,
    DeviceUncertain,
    HubError,
)
from schemas.outcome import Done, Evidence
from schemas.state import DeviceState, Standing

log = logging.getLogger(__name__)

_CONNECT = 4.0  # seconds a databroker has to answer all that connecting asks
_LOOK = 2.0  # seconds for a look before an order
_LET_GO = 1.0  # seconds to release one thing that is held down


class KuksaAdapter(Adapter):
    """One car; its address is that of the databroker."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self._link: Link | None = None
        self._signals: dict[str, Signal] = {}
        self._releasing: set[asyncio.Task[None]] = set()

    async def connect(self) -> frozenset[str]:
        await self._drop()
        link = address.link(self.device)
        try:
            async with asyncio.timeout(_CONNECT):
                await link.greet(_CONNECT)
                self._signals = await link.known(address.paths(self.device), _CONNECT)
                await self._introduce(link)
        except TimeoutError as error:
            await link.close()
            raise DeviceUnavailable(f"{self.device.name} does not answer") from error
        except BaseException:
            await link.close()
            raise
        self._link = link
        self.lacking = self._lacks()
        self._say(None)
        self._keep_watch(link)
        return self._served()

    def moved(self, device: Device) -> bool:
        if device.address != self.device.address:
            return False
        self.device = device
        return True

    async def call(self, invocation: Invocation) -> Done:
        async with in_time(invocation, self.device.name):
            return await self._call(invocation)

    async def present(self, invocation: Invocation) -> Restore | None:
        if invocation.function not in self._served():
            return None
        return present(invocation, await self._look(invocation, self._connected()))

    async def close(self) -> None:
        await asyncio.gather(*self._releasing, return_exceptions=True)
        await self._drop()

    async def _call(self, call: Invocation) -> Done:
        until = asyncio.get_running_loop().time() + patience(call)
        link = self._connected()
        if call.function not in self._served():
            why = self.lacking.get(call.function)
            reason = f": {why}" if why else ""
            raise DeviceRefused(f"{self.device.name} cannot {call.function}{reason}")
        car = await self._look(call, link)
        if call.function == "get_vehicle_status":
            text = status(call, car)
            return Done(evidence=Evidence.VERIFIED, result=text, detail=f"{car.name}: {text}")
        driving.refuse_while_driving(car.name, call.function, call.arguments, driving=drives(car))
        wanted = order(call, car)
        seen = await self._carry_out(link, wanted, car, until)
        evidence = Evidence.VERIFIED if seen else Evidence.UNVERIFIED
        return Done(evidence=evidence, detail=wanted.detail)

    async def _look(self, call: Invocation, link: Link) -> Car:
        """The car as it is, as far as a call of the function must know it."""
        known = self._signals
        wanted = {path: known[path] for path in vss.looked_at(call.function) if path in known}
        values = await link.values(wanted, min(_LOOK, call.timeout / 2))
        return Car(self.device.name, known, values)

    async def _carry_out(self, link: Link, wanted: Order, car: Car, until: float) -> bool:
        """Order it, and say whether its effect was seen; what is held down is released."""
        sent: list[str] = []
        try:
            await self._send(link, wanted, until, sent)
            return await self._see(link, wanted, car, until)
        finally:
            last = [path for path in reversed(sent) if path in wanted.release]
            held = {path: wanted.release[path] for path in last}
            if held:
                letting_go = asyncio.create_task(self._let_go(link, held))
                self._releasing.add(letting_go)
                letting_go.add_done_callback(self._released)
                await asyncio.shield(letting_go)

    async def _send(self, link: Link, wanted: Order, until: float, sent: list[str]) -> None:
        """One signal after the other; `sent` holds those that may have been set."""
        for path, value in wanted.orders.items():
            sent.append(path)
            try:
                await link.order(self._signals[path], value, self._left(until))
            except (DeviceRefused, DeviceNeedsPerson, DeviceUnavailable) as error:
                sent.pop()
                lost = isinstance(error, DeviceUnavailable)
                if not sent or (wanted.release and not lost):
                    raise
                done = f"after {len(sent)} of {len(wanted.orders)} were ordered"
                what = f"{self.device.name} was lost" if lost else str(error)
                raise DeviceUncertain(f"{what}, {done}") from error

    async def _see(self, link: Link, wanted: Order, car: Car, until: float) -> bool:
        at_least, at_most = wanted.held
        begun = asyncio.get_running_loop().time()
        until = min(until, begun + at_most) if wanted.release else until
        shown = {car.signals[path].path: value for path, value in wanted.shown.items()}
        before = {car.signals[path].path: car.values.get(path) for path in wanted.shown}
        seen = bool(shown) and await link.shows(shown, before, self._left(until))
        if wanted.release:
            await asyncio.sleep(self._left(min(until, begun + at_least) if seen else until))
        return seen

    async def _let_go(self, link: Link, held: Mapping[str, Scalar]) -> None:
        """Try to release everything; DeviceUncertain names what may still be set."""
        failed: dict[str, HubError] = {}
        for path, value in held.items():
            try:
                await link.order(self._signals[path], value, _LET_GO)
            except HubError as error:
                failed[path] = error
        for path, why in failed.items():
            gone = isinstance(why, DeviceUnavailable)
            reason = "it cannot be reached" if gone else str(why)
            still = f"{self.device.name} may still have {path} set: {reason}"
            log.warning("%s", still)
            raise DeviceUncertain(still) from why

    def _released(self, task: asyncio.Task[None]) -> None:
        self._releasing.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited has it; who was cancelled has the log

    async def _introduce(self, link: Link) -> None:
        """Who the car is, where it says so."""
        mine = (vss.BRAND, vss.MODEL, vss.VIN)
        wanted = {path: self._signals[path] for path in mine if path in self._signals}
        said = {path: str(value) for path, value in (await link.values(wanted, _LOOK)).items()
                if value}  # fmt: skip
        self.model = " ".join(said[p] for p in (vss.BRAND, vss.MODEL) if p in said) or None
        self.identity = said.get(vss.VIN)

    def _keep_watch(self, link: Link) -> None:
        def lost() -> None:
            if self._link is link:
                self._say(Standing(state=DeviceState.OFFLINE))

        for known in self._signals.values():
            if known.actuator:  # a sensor may change a hundred times a second
                link.watch(known, lost)
                return

    def _served(self) -> frozenset[str]:
        ordered = {path for path, known in self._signals.items() if known.actuator}
        served = {name for name, paths in vss.ORDERED.items() if ordered.intersection(paths)}
        told = {"get_vehicle_status"} if self._signals.keys() & set(vss.STATUS) else set()
        return frozenset(served | told)

    def _lacks(self) -> dict[str, str]:
        """Why it does not serve the rest."""
        none = dict.fromkeys(vss.ORDERED, "its databroker has no actuator for it")
        lacks = none | {"navigate_to": "VSS takes coordinates, not the name of a place"}
        return {name: why for name, why in lacks.items() if name not in self._served()}

    def _connected(self) -> Link:
        if self._link is None or self.notice is not None:
            raise DeviceUnavailable(f"{self.device.name} is not connected; nothing was sent")
        return self._link

    async def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    def _say(self, notice: Standing | None) -> None:
        if notice != self.notice:
            self.notice = notice
            self.noticed()

    @staticmethod
    def _left(until: float) -> float:
        return max(0.0, until - asyncio.get_running_loop().time())
