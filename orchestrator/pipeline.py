"""The life of one command, in the order it happens."""

import asyncio
import hashlib
import time
import unicodedata
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor as Threads

from orchestrator import ledger, planner, router
from orchestrator.answers import answer, describe
from orchestrator.bus import Bus
from orchestrator.catalogue import Catalogue
from orchestrator.executor import Executor
from orchestrator.journal import Journal
from orchestrator.lives import Ending, Lives
from orchestrator.registry import Registry
from orchestrator.unbroken import unbroken
from orchestrator.understanding import MAX_SENTENCE, Understanding
from schemas.call import Invocation
from schemas.command import Command
from schemas.decoded import Decoded
from schemas.errors import HubError
from schemas.event import Event
from schemas.execution import Decision, Execution, RunState, StepRecord, StepState
from schemas.function import Effect
from schemas.outcome import Cancelled, Outcome, Unknown
from schemas.plan import Plan, Step

MAX_OPEN = 1_000
"""Commands under way at once; the next is refused as busy rather than left waiting unseen."""
CONFIRM_WITHIN = 60.0
"""Seconds a confirmation is waited for."""

Decode = Callable[[str], Awaitable[Decoded]]
Understand = Callable[[str, Decoded, str], Understanding]


class BadCommand(HubError):
    """The command cannot be taken."""

    code = "bad_command"


class Busy(HubError):
    """Too many commands are under way; send this one again in a moment."""

    code = "busy"


class NotAwaited(HubError):
    """No such confirmation is awaited: it was used, has expired, or never was."""

    code = "not_awaited"


