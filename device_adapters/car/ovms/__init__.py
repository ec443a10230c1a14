"""Cars with an OVMS v3 module (Open Vehicle Monitoring System), over its MQTT server protocol."""

from device_adapters.car.ovms.adapter import OvmsAdapter
from device_adapters.car.ovms.driver import OvmsDriver

__all__ = ["OvmsAdapter", "OvmsDriver"]
