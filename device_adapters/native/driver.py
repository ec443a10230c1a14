"""Finds devices that speak to the hub under its own topics, and says which they are."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from device_adapters.driver import Driver, Propose, Site, Withdraw
from device_adapters.mqtt import Message
from device_adapters.native.adapter import NativeAdapter
from device_adapters.native.payloads import IDENTIFIER, Announcement, read
from schemas.device import Device

log = logging.getLogger(__name__)


class NativeDriver(Driver):
    """Whatever announces itself on `<base>/device/<id>/config`; keeps nothing of it."""

    address = {"id": "its segment of the topics <base>/device/<id>/…"}
    needs = (frozenset({"id"}),)

    def adapter(self, device: Device) -> NativeAdapter:
        return NativeAdapter(device, self.site)

    @asynccontextmanager
    async def finding(self, propose: Propose, withdraw: Withdraw) -> AsyncIterator[None]:
        """Propose every device that announces a function it can serve."""

        async def heard(message: Message) -> None:
            identifier = message.topic.split("/")[-2]
            found = device_of(identifier, message.payload, self.site)
            if found is not None:
                propose(found)
            elif IDENTIFIER.fullmatch(identifier):
                withdraw(_identity(identifier))

        stop = self.site.mqtt.subscribe(f"{self.site.topic}/device/+/config", heard)
        try:
            yield
        finally:
            stop()


def device_of(identifier: str, payload: bytes, site: Site) -> Device | None:
    """An announced device as the hub knows it; None where there is nothing to use."""
    said = read(Announcement, payload)
    if said is None or not IDENTIFIER.fullmatch(identifier):
        if payload:
            log.debug("%r is no announcement of a device, or under no id of one", identifier)
        return None
    functions = site.fitting(said.kind, said.functions)
    if not functions:
        return None
    return Device(
        id=_identity(identifier), kind=said.kind, name=said.name, protocol="octopus",
        address={"id": identifier}, aliases=said.aliases, room=said.room,
        functions=tuple(sorted(functions)),
    )  # fmt: skip


def _identity(identifier: str) -> str:
    return f"mqtt-{identifier}"
