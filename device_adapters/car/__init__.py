"""Cars: a gateway (CarConnectivity and its like) that speaks Home Assistant discovery."""

from device_adapters.car.adapter import CarAdapter
from device_adapters.car.functions import recognise

__all__ = ["CarAdapter", "recognise"]
