"""How the model, and what reads its words, are set up from the configuration."""

from collections.abc import Callable, Iterable
from datetime import datetime

from orchestrator import taught
from orchestrator.catalogue import Catalogue
from orchestrator.octopus.manifest import WEIGHTS
from orchestrator.octopus.process import Start
from orchestrator.settings import Settings
from orchestrator.time_zone import time_zone
from orchestrator.understanding import Understander


def model_start(settings: Settings, catalogue: Catalogue) -> Start:
    """Which model the settings mean, with what was taught."""
    folder = taught.current(settings.state) or WEIGHTS
    functions = tuple(catalogue)
    return Start(model=settings.model, functions=functions, embedded=folder, log=settings.log)


def understander_of(
    settings: Settings, catalogue: Catalogue, names: Callable[[], Iterable[str]] = tuple
) -> Understander:
    """What reads the model's words; `names`: what the hub's devices are called."""
    zone = time_zone(settings)
    return Understander(
        catalogue, settings.policy, threshold=settings.model.threshold,
        caution=settings.model.caution, region=settings.hub.region,
        now=lambda: datetime.now(zone), names=names,
    )  # fmt: skip
