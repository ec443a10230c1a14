"""A simulated Android phone, for tests and for trying the hub without one."""

from device_adapters.simulated.phone.adbd.auth import Trust
from device_adapters.simulated.phone.adbd.faults import Fault, Manner
from device_adapters.simulated.phone.adbd.server import SimulatedPhone
from device_adapters.simulated.phone.state import Phone

__all__ = ["Fault", "Manner", "Phone", "SimulatedPhone", "Trust"]
