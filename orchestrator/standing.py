"""How a device is and what a person must do about it, in words; and where a phone was found."""

import shlex

from schemas.device import Device
from schemas.errors import DeviceNeedsPerson, DeviceUnavailable, HubError
from schemas.state import DeviceState, Standing

TLS_ONLY = "octopus pair"
"""A phone that was found by wireless debugging only knows the hub once they are paired."""


def found(device: Device) -> Standing:
    """Of a device that nobody has approved."""
    first = TLS_ONLY if ways(device) == ("wireless debugging",) else ""
    return Standing(
        state=DeviceState.FOUND,
        todo=first or f"octopus devices approve {shlex.quote(device.name)}",
    )


def not_connected(device: Device, trouble: HubError | None) -> Standing:
    """Of an approved device without a connection."""
    match trouble:
        case None:
            return Standing(state=DeviceState.CONNECTING)
        case DeviceNeedsPerson():
            return Standing(state=trouble.state, todo=str(trouble))
        case DeviceUnavailable():
            return Standing(state=trouble.state, todo=_reachable(device))
        case _:
            return Standing(state=DeviceState.BROKEN, todo=str(trouble))


def ways(device: Device) -> tuple[str, ...]:
    """How a phone can be reached, as far as was found."""
    said = {"usb": "USB", "tls": "wireless debugging", "host": "adb over Wi-Fi"}
    return tuple(way for key, way in said.items() if key in device.address)


def places(device: Device) -> tuple[str, ...]:
    """Where a phone was found: each way, with the address where it has one."""
    address = device.address
    at = {"wireless debugging": address.get("tls_host"), "adb over Wi-Fi": address.get("host")}
    return tuple(f"{way} at {at[way]}" if at.get(way) else way for way in ways(device))


def _reachable(device: Device) -> str:
    """The one thing that brings a device back, as far as it depends on how it is reached."""
    if device.protocol != "adb":
        return "switch it on, and see that it is on the network"
    by = ways(device)
    if by == ("USB",):
        return "plug the phone in, with USB debugging on"
    if "wireless debugging" in by:
        return "switch on Wireless debugging on the phone, or plug it in"
    return "see that the phone is on this network, then plug it in: `octopus pair --usb --tcpip`"
