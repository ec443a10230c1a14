"""What is found, proposed to the registry; discovery never decides anything."""

from orchestrator.discovery.announced import Announced
from orchestrator.discovery.phones import (
    CONNECT,
    PAIRING,
    PLAIN,
    TYPES,
    Phones,
    phone,
    phones_on,
    serial_of,
)  # fmt: skip
from orchestrator.discovery.search import Search, Way
from orchestrator.discovery.services import OWN, services_on
from orchestrator.discovery.usb import phones_by_usb, plugged_in

__all__ = [
    "CONNECT",
    "OWN",
    "PAIRING",
    "PLAIN",
    "TYPES",
    "Announced",
    "Phones",
    "Search",
    "Way",
    "phone",
    "phones_by_usb",
    "phones_on",
    "plugged_in",
    "serial_of",
    "services_on",
]
