"""What it costs to know: a command's trace, its metrics, and one look of a monitor.

    python -m benchmarks.observability [--json] [--rounds 20] [--folder DIR]

The hub of `benchmarks.durable`. With and without traces the same calls are made in turns, and what
is compared is the processor's time; everything else is measured by itself.
"""

import argparse
import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import sqlalchemy as sa

from benchmarks.durable import DEVICES, MANY, Caller, calling
from benchmarks.inside import phone
from benchmarks.timing import Figure, show
from orchestrator import trace
from orchestrator.catalogue import Catalogue
from orchestrator.journal.reading import reading, rows
from orchestrator.journal.tables import runs
from orchestrator.metrics import Metrics
from orchestrator.octopus.process import ModelProcess
from orchestrator.settings import PACKAGED
from schemas.device import Device, Kind
from tests.unit.test_metrics import HEALTH

BURST, OFTEN = 200, 5000
"""Calls between two readings of the clock, and how often what is fast is repeated."""


@contextlib.contextmanager
def _untraced() -> Iterator[None]:
    yield


async def burst(caller: Caller) -> float:
    """Microseconds of processor time that one call takes, `MANY` under way."""
    left = iter(range(BURST))

    async def some() -> None:
        for _ in left:
            await caller.call()

    began = time.process_time()
    await asyncio.gather(*(some() for _ in range(MANY)))
    return (time.process_time() - began) / BURST * 1e6


async def of_traces(caller: Caller, rounds: int) -> list[Figure]:
    """What a call takes with its trace and without, in turns."""
    took: dict[bool, list[float]] = {True: [], False: []}
    await burst(caller)
    for number in range(rounds):
        for traced in (True, False) if number % 2 else (False, True):
            without = mock.patch.multiple(trace, begun=_untraced, going_on=_untraced)
            with contextlib.nullcontext() if traced else without:
                took[traced].append(await burst(caller))
    more = [one - other for one, other in zip(took[True], took[False], strict=True)]
    error = statistics.stdev(more) / len(more) ** 0.5
    return [
        Figure("call_us", "a call without a trace", statistics.median(took[False]), "µs"),
        Figure("trace_us", "its trace, more", statistics.median(more), "µs"),
        Figure("trace_error_us", "– standard error of that", error, "µs"),
    ]


def fast(work: Callable[[], object]) -> float:
    """Microseconds that something takes."""
    began = time.process_time()
    for _ in range(OFTEN):
        work()
    return (time.process_time() - began) / OFTEN * 1e6


def bytes_kept(url: sa.URL) -> float:
    """Bytes of a trace in the journal, the median."""
    with reading(url) as journal:
        return statistics.median(len(row["trace"]) for row in rows(journal, sa.select(runs)))


async def figures(folder: Path, rounds: int) -> list[Figure]:
    """Every figure."""
    async with calling(folder, "") as caller:
        hub, catalogue = caller.hub, Catalogue.load(PACKAGED / "functions")
        found = await of_traces(caller, rounds)
        await caller.call()
        found.append(Figure("trace_bytes", "a trace, kept", bytes_kept(hub.journal.url), "B"))
        (record,) = await hub.journal.latest(1, "ann")
        lamps = (
            Device(id=f"lamp{n}", kind=Kind.HOME, name=f"Lamp {n}", protocol="instant")
            for n in range(DEVICES - 1)
        )
        hub.registry.load((phone(hub.adapter), *lamps))

        def health() -> dict[str, Any]:
            standing = hub.registry.standing
            states = [str(standing(device).state) for device in hub.registry.approved]
            return HEALTH | {"states": {state: states.count(state) for state in set(states)}}

        model = cast("ModelProcess", SimpleNamespace(pid=None))
        metrics = Metrics(catalogue, hub.registry, model, health)
        found.append(
            Figure(
                "count_us", "a command counted", fast(lambda: metrics.ended(record)), "µs", "≤ 50"
            )
        )
        for function in catalogue:  # as after years
            steps = tuple(s.model_copy(update={"function": function.name}) for s in record.steps)
            metrics.ended(record.model_copy(update={"steps": steps}))
        took = [_timed(metrics.exposition) for _ in range(50)]
        found.append(
            Figure("look_ms", f"a look, {DEVICES} devices", statistics.median(took) * 1000, "ms")
        )
        size = len(metrics.exposition()[0]) / 1024
        found.append(Figure("look_kib", "– what is told", size, "KiB"))
    return found


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    """Measure, print a table, and with --json one line of figures at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--folder", type=Path, help="where the journal is written; default: /tmp")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder, prefix="octopus-bench-") as name:
        found = asyncio.run(figures(Path(name), chosen.rounds))
    show(found, as_json=chosen.json)


if __name__ == "__main__":
    main()
