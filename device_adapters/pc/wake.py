"""Wake-on-LAN."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from schemas.errors import DeviceRefused, DeviceUnavailable

_EVERYONE = "255.255.255.255:9"


def magic_packet(mac: str) -> bytes:
    """The 102 bytes that wake a network card; `DeviceRefused` where the address is none."""
    digits = re.sub(r"[:\-. ]", "", mac)
    if not re.fullmatch(r"[0-9a-fA-F]{12}", digits):
        raise DeviceRefused(f"{mac!r} is no MAC address")
    return b"\xff" * 6 + bytes.fromhex(digits) * 16


async def broadcast_wake_up(address: Mapping[str, str]) -> None:
    """Send the packet to `address["wake"]` (host:port), by default everyone on the network."""
    if "mac" not in address:
        raise DeviceRefused("the computer's MAC address is not known")
    host, _, port = address.get("wake", _EVERYONE).rpartition(":")
    packet = magic_packet(address["mac"])
    try:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=(host, int(port)), allow_broadcast=True
        )
    except OSError as exc:
        raise DeviceUnavailable(f"the wake-up packet could not be sent: {exc}") from exc
    transport.sendto(packet)
    transport.close()
