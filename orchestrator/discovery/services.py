"""Services on the network that a driver takes for a device."""

import contextlib
import logging
from collections.abc import Iterable, Iterator

from device_adapters.driver import Driver, Propose, Service, Withdraw
from orchestrator.discovery.announced import Announced
from schemas.device import Device

log = logging.getLogger(__name__)

OWN = "_octopus-hub._tcp.local."
"""What a hub announces itself as."""


@contextlib.contextmanager
def services_on(
    announced: Announced, drivers: Iterable[Driver], propose: Propose, withdraw: Withdraw
) -> Iterator[None]:
    """Propose whatever a driver recognises among what is announced, while the block lasts."""
    known = tuple(drivers)
    proposed: dict[tuple[str, str, Driver], str] = {}
    broken: set[Driver] = set()

    def changed(service: Service) -> None:
        for driver in known:
            if service.type in driver.services:
                told(service, driver)

    def told(service: Service, driver: Driver) -> None:
        by = (service.type, service.name, driver)
        before = proposed.pop(by, None)
        device = recognised(service, driver) if service.there else None
        if device is not None and propose(device):
            proposed[by] = device.id
        if before is not None and before not in proposed.values():
            withdraw(before)

    def recognised(service: Service, driver: Driver) -> Device | None:
        try:
            return driver.recognise(service)
        except Exception:  # it costs this service only, and the log one trace
            level = logging.DEBUG if driver in broken else logging.ERROR
            name, what = type(driver).__name__, service.name
            log.log(level, "%s: the service %r was not read", name, what, exc_info=True)
            broken.add(driver)
            return None

    with announced.telling(changed):
        yield
