"""What is found, proposed to the registry; discovery never decides anything."""

from orchestrator.discovery.announced import Announced, Service
from orchestrator.discovery.mqtt import announced_by_mqtt
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
from orchestrator.discovery.usb import phones_by_usb, plugged_in

__all__ = [
    "CONNECT",
    "PAIRING",
    "PLAIN",
    "TYPES",
    "Announced",
    "Phones",
    "Service",
    "announced_by_mqtt",
    "phone",
    "phones_by_usb",
    "phones_on",
    "plugged_in",
    "serial_of",
]
