"""A routed plan to outcomes: every step ends, whatever its device does.

A step starts as soon as the steps it needs have succeeded and its device has a turn for it: steps
without references run together. Intent is in the journal before the device hears of it.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from orchestrator import piping, planner, texts, trace
from orchestrator.attempts import REPEATED, Attempts, Devices, Progress
from orchestrator.bus import Bus
from orchestrator.catalogue import Catalogue
from orchestrator.journal import Journal, JournalUnavailable
from orchestrator.lanes import Lanes, LineFull
from orchestrator.logs import task_name
from orchestrator.unbroken import unbroken
from schemas.base import Scalar
from schemas.call import Change, Invocation, Person
from schemas.command import Command
from schemas.errors import DeviceUnavailable, HubError
from schemas.event import Event
from schemas.execution import StageName, StepState
from schemas.function import Effect
from schemas.outcome import Done, Failed, Outcome, Skipped
from schemas.plan import Plan, Ref, Step

Begin = Callable[[frozenset[int]], Awaitable[float]]
"""Records something and that these steps are dispatched, in one change; says when."""
Last = tuple[Step, Outcome]
"""The step of a plan that ended last, and how."""
WITHIN = 300.0
"""Seconds within which every step of a command must have had its turn."""
SAY_WITHIN = 2.0
"""Seconds that a call which is cut off, and cannot just be done again, has to say how it ended."""
HELD = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds between two looks for a device that is away; the last for ever."""


@dataclass(frozen=True)
class _Run:
    """One plan under way: how its steps ended, until when they must have had their turn, and those
    that have it, dispatched in the journal since then, while no device heard of them yet."""

    command: Command
    plan: Plan
    ended: dict[int, "asyncio.Future[Outcome]"]
    until: float
    begun: dict[int, float] = field(default_factory=dict)


