"""What the hub did and how it is, as Prometheus reads it (prometheus-client's only door).

Everything about commands comes from their records, as they end; everything else is asked for when
somebody reads. No label holds a device, a person or anything that was said.
"""

import asyncio
import platform
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from orchestrator.bus import Bus
from orchestrator.catalogue import Catalogue
from orchestrator.octopus.process import ModelProcess
from orchestrator.registry import Registry
from schemas.execution import Execution, StageName

Health = Callable[[], Mapping[str, Any]]
SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LONG = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds: what the hub does by itself, and what devices and people take part in."""
OTHER, DOORS = "other", 16
"""What a label says beyond so many doors, and for what is not known any more."""
WITH_OTHERS = (StageName.ASK, StageName.HOLD, StageName.RESTART, StageName.WAIT)
"""Stages that say more of people and devices than of the hub."""


class Metrics:
    """Counts of one hub, in a registry of its own."""

    def __init__(
        self, catalogue: Catalogue, registry: Registry, model: ModelProcess, health: Health
    ) -> None:
        self._catalogue = catalogue
        self._registry = registry
        self._doors: set[str] = set()
        self._all = kept = CollectorRegistry(auto_describe=False)
        self._commands = Counter(
            "octopus_commands", "Commands that ended.", ("door", "state"), registry=kept
        )
        self._decisions = Counter(
            "octopus_decisions", "What was decided about them.", ("decision",), registry=kept
        )
        self._steps = Counter(
            "octopus_steps", "Their steps.", ("function", "kind", "outcome"), registry=kept
        )
        self._command = Histogram(
            "octopus_command_seconds", "From accepted to ended.", buckets=LONG, registry=kept
        )
        self._stage = Histogram(
            "octopus_stage_seconds", "Where the hub's own time went.", ("stage",), buckets=SHORT,
            registry=kept,
        )  # fmt: skip
        self._call = Histogram(
            "octopus_call_seconds", "Calls on devices.", ("kind",), buckets=LONG, registry=kept
        )
        kept.register(_Gauges(health))
        ProcessCollector(registry=kept)
        ProcessCollector("octopus_model", lambda: model.pid or "none", registry=kept)

    def exposition(self) -> tuple[bytes, str]:
        """Everything as text, and its content type."""
        return generate_latest(self._all), CONTENT_TYPE_PLAIN_0_0_4

    def ended(self, record: Execution) -> None:
        """Count a command that ended."""
        self._commands.labels(self._door(record.command.door), record.state).inc()
        if record.decision is not None:
            self._decisions.labels(record.decision).inc()
        if record.ended is not None:
            self._command.observe(max(0.0, record.ended - record.created))
        kinds = {}
        for step in record.steps:
            function = step.function if step.function in self._catalogue else OTHER
            device = self._registry.get(step.device)
            kinds[step.index] = kind = device.kind if device else OTHER
            self._steps.labels(function, kind, step.state).inc()
        for stage in record.trace:
            if stage.name is StageName.CALL:
                self._call.labels(kinds.get(stage.step or 0, OTHER)).observe(stage.seconds)
            elif stage.name not in WITH_OTHERS:
                self._stage.labels(stage.name).observe(stage.seconds)

    def _door(self, door: str) -> str:
        if len(self._doors) < DOORS:
            self._doors.add(door)
        return door if door in self._doors else OTHER


@asynccontextmanager
async def counting(metrics: Metrics, bus: Bus) -> AsyncIterator[None]:
    """Count what ends while the block lasts."""

    async def count() -> None:
        async for event in events:
            if event.record is not None:
                metrics.ended(event.record)

    with bus.subscribe() as events:
        task = asyncio.create_task(count(), name="metrics")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])


class _Gauges(Collector):
    """How the hub is, as it says itself when it is asked."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterable[Metric]:
        """Every gauge of this moment."""
        told = self._health()
        yield from _single(told)
        devices = GaugeMetricFamily("octopus_devices", "Approved devices.", labels=("state",))
        for state, count in told["states"].items():
            devices.add_metric((state,), count)
        yield devices
        waiting = GaugeMetricFamily("octopus_waiting", "What waits its turn.", labels=("queue",))
        for queue, length in told["waiting"].items():
            waiting.add_metric((queue,), length)
        yield waiting
        about = {"version": told["version"], "python": platform.python_version()}
        yield InfoMetricFamily("octopus_build", "What runs here.", value=about)


def _single(told: Mapping[str, Any]) -> Iterator[Metric]:
    """Those that are one number each; what is not known is left out."""
    journal, model = told["journal"], told["model"]
    gauges = {
        "ready": ("Whether commands are taken and read.", told["ready"]),
        "broker_connected": ("Whether the MQTT broker is there.", told["broker"]),
        "model_up": ("Whether the model's process runs.", model["alive"]),
        "journal_writable": ("Whether the last change was written.", journal["writable"]),
        "journal_bytes": ("The journal's files.", journal["size"]),
        "devices_proposed": ("Devices that wait for approval.", told["proposed"]),
        "commands_under_way": ("Commands that have not ended.", told["under_way"]),
        "loop_lag_seconds": ("The loop's worst lag in a minute.", told["loop_lag"]),
        "disk_free_bytes": ("Room where the journal is.", told["disk_free"]),
        "last_backup_timestamp_seconds": ("The newest backup.", told["last_backup"]),
        "next_schedule_timestamp_seconds": ("The next schedule.", told["next_schedule"]),
    }
    counters = {
        "model_restarts": ("How often the model was started anew.", model["restarts"]),
        "dropped_events": ("Events that a slow listener lost.", told["dropped_events"]),
        "refused_proposals": ("Devices beyond what is shown.", told["refused_proposals"]),
        "refused_announcements": ("MQTT announcements too many.", told["refused_announcements"]),
        "unheeded_services": ("Network services too many.", told["unheeded_services"]),
    }
    for name, (about, value) in gauges.items():
        if value is not None:
            yield GaugeMetricFamily(f"octopus_{name}", about, value=float(value))
    for name, (about, value) in counters.items():
        yield CounterMetricFamily(f"octopus_{name}", about, value=float(value))
