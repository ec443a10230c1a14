"""Home Assistant's own API as a protocol: finds what it knows, and drives it."""

from __future__ import annotations

import contextlib
import logging
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import field_validator, model_validator

from device_adapters.base import Adapter
from device_adapters.driver import Driver, Options, Propose, Service, Site, Withdraw
from device_adapters.hass import fitting
from device_adapters.hass.access import Access
from device_adapters.hass.adapter import HassAdapter
from device_adapters.hass.client import HassClient
from device_adapters.hass.home import HassDevice, State
from schemas.device import Device, Kind
from schemas.errors import DeviceNeedsPerson

log = logging.getLogger(__name__)

SERVICE = "_home-assistant._tcp.local."
_MOST_SEEN = 100  # Home Assistants on the network that are told of


class HassOptions(Options):
    """Where Home Assistant is, and the file with a long-lived token of it."""

    url: str = ""
    token_file: str = ""
    verify: bool = True  # its certificate, where the url is https
    ca_file: str = ""  # what its certificate is checked with instead of the system's

    @field_validator("url")
    @classmethod
    def _is_a_place(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (
            parts.scheme not in ("http", "https") or not parts.hostname or parts.username
            or parts.port == 0
        ):  # fmt: skip
            raise ValueError("must be http://host:8123 or https://host")
        return url

    @field_validator("ca_file")
    @classmethod
    def _holds_certificates(cls, file: str) -> str:
        if file:
            try:
                ssl.create_default_context(cafile=file)
            except (OSError, ssl.SSLError) as error:
                raise ValueError(f"{file} holds no certificate that can be read") from error
        return file

    @model_validator(mode="after")
    def _has_both(self) -> Self:
        if bool(self.url) != bool(self.token_file):
            raise ValueError("url and token_file belong together")
        return self

    def access(self) -> Access | None:
        """How to reach it; None where it is not configured."""
        if not self.url:
            return None
        return Access(self.url, Path(self.token_file).expanduser(), self._tls())

    def _tls(self) -> ssl.SSLContext | None:
        if not self.url.startswith("https"):
            return None
        context = ssl.create_default_context(cafile=self.ca_file or None)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class HassDriver(Driver):
    """Every device of one Home Assistant, over one connection."""

    options = HassOptions
    address = {"hass": "the device's id, or the entity's, in Home Assistant"}
    needs = (frozenset({"hass"}),)
    services = (SERVICE,)

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        access = site.options.access()
        self.client = HassClient(access) if access else None
        self._seen: set[str] = set()

    def adapter(self, device: Device) -> Adapter:
        if self.client is None:
            raise DeviceNeedsPerson(
                f"{device.name}: set url and token_file under [adapters.hass] in hub.toml"
            )
        return HassAdapter(device, self.client)

    def recognise(self, service: Service) -> Device | None:
        """None: without a token it is of no use. The log says once how to use it."""
        new = service.name not in self._seen and len(self._seen) < _MOST_SEEN
        if self.client is None and service.there and new:
            self._seen.add(service.name)
            log.info(
                "a Home Assistant is at http://%s:%d: for the hub to use its devices, set url and "
                "token_file under [adapters.hass] in hub.toml",
                service.host, service.port,
            )  # fmt: skip
        return None

    @contextlib.asynccontextmanager
    async def finding(self, propose: Propose, withdraw: Withdraw) -> AsyncIterator[None]:
        """Stay connected, and propose every device that some function fits."""
        if self.client is None:
            yield
            return
        client, proposed = self.client, dict[str, tuple[Device, bool]]()

        def changed() -> None:
            if client.trouble is not None:
                return
            found = {}
            for device in client.devices.values():
                if (known := device_of(device, client.states)) is not None:
                    there = any(client.states[e.id].known for e in device.entities)
                    found[known.id] = known, there
            for gone in proposed.keys() - found.keys():
                del proposed[gone]
                withdraw(gone)
            for identity, told in found.items():
                if proposed.get(identity) != told and propose(told[0]):
                    proposed[identity] = told

        stop = client.on_change(changed)
        try:
            async with client:
                yield
        finally:
            stop()


def device_of(device: HassDevice, states: dict[str, State]) -> Device | None:
    """A device of Home Assistant's as the hub knows it; None where nothing can use it."""
    serving = fitting.functions(fitting.parts(device, states))
    if not serving:
        return None
    return Device(
        id=f"hass-{device.key}", kind=Kind.HOME, name=device.name, protocol="hass",
        address={"hass": device.key}, room=device.room, functions=tuple(sorted(serving)),
        parts=tuple(dict.fromkeys(entity.name for entity in device.entities if entity.name)),
    )  # fmt: skip