class Executor:
    """Runs plans; keeps nothing between them but whose turn it is."""

    def __init__(
        self,
        catalogue: Catalogue,
        journal: Journal,
        bus: Bus,
        devices: Devices,
        *,
        within: float = WITHIN,
        attempts: Attempts | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._journal = journal
        self._bus = bus
        self._lanes = Lanes(devices.at_once)
        self._attempts = attempts or Attempts(devices)
        self._within = within
        self.holding: set[str] = set()
        """Commands that wait for a device that is away."""

    @property
    def queued(self) -> int:
        """Steps that wait for their turn on a device."""
        return self._lanes.waiting

    async def run(
        self,
        command: Command,
        plan: Plan,
        begin: Begin | None = None,
        *,
        known: Mapping[int, Outcome] | None = None,
    ) -> Last | None:
        """See every step to its end. The outcome of the one that ended last is given and not yet
        in the journal: it goes there with the command's own end.

        `begin` records the start; without it the journal has it, and `known` are the steps that
        had ended. NoPlan where it cannot run as it is; nothing is recorded or sent then.
        """
        planner.check(plan, self._catalogue)
        loop = asyncio.get_running_loop()
        ended = {step.index: loop.create_future() for step in plan.steps}
        held = max(0.0, (command.hold or 0.0) - time.time())
        run = _Run(command, plan, ended, loop.time() + self._within + held)
        for index, outcome in (known or {}).items():
            ended[index].set_result(outcome)
        if begin is not None:
            await self._dispatching(run, plan.first, begin)
        tasks: list[asyncio.Task[Last | None]] = []
        try:
            async with asyncio.TaskGroup() as group:
                for step in plan.steps:
                    if not ended[step.index].done():
                        name = task_name(command.id, f"/{step.index}")
                        tasks.append(group.create_task(self._step(run, step), name=name))
        except asyncio.CancelledError:
            if last := _last(tasks):  # the command was stopped as its last step ended
                await unbroken(self._recorded(command, *last))
            raise
        finally:
            unsent = [step for step in plan.steps if step.index in run.begun]
            self._give_back(unsent)
            await self._take_back(command, unsent)
        return _last(tasks)

    def tell_end(self, command: Command, step: Step, outcome: Outcome, at: float) -> None:
        """Tell how a step ended, once the journal has it."""
        self._tell(command, step, StepState(outcome.state), at, _said(outcome))

    async def _dispatching(self, run: _Run, steps: Iterable[Step], record: Begin) -> float:
        """Record something, and in the same change the dispatch of those of the steps that have
        their turn now; says when."""
        taken = [step for step in steps if self._lanes.take(_device(step))]
        indexes = frozenset(step.index for step in taken)
        try:
            at = await unbroken(record(indexes))
        except BaseException as error:
            self._give_back(taken)
            if isinstance(error, asyncio.CancelledError):
                await self._take_back(run.command, taken)
            raise
        run.begun.update(dict.fromkeys(indexes, at))
        return at

    def _give_back(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self._lanes.give_back(_device(step))

    async def _take_back(self, command: Command, steps: Iterable[Step]) -> None:
        """Steps that the journal has as dispatched and no device has heard of wait again: where
        the hub stops the next start sends them, where a person cancels nobody does."""
        for step in steps:
            with contextlib.suppress(HubError):
                pending = self._journal.move_step(command.id, step.index, StepState.PENDING)
                await unbroken(pending)

    async def _step(self, run: _Run, step: Step) -> Last | None:
        """See one step to its end; gives it where it was the last and is not recorded."""
        needed = {index: await run.ended[index] for index in step.needs}
        outcome = await self._outcome(run, step, needed)
        last = all(other.done() for index, other in run.ended.items() if index != step.index)
        if not last:
            settle = partial(self._recorded, run.command, step, outcome)
            await self._dispatching(run, self._following(run, step, outcome), settle)
        run.ended[step.index].set_result(outcome)
        return (step, outcome) if last else None

    def _following(self, run: _Run, ended: Step, outcome: Outcome) -> Iterator[Step]:
        """The steps that waited for this one alone, and can start now that it has ended."""
        so_far = {index: its.result() for index, its in run.ended.items() if its.done()}
        so_far[ended.index] = outcome
        for step in run.plan.steps:
            if ended.index in step.needs and so_far.keys() >= set(step.needs):
                needed = {index: so_far[index] for index in step.needs}
                if isinstance(self._inputs(step, needed), dict):
                    yield step

    async def _outcome(self, run: _Run, step: Step, needed: dict[int, Outcome]) -> Outcome:
        arguments = self._inputs(step, needed)
        if not isinstance(arguments, dict):
            return arguments
        outcome = await self._in_turn(run, step, arguments)
        hold, pauses = run.command.hold or 0.0, itertools.chain(HELD, itertools.repeat(HELD[-1]))
        while _away(outcome) and (left := hold - time.time()) > 0:
            try:
                await self._held(run.command, step, hold)
            except JournalUnavailable:
                break
            self.holding.add(run.command.id)
            try:
                with trace.stage(StageName.HOLD, step.index):
                    await asyncio.sleep(min(next(pauses), left))
            finally:
                self.holding.discard(run.command.id)
            outcome = await self._in_turn(run, step, arguments)
        return outcome

    async def _held(self, command: Command, step: Step, hold: float) -> None:
        """The device is away and the command may wait: its step does, also over a restart."""
        at = await unbroken(self._journal.move_step(command.id, step.index, StepState.PENDING))
        until = datetime.fromtimestamp(hold, UTC).astimezone()
        self._tell(command, step, StepState.PENDING, at, texts.HELD.format(until=f"{until:%H:%M}"))

    async def _in_turn(self, run: _Run, step: Step, arguments: dict[str, Scalar | None]) -> Outcome:
        """One step's turn on its device."""
        begun = run.begun.pop(step.index, None)
        if begun is None:
            try:
                async with asyncio.timeout_at(run.until):
                    with trace.stage(StageName.QUEUE, step.index):
                        await self._lanes.turn(_device(step))
            except TimeoutError:
                return Failed(code="deadline", reason=texts.TOO_LATE.format(seconds=self._within))
            except LineFull as error:
                return Failed(code=error.code, reason=str(error))
        try:
            if run.command.expired(time.time()):
                return Failed(code="expired", reason=texts.EXPIRED)
            return await self._sent(run.command, step, arguments, begun)
        finally:
            self._lanes.give_back(_device(step))

    async def _sent(
        self,
        command: Command,
        step: Step,
        arguments: dict[str, Scalar | None],
        begun: float | None,
    ) -> Outcome:
        """Intent, then the call; `begun` is when the intent was recorded, if it is."""
        try:
            if begun is None:
                sending = self._journal.move_step(command.id, step.index, StepState.DISPATCHED)
                begun = await unbroken(sending)
        except JournalUnavailable as error:
            # Without a record of the intent nothing is sent.
            return Failed(code=error.code, reason=str(error))
        except asyncio.CancelledError:
            await self._take_back(command, [step])
            raise
        self._tell(command, step, StepState.DISPATCHED, begun)
        function = self._catalogue[step.function]
        invocation = Invocation(
            function=step.function,
            arguments=arguments,
            key=f"{command.id}/{step.index}",
            timeout=function.timeout,
        )
        progress = Progress()
        call = self._attempts.call(_device(step), invocation, function, progress)
        calling = asyncio.create_task(call, name=task_name(invocation.key, ": call"))
        try:
            with trace.stage(StageName.CALL, step.index):
                return await asyncio.shield(calling)
        except asyncio.CancelledError:
            with trace.stage(StageName.CALL, step.index):
                outcome = await unbroken(_cut_off(calling, function.effect, progress))
            if not progress.sent or (outcome is not None and _away(outcome)):
                await self._take_back(command, [step])
            elif outcome is not None:
                await unbroken(self._recorded(command, step, outcome))
            raise

    def _inputs(
        self, step: Step, needed: Mapping[int, Outcome]
    ) -> dict[str, Scalar | None] | Skipped | Failed:
        """The arguments, with results where references stood; or how the step ends without them."""
        arguments: dict[str, Scalar | None] = {}
        parameters = {p.name: p for p in self._catalogue[step.function].parameters}
        for name, value in step.arguments.items():
            assert not isinstance(value, Change | Person), "settled before it is run"
            if not isinstance(value, Ref):
                arguments[name] = value
                continue
            before = needed[value.step]
            if not isinstance(before, Done):
                return Skipped(reason=texts.NEEDED.format(step=value.step + 1))
            try:
                arguments[name] = piping.fitted(before.result, parameters[name], value.step)
            except piping.DoesNotFit as error:
                return Failed(code=error.code, reason=str(error))
        return arguments

    async def _recorded(
        self,
        command: Command,
        step: Step,
        outcome: Outcome,
        dispatched: frozenset[int] = frozenset(),
    ) -> float:
        at = await self._journal.settle(command.id, step.index, outcome, dispatched)
        self.tell_end(command, step, outcome, at)
        return at

    def _tell(self, command: Command, step: Step, state: str, at: float, text: str = "") -> None:
        self._bus.publish(
            Event(id=command.id, user=command.user, state=state, at=at, step=step.index,
                  function=step.function, device=step.device or "", text=text)
        )  # fmt: skip


async def _cut_off(
    calling: "asyncio.Future[Outcome]", effect: Effect, progress: Progress
) -> Outcome | None:
    """Stop a call that a device may have heard of, and say how it ended, if that is known. Where it
    is not the step stays dispatched: the next start takes it up as after a crash, and where a
    person cancelled, the pipeline closes it."""
    progress.stopped = True
    may_say = progress.sent and effect not in REPEATED
    await asyncio.wait([calling], timeout=SAY_WITHIN if may_say else 0)
    calling.cancel()
    await asyncio.wait([calling], timeout=SAY_WITHIN)
    return calling.result() if calling.done() and not calling.cancelled() else None


def _last(tasks: Iterable["asyncio.Task[Last | None]"]) -> Last | None:
    """The step that ended last and is not recorded, if there is one."""
    ended = [task for task in tasks if not task.cancelled()]
    return next((last for task in ended if (last := task.result())), None)


def _away(outcome: Outcome) -> bool:
    """Whether the device could not be reached, and so heard nothing."""
    return isinstance(outcome, Failed) and outcome.code == DeviceUnavailable.code


def _device(step: Step) -> str:
    assert step.device is not None, "routed before it is run"
    return step.device


def _said(outcome: Outcome) -> str:
    if isinstance(outcome, Done):
        return f"{outcome.evidence}: {outcome.detail}" if outcome.detail else outcome.evidence
    return outcome.reason
