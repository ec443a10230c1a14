"""Cars with an OVMS module: found by the last will that each of them has."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator

from device_adapters.base import Adapter
from device_adapters.car.ovms.adapter import OvmsAdapter
from device_adapters.car.ovms.presence import CONNECTED
from device_adapters.driver import Driver, Propose, Withdraw
from device_adapters.mqtt import Message
from schemas.device import Device, Kind

_FOUND = re.compile(rf"(ovms/([\w.@+-]{{1,64}})/([\w-]{{1,32}}))/{CONNECTED}", re.ASCII)


class OvmsDriver(Driver):
    """Cars whose module reports to the hub's broker."""

    address = {
        "prefix": "where its module publishes: ovms/<user>/<vehicle>",
        "pin_file": "file with the module's PIN, without which nothing is locked or unlocked",
        "serial": "what tells it from other cars; without it: its id",
    }
    needs = (frozenset({"prefix"}),)

    def adapter(self, device: Device) -> Adapter:
        return OvmsAdapter(device, self.site.mqtt)

    @contextlib.asynccontextmanager
    async def finding(self, propose: Propose, withdraw: Withdraw) -> AsyncIterator[None]:
        """Propose every car that has reported, until its topic is emptied."""

        async def reported(message: Message) -> None:
            car = car_of(message.topic)
            if car is None:
                return
            if message.payload:
                propose(car)
            else:
                withdraw(car.id)

        stop = self.site.mqtt.subscribe(f"ovms/+/+/{CONNECTED}", reported)
        try:
            yield
        finally:
            stop()


def car_of(topic: str) -> Device | None:
    """The car whose will this topic is; None where it is none.

    The user is a part of the id: who may publish as somebody else's car of the same name must not
    become that car, and be told its PIN.
    """
    match = _FOUND.fullmatch(topic)
    if match is None:
        return None
    prefix, user, vehicle = match.groups()
    return Device(
        id=f"ovms-{vehicle}.{user}", kind=Kind.CAR, name=vehicle, protocol="ovms",
        address={"prefix": prefix, "serial": prefix},
    )  # fmt: skip
