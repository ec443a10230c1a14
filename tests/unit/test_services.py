"""Drivers say which services on the network are devices; what breaks one harms no other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from device_adapters.base import Adapter
from device_adapters.driver import Driver, Service
from orchestrator.discovery import services_on
from schemas.device import Device, Kind

SSH, WORKSTATION = "_ssh._tcp.local.", "_workstation._tcp.local."


class Network:
    """Tells of services, as zeroconf would."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[Service], None]] = []

    @contextmanager
    def telling(self, listener: Callable[[Service], None]) -> Iterator[None]:
        self.listeners.append(listener)
        yield
        self.listeners.remove(listener)

    def tell(self, name: str, service_type: str = SSH, port: int = 22, **said: str) -> None:
        for listener in self.listeners:
            listener(Service(service_type, name, "192.0.2.7" if port else "", port, said))


class Computers(Driver):
    """Takes whatever is named for a computer."""

    services = (SSH, WORKSTATION)

    def adapter(self, device: Device) -> Adapter:
        raise NotImplementedError

    def recognise(self, service: Service) -> Device | None:
        name = service.name.partition(" ")[0]
        if service.properties.get("kind") == "printer":
            return None
        return Device(
            id=f"ssh-{name}", kind=Kind.PC, name=name, protocol="ssh",
            address={"host": service.host},
        )  # fmt: skip


class Broken(Computers):
    """Breaks on whatever it is shown."""

    def recognise(self, service: Service) -> Device | None:
        raise ValueError(service.name)


class Proposed(dict[str, Device]):
    """What was proposed and not withdrawn; `full` takes nothing more."""

    full = False

    def propose(self, device: Device) -> bool:
        if self.full:
            return False
        self[device.id] = device
        return True

    def withdraw(self, identity: str) -> None:
        del self[identity]


@pytest.fixture
def network() -> Network:
    return Network()


@contextmanager
def looking(network: Any, *drivers: type[Driver]) -> Iterator[Proposed]:
    proposed, site = Proposed(), Any
    made = [driver(site) for driver in drivers]  # type: ignore[arg-type]
    with services_on(network, made, proposed.propose, proposed.withdraw):
        yield proposed


def test_what_a_driver_recognises_is_proposed_while_it_is_there(network: Network) -> None:
    with looking(network, Computers) as proposed:
        network.tell("desk")
        assert proposed["ssh-desk"].address == {"host": "192.0.2.7"}
        network.tell("other", "_http._tcp.local.")
        assert set(proposed) == {"ssh-desk"}
        network.tell("desk", port=0)
        assert not proposed
        network.tell("desk", port=0)
    assert network.listeners == []


def test_a_device_with_two_services_goes_with_the_last(network: Network) -> None:
    with looking(network, Computers) as proposed:
        network.tell("desk")
        network.tell("desk [0a:0b]", WORKSTATION)
        network.tell("desk", port=0)
        assert set(proposed) == {"ssh-desk"}
        network.tell("desk [0a:0b]", WORKSTATION, port=0)
        assert not proposed


def test_what_becomes_something_else_is_no_longer_proposed(network: Network) -> None:
    with looking(network, Computers) as proposed:
        network.tell("desk")
        network.tell("desk", kind="printer")
        assert not proposed


def test_what_was_refused_is_not_withdrawn(network: Network) -> None:
    with looking(network, Computers) as proposed:
        proposed.full = True
        network.tell("desk")
        network.tell("desk", port=0)
        proposed.full = False
        network.tell("desk")
        assert set(proposed) == {"ssh-desk"}


def test_a_driver_that_breaks_harms_no_other(
    network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    with looking(network, Broken, Computers) as proposed, caplog.at_level(logging.ERROR):
        network.tell("desk")
        network.tell("desk", port=0)
        network.tell("attic")
        assert set(proposed) == {"ssh-attic"}
    assert "Broken: the service 'desk' was not read" in caplog.text
