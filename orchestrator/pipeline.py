"""The life of one command, in the order it happens."""

import asyncio
import hashlib
import logging
import time
import unicodedata
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor as Threads

from orchestrator import ledger, planner, router
from orchestrator.answers import answer, describe
from orchestrator.bus import Bus
from orchestrator.catalogue import Catalogue
from orchestrator.executor import Executor, Last
from orchestrator.journal import Journal, JournalUnavailable
from orchestrator.registry import Registry
from orchestrator.understanding import MAX_SENTENCE, Understanding
from schemas.call import Invocation
from schemas.command import Command
from schemas.errors import HubError
from schemas.event import Event
from schemas.execution import Decision, Execution, RunState, StepRecord, StepState
from schemas.function import Effect
from schemas.outcome import Cancelled, Outcome, Unknown
from schemas.plan import Plan, Step

log = logging.getLogger(__name__)

MAX_OPEN = 1_000
"""Commands under way at once; the next is refused as busy rather than left waiting unseen."""
JOURNAL_RETRY = 1.0
"""Seconds between two attempts to end a command that the journal would not take."""
CONFIRM_WITHIN = 60.0
"""Seconds a confirmation is waited for."""

Understand = Callable[[str, str], Understanding]


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
        understand: Understand,
        model_thread: Threads,
        catalogue: Catalogue,
        journal: Journal,
        executor: Executor,
        registry: Registry,
        bus: Bus,
    ) -> None:
        self._understand = understand
        self._model_thread = model_thread
        self._catalogue = catalogue
        self._journal = journal
        self._executor = executor
        self._registry = registry
        self._bus = bus
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._confirmations: dict[str, tuple[str, asyncio.Future[bool]]] = {}
        self._cancelled: set[str] = set()

    async def submit(self, command: Command) -> bool:
        """Take a command in; once this returns, it is in the journal and will be seen to its end.

        False where its id is known already: the earlier one's record is the answer.
        """
        _check(command)
        if len(self._lives) >= MAX_OPEN:
            raise Busy
        # Reading the sentence changes nothing, so it does not wait for the disk.
        understood = self._understood(command)
        accepted = False
        try:
            accepted = await self._journal.accept(command)
        finally:
            if not accepted:
                understood.cancel()
        if accepted:
            self._tell(command, RunState.ACCEPTED, time.time())
            self._start(command, self._live(command, understood))
        return accepted

    async def confirm(self, run: str, token: str, user: str, *, yes: bool = True) -> None:
        """Answer the one confirmation `token` stands for; NotAwaited otherwise."""
        execution = await self._journal.get(run)
        expected, answered = self._confirmations.get(run, ("", None))
        if answered is None or answered.done() or token != expected:
            raise NotAwaited
        if execution is None or execution.command.user != user:
            raise NotAwaited
        answered.set_result(yes)

    async def cancel(self, run: str, user: str) -> None:
        """Stop a command: what was not sent is not sent any more."""
        execution = await self._journal.get(run)
        life = self._lives.get(run)
        if execution is None or execution.command.user != user or life is None:
            raise NotAwaited(f"no command {run} of yours is under way")
        self._cancelled.add(run)
        life.cancel()
        await asyncio.wait([life])

    async def recover(self) -> None:
        """Take up every command that had not ended when the hub stopped."""
        for execution in await self._journal.unfinished():
            self._start(execution.command, self._resume(execution))

    async def drain(self, within: float) -> None:
        """Wait for what is under way, then stop the rest where it stands."""
        for run, (_, answered) in list(self._confirmations.items()):
            if not answered.done():  # nobody can answer any more; the next start says so
                self._lives[run].cancel()
        if self._lives:
            await asyncio.wait(list(self._lives.values()), timeout=within)
        for life in list(self._lives.values()):
            life.cancel()
        await asyncio.gather(*self._lives.values(), return_exceptions=True)

    def _start(self, command: Command, life: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(self._guarded(command, life), name=command.id)
        self._lives[command.id] = task
        task.add_done_callback(lambda _: self._lives.pop(command.id, None))

    async def _guarded(self, command: Command, life: Coroutine[None, None, None]) -> None:
        """The command's end is told even when a bug escapes."""
        try:
            await life
        except asyncio.CancelledError:
            if command.id not in self._cancelled:
                raise
            self._cancelled.discard(command.id)
            await self._end(command, RunState.CANCELLED, "cancelled by a person")
        except JournalUnavailable as error:
            log.error("command %s waits for the journal: %s", command.id, error)
            await self._end_once_possible(command, f"the journal could not be written: {error}")
        except HubError as error:
            await self._end_once_possible(command, str(error))
        except Exception:
            log.exception("command %s broke", command.id)
            await self._end_once_possible(command, "the hub broke; its log says why")

    async def _end_once_possible(self, command: Command, reason: str) -> None:
        """No end is told that the journal does not have: a restart would run the command again."""
        while True:
            try:
                await self._end(command, RunState.REFUSED, reason)
                return
            except JournalUnavailable:
                await asyncio.sleep(JOURNAL_RETRY)

    def _understood(self, command: Command) -> "asyncio.Future[Understanding]":
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(
            self._model_thread, self._understand, command.text, command.user
        )

    async def _live(self, command: Command, reading: "asyncio.Future[Understanding]") -> None:
        understood = await reading
        if _expired(command):
            await self._end(command, RunState.EXPIRED, "the command expired before it could run")
            return
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
        at = await self._journal.decide(
            command.id,
            decision,
            reason=reason,
            model_text=understood.text,
            confidence=understood.confidence,
            plan=plan,
            start=decision is Decision.ACT,
        )
        if plan is None:
            await self._end(command, RunState.REFUSED, reason)
            return
        self._tell(command, RunState.PLANNED, at, understood.text)
        if decision is Decision.ACT:
            await self._execute(command, plan, at)
        elif await self._confirmed(command, plan, reason):
            await self._run(command, plan)

    def _routed(self, command: Command, understood: Understanding) -> Plan:
        devices = self._registry.approved
        if command.devices:
            devices = tuple(d for d in devices if {d.id, d.name} & set(command.devices))
        plan = planner.plan(understood.calls, self._catalogue)
        return router.route(plan, devices, command.text, self._catalogue)

    async def _confirmed(self, command: Command, plan: Plan, reason: str) -> bool:
        """Wait for a person's yes, which is bound to this very plan."""
        bound = f"{command.id} {plan.model_dump_json()}"
        token = hashlib.sha256(bound.encode()).hexdigest()[:16]
        described = describe(plan, self._registry.names())
        answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._confirmations[command.id] = (token, answered)
        try:
            waiting = RunState.AWAITING_CONFIRMATION
            at = await self._journal.move_run(command.id, waiting)
            self._tell(command, waiting, at, f"{reason}: {described}", token)
            async with asyncio.timeout(CONFIRM_WITHIN):
                yes = await answered
        except TimeoutError:
            await self._end(command, RunState.EXPIRED, "nobody confirmed in time")
            return False
        finally:
            del self._confirmations[command.id]
        if yes and _expired(command):
            await self._end(command, RunState.EXPIRED, "the command expired before it could run")
            return False
        if not yes:
            await self._end(command, RunState.CANCELLED, "a person said no")
        return yes

    async def _run(self, command: Command, plan: Plan) -> None:
        await self._execute(command, plan, await self._journal.start(command.id, plan))

    async def _execute(self, command: Command, plan: Plan, started: float) -> None:
        self._tell(command, RunState.RUNNING, started)
        last = await self._executor.run(command, plan, dispatched=started)
        await self._end(command, last=last)

    async def _resume(self, execution: Execution) -> None:
        """What a restart means: see DESIGN, durable execution."""
        command = execution.command
        if execution.state is RunState.ACCEPTED:
            await self._live(command, self._understood(command))
            return
        plan = Plan(steps=tuple(_step(record) for record in execution.steps))
        if execution.state is RunState.AWAITING_CONFIRMATION:
            reason = "the hub restarted before anybody confirmed"
            await self._end(command, RunState.EXPIRED, reason)
            return
        if execution.state is RunState.PLANNED:
            if _expired(command):
                await self._end(command, RunState.EXPIRED, "the hub was down while it expired")
            elif execution.decision is Decision.ACT:
                await self._run(command, plan)
            else:
                reason = "the hub restarted before it could ask for a confirmation"
                await self._end(command, RunState.CANCELLED, reason)
            return
        known = {r.index: r.outcome for r in execution.steps if r.outcome is not None}
        for record in execution.steps:
            if record.state is StepState.DISPATCHED:
                await self._take_up(command, record, known)
        last = await self._executor.run(command, plan, known=known)
        await self._end(command, last=last)

    async def _take_up(
        self, command: Command, record: StepRecord, known: dict[int, Outcome]
    ) -> None:
        """A step the device may have heard of: repeated only where that changes nothing."""
        outcome = await self._looked_up(command, record)
        if outcome is None:
            await self._journal.move_step(command.id, record.index, StepState.PENDING)
            return
        state = StepState(outcome.state)
        await self._journal.move_step(command.id, record.index, state, outcome)
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
        except HubError:
            return unknown

    async def _end(
        self,
        command: Command,
        state: RunState | None = None,
        reason: str = "",
        *,
        last: Last | None = None,
    ) -> None:
        """End a command as `state`, or as its steps ended; `last` and open steps end with it.

        The answer says what became of every step that may have reached a device.
        """
        names = self._registry.names()

        def conclude(execution: Execution) -> tuple[RunState, str]:
            said = [reason] if reason else []
            if not reason or any(record.started for record in execution.steps):
                said.append(answer(execution, names, self._catalogue))
            return _verdict(execution, state), "; ".join(said)

        def close(record: StepRecord) -> Outcome:
            if last and last[0].index == record.index:
                return last[1]
            return self._cut_off(record, reason or "the command ended")

        ended = await self._journal.end(command.id, close, conclude)
        if ended is None:
            return
        at = ended.ended or time.time()
        if last:
            self._executor.tell_end(command, *last, at)
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

    def _tell(
        self, command: Command, state: RunState, at: float, text: str = "", token: str = ""
    ) -> None:
        self._bus.publish(
            Event(id=command.id, user=command.user, state=state, at=at, text=text, token=token)
        )


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