class Pipeline:
    """Takes commands in, sees each to its end, and tells the bus."""

    def __init__(
        self,
        *,
        decode: Decode,
        understand: Understand,
        thread: Threads,
        catalogue: Catalogue,
        journal: Journal,
        executor: Executor,
        registry: Registry,
        bus: Bus,
    ) -> None:
        self._decode = decode
        self._understand = understand
        self._thread = thread
        self._catalogue = catalogue
        self._journal = journal
        self._executor = executor
        self._registry = registry
        self._bus = bus
        self._lives = Lives(self._end)
        self._accepting = 0
        self._awaited: dict[str, tuple[Event, asyncio.Future[bool]]] = {}
        self._stopping = False

    async def submit(self, command: Command) -> bool:
        """Take a command in; once this returns, it is in the journal and will be seen to its end.

        False where its id is known already: the earlier one's record is the answer.
        """
        _check(command)
        if len(self._lives) + self._accepting >= MAX_OPEN:
            raise Busy
        accepted, accepting = False, self._journal.accept(command)
        # Reading the sentence changes nothing, so it does not wait for the disk.
        understood = self._understood(command)
        self._accepting += 1
        try:
            accepted = await accepting
        finally:
            self._accepting -= 1
            if not accepted:
                understood.cancel()
        if accepted:
            self._tell(command, RunState.ACCEPTED, time.time())
            self._lives.start(command, self._live(command, understood))
        return accepted

    def awaited(self, run: str) -> Event | None:
        """What was told of the confirmation a command waits for, with its token."""
        told, answered = self._awaited.get(run, (None, None))
        return told if answered is not None and not answered.done() else None

    async def confirm(self, run: str, token: str, user: str, *, yes: bool = True) -> None:
        """Answer the one confirmation `token` stands for; NotAwaited otherwise."""
        execution = await self._journal.get(run)
        told, answered = self._awaited.get(run, (None, None))
        if told is None or answered is None or answered.done() or token != told.token:
            raise NotAwaited
        if execution is None or execution.command.user != user:
            raise NotAwaited
        answered.set_result(yes)

    async def cancel(self, run: str, user: str) -> None:
        """Stop a command: what was not sent is not sent any more."""
        execution = await self._journal.get(run)
        mine = execution is not None and execution.command.user == user
        if not mine or not await self._lives.cancel(run):
            raise NotAwaited(f"no command {run} of yours is under way")

    async def recover(self) -> None:
        """Take up every command that had not ended when the hub stopped."""
        for execution in await self._journal.unfinished():
            self._lives.start(execution.command, self._resume(execution))

    async def drain(self, within: float) -> None:
        """Wait for what is under way, then leave the rest to the next start."""
        self._stopping = True
        for run, (_, answered) in list(self._awaited.items()):
            if not answered.done():  # nobody can answer any more; the next start says so
                self._lives.leave(run)
        await self._lives.drain(within)

    async def _understand_soon(self, command: Command) -> Understanding:
        decoded = await self._decode(command.text)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._thread, self._understand, command.text, decoded, command.user
        )

    def _understood(self, command: Command) -> "asyncio.Task[Understanding]":
        return asyncio.create_task(self._understand_soon(command), name=f"{command.id}: reading")

    async def _live(self, command: Command, reading: "asyncio.Task[Understanding]") -> Ending:
        understood = await reading
        if _expired(command):
            return Ending(RunState.EXPIRED, "the command expired before it could run")
        plan = None
        decision, reason = understood.decision, understood.reason
        if decision in (Decision.ACT, Decision.CONFIRM):
            try:
                plan = self._routed(command, understood)
            except router.NoDevice as error:
                decision, reason = Decision.REFUSE, str(error)
            except router.WhichDevice as error:
                decision, reason = Decision.ASK, str(error)
        if command.dry_run and plan is not None:
            decision, reason, plan = Decision.REFUSE, f"dry run: would {decision}", None
        deciding = self._journal.decide(
            command.id,
            decision,
            reason=reason,
            model_text=understood.text,
            confidence=understood.confidence,
            model=understood.model,
            plan=plan,
            start=decision is Decision.ACT,
        )
        try:
            at = await unbroken(deciding)
        except asyncio.CancelledError:
            await self._executor.take_back(command, plan.first if plan else ())
            raise
        if plan is None:
            return Ending(RunState.REFUSED, reason)
        if decision is Decision.ACT:
            return await self._execute(command, plan, at, understood.text)
        self._tell(command, RunState.PLANNED, at, understood.text)
        return await self._asked(command, plan, reason) or await self._run(command, plan)

    def _routed(self, command: Command, understood: Understanding) -> Plan:
        devices = self._registry.approved
        if command.devices:
            devices = tuple(d for d in devices if {d.id, d.name} & set(command.devices))
        plan = planner.plan(understood.calls, self._catalogue)
        return router.route(plan, devices, command.text, self._catalogue)

    async def _asked(self, command: Command, plan: Plan, reason: str) -> Ending | None:
        """Wait for a person's yes, which is bound to this very plan; None once it came."""
        if self._stopping:
            return Ending(RunState.CANCELLED, "the hub stops and can ask nobody")
        bound = f"{command.id} {plan.model_dump_json()}"
        token = hashlib.sha256(bound.encode()).hexdigest()[:16]
        state, text = RunState.AWAITING_CONFIRMATION, describe(plan, self._registry.names())
        at = await self._journal.move_run(command.id, state)
        told = Event(id=command.id, user=command.user, state=state, at=at,
                     text=f"{reason}: {text}", token=token)  # fmt: skip
        answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._awaited[command.id] = (told, answered)
        self._bus.publish(told)
        try:
            async with asyncio.timeout(CONFIRM_WITHIN):
                yes = await answered
        except TimeoutError:
            return Ending(RunState.EXPIRED, "nobody confirmed in time")
        finally:
            del self._awaited[command.id]
        if not yes:
            return Ending(RunState.CANCELLED, "a person said no")
        if _expired(command):
            return Ending(RunState.EXPIRED, "the command expired before it could run")
        return None

    async def _run(self, command: Command, plan: Plan) -> Ending:
        try:
            at = await unbroken(self._journal.start(command.id, plan))
        except asyncio.CancelledError:
            await self._executor.take_back(command, plan.first)
            raise
        return await self._execute(command, plan, at)

    async def _execute(
        self, command: Command, plan: Plan, started: float, text: str = ""
    ) -> Ending:
        self._tell(command, RunState.RUNNING, started, text)
        return Ending(last=await self._executor.run(command, plan, dispatched=started))

    async def _resume(self, execution: Execution) -> Ending:
        """Go on where the hub stopped: what may have reached a device is not sent twice."""
        command = execution.command
        if execution.state is RunState.ACCEPTED:
            return await self._live(command, self._understood(command))
        plan = Plan(steps=tuple(_step(record) for record in execution.steps))
        if execution.state is RunState.AWAITING_CONFIRMATION:
            return Ending(RunState.EXPIRED, "the hub restarted before anybody confirmed")
        if execution.state is RunState.PLANNED:
            if _expired(command):
                return Ending(RunState.EXPIRED, "the hub was down while it expired")
            if execution.decision is Decision.ACT:
                return await self._run(command, plan)
            reason = "the hub restarted before it could ask for a confirmation"
            return Ending(RunState.CANCELLED, reason)
        known = {r.index: r.outcome for r in execution.steps if r.outcome is not None}
        for record in execution.steps:
            if record.state is StepState.DISPATCHED:
                await self._take_up(command, record, known)
        return Ending(last=await self._executor.run(command, plan, known=known))

    async def _take_up(
        self, command: Command, record: StepRecord, known: dict[int, Outcome]
    ) -> None:
        """A step the device may have heard of: repeated only where that changes nothing."""
        outcome = await self._looked_up(command, record)
        if outcome is None:
            await self._journal.move_step(command.id, record.index, StepState.PENDING)
            return
        await self._journal.settle(command.id, record.index, outcome)
        known[record.index] = outcome

    async def _looked_up(self, command: Command, record: StepRecord) -> Outcome | None:
        """How a step ended that was under way when the hub stopped; None where it may run again."""
        function = self._catalogue[record.function]
        if function.effect in (Effect.READ, Effect.SET):
            return None
        unknown = Unknown(reason="the hub stopped while this was under way")
        if function.effect is not Effect.PROBEABLE or _step(record).needs:
            return unknown
        invocation = Invocation.model_validate(
            {
                "function": record.function,
                "arguments": record.arguments,
                "key": f"{command.id}/{record.index}",
                "timeout": function.timeout,
            }
        )
        try:
            return await self._registry.probe(record.device, invocation)
        except (HubError, TimeoutError):
            return unknown

    async def _end(self, command: Command, ending: Ending) -> None:
        """End a command and its open steps in the journal, and tell it; once begun, all of it."""
        await unbroken(self._end_and_tell(command, ending))

    async def _end_and_tell(self, command: Command, ending: Ending) -> None:
        names = self._registry.names()

        def conclude(execution: Execution) -> tuple[RunState, str]:
            # The answer says what became of every step that may have reached a device.
            said = [ending.reason] if ending.reason else []
            if not ending.reason or any(record.started for record in execution.steps):
                said.append(answer(execution, names, self._catalogue))
            return _verdict(execution, ending.state), "; ".join(said)

        def close(record: StepRecord) -> Outcome:
            if ending.last and ending.last[0].index == record.index:
                outcome = ending.last[1]
            else:
                outcome = self._cut_off(record, ending.reason or "the command ended")
            closed[record.index] = outcome
            return outcome

        closed: dict[int, Outcome] = {}
        ended = await self._journal.end(command.id, close, conclude)
        if ended is None:
            return
        at = ended.ended or time.time()
        for index, outcome in closed.items():
            self._executor.tell_end(command, ended.steps[index], outcome, at)
        self._bus.publish(
            Event(id=command.id, user=command.user, state=ended.state, at=at, text=ended.answer,
                  record=ended)
        )  # fmt: skip

    def _cut_off(self, record: StepRecord, reason: str) -> Outcome:
        """How a step ends that its command did not wait for."""
        reading = self._catalogue[record.function].effect is Effect.READ
        if record.state is StepState.DISPATCHED and not reading:
            return Unknown(reason=f"it was under way: {reason}")
        return Cancelled(reason=reason)

    def _tell(self, command: Command, state: RunState, at: float, text: str = "") -> None:
        self._bus.publish(Event(id=command.id, user=command.user, state=state, at=at, text=text))


