"""Parts of a hub for tests: a journal in a folder, a model that writes what it is told."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from device_adapters.base import Adapter
from orchestrator import device_file
from orchestrator.admission import Limits
from orchestrator.attempts import Attempts
from orchestrator.bus import Bus
from orchestrator.catalogue import Catalogue
from orchestrator.executor import WITHIN, Executor
from orchestrator.journal import Journal
from orchestrator.journal.records import Records
from orchestrator.people import People
from orchestrator.pipeline import Pipeline
from orchestrator.policy import Policy
from orchestrator.registry import Registry
from orchestrator.service import Service
from orchestrator.understanding import Understander
from schemas.call import Invocation
from schemas.command import Command
from schemas.decoded import Decoded
from schemas.device import Device, Kind
from schemas.errors import HubError
from schemas.event import Event
from schemas.execution import Decision
from schemas.outcome import Done, Evidence
from schemas.plan import Plan, Step

WELL: dict[str, Any] = {"ready": True, "problems": []}
"""What a hub says of its health where nothing is wrong."""
NOW = datetime(2026, 11, 22, 17, 0, tzinfo=ZoneInfo("Europe/Berlin"))
Call = Callable[[Invocation], Awaitable[Done]]


class ScriptedAdapter(Adapter):
    """Serves functions with a coroutine function, and remembers what it was asked."""

    def __init__(self, functions: frozenset[str], call: Call | None = None) -> None:
        self.functions = functions
        self.calls: list[Invocation] = []
        self._call = call or self.succeed
        self.closed = False
        self.earlier: Done | None = None
        self.refuses: HubError | None = None

    async def probe(self, invocation: Invocation) -> Done | None:
        return self.earlier

    async def connect(self) -> frozenset[str]:
        if self.refuses:
            raise self.refuses
        return self.functions

    async def call(self, invocation: Invocation) -> Done:
        self.calls.append(invocation)
        return await self._call(invocation)

    async def close(self) -> None:
        self.closed = True

    @staticmethod
    async def succeed(invocation: Invocation) -> Done:
        return Done(evidence=Evidence.VERIFIED, result="sunny", detail="ok")


def command(text: str, identity: str = "c1", user: str = "ann", **fields: object) -> Command:
    return Command.model_validate(
        {"id": identity, "text": text, "user": user, "door": "test", **fields}
    )


async def plan(
    journal: Journal, identity: str, *steps: Step, decision: Decision = Decision.ACT
) -> None:
    """Record a decided and planned command, as one that was not run yet."""
    await journal.decide(
        identity, decision, reason="", model_text="", confidence=1.0, plan=Plan(steps=steps)
    )


async def sql(journal: Journal, statement: str) -> list[tuple[object, ...]]:
    """What a statement finds, or changes, on the journal's own connection."""

    def run(kept: Records) -> list[tuple[object, ...]]:
        found = kept.connection.exec_driver_sql(statement)
        return [tuple(row) for row in found] if found.returns_rows else []

    return await journal._do(run)


def older_journal(file: Path, which: str = "0.1") -> None:
    """The journal of a hub of release 0.1, as such a one left it when it was cut off; or with the
    tables of a later revision, whole."""
    told = (Path(__file__).parent / f"fixtures/journals/{which}.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(file)) as made:
        made.executescript(told)


def never(sent: asyncio.Event) -> Call:
    """A device that says nothing more once a call has reached it, which `sent` tells."""

    async def call(_: Invocation) -> Done:
        sent.set()
        return await asyncio.get_running_loop().create_future()

    return call


def quick(catalogue: Catalogue, seconds: float = 0.2) -> Catalogue:
    """The catalogue with short timeouts."""
    return Catalogue([f.model_copy(update={"timeout": seconds}) for f in catalogue])


@dataclass
class Clock:
    """The hub's clock, which a test sets."""

    now: datetime = NOW


@dataclass
class Rig:
    """A pipeline with one scripted phone, PC and hub device."""

    pipeline: Pipeline
    service: Service
    journal: Journal
    registry: Registry
    bus: Bus
    adapter: ScriptedAdapter
    events: list[Event]
    clock: Clock
    understander: Understander

    async def run(self, sent: Command) -> str:
        """Submit and wait for the end; the final state."""
        await self.pipeline.submit(sent)
        await self.pipeline.drain(10)
        execution = await self.journal.get(sent.id)
        assert execution is not None
        return execution.state

    async def start(self, sent: Command, *steps: Step) -> None:
        """Start a command whose plan is routed and decided on, but not begun."""
        await self.journal.accept(sent)
        await plan(self.journal, sent.id, *steps)
        self.pipeline._lives.start(sent, self.pipeline.course.resume(sent, Plan(steps=steps)))


@asynccontextmanager
async def rig(
    folder: Path,
    catalogue: Catalogue,
    model: dict[str, str],
    *,
    call: Call | None = None,
    policy: Policy | None = None,
    people: People | None = None,
    confidence: float = 1.0,
    limits: Limits | None = None,
    more: Sequence[tuple[Device, ScriptedAdapter]] = (),
    within: float = WITHIN,
) -> AsyncIterator[Rig]:
    """`model` maps sentences to what the model writes; `more` are devices with an adapter each."""
    adapter = ScriptedAdapter(frozenset(f.name for f in catalogue), call)
    adapters = {device.id: its for device, its in more}
    registry = Registry(
        folder / "devices.json", {"test": lambda device: adapters.get(device.id, adapter)}
    )
    own = tuple(f.name for f in catalogue if f.kinds == (Kind.HUB,))
    rest = tuple(f.name for f in catalogue if f.name not in own)
    approved = (
        Device(id="p1", kind=Kind.PHONE, name="Pixel", protocol="test", functions=rest),
        Device(id="hub", kind=Kind.HUB, name="octopus", protocol="test", functions=own),
        *(device for device, _ in more),
    )
    device_file.write(
        folder / "devices.json", (d.model_copy(update={"approved": True}) for d in approved)
    )
    registry.load()
    clock = Clock()
    understander = Understander(
        catalogue, policy or Policy(), threshold=0.5, region="US", now=lambda: clock.now,
        names=registry.called,
    )  # fmt: skip

    async def decode(sentence: str) -> Decoded:
        return Decoded(text=model[sentence], confidence=confidence, model="scripted")

    bus = Bus()
    events: list[Event] = []
    publish = bus.publish

    def remember(event: Event) -> None:
        events.append(event)
        publish(event)

    bus.publish = remember  # type: ignore[method-assign]
    with ThreadPoolExecutor(1) as thread:
        async with Journal(folder / "journal.db") as journal:
            attempts = Attempts(registry, grace=0.1, pauses=(0.01, 0.01))
            executor = Executor(catalogue, journal, bus, registry, within=within, attempts=attempts)
            pipeline = Pipeline(
                decode=decode, understander=understander, thread=thread,
                people=people or People(), catalogue=catalogue, journal=journal,
                executor=executor, registry=registry, bus=bus, limits=limits,
            )  # fmt: skip
            service = Service(pipeline, journal, registry, lambda: dict(WELL), {"ann"})
            try:
                yield Rig(
                    pipeline, service, journal, registry, bus, adapter, events, clock, understander
                )
            finally:
                await pipeline.drain(1)
                await registry.close()
