"""Home Assistant's discovery over MQTT: what announces itself is found, tracked and driven."""

from device_adapters.ha.announcement import HaDevice, HaEntity
from device_adapters.ha.client import HaClient
from device_adapters.ha.entity import Entity

__all__ = ["Entity", "HaClient", "HaDevice", "HaEntity"]