def _step(record: StepRecord) -> Step:
    return Step(
        index=record.index,
        function=record.function,
        arguments=record.arguments,
        device=record.device,
    )


def _verdict(execution: Execution, wanted: RunState | None) -> RunState:
    """How a command ends: what its steps did counts for more than why it was stopped."""
    states = [record.state for record in execution.steps]
    if wanted is None or StepState.UNKNOWN in states or StepState.SUCCEEDED in states:
        return ledger.verdict(states)
    if wanted is RunState.REFUSED and execution.state is not RunState.ACCEPTED:
        return RunState.FAILED
    return wanted


def _expired(command: Command) -> bool:
    return command.expires is not None and command.expires < time.time()


def _check(command: Command) -> None:
    if not command.text.strip():
        raise BadCommand("the sentence is empty")
    if len(command.text) > MAX_SENTENCE:
        raise BadCommand(
            f"the sentence has {len(command.text)} characters; at most {MAX_SENTENCE} are read"
        )
    if not all(_plain(character) for character in command.text):
        raise BadCommand("the sentence has control characters; send plain text")


def _plain(character: str) -> bool:
    """Printable, one of the spaces people type, or what joins an emoji."""
    return (
        character.isprintable() or unicodedata.category(character) == "Zs" or character == "\u200d"
    )
