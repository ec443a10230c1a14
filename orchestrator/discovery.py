"""What announces itself on the network, proposed to the registry; it never decides anything."""

import asyncio
import contextlib
import ipaddress
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator

from zeroconf import InterfaceChoice, IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from device_adapters.classify import classify
from device_adapters.ha import HaClient, HaDevice
from schemas.device import Device, Kind

log = logging.getLogger(__name__)

ADB = "_adb._tcp.local."
RESOLVE_WITHIN = 3_000
"""Milliseconds to ask for a service's address."""
MAX_RESOLVING = 50
_NAME = re.compile(r"[\w .:'()+-]{1,60}")

Propose = Callable[[Device], None]
Withdraw = Callable[[str], None]


@contextlib.asynccontextmanager
async def zeroconf_phones(
    propose: Propose, withdraw: Withdraw, *, loopback_only: bool
) -> AsyncIterator[None]:
    """Propose every phone whose adb listens on the network, while the block lasts."""
    interfaces = ["127.0.0.1"] if loopback_only else InterfaceChoice.All
    zeroconf = AsyncZeroconf(interfaces=interfaces, ip_version=IPVersion.V4Only)
    resolving: dict[str, asyncio.Task[None]] = {}

    def changed(
        zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        # mDNS says what exists; whether a device is reachable, only a connection says.
        if name in resolving:
            resolving.pop(name).cancel()
        if state_change is ServiceStateChange.Removed:
            withdraw(_identity(_serial(name)))
        elif len(resolving) < MAX_RESOLVING:
            task = asyncio.create_task(_resolve(zeroconf, service_type, name, propose))
            resolving[name] = task
            task.add_done_callback(lambda done: _drop(resolving, name, done))

    browser = AsyncServiceBrowser(zeroconf.zeroconf, [ADB], handlers=[changed])
    try:
        yield
    finally:
        await browser.async_cancel()
        left = list(resolving.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await zeroconf.async_close()


def _drop(resolving: dict[str, asyncio.Task[None]], name: str, done: asyncio.Task[None]) -> None:
    if resolving.get(name) is done:
        del resolving[name]


async def _resolve(zeroconf: Zeroconf, service_type: str, name: str, propose: Propose) -> None:
    info = AsyncServiceInfo(service_type, name)
    if not await info.async_request(zeroconf, RESOLVE_WITHIN) or not info.port:
        return
    addresses = [a for a in info.parsed_addresses() if ipaddress.ip_address(a).version == 4]
    serial = _serial(name)
    if not addresses or not _NAME.fullmatch(serial):
        return
    propose(
        Device(
            id=_identity(serial),
            kind=Kind.PHONE,
            name=serial,
            protocol="adb",
            # The adapter checks the serial number: an address alone could be anybody's.
            address={"host": addresses[0], "port": str(info.port), "serial": serial},
        )
    )


def _serial(name: str) -> str:
    return name.removesuffix(f".{ADB}").removeprefix("adb-")


def _identity(serial: str) -> str:
    return f"adb-{serial}"


@contextlib.contextmanager
def announced_by_mqtt(ha: HaClient, propose: Propose, withdraw: Withdraw) -> Iterator[None]:
    """Propose every device that Home Assistant discovery describes and a function fits."""

    def changed(found: HaDevice) -> None:
        classified = classify(found)
        if classified is None:
            withdraw(f"ha-{found.id}")
            return
        kind, functions = classified
        propose(
            Device(
                id=f"ha-{found.id}",
                kind=kind,
                name=found.name,
                protocol="homeassistant",
                address={"ha": found.id},
                functions=tuple(sorted(functions)),
                parts=_parts(found) if kind is Kind.HOME else (),
            )
        )

    stop = ha.on_change(changed)
    try:
        yield
    finally:
        stop()


def _parts(found: HaDevice) -> tuple[str, ...]:
    """What a person may name of a device of the home; an entity without a name is the device."""
    return tuple(dict.fromkeys(entity.name for entity in found.entities if entity.name))
