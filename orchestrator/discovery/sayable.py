"""What of an announcement may be shown to people, and where it can be reached; pure."""

import ipaddress
import re
from collections.abc import Iterable, Mapping

LONGEST = 63
"""Bytes that a name may have (RFC 1035)."""
MAX_PROPERTIES, LONGEST_PROPERTY = 32, 255
"""Of what a service says of itself, so much is heeded."""
_NAME = re.compile(r"[\w .:'()+-]+")


def short(service_type: str, name: str) -> str:
    """A service's name without its type."""
    return name.removesuffix(f".{service_type}")


def sayable(service_type: str, name: str) -> bool:
    """Whether a name is one to show. Not every name that comes can be asked about, either: zeroconf
    raises where it is too long once it is decoded."""
    shown = short(service_type, name)
    return shown != name and _NAME.fullmatch(shown) is not None and len(shown.encode()) <= LONGEST


def properties(said: Mapping[str, str | None]) -> dict[str, str]:
    """What a service says of itself beside its address; without what nobody could show."""
    return {
        key: value
        for key, value in list(said.items())[:MAX_PROPERTIES]
        if value and len(value) <= LONGEST_PROPERTY and value.isprintable() and key.isprintable()
    }


def host(addresses: Iterable[str]) -> str | None:
    """The IPv4 address, else an IPv6 one that is good outside one link; a link's own may be all
    that is told at first."""
    known = [ipaddress.ip_address(address) for address in addresses]
    usable = [address for address in known if address.version == 4 or not address.is_link_local]
    return str(min(usable, key=lambda address: address.version)) if usable else None
