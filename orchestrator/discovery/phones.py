"""Phones: what mDNS and USB say of one serial number is one device."""

import contextlib
import re
from collections.abc import Iterator

from device_adapters.driver import Propose, Service, Withdraw
from orchestrator.discovery.announced import Announced
from schemas.device import Device, Kind

PLAIN, CONNECT, PAIRING = (
    f"{name}._tcp.local." for name in ("_adb", "_adb-tls-connect", "_adb-tls-pairing")
)
"""adb over plain TCP; Android 11's wireless debugging, and its service while it is to be paired."""
TYPES = (PLAIN, CONNECT, PAIRING)

_SERIAL = r"(?P<serial>[\w .:'()+-]{1,50})"
_RENAMED = r"(?: \(\d+\))?"  # by a phone that meets its own name of before
_NAMES = {
    PLAIN: re.compile(rf"(?:adb-)?{_SERIAL}"),
    CONNECT: re.compile(rf"adb-{_SERIAL}-[A-Za-z0-9]{{6}}{_RENAMED}"),
}


class Phones:
    """Every way in which each phone was seen, told as one device for a phone."""

    def __init__(self, propose: Propose, withdraw: Withdraw) -> None:
        self._propose = propose
        self._withdraw = withdraw
        self._ways: dict[str, dict[str, dict[str, str]]] = {}

    def seen(self, serial: str, by: str, address: dict[str, str]) -> None:
        """A phone can be reached at an address now; `by` names what says so."""
        ways = self._ways.get(serial, {})
        # What was said last comes last, and so counts.
        ways = {source: at for source, at in ways.items() if source != by} | {by: address}
        if self._propose(_device(serial, ways)):
            self._ways[serial] = ways

    def gone(self, serial: str, by: str) -> None:
        """What said so says it no more."""
        ways = self._ways.get(serial, {})
        if ways.pop(by, None) is None:
            return
        if ways:
            self._propose(_device(serial, ways))
        else:
            del self._ways[serial]
            self._withdraw(_identity(serial))


@contextlib.contextmanager
def phones_on(announced: Announced, phones: Phones) -> Iterator[None]:
    """Tell `phones` of everything on the network that is one, while the block lasts."""

    def changed(service: Service) -> None:
        serial = serial_of(service)
        if serial is None:
            return
        by = f"{service.name}.{service.type}"
        if service.there:
            phones.seen(serial, by, _address(service))
        else:
            phones.gone(serial, by)

    with announced.telling(changed):
        yield


def serial_of(service: Service) -> str | None:
    """The serial number that a phone announces itself with."""
    named = _NAMES[service.type].fullmatch(service.name) if service.type in _NAMES else None
    return named["serial"] if named else None


def phone(serial: str, *found: Service, usb: str = "") -> Device:
    """A phone that was found there, or on a cable."""
    ways = {service.type: _address(service) for service in found}
    return _device(serial, ways | ({"usb": {"usb": usb}} if usb else {}))


def _address(service: Service) -> dict[str, str]:
    if service.type == CONNECT:
        return {"tls": service.name, "tls_host": service.host, "tls_port": str(service.port)}
    return {"host": service.host, "port": str(service.port)}


def _device(serial: str, ways: dict[str, dict[str, str]]) -> Device:
    """A phone with all its ways; the adapter checks the serial number, for an address alone could
    be anybody's."""
    merged: dict[str, str] = {}
    for address in ways.values():
        merged |= address
    return Device(
        id=_identity(serial), kind=Kind.PHONE, name=serial, protocol="adb",
        address=merged | {"serial": serial},
    )  # fmt: skip


def _identity(serial: str) -> str:
    return f"adb-{serial}"
