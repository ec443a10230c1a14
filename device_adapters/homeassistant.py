"""Whatever announces itself by Home Assistant discovery: which kind it is, and its adapter."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator

from device_adapters import car, home, pc
from device_adapters.base import Adapter
from device_adapters.driver import Driver, Propose, Withdraw
from device_adapters.ha import HaDevice
from device_adapters.ha.presence import Presence, away
from schemas.device import Device, Kind

_RESERVED = str.maketrans({"%": "%25", "/": "%2F", "+": "%2B", "#": "%23"})
"""What an id must not hold, because it becomes a level of a topic."""


class HomeAssistant(Driver):
    """PCs, cars and devices of the home over MQTT."""

    address = {
        "ha": "its identifier in what it announces",
        "mac": "of a computer, so that it can be woken",
        "wake": "host:port to which a computer is sent its wake-up; without it: the whole network",
    }
    needs = (frozenset({"ha"}),)

    def adapter(self, device: Device) -> Adapter:
        if device.kind is Kind.PC:
            return pc.PcAdapter(device, self.site.ha, self.site.files)
        if device.kind is Kind.CAR:
            return car.CarAdapter(device, self.site.ha)
        return home.HomeAdapter(device, self.site.ha, self.site.region)

    @contextlib.asynccontextmanager
    async def finding(self, propose: Propose, withdraw: Withdraw) -> AsyncIterator[None]:
        """Propose every device that some function fits."""

        ha, followed, gone = self.site.ha, dict[str, Presence](), set[str]()

        def heard(identifier: str) -> None:
            """One that is there again is worth another attempt to connect."""
            announced = ha.device(identifier)
            if announced is None or away(ha, announced) is not False:
                gone.add(identifier)
            elif identifier in gone:
                gone.discard(identifier)
                changed(announced)

        def changed(announced: HaDevice) -> None:
            found, known = device_of(announced), followed.get(announced.id)
            if found is None:
                withdraw(_identity(announced))
                gone.discard(announced.id)
                if known:
                    followed.pop(announced.id).close()
                return
            propose(found)
            if known is None:
                known = Presence(ha, functools.partial(heard, announced.id))
                followed[announced.id] = known
            known.follow(announced)

        stop = ha.on_change(changed)
        for announced in ha.devices:
            changed(announced)
        try:
            yield
        finally:
            stop()
            for presence in followed.values():
                presence.close()


def device_of(announced: HaDevice) -> Device | None:
    """An announced device as the hub knows it; None where there is nothing to use."""
    for kind, recognise in (
        (Kind.PC, pc.recognise),
        (Kind.CAR, car.recognise),
        (Kind.HOME, home.recognise),
    ):
        functions = recognise(announced)
        if functions is not None:
            return Device(
                id=_identity(announced), kind=kind, name=announced.name,
                protocol="homeassistant", address={"ha": announced.id},
                functions=tuple(sorted(functions)),
                parts=_parts(announced) if kind is Kind.HOME else (),
                room=announced.area or None,
            )  # fmt: skip
    return None


def _identity(announced: HaDevice) -> str:
    return f"ha-{announced.id.translate(_RESERVED)}"


def _parts(announced: HaDevice) -> tuple[str, ...]:
    """What a person may name of a device of the home; an entity without a name is the device, and
    one that sets it up is its owner's business."""
    entities = home.primary(announced).entities
    return tuple(dict.fromkeys(entity.name for entity in entities if entity.name))
