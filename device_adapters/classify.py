"""Which kind of device an announced Home Assistant device is, for discovery: pure."""

from __future__ import annotations

from device_adapters import car, home, pc
from device_adapters.ha import HaDevice
from schemas.device import Kind


def classify(device: HaDevice) -> tuple[Kind, frozenset[str]] | None:
    """Its kind and the functions it can serve; None where there is nothing to use."""
    for kind, recognise in (
        (Kind.PC, pc.recognise),
        (Kind.CAR, car.recognise),
        (Kind.HOME, home.recognise),
    ):
        functions = recognise(device)
        if functions is not None:
            return kind, functions
    return None
