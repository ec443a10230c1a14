"""A databroker's address: how it is reached, who it must be, and which paths its car has."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path

import grpc
from grpc import aio

from device_adapters.car.kuksa import vss
from device_adapters.car.kuksa.link import OPTIONS, Link
from schemas.device import Device
from schemas.errors import DeviceNeedsPerson, DeviceRefused

_LARGEST = 64 * 1024  # bytes of a token or of certificates


def link(device: Device) -> Link:
    """A connection as the address says it: `host`, `port`, and where given `ca_file` (TLS),
    `server_name` (what its certificate is for, if not the host) and `token_file` (a JWT).
    DeviceRefused where it would speak in plain text with another machine, DeviceNeedsPerson where
    a file is missing."""
    at = device.address
    host, port = at["host"], at["port"]
    if not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536):
        raise DeviceRefused(f"{device.name}: the port in its address is from 1 to 65535")
    target = f"dns:///{f'[{host}]' if ':' in host else host}:{port}"
    token = _token(device)
    if "ca_file" in at:
        trusted = grpc.ssl_channel_credentials(root_certificates=_read(device, "ca_file"))
        named = at.get("server_name")
        options = (*OPTIONS, ("grpc.ssl_target_name_override", named)) if named else OPTIONS
        return Link(device.name, aio.secure_channel(target, trusted, options=options), token)
    if not (_is_here(host) or at.get("insecure") == "yes"):
        raise DeviceRefused(
            f"{device.name} is on another machine: give its address a ca_file,"
            ' or insecure = "yes" if nobody else is on that network'
        )
    return Link(device.name, aio.insecure_channel(target, options=OPTIONS), token)


def paths(device: Device) -> Mapping[str, str]:
    """The car's own path for each of VSS's: an address may name those that differ."""
    return {path: device.address.get(path, path) for path in vss.ALL}


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _token(device: Device) -> str | None:
    """Read anew each time: tokens expire."""
    if "token_file" not in device.address:
        return None
    token = _read(device, "token_file").decode(errors="replace").strip()
    if not token.isascii() or not token.isprintable() or not token or " " in token:
        raise DeviceNeedsPerson(
            f"put one token into {device.address['token_file']}: {device.name} needs it"
        )
    return token


def _read(device: Device, key: str) -> bytes:
    file = Path(device.address[key])
    try:
        with file.open("rb") as opened:
            return opened.read(_LARGEST)
    except OSError as error:
        raise DeviceNeedsPerson(
            f"make {file} readable: it is the {key} of {device.name} ({error.strerror})"
        ) from error
