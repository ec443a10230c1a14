"""This project as a system of benchmarks/peers.py: journal, executor, registry and recovery, put
together as the pipeline does, without a model; every call is one that must not be repeated."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.peers_plans import Chains, Devices, Task, main, single
from device_adapters.base import Adapter
from orchestrator import ledger, recovery
from orchestrator.bus import Bus
from orchestrator.catalogue import Catalogue
from orchestrator.executor import Executor
from orchestrator.journal import Journal
from orchestrator.lives import Ending, Lives
from orchestrator.registry import Registry
from schemas.call import Invocation
from schemas.command import Command
from schemas.device import Device, Kind
from schemas.execution import Decision, Execution, RunState, StepRecord, StepState
from schemas.function import Effect, Function, Parameter, ParameterType, ResultType, Risk
from schemas.outcome import Cancelled, Done, Evidence, Outcome, Unknown
from schemas.plan import Argument, Plan, Ref, Step

DEVICES = 10
USER = "peers"
ACT = Function(
    token=0, name="act", description="does what a step says", kinds=(Kind.HUB,),
    result=ResultType.TEXT, effect=Effect.ONCE, risk=Risk.SAFE, timeout=5.0,
    parameters=(
        Parameter(name="name", type=ParameterType.TEXT),
        Parameter(name="seconds", type=ParameterType.NUMBER),
        Parameter(name="fails", type=ParameterType.BOOLEAN),
        Parameter(name="before", type=ParameterType.TEXT, optional=True),
    ),
)  # fmt: skip


class Stub(Adapter):
    """A device that does what a step says."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices

    async def connect(self) -> frozenset[str]:
        return frozenset({ACT.name})

    async def call(self, invocation: Invocation) -> Done:
        given = invocation.arguments
        task = Task(str(given["name"]), float(given["seconds"] or 0), bool(given["fails"]))
        return Done(evidence=Evidence.VERIFIED, result=await self._devices.act(task))

    async def close(self) -> None:
        """Nothing to let go of."""


class Hub:
    """Accepts, decides, runs and ends commands: a command's text is its plan's one call."""

    def __init__(self, journal: Journal, registry: Registry, devices: Devices) -> None:
        self.devices = devices
        self._journal = journal
        self._registry = registry
        self._catalogue = Catalogue([ACT])
        self._executor = Executor(self._catalogue, journal, Bus(), registry)
        self._lives = Lives(self._end)

    @property
    def by_a_queue(self) -> None:
        """There is no other way."""

    async def run(
        self, identity: str, chains: Chains, accepted: Callable[[], None] = lambda: None
    ) -> None:
        """Accepted, in one change; decided, planned and dispatched, in another; run, ended."""
        command = Command(id=identity, text=identity, user=USER, door="peers")
        await self._journal.accept(command)
        accepted()
        await self._seen_to_its_end(command, self._decided(command, _plan(chains)))

    async def cancel(self, identity: str) -> None:
        """The answer follows the end, as the pipeline's does."""
        await self._lives.cancel(identity)

    async def account(self, identity: str) -> str:
        """The steps by their states, and the command's."""
        execution = await self._journal.get(identity)
        assert execution is not None
        by_state: dict[str, list[str]] = {}
        for step in execution.steps:
            by_state.setdefault(step.state, []).append(str(step.arguments["name"]))
        told = [f"{state} {' '.join(names)}" for state, names in by_state.items()]
        return f"{execution.state}: {', '.join(told)}"

    async def recovered(self, within: float) -> dict[str, str]:
        """What the pipeline does at a start, and how every command ended."""
        left = await self._journal.unfinished()
        resuming = [
            asyncio.create_task(self._seen_to_its_end(execution.command, self._resumed(execution)))
            for execution in left
        ]
        if resuming:
            await asyncio.wait(resuming, timeout=within)
        every = await self._journal.latest(1_000_000, USER)
        return {execution.command.id: _word(execution.state) for execution in every}

    async def drain(self) -> None:
        """Let go of what is under way."""
        await self._lives.drain(1.0)

    async def _seen_to_its_end(self, command: Command, work: Coroutine[Any, Any, Ending]) -> None:
        self._lives.start(command, work)
        ended = self._lives.ended(command.id)
        assert ended is not None, "it was just started"
        await ended

    async def _decided(self, command: Command, plan: Plan) -> Ending:
        async def begin(steps: frozenset[int]) -> float:
            return await self._journal.decide(
                command.id, Decision.ACT, reason="", model_text="", confidence=None, plan=plan,
                start=steps,
            )  # fmt: skip

        return Ending(last=await self._executor.run(command, plan, begin))

    async def _resumed(self, execution: Execution) -> Ending:
        if execution.state is RunState.ACCEPTED:
            return await self._decided(execution.command, _plan(single(execution.command.text)))
        known = await recovery.known_outcomes(
            execution, self._journal, self._registry, self._catalogue
        )
        plan = Plan(steps=tuple(record.step for record in execution.steps))
        return Ending(last=await self._executor.run(execution.command, plan, known=known))

    async def _end(self, command: Command, ending: Ending) -> None:
        def close(record: StepRecord) -> Outcome:
            if ending.last and ending.last[0].index == record.index:
                return ending.last[1]
            if record.state is StepState.DISPATCHED:
                return Unknown(reason="it was under way")
            return Cancelled()

        def conclude(execution: Execution) -> tuple[RunState, str]:
            return ledger.verdict(step.state for step in execution.steps), ""

        await self._journal.end(command.id, close, conclude)


def _plan(chains: Chains) -> Plan:
    steps: list[Step] = []
    for chain in chains:
        for place, task in enumerate(chain):
            index = len(steps)
            arguments: dict[str, Argument] = {
                "name": task.name, "seconds": task.seconds, "fails": task.fails,
            }  # fmt: skip
            if place:
                arguments["before"] = Ref(step=index - 1)
            device = f"d{index % DEVICES}"
            steps.append(Step(index=index, function=ACT.name, arguments=arguments, device=device))
    return Plan(steps=tuple(steps))


def _word(state: RunState) -> str:
    if state is RunState.SUCCEEDED:
        return "done"
    if state is RunState.NEEDS_ATTENTION:
        return "unknown"
    return str(state) if state in ledger.ENDED_RUN else "open"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Hub]:
    """A hub whose journal is in a folder, with ten stub devices."""
    devices = Devices()
    registry = Registry(folder / "devices.json", {"stub": lambda _: Stub(devices)})
    registry.load(
        tuple(
            Device(id=f"d{n}", kind=Kind.HUB, name=f"d{n}", protocol="stub",
                   functions=(ACT.name,), at_once=64)
            for n in range(DEVICES)
        )
    )  # fmt: skip
    async with Journal(folder / "journal.db") as journal:
        hub = Hub(journal, registry, devices)
        try:
            yield hub
        finally:
            await hub.drain()
            await registry.close()


if __name__ == "__main__":
    main(opened)
