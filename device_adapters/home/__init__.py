"""The home's own devices: lamps, sockets, locks, blinds, thermostats and sensors over MQTT."""

from device_adapters.home.adapter import HomeAdapter
from device_adapters.home.functions import primary, recognise

__all__ = ["HomeAdapter", "primary", "recognise"]
