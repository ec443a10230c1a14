"""A routed plan to outcomes: every step ends, whatever its device does.

A step starts as soon as the steps it needs have succeeded, so steps without references start
together. Intent is in the journal before the device hears of it. What a device's silence means
depends on the function's effect: reading again is harmless, dialling again is not.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from orchestrator import texts
from orchestrator.bus import Bus
from orchestrator.catalogue import Catalogue
from orchestrator.journal import Journal, JournalUnavailable
from orchestrator.unbroken import unbroken
from schemas.base import Scalar
from schemas.call import Change, Invocation, Person, Restore
from schemas.command import Command
from schemas.errors import (
    DeviceNeedsPerson,
    DeviceRefused,
    DeviceUnavailable,
    DeviceUncertain,
    HubError,
)
from schemas.event import Event
from schemas.execution import StepState
from schemas.function import Effect
from schemas.outcome import Done, Failed, Outcome, Skipped, Unknown
from schemas.plan import Plan, Ref, Step

log = logging.getLogger(__name__)

Reach = Callable[[str, Invocation], Awaitable[Done]]
"""Runs one call on the device with this id."""
Present = Callable[[str, Invocation], Awaitable[Restore | None]]
"""The call that would leave the device with this id as it is now."""
Last = tuple[Step, Outcome]
"""The step of a plan that ended last, and how."""
GRACE = 6.0
"""Seconds beyond a call's own time: for connecting, and for the adapter's deadline to come first,
which knows whether anything was sent."""
LOOK_WITHIN = 2.0
"""Seconds a device has to say how it is before it is changed; then it is changed all the same."""
MAX_RESULT = 10_000
"""Longest text, in characters, that one step may hand to the next."""


@dataclass(frozen=True)
class _Run:
    """One plan under way: how its steps ended, and which ones a device may have heard of."""

    command: Command
    ended: dict[int, "asyncio.Future[Outcome]"]
    dispatched: float | None
    sent: set[int] = field(default_factory=set)


class Executor:
    """Runs plans; keeps nothing between them."""

    def __init__(
        self,
        catalogue: Catalogue,
        journal: Journal,
        bus: Bus,
        reach: Reach,
        present: Present,
        *,
        grace: float = GRACE,
    ) -> None:
        self._grace = grace
        self._catalogue = catalogue
        self._journal = journal
        self._bus = bus
        self._reach = reach
        self._present = present

    async def run(
        self,
        command: Command,
        plan: Plan,
        *,
        known: Mapping[int, Outcome] | None = None,
        dispatched: float | None = None,
    ) -> Last | None:
        """See every step to its end. The outcome of the one that ended last is given and not yet
        in the journal: it goes there with the command's own end.

        `known` are the steps that had ended; `dispatched` is when the journal was told that the
        first steps start, None where it is to be told of each.
        """
        loop = asyncio.get_running_loop()
        run = _Run(command, {step.index: loop.create_future() for step in plan.steps}, dispatched)
        for index, outcome in (known or {}).items():
            run.ended[index].set_result(outcome)
        tasks = []
        try:
            async with asyncio.TaskGroup() as group:
                for step in plan.steps:
                    if not run.ended[step.index].done():
                        name = f"{command.id}/{step.index}"
                        tasks.append(group.create_task(self._step(run, step), name=name))
        except asyncio.CancelledError:
            if dispatched is not None:
                await self.take_back(command, [s for s in plan.first if s.index not in run.sent])
            raise
        return next((last for task in tasks if (last := task.result())), None)

    async def take_back(self, command: Command, steps: Iterable[Step]) -> None:
        """Steps that the journal has as dispatched and no device has heard of wait again: where
        the hub stops the next start sends them, where a person cancels nobody does."""
        for step in steps:
            with contextlib.suppress(HubError):
                pending = self._journal.move_step(command.id, step.index, StepState.PENDING)
                await unbroken(pending)

    def tell_end(self, command: Command, step: Step, outcome: Outcome, at: float) -> None:
        """Tell how a step ended, once the journal has it."""
        self._tell(command, step, StepState(outcome.state), at, _said(outcome))

    async def _step(self, run: _Run, step: Step) -> Last | None:
        """See one step to its end; gives it where it was the last and is not recorded."""
        needed = {index: await run.ended[index] for index in step.needs}
        outcome = await self._outcome(run, step, needed)
        last = all(other.done() for index, other in run.ended.items() if index != step.index)
        if not last:
            await unbroken(self._recorded(run.command, step, outcome))
        run.ended[step.index].set_result(outcome)
        return (step, outcome) if last else None

    async def _outcome(self, run: _Run, step: Step, needed: dict[int, Outcome]) -> Outcome:
        for index, before in needed.items():
            if not isinstance(before, Done):
                return Skipped(reason=texts.NEEDED.format(step=index + 1))
        arguments = self._resolved(step, needed)
        if isinstance(arguments, Failed):
            return arguments
        command, at = run.command, None if step.needs else run.dispatched
        try:
            if at is None:
                sending = self._journal.move_step(command.id, step.index, StepState.DISPATCHED)
                at = await unbroken(sending)
        except JournalUnavailable as error:
            # Without a record of the intent nothing is sent.
            return Failed(code=error.code, reason=str(error))
        except asyncio.CancelledError:
            await self.take_back(command, [step])
            raise
        run.sent.add(step.index)
        self._tell(command, step, StepState.DISPATCHED, at)
        function = self._catalogue[step.function]
        invocation = Invocation(
            function=step.function,
            arguments=arguments,
            key=f"{command.id}/{step.index}",
            timeout=function.timeout,
        )
        assert step.device is not None
        undo = await self._undo(step.device, invocation) if function.inverse else None
        try:
            outcome = await self._call(step.device, invocation, function.effect)
        except asyncio.CancelledError:
            # The device may or may not have acted. What may be repeated stays dispatched: the next
            # start takes it up; where a person cancelled, the pipeline closes it.
            if function.effect not in (Effect.READ, Effect.SET):
                silent = Unknown(reason=texts.CANCELLED_UNDER_WAY)
                await unbroken(self._recorded(command, step, silent))
            raise
        if isinstance(outcome, Done) and undo is not None:
            return outcome.model_copy(update={"undo": undo})
        return outcome

    async def _undo(self, device: str, invocation: Invocation) -> Restore | None:
        """What would undo the call; None where the device does not say, or nothing changes.

        It is for a person who changes their mind: no reason not to do what was asked.
        """
        try:
            async with asyncio.timeout(LOOK_WITHIN):
                now = await self._present(device, invocation)
        except (HubError, TimeoutError):
            return None
        except Exception:
            log.exception("adapter of %s broke while it was asked how it is", device)
            return None
        if now is None or now.function != invocation.function:
            return now
        same = all(invocation.arguments.get(name) == now.arguments[name] for name in now.arguments)
        return None if same else now

    async def _call(self, device: str, invocation: Invocation, effect: Effect) -> Outcome:
        try:
            async with asyncio.timeout(invocation.timeout + self._grace):
                done = await self._reach(device, invocation)
        except TimeoutError:
            reason = texts.NO_ANSWER.format(seconds=invocation.timeout)
            return _silence(effect, "timeout", reason)
        except DeviceUncertain as error:
            return _silence(effect, error.code, str(error))
        except (DeviceUnavailable, DeviceRefused, DeviceNeedsPerson) as error:
            return Failed(code=error.code, reason=str(error))
        except Exception as error:
            log.exception("adapter of %s broke", device)
            code = error.code if isinstance(error, HubError) else "bug"
            return _silence(effect, code, texts.ADAPTER_BROKE.format(why=type(error).__name__))
        if not isinstance(done, Done):
            return _silence(effect, "bug", texts.NO_OUTCOME)
        return done

    def _resolved(
        self, step: Step, needed: dict[int, Outcome]
    ) -> dict[str, Scalar | None] | Failed:
        """The arguments with references replaced by the results as text, of bounded length."""
        resolved: dict[str, Scalar | None] = {}
        for name, value in step.arguments.items():
            assert not isinstance(value, Change | Person), "settled before it is run"
            if not isinstance(value, Ref):
                resolved[name] = value
                continue
            before = needed[value.step]
            assert isinstance(before, Done)
            if before.result is None:
                reason = texts.NO_RESULT.format(step=value.step + 1, name=name)
                return Failed(code="no_result", reason=reason)
            text = str(before.result)
            if len(text) > MAX_RESULT:
                reason = texts.TOO_LONG.format(
                    step=value.step + 1, length=len(text), most=MAX_RESULT
                )
                return Failed(code="too_long", reason=reason)
            resolved[name] = text
        return resolved

    async def _recorded(self, command: Command, step: Step, outcome: Outcome) -> None:
        at = await self._journal.settle(command.id, step.index, outcome)
        self.tell_end(command, step, outcome, at)

    def _tell(self, command: Command, step: Step, state: str, at: float, text: str = "") -> None:
        self._bus.publish(
            Event(id=command.id, user=command.user, state=state, at=at, step=step.index,
                  function=step.function, device=step.device or "", text=text)
        )  # fmt: skip


def _silence(effect: Effect, code: str, reason: str) -> Outcome:
    """A reading that got no answer failed; anything else may have happened."""
    return Failed(code=code, reason=reason) if effect is Effect.READ else Unknown(reason=reason)


def _said(outcome: Outcome) -> str:
    if isinstance(outcome, Done):
        return f"{outcome.evidence}: {outcome.detail}" if outcome.detail else outcome.evidence
    return outcome.reason
