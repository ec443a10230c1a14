"""The protocol of cars with a KUKSA databroker."""

from device_adapters.base import Adapter
from device_adapters.car.kuksa import vss
from device_adapters.car.kuksa.adapter import KuksaAdapter
from device_adapters.driver import Driver
from schemas.device import Device


class KuksaDriver(Driver):
    """Cars by the address of their databroker; nothing announces one."""

    address = {
        "host": "of the databroker",
        "port": "of the databroker",
        "ca_file": "who signed its certificate (PEM): with it TLS is spoken",
        "server_name": "what its certificate is for, where that is not the host",
        "token_file": "file with a JWT, where it asks for one",
        "insecure": '"yes": no TLS although it is on another machine',
        **dict.fromkeys(vss.ALL, "the path that this car has instead"),
    }
    needs = (frozenset({"host", "port"}),)

    def adapter(self, device: Device) -> Adapter:
        return KuksaAdapter(device)
