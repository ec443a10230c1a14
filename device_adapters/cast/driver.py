"""Google Cast as a protocol: what announces itself on the network."""

from __future__ import annotations

import re
from typing import Self

from pydantic import model_validator

from device_adapters.base import Adapter
from device_adapters.calls import words
from device_adapters.cast import library
from device_adapters.cast.adapter import CastAdapter, functions
from device_adapters.driver import Driver, Options, Service
from schemas.device import Device, Kind

_ID = re.compile(r"[0-9a-fA-F-]{8,64}")
_LONGEST = 64  # characters of a name
_MOST = 1000  # entries of a table


class CastOptions(Options):
    """Names for addresses of music and videos: a Cast device plays addresses and finds nothing."""

    music: dict[str, str] = {}
    videos: dict[str, str] = {}

    @model_validator(mode="after")
    def _are_addresses(self) -> Self:
        for table in (self.music, self.videos):
            if len(table) > _MOST:
                raise ValueError(f"no more than {_MOST} names")
            for name, url in table.items():
                if not words(name) or not library.is_address(url):
                    raise ValueError(f"{name}: must be the address of a stream or file, http://…")
        return self


class CastDriver(Driver):
    """Nest Hubs, Chromecasts, and speakers and televisions that are like them."""

    options = CastOptions
    address = {
        "host": "its name or IP address",
        "port": "without it: 8009",
        "ca": "the number by which it announces what it can do: video, sound, a group",
    }
    needs = (frozenset({"host"}),)
    services = ("_googlecast._tcp.local.",)

    def adapter(self, device: Device) -> Adapter:
        said = self.site.options
        return CastAdapter(device, {library.MUSIC: said.music, library.VIDEO: said.videos})

    def recognise(self, service: Service) -> Device | None:
        identity = service.properties.get("id", "")
        if not _ID.fullmatch(identity):
            return None
        told = {key: service.properties[key] for key in ("ca",) if key in service.properties}
        address = {"host": service.host, "port": str(service.port)} | told
        name = service.properties.get("fn") or service.properties.get("md") or service.name
        return Device(
            id=f"cast-{identity.replace('-', '').lower()}", kind=Kind.HOME,
            name=name[:_LONGEST], protocol="cast", address=address,
            functions=tuple(sorted(functions(address))),
        )  # fmt: skip
