"""What would keep a hub from working, and what to do about it: each look says what was seen, and
nothing of what it did not look at."""

from collections.abc import Callable, Iterator

from orchestrator import hub_lock
from orchestrator.catalogue import Catalogue
from orchestrator.doctor.broker import broker_checks
from orchestrator.doctor.checks import Check, Level, wrong
from orchestrator.doctor.clock import clock_checks
from orchestrator.doctor.kept import kept_checks
from orchestrator.doctor.model import model_checks
from orchestrator.doctor.network import network_checks
from orchestrator.doctor.packages import package_checks
from orchestrator.doctor.phones import phone_checks
from orchestrator.doctor.ports import port_checks
from orchestrator.doctor.service import service_checks
from orchestrator.model_setup import model_start
from orchestrator.settings import Settings
from schemas.errors import HubError

__all__ = ["Check", "Level", "examine"]


def examine(settings: Settings, catalogue: Catalogue) -> Iterator[Check]:
    """Everything that is looked at, one after another; a look that fails keeps no other away."""
    runs = hub_lock.held(settings.state)
    start = model_start(settings, catalogue)
    looks: dict[str, Callable[[], Iterator[Check]]] = {
        "model": lambda: model_checks(start.model, catalogue, start.embedded),
        "broker": lambda: broker_checks(settings, runs),
        "ports": lambda: port_checks(settings, runs),
        "phones": lambda: phone_checks(settings),
        "clock": lambda: clock_checks(settings),
        "state": lambda: kept_checks(settings),
        "network": lambda: network_checks(settings),
        "packages": lambda: package_checks(settings),
        "service": service_checks,
    }
    for name, look in looks.items():
        try:
            yield from look()
        except (HubError, OSError) as error:
            yield wrong(name, str(error))
