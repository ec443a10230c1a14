"""A registry that can be waited for, and announcements of anybody's making."""

from __future__ import annotations

import asyncio
import socket
import struct
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from zeroconf import IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from orchestrator.discovery import TYPES, Announced, Phones, phones_on
from orchestrator.registry import Registry
from schemas.device import Device
from tests.hubkit import ScriptedAdapter

PLAIN, CONNECT, PAIRING = TYPES


class Found(Registry):
    """A registry that can be waited for; its devices are scripted."""

    def __init__(self, folder: Path) -> None:
        self.adapter = ScriptedAdapter(frozenset({"take_a_photo"}))
        factories = {protocol: lambda _: self.adapter for protocol in ("adb", "homeassistant")}
        super().__init__(folder / "devices.json", factories)
        self._news = asyncio.Event()
        self.on_change(self._news.set)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(15):
            while not holds():
                self._news.clear()
                await self._news.wait()

    def found(self, identity: str) -> Device | None:
        """What is proposed under an id."""
        return next((device for device in self.proposed if device.id == identity), None)

    def address(self, serial: str) -> dict[str, str]:
        """The ways to a phone that is proposed, if it is."""
        found = self.found(f"adb-{serial}")
        return found.address if found else {}


@asynccontextmanager
async def looking(registry: Registry) -> AsyncIterator[Announced]:
    """Phones on loopback are proposed while the block lasts."""
    phones = Phones(registry.propose, registry.withdraw)
    async with Announced(TYPES, loopback_only=True) as announced:
        with phones_on(announced, phones):
            yield announced


@asynccontextmanager
async def network() -> AsyncIterator[AsyncZeroconf]:
    """Somebody on loopback who announces; what is left at the end is withdrawn."""
    zeroconf = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
    try:
        yield zeroconf
    finally:
        await zeroconf.async_unregister_all_services()
        await zeroconf.async_close()


def service(name: str, port: int, service_type: str = PLAIN, *hosts: str) -> ServiceInfo:
    """One announcement, of the loopback address if no other is given."""
    addresses = [
        socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
        for host in hosts or ("127.0.0.1",)
    ]
    server = f"{uuid.uuid4().hex}.local."
    return ServiceInfo(
        service_type, f"{name}.{service_type}", addresses=addresses, port=port, server=server
    )


def pointer(label: bytes, service_type: str = PLAIN) -> bytes:
    """A packet that says only that a service of this name exists."""
    labels = [part.encode() for part in service_type.rstrip(".").split(".")]
    where, name = _name(labels), _name([label, *labels])
    record = where + struct.pack(">HHIH", 12, 1, 4500, len(name)) + name  # PTR, IN
    return struct.pack(">6H", 0, 0x8400, 0, 1, 0, 0) + record


def _name(labels: list[bytes]) -> bytes:
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


@asynccontextmanager
async def announced(*services: ServiceInfo) -> AsyncIterator[AsyncZeroconf]:
    """Services are announced while the block lasts."""
    async with network() as zeroconf:
        registered = [zeroconf.async_register_service(one) for one in services]
        await asyncio.gather(*await asyncio.gather(*registered))
        yield zeroconf


def unique(name: str) -> str:
    """Loopback is shared with whatever else is tested on this machine."""
    return f"{name}{uuid.uuid4().hex[:8]}"
