"""The inside of a hub for benchmarks: whole but for the door, a model that knows its sentences by
heart, and devices that answer at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from device_adapters.base import Adapter
from orchestrator.admission import Limits
from orchestrator.bus import Bus
from orchestrator.catalogue import Catalogue
from orchestrator.executor import Executor
from orchestrator.journal import Journal
from orchestrator.people import People
from orchestrator.pipeline import Pipeline
from orchestrator.policy import Policy
from orchestrator.registry import Registry
from orchestrator.service import Service
from orchestrator.settings import PACKAGED
from orchestrator.understanding import Understander
from schemas.call import Invocation
from schemas.decoded import Decoded
from schemas.device import Device, Kind
from schemas.outcome import Done, Evidence

WIDE_OPEN = Limits(a_minute=1_000_000_000, burst=1_000_000_000)
"""One user sends all that is measured."""


class Instant(Adapter):
    """Answers after `delay` seconds and notes when it was asked."""

    def __init__(self, functions: frozenset[str]) -> None:
        self.functions = functions
        self.delay = 0.0
        self.asked: dict[str, float] = {}

    async def connect(self) -> frozenset[str]:
        return self.functions

    async def call(self, invocation: Invocation) -> Done:
        self.asked.setdefault(invocation.key.partition("/")[0], time.perf_counter())
        if self.delay:
            await asyncio.sleep(self.delay)
        return Done(evidence=Evidence.VERIFIED)

    async def close(self) -> None:
        """Nothing to let go of."""


@dataclass(frozen=True)
class Inside:
    """The parts that are measured, and the adapter of the one device, a phone."""

    pipeline: Pipeline
    service: Service
    journal: Journal
    registry: Registry
    bus: Bus
    adapter: Instant


@asynccontextmanager
async def inside(
    folder: Path, sentences: Mapping[str, str], url: str = ""
) -> AsyncIterator[Inside]:
    """`sentences`: what the model writes for each; `url`: where the journal is, if in no file."""
    catalogue = Catalogue.load(PACKAGED / "functions")
    adapter = Instant(frozenset(function.name for function in catalogue))
    registry = Registry(folder / "devices.json", {"instant": lambda _: adapter})
    registry.load((phone(adapter),))
    bus = Bus()

    async def decode(sentence: str) -> Decoded:
        return Decoded(text=sentences[sentence], confidence=1.0)

    async with AsyncExitStack() as stack:
        stack.push_async_callback(registry.close)
        thread = stack.enter_context(ThreadPoolExecutor(1))
        journal = await stack.enter_async_context(Journal(folder / "journal.db", url))
        understander = Understander(
            catalogue, Policy(), threshold=0.5, region="US", now=lambda: datetime.now(UTC),
            names=registry.called,
        )  # fmt: skip
        pipeline = Pipeline(
            decode=decode, understander=understander, thread=thread, people=People(),
            catalogue=catalogue, journal=journal, registry=registry, bus=bus, limits=WIDE_OPEN,
            executor=Executor(catalogue, journal, bus, registry),
        )  # fmt: skip
        stack.push_async_callback(pipeline.drain, 5)
        service = Service(pipeline, journal, registry, dict)
        yield Inside(pipeline, service, journal, registry, bus, adapter)


def phone(adapter: Instant) -> Device:
    """The device that serves everything."""
    return Device(id="phone", kind=Kind.PHONE, name="Phone", protocol="instant", at_once=64,
                  functions=tuple(sorted(adapter.functions)))  # fmt: skip


def at(values: list[float], percent: int) -> float:
    """The value that so many percent do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
