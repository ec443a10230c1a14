"""How the hub is: what works and how much of it there is, what does not, and what to do about it.
Nobody's words, names or numbers are part of it.
"""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from device_adapters.mqtt import MqttClient
from orchestrator import keeper
from orchestrator.bus import Bus
from orchestrator.devices import Fleet
from orchestrator.journal import Journal
from orchestrator.loop_lag import LoopLag
from orchestrator.octopus.process import ModelProcess
from orchestrator.pipeline import Pipeline
from orchestrator.release import release
from orchestrator.scheduler import Scheduler
from orchestrator.settings import Settings

MIB = 1 << 20
ROOM = 200 * MIB
"""Bytes that should be free where the journal and the photos go."""
HELD_UP = 1.0
"""Seconds by which the loop may be late."""
BACKED_UP_WITHIN = 2 * keeper.DAY + keeper.HOUR
"""Seconds after which a backup is missed: one is made a day, and one may fail."""


@dataclass(frozen=True)
class Health:
    """Asks the parts when it is called; `configuration` is why the newest one was not taken."""

    settings: Settings
    state: Path
    journal: Journal
    model: ModelProcess
    broker: MqttClient
    fleet: Fleet
    bus: Bus
    pipeline: Pipeline
    scheduler: Scheduler
    loop: LoopLag
    configuration: Callable[[], str]
    since: float = field(default_factory=time.time)

    def __call__(self) -> dict[str, Any]:
        """Everything, as JSON values; moments in seconds since the epoch, sizes in bytes."""
        registry, announced = self.fleet.registry, self.fleet.announced
        free, backup = shutil.disk_usage(self.state).free, keeper.newest(self.state)
        hindrances = [*self._hindrances()]
        return {
            "ready": not hindrances,
            "problems": [*hindrances, *self._troubles(free, backup)],
            "version": release(),
            "since": round(self.since),
            "broker": self.broker.connected,
            "model": {
                "model": self.settings.model.url,
                "alive": self.model.pid is not None,
                "restarts": self.model.restarts,
            },
            "journal": {"writable": not self.journal.problem, "size": _size(self.journal)},
            "devices": len(registry.approved),
            "states": Counter(str(registry.standing(device).state) for device in registry.approved),
            "proposed": len(registry.proposed),
            "refused_proposals": registry.refused_proposals,
            "unheeded_services": announced.turned_away if announced else 0,
            "refused_announcements": self.fleet.ha.refused,
            "dropped_events": self.bus.dropped,
            "under_way": self.pipeline.under_way,
            "waiting": {
                "model": self.model.waiting,
                "journal": self.journal.waiting,
                "devices": self.pipeline.queued,
                "people": self.pipeline.open_questions,
                "listeners": self.bus.waiting,
            },
            "next_schedule": self.scheduler.upcoming,
            "last_backup": backup,
            "disk_free": free,
            "loop_lag": round(self.loop.worst, 4),
            "configuration": self.configuration() or "ok",
        }

    def _hindrances(self) -> Iterator[str]:
        """Why commands are not taken, or not understood, now."""
        if why := self.journal.problem:
            yield (
                f"nothing is done, for the journal cannot be written ({why}): make room on the"
                " disk, or see that its database runs"
            )
        if self.model.pid is None:
            yield (
                "sentences are not read, for the model does not run: it is started again and"
                " again; `octopus doctor` looks at its weights"
            )

    def _troubles(self, free: int, backup: float | None) -> Iterator[str]:
        """What else a person should do something about."""
        if why := self.broker.problem:
            yield f"{why}: start it, or correct [broker] in hub.toml"
        if why := self.configuration():
            yield f"the newest configuration is not in use ({why}): correct it and reload"
        if free < ROOM:
            yield f"{self.state}: only {free // MIB} MiB are free: make room, or the journal stops"
        if self.loop.worst > HELD_UP:
            yield (
                f"the hub was held up for {self.loop.worst:.1f} s within the last minute: see what"
                " else uses this machine"
            )
        wanted = self.settings.store.backups > 0
        if wanted and time.time() - (backup or self.since) > BACKED_UP_WITHIN:
            when = f"from {datetime.fromtimestamp(backup):%Y-%m-%d}" if backup else "missing"
            yield f"the last backup is {when}: the hub's log says why no other was made"


def _size(journal: Journal) -> int | None:
    """Bytes of the journal's files; None where it is not in files of this machine."""
    if journal.url.get_backend_name() != "sqlite":
        return None
    file = str(journal.url.database)
    there = (Path(file + suffix) for suffix in ("", "-wal"))
    return sum(path.stat().st_size for path in there if path.exists())
