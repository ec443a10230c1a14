"""The protocol of cars with a KUKSA databroker."""

from device_adapters.base import Adapter
from device_adapters.car.kuksa.adapter import KuksaAdapter
from device_adapters.driver import Driver
from schemas.device import Device


class KuksaDriver(Driver):
    """Cars by the address of their databroker; nothing announces one."""

    needs = (frozenset({"host", "port"}),)

    def adapter(self, device: Device) -> Adapter:
        return KuksaAdapter(device)
