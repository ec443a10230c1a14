"""How a device is and what a person must do about it, in words; and where a phone was found."""

import shlex

from schemas.device import Device, Kind
from schemas.errors import DeviceNeedsPerson, DeviceUnavailable, HubError
from schemas.state import DeviceState, Standing

_SPOKEN = {
    "cast": "Cast", "hass": "Home Assistant", "homeassistant": "MQTT discovery", "hub": "",
    "kuksa": "KUKSA", "machine": "", "octopus": "MQTT", "ovms": "OVMS", "ssh": "SSH",
}  # fmt: skip
"""What people call a protocol; those of other people's adapters go by their own names."""
TLS_ONLY = "octopus pair"
"""A phone that was found by wireless debugging only knows the hub once they are paired."""


def found(device: Device) -> Standing:
    """Of a device that nobody has approved."""
    first = TLS_ONLY if ways(device) == ("wireless debugging",) else ""
    return Standing(
        state=DeviceState.FOUND,
        todo=first or f"octopus devices approve {shlex.quote(device.name)}",
    )


def elsewhere(device: Device) -> str:
    """To do about an approved device that is announced where it was not before."""
    named = shlex.quote(device.name)
    return f"if it has moved: octopus devices approve {named}, and the hub follows it"


def not_connected(device: Device, trouble: HubError | None) -> Standing:
    """Of an approved device without a connection."""
    match trouble:
        case None:
            return Standing(state=DeviceState.CONNECTING)
        case DeviceNeedsPerson():
            return Standing(state=trouble.state, todo=str(trouble))
        case DeviceUnavailable():
            # Of a lamp of Home Assistant's it is Home Assistant that is away.
            why = str(trouble) if device.protocol == "hass" else ""
            return Standing(state=trouble.state, todo=why or _reachable(device))
        case _:
            return Standing(state=DeviceState.BROKEN, todo=str(trouble))


def ways(device: Device) -> tuple[str, ...]:
    """How a phone can be reached, as far as was found."""
    said = {"usb": "USB", "tls": "wireless debugging", "host": "adb over Wi-Fi"}
    return tuple(way for key, way in said.items() if key in device.address)


def places(device: Device) -> tuple[str, ...]:
    """Where a device was found: each way, with the address where it has one."""
    address = device.address
    if device.protocol in _SPOKEN or device.kind is not Kind.PHONE:
        by = _SPOKEN.get(device.protocol, device.protocol)
        return (f"{by} at {address['host']}" if address.get("host") else by,) if by else ()
    at = {"wireless debugging": address.get("tls_host"), "adb over Wi-Fi": address.get("host")}
    return tuple(f"{way} at {at[way]}" if at.get(way) else way for way in ways(device))


def _reachable(device: Device) -> str:
    """The one thing that brings a device back, as far as it depends on how it is reached."""
    if device.protocol in _SPOKEN or device.kind is not Kind.PHONE:
        return "switch it on, and see that it is on the network"
    by = ways(device)
    if by == ("USB",):
        return "plug the phone in, with USB debugging on"
    if "wireless debugging" in by:
        return "switch on Wireless debugging on the phone, or plug it in"
    return "see that the phone is on this network, then plug it in: `octopus pair --usb --tcpip`"
