"""Can devices be found on the network?"""

import socket
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import ifaddr

from orchestrator.doctor.checks import Check, good, warning
from orchestrator.settings import Settings

_GROUP = "224.0.0.251"
"""Where devices announce themselves (RFC 6762)."""
_UP, _MULTICAST = 0x1, 0x1000
"""Flags of a network interface in Linux."""
FLAGS = Path("/sys/class/net")


def network_checks(settings: Settings, flags: Path = FLAGS) -> Iterator[Check]:
    """The interfaces on which announcements can be heard."""
    if not settings.discovery.zeroconf:
        yield good("mDNS", "hub.toml says not to look (discovery.zeroconf)")
    elif settings.discovery.loopback_only:
        yield warning("mDNS", "devices are looked for on this machine only", _ON)
    else:
        yield _heard(flags)


_ON = "leave discovery.loopback_only out of hub.toml"


def _heard(flags: Path) -> Check:
    refused: list[str] = []
    heard: list[str] = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            if ip.is_IPv4 and not ip_address(str(ip.ip)).is_loopback and _up(adapter.name, flags):
                (heard if _joins(str(ip.ip)) else refused).append(f"{adapter.name} ({ip.ip})")
    if heard:
        return good("mDNS", f"announcements can be heard on {', '.join(heard)}")
    todo = "connect the network, and let multicast through (in a container: the host's network)"
    if refused:
        return warning("mDNS", f"{', '.join(refused)} takes no multicast", todo)
    return warning("mDNS", "no network interface is up that takes multicast", todo)


def _up(name: str, flags: Path) -> bool:
    try:
        value = int((flags / name / "flags").read_text(), 16)
    except (OSError, ValueError):
        return True  # no Linux: joining the group says the rest
    return value & _UP != 0 and value & _MULTICAST != 0


def _joins(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        member = socket.inet_aton(_GROUP) + socket.inet_aton(address)
        try:
            probe.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        except OSError:
            return False
    return True
