"""How a phone and the hub get to know each other: by QR code, by six digits, by cable, by address.

Each way ends with the id of a device that a person may approve now.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from device_adapters.adb.wireless import listens
from device_adapters.driver import Service
from orchestrator.discovery import (
    CONNECT,
    PAIRING,
    PLAIN,
    Announced,
    phone,
    plugged_in,
    serial_of,
)
from orchestrator.followed import Say
from orchestrator.registry import Registry
from schemas.errors import DeviceNeedsPerson, DeviceUnavailable, HubError

SCANNED_WITHIN = 120.0
"""Seconds for a person to open the phone's settings and scan the code."""
SHOWN_WITHIN = 30.0
"""Seconds to see the phone that shows the six digits, which somebody has typed already."""
PAIR_WITHIN = 20.0
ANNOUNCED_WITHIN = 20.0
"""Seconds until a phone that was just told something says where it listens."""
ALLOWED_WITHIN = 90.0
"""Seconds for a person to tap Allow."""
ALLOW = 'if the phone asks, unlock it, tick "Always allow" and tap Allow'
NETWORK = "is the phone on this network, and still showing the code?"
LISTENS = "is the phone on this network? It listens after octopus pair --usb --tcpip"
WHERE_CODES_ARE = "Settings, Developer options, Wireless debugging, Pair device with pairing code"


class NotPaired(HubError):
    """The phone was not paired."""

    code = "not_paired"


class Pairer(Protocol):
    """The hub's adb server; it raises a HubError where it cannot."""

    async def ask(self, service: str, *, within: float) -> str:
        """What one of its services answers."""

    async def pair(self, host: str, port: int, code: str, *, within: float) -> str:
        """Pair with the phone that shows the code; the name it announces itself with."""


class Introducer(Protocol):
    """Connects to a phone that nobody approved; its serial number, once its owner has let it."""

    async def by_tcp(self, host: str, port: int, *, within: float) -> str:
        """A phone whose adb listens on plain TCP."""

    async def by_usb(self, serial: str, *, tcpip: bool, within: float) -> str:
        """A phone on a cable; with `tcpip` it listens on plain TCP from then on."""


class Meeting:
    """Meets phones of which nobody knows yet whose they are."""

    def __init__(
        self,
        registry: Registry,
        server: Pairer,
        introducer: Introducer,
        announced: Announced | None,
        plugged_in: Callable[[], frozenset[str]] = plugged_in,
    ) -> None:
        self._registry = registry
        self._server = server
        self._introducer = introducer
        self._announced = announced
        self._plugged_in = plugged_in

    async def by_qr(self, name: str, password: str, say: Say) -> str:
        """The phone scans, and announces itself under the name it read."""
        await self._server.ask("host:version", within=PAIR_WITHIN)  # before anybody scans in vain
        announced = self._network()
        say("waiting for a phone that scans the code", SCANNED_WITHIN)
        try:
            async with asyncio.timeout(SCANNED_WITHIN):
                place = await announced.first(lambda s: s.type == PAIRING and s.name == name)
        except TimeoutError as error:
            raise NotPaired(
                "no phone scanned the code: phone and hub must be on one network; without a"
                " camera: octopus pair --code CODE"
            ) from error
        return await self._pair(place.host, place.port, password, say)

    async def by_code(self, code: str, host: str, port: int, say: Say) -> str:
        """The phone shows six digits, there or at the only place where they are shown."""
        if not host:
            place = await self._showing(say)
            host, port = place.host, place.port
        return await self._pair(host, port, code, say)

    async def _showing(self, say: Say) -> Service:
        """The one phone that shows a code."""
        announced = self._network()
        say("looking for the phone that shows the code", SHOWN_WITHIN)
        try:
            async with asyncio.timeout(SHOWN_WITHIN):
                found = await announced.first(lambda s: s.type == PAIRING)
        except TimeoutError as error:
            raise NotPaired(
                f"no phone on this network shows a pairing code: {WHERE_CODES_ARE}"
            ) from error
        showing = announced.known(PAIRING)
        if len(showing) > 1:
            places = ", ".join(f"{one.host}:{one.port} ({one.name})" for one in showing)
            raise NotPaired(f"{len(showing)} phones show a code; name one: {places}")
        return found

    async def _pair(self, host: str, port: int, code: str, say: Say) -> str:
        """Pair, and learn where the phone is reached from now on."""
        say(f"pairing with the phone at {host}", PAIR_WITHIN)
        try:
            named = await self._server.pair(host, port, code, within=PAIR_WITHIN)
        except DeviceNeedsPerson as error:
            if await listens(host, port):
                raise
            raise NotPaired(f"nothing answers at {host}:{port}: {NETWORK}") from error
        serial = serial_of(Service(CONNECT, named))
        if serial is None:
            raise NotPaired(f"the phone calls itself {named!r}, which is no phone's name")
        say("paired; waiting for the phone to say where it listens", ANNOUNCED_WITHIN)
        found = await self._seen(serial, CONNECT)
        if found is None:
            raise NotPaired(
                "paired, but the phone was not seen on the network: switch Wireless debugging off"
                f" and on, then octopus devices approve {serial}"
            )
        return self._registry.vouch(phone(serial, found))

    async def by_tcp(self, host: str, port: int, say: Say) -> str:
        """The phone listens on plain TCP, and asks its owner."""
        say(f"connecting to {host}:{port}: {ALLOW}", ALLOWED_WITHIN)
        try:
            serial = await self._introducer.by_tcp(host, port, within=ALLOWED_WITHIN)
        except DeviceUnavailable as error:
            if await listens(host, port):
                raise
            raise NotPaired(f"nothing answers at {host}:{port}: {LISTENS}") from error
        return self._registry.vouch(phone(serial, Service(PLAIN, serial, host, port)))

    async def by_usb(self, wanted: str, tcpip: bool, say: Say) -> str:
        """The phone is on a cable, and asks its owner."""
        serial = await self._plugged(wanted)
        say(f"connecting to {serial}: {ALLOW}", ALLOWED_WITHIN)
        known = await self._introducer.by_usb(serial, tcpip=tcpip, within=ALLOWED_WITHIN)
        device = self._registry.vouch(phone(known, usb=serial))
        if tcpip:
            say("it listens on port 5555 now, until it is restarted", ANNOUNCED_WITHIN)
            found = await self._seen(known, PLAIN)
            if found is None:
                say("its address is not announced: octopus pair ADDRESS, once it is unplugged")
            else:
                self._registry.vouch(phone(known, found))
        return device

    async def _plugged(self, wanted: str) -> str:
        """The serial number of the one phone on a cable, or of the one that is wanted."""
        there = await asyncio.to_thread(self._plugged_in)
        found = sorted(there & {wanted} if wanted else there)
        if not found:
            raise NotPaired(
                f"no phone{f' {wanted}' if wanted else ''} with USB debugging on is plugged in"
            )
        if len(found) > 1:
            raise NotPaired(f"several are plugged in; name one: {', '.join(found)}")
        return found[0]

    async def _seen(self, serial: str, service_type: str) -> Service | None:
        """Where the phone announces itself; None where it does not."""
        if self._announced is None:
            return None
        try:
            async with asyncio.timeout(ANNOUNCED_WITHIN):
                return await self._announced.first(
                    lambda s: s.type == service_type and serial_of(s) == serial
                )
        except TimeoutError:
            return None

    def _network(self) -> Announced:
        if self._announced is None:
            raise NotPaired("discovery.zeroconf is off in hub.toml: give HOST:PORT")
        return self._announced
