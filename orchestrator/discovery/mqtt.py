"""What describes itself on MQTT by Home Assistant discovery."""

import contextlib
from collections.abc import Iterator

from device_adapters.classify import classify
from device_adapters.ha import HaClient, HaDevice
from orchestrator.discovery.phones import Propose, Withdraw
from schemas.device import Device, Kind


@contextlib.contextmanager
def announced_by_mqtt(ha: HaClient, propose: Propose, withdraw: Withdraw) -> Iterator[None]:
    """Propose every device that Home Assistant discovery describes and a function fits."""

    def changed(found: HaDevice) -> None:
        classified = classify(found)
        if classified is None:
            withdraw(f"ha-{found.id}")
            return
        kind, functions = classified
        propose(
            Device(
                id=f"ha-{found.id}",
                kind=kind,
                name=found.name,
                protocol="homeassistant",
                address={"ha": found.id},
                functions=tuple(sorted(functions)),
                parts=_parts(found) if kind is Kind.HOME else (),
            )
        )

    stop = ha.on_change(changed)
    try:
        yield
    finally:
        stop()


def _parts(found: HaDevice) -> tuple[str, ...]:
    """What a person may name of a device of the home; an entity without a name is the device."""
    return tuple(dict.fromkeys(entity.name for entity in found.entities if entity.name))
