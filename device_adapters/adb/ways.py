"""Every way to reach a phone, best first: USB, wireless debugging, plain TCP."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from device_adapters.adb import usb
from device_adapters.adb.adbserver import AdbServerTransport
from device_adapters.adb.adbshell import AdbShell
from device_adapters.adb.server import AdbServer
from device_adapters.adb.tcp import TcpBulk
from device_adapters.adb.transport import Transport
from device_adapters.adb.usb import UsbBulk
from device_adapters.adb.wireless import WirelessTransport

NO_USB = "a phone on USB needs: pip install 'octopus-hub[adb-server]'"
NO_TLS = "wireless debugging needs: pip install 'octopus-hub[adb-server]'"


@dataclass(frozen=True)
class Way:
    """One way; without a transport, `missing` is the one thing to do about that."""

    name: str
    transport: Transport | None
    missing: str = ""


def ways(where: Mapping[str, str], key_path: Path, server: AdbServer | None) -> tuple[Way, ...]:
    """The ways that a device's address holds. Without an adb server there is no TLS."""
    usable = server if server is not None and server.available else None
    return tuple(_ways(where, key_path, usable))


def _ways(where: Mapping[str, str], key_path: Path, server: AdbServer | None) -> Iterator[Way]:
    if serial := where.get("usb"):
        yield Way("USB", _usb(serial, key_path, server), NO_USB)
    if place := _place(where, "tls_"):
        through = WirelessTransport(server, *place) if server else None
        yield Way("wireless debugging", through, NO_TLS)
    if place := _place(where, ""):
        yield Way("Wi-Fi", AdbShell(TcpBulk(*place), key_path))


def _usb(serial: str, key_path: Path, server: AdbServer | None) -> Transport | None:
    if server is not None:
        return AdbServerTransport(server, serial, network=False)
    return AdbShell(UsbBulk(serial), key_path) if usb.installed() else None


def _place(where: Mapping[str, str], kind: str) -> tuple[str, int] | None:
    """A host and a port of an address, where both are there."""
    host, port = where.get(f"{kind}host"), where.get(f"{kind}port", "")
    return (host, int(port)) if host and port.isdecimal() else None
