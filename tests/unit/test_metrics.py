"""What a monitor reads: counts of what ended, and how the hub is, without a word of anybody's."""

import asyncio
import platform
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from orchestrator.catalogue import Catalogue
from orchestrator.metrics import DOORS, Metrics, counting
from orchestrator.octopus.process import ModelProcess
from schemas.call import Invocation
from schemas.command import Command
from schemas.errors import DeviceRefused
from schemas.execution import Execution, RunState, StepRecord, StepState
from schemas.outcome import Done
from tests.hubkit import Rig, command, rig

HEALTH: dict[str, Any] = {
    "ready": True, "broker": True, "version": "1.2.3", "states": {"connected": 3, "away": 1},
    "model": {"alive": True, "restarts": 2}, "journal": {"writable": True, "size": 4096},
    "proposed": 5, "under_way": 6, "waiting": {"model": 7, "journal": 0}, "loop_lag": 0.25,
    "disk_free": 1e9, "last_backup": None, "next_schedule": 1.8e9, "dropped_events": 8,
    "refused_proposals": 0, "refused_announcements": 0, "unheeded_services": 0,
}  # fmt: skip
SELFIE = {"selfie": "<nexa_0>('front')<nexa_end>", "hello": "<nexa_20>()<nexa_end>"}


@dataclass
class Measured:
    """A hub, its metrics, and what they say."""

    hub: Rig
    metrics: Metrics

    def values(self) -> dict[tuple[str, ...], float]:
        """Every sample, by its name and its labels' values."""
        text, kind = self.metrics.exposition()
        assert kind.startswith("text/plain")
        return dict(_samples(text.decode()))

    async def until(self, *sample: str) -> float:
        """Wait for a sample, and give it."""
        while sample not in (found := self.values()):  # noqa: ASYNC110 (a task of its own counts)
            await asyncio.sleep(0.01)
        return found[sample]


def _samples(text: str) -> Iterator[tuple[tuple[str, ...], float]]:
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            yield (one.name, *one.labels.values()), one.value


@asynccontextmanager
async def measured(folder: Path, catalogue: Catalogue, **options: Any) -> AsyncIterator[Measured]:
    async with rig(folder, catalogue, SELFIE, **options) as hub:
        metrics = made(catalogue, hub)
        async with counting(metrics, hub.bus):
            yield Measured(hub, metrics)


def made(catalogue: Catalogue, hub: Rig, **other: Any) -> Metrics:
    model = cast("ModelProcess", SimpleNamespace(pid=None))
    return Metrics(catalogue, hub.registry, model, lambda: HEALTH | other)


async def test_every_command_that_ends_is_counted(tmp_path: Path, catalogue: Catalogue) -> None:
    async with measured(tmp_path, catalogue) as its:
        for identity in ("c1", "c2"):
            assert await its.hub.run(command("selfie", identity)) == "succeeded"
        assert await its.hub.run(command("hello", "c3")) == "refused"
        await its.until("octopus_commands_total", "test", "refused")
        found = its.values()
    assert found["octopus_commands_total", "test", "succeeded"] == 2
    assert found["octopus_decisions_total", "act"] == 2
    assert found["octopus_decisions_total", "refuse"] == 1
    assert found["octopus_steps_total", "take_a_photo", "phone", "succeeded"] == 2
    assert found[("octopus_command_seconds_count",)] == 3
    assert found["octopus_stage_seconds_count", "accept"] == 3
    assert found["octopus_stage_seconds_count", "journal"] >= 3


async def test_how_long_devices_take_is_told_by_their_kind(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async def refuse(_: Invocation) -> Done:
        await asyncio.sleep(0.02)
        raise DeviceRefused("no")

    async with measured(tmp_path, catalogue, call=refuse) as its:
        assert await its.hub.run(command("selfie")) == "failed"
        assert await its.until("octopus_call_seconds_sum", "phone") >= 0.02
        assert its.values()["octopus_steps_total", "take_a_photo", "phone", "failed"] == 1


async def test_no_label_says_who_said_what_to_which_device(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with measured(tmp_path, catalogue) as its:
        sent = command("selfie", "a-secret-id", "a-secret-user")
        assert await its.hub.run(sent) == "succeeded"
        await its.until("octopus_commands_total", "test", "succeeded")
        text = its.metrics.exposition()[0].decode()
    for private in ("secret", "Pixel", "p1", "selfie", "front"):
        assert f'"{private}' not in text


async def test_labels_are_few_whatever_comes_in(tmp_path: Path, catalogue: Catalogue) -> None:
    async with measured(tmp_path, catalogue) as its:
        for n in range(10 * DOORS):
            its.metrics.ended(_strange(n))
        found = its.values()
    doors = {name[1] for name in found if name[0] == "octopus_commands_total"}
    assert len(doors) == DOORS + 1
    assert found["octopus_steps_total", "other", "other", "failed"] == 10 * DOORS


def _strange(number: int) -> Execution:
    """A command by a door, with a function and on a device, that there are no more."""
    step = StepRecord(
        index=0, function=f"f{number}", arguments={}, device=f"d{number}", state=StepState.FAILED
    )
    told = Command(id=f"c{number}", text="x", user="ann", door=f"door{number}")
    return Execution(command=told, state=RunState.FAILED, created=1.0, ended=2.0, steps=(step,))


async def test_how_the_hub_is_is_asked_for_at_every_look(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with measured(tmp_path, catalogue) as its:
        found = its.values()
        worse = dict(_samples(made(catalogue, its.hub, ready=False).exposition()[0].decode()))
    assert found["octopus_ready",] == 1
    assert worse["octopus_ready",] == 0
    assert found["octopus_devices", "away"] == 1
    assert found["octopus_waiting", "model"] == 7
    assert found["octopus_model_restarts_total",] == 2
    assert ("octopus_last_backup_timestamp_seconds",) not in found, "there is none"
    assert found["octopus_build_info", platform.python_version(), "1.2.3"] == 1
    assert found["process_open_fds",] > 0
    assert found["process_resident_memory_bytes",] > 1 << 20


async def test_two_hubs_in_one_process_count_by_themselves(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with measured(tmp_path, catalogue) as its:
        another = made(catalogue, its.hub)
        another.ended(_strange(1))
        assert ("octopus_commands_total", "door1", "failed") not in its.values()
    assert "octopus" not in "".join(metric.name for metric in REGISTRY.collect())


@pytest.mark.parametrize("pid", [None, 999_999_999])
async def test_a_model_that_does_not_run_has_no_memory(
    tmp_path: Path, catalogue: Catalogue, pid: int | None
) -> None:
    async with rig(tmp_path, catalogue, SELFIE) as hub:
        model = cast("ModelProcess", SimpleNamespace(pid=pid))
        text = Metrics(catalogue, hub.registry, model, lambda: HEALTH).exposition()[0]
    assert b"octopus_model_process_resident_memory_bytes" not in text
