"""Wake-on-LAN."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping

from schemas.device import Device
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.outcome import Done, Evidence

_EVERYONE = "255.255.255.255:9"


def magic_packet(mac: str) -> bytes:
    """The 102 bytes that wake a network card; `DeviceRefused` where the address is none."""
    digits = re.sub(r"[:\-. ]", "", mac)
    if not re.fullmatch(r"[0-9a-fA-F]{12}", digits):
        raise DeviceRefused(f"{mac!r} is no MAC address")
    return b"\xff" * 6 + bytes.fromhex(digits) * 16


async def wake_up(device: Device, comes: Callable[[], Awaitable[bool]]) -> Done:
    """Wake a computer, and look whether it `comes`."""
    await broadcast_wake_up(device.address)
    evidence = Evidence.VERIFIED if await comes() else Evidence.UNVERIFIED
    return Done(evidence=evidence, detail=f"Woke {device.name} up")


async def broadcast_wake_up(address: Mapping[str, str]) -> None:
    """Send the packet to `address["wake"]` (host:port), by default everyone on the network."""
    if "mac" not in address:
        raise DeviceRefused("the computer's MAC address is not known")
    host, _, port = address.get("wake", _EVERYONE).rpartition(":")
    packet = magic_packet(address["mac"])
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise DeviceRefused(f"{address['wake']!r} is no host:port to wake a computer at")
    try:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=(host, int(port)), allow_broadcast=True
        )
    except (OSError, ValueError) as exc:  # ValueError: no name of a host
        raise DeviceUnavailable(f"the wake-up packet could not be sent: {exc}") from exc
    transport.sendto(packet)
    transport.close()
