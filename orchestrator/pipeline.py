"""The life of every command: taken in, read, seen through, ended; once each."""

import asyncio
import time
import unicodedata
from concurrent.futures import Executor as Threads
from typing import Any

from orchestrator import ledger, planner, recovery, texts, trace
from orchestrator.admission import Admission, Limits
from orchestrator.answers import answer
from orchestrator.bus import Bus
from orchestrator.catalogue import IRRELEVANT, Catalogue
from orchestrator.course import Course
from orchestrator.executor import Executor
from orchestrator.journal import Journal, JournalUnavailable
from orchestrator.lives import Ending, Lives
from orchestrator.logs import task_name
from orchestrator.nearest import hint
from orchestrator.obeying import Obeying
from orchestrator.people import People
from orchestrator.questions import Reply
from orchestrator.reading import Decode, Reader, Reading
from orchestrator.registry import Registry
from orchestrator.settling import Settler
from orchestrator.unbroken import unbroken
from orchestrator.understanding import MAX_SENTENCE, Understander, Understanding
from orchestrator.waiting import Waiting, WaitingRoom
from schemas.call import NamedCall
from schemas.command import Command
from schemas.errors import BadCommand, HubError
from schemas.event import Event
from schemas.execution import Decision, Execution, RunState, StageName, StepRecord, StepState
from schemas.function import Function
from schemas.outcome import Cancelled, Outcome, Unknown
from schemas.plan import Plan
from schemas.schedule import Schedule

LONGEST_HOLD = 24 * 3600.0
"""Seconds that a command may wait for a device."""
COME_BACK = 30.0
"""Seconds that what is taken up again waits for a device that is away."""
ACCEPT_WITHIN = 10.0
"""Seconds the journal has to take a command in; then its sender is told that it was not taken."""


class NotAwaited(HubError):
    """No such confirmation is awaited: it was used, has expired, or never was."""

    code = "not_awaited"


class Pipeline:
    """Takes commands in, sees each to its end, and tells the bus."""

    def __init__(
        self,
        *,
        decode: Decode,
        understander: Understander,
        thread: Threads,
        people: People,
        catalogue: Catalogue,
        journal: Journal,
        executor: Executor,
        registry: Registry,
        bus: Bus,
        limits: Limits | None = None,
    ) -> None:
        self._admission = Admission(limits or Limits())
        self._reader = Reader(decode, understander, thread, journal, catalogue)
        self._catalogue = catalogue
        self._journal = journal
        self._executor = executor
        self._registry = registry
        self._bus = bus
        self._lives = Lives(self._end)
        self._waiting = WaitingRoom()
        self.course = Course(
            settler=Settler(understander, catalogue, registry, people), journal=journal,
            executor=executor, registry=registry, bus=bus, waiting=self._waiting,
        )  # fmt: skip
        self._obeying = Obeying(
            course=self.course, journal=journal, registry=registry, lives=self._lives,
            waiting=self._waiting, catalogue=catalogue,
        )  # fmt: skip
        self._accepting = 0
        self._given_up: set[str] = set()

    async def submit(self, command: Command) -> bool:
        """Take a command in; once this returns, it is in the journal and will be seen to its end.

        False where its id is known already: the earlier one's record is the answer. Busy where its
        user sends too many, JournalUnavailable where it could not be recorded.
        """
        _check(command.text, "call" if command.call else "sentence")
        _check_hold(command.hold)
        if command.call is not None:
            _check_call(command.call, self._catalogue)
        if command.id in self._lives:
            return False
        self._admit(command.user)
        # Reading the sentence changes nothing, so it does not wait for the disk.
        with trace.begun():
            reading, accepting = self._reading(command), self._journal.accept(command)
            answer = asyncio.shield(accepting)  # made first: who sent it hears before who listens
            accepting.add_done_callback(lambda _: self._taken(command, reading, accepting))
        self._accepting += 1
        try:
            async with asyncio.timeout(ACCEPT_WITHIN):
                if not (accepted := await answer):
                    await self._take_up(command)
                return accepted
        except TimeoutError as error:
            reading.cancel()
            self._given_up.add(command.id)
            raise JournalUnavailable(texts.JOURNAL_SILENT) from error

    def _admit(self, user: str) -> None:
        """Busy where a user sends too many sentences, or all together do."""
        mine, all_of_them = self._lives.of_user(user), len(self._lives) + self._accepting
        self._admission.admit(user, mine, all_of_them, time.monotonic())

    def _taken(
        self, command: Command, reading: "asyncio.Task[Reading]", accepting: "asyncio.Future[bool]"
    ) -> None:
        """The journal has answered; where its sender was told before that a command was not taken,
        it ends at once."""
        self._accepting -= 1
        given_up = command.id in self._given_up
        self._given_up.discard(command.id)
        error = None if accepting.cancelled() else accepting.exception()
        accepted = not accepting.cancelled() and error is None and accepting.result()
        if not accepted:
            reading.cancel()
        if isinstance(error, JournalUnavailable) or (accepted and given_up):
            # Where only the answer was lost it is there, and must not run at the next start.
            self._lives.start(command, _refused(texts.JOURNAL_SILENT))
        elif accepted:
            self._tell(command, RunState.ACCEPTED, time.time())
            self._lives.start(command, self._live(command, reading))

    async def _take_up(self, command: Command) -> None:
        """A command that the journal has, though its sender was told otherwise: where the answer to
        a commit was lost, nobody carries it out yet."""
        execution = await self._journal.get(command.id)
        if execution is None or execution.state in ledger.ENDED_RUN or command.id in self._lives:
            return
        self._lives.start(execution.command, self._resume(execution))

    def fire(self, command: Command) -> None:
        """Start a command that a schedule sends and the journal has accepted already."""
        if command.id in self._lives:
            return
        self._tell(command, RunState.ACCEPTED, time.time())
        self._lives.start(command, self._scheduled(command))

    def missed(self, execution: Execution) -> None:
        """Tell of an occurrence of a schedule that nobody can run any more."""
        self._tell_end(execution)

    def awaited(self, run: str) -> Event | None:
        """What was told of the question or confirmation a command waits for."""
        waiting = self._waiting.of(run)
        return waiting.told if waiting else None

    def asked(self, user: str) -> tuple[Event, ...]:
        """What was told of everything that waits for a user, the newest first."""
        return tuple(waiting.told for waiting in self._waiting.of_user(user))

    def reconfigure(self, understander: Understander, people: People, limits: Limits) -> None:
        """Go by these from now on, with the commands under way too; changes all at once."""
        self._reader.understander = understander
        self.course.settler = Settler(understander, self._catalogue, self._registry, people)
        self._admission.limits = limits

    @property
    def under_way(self) -> int:
        """Commands that have not ended."""
        return len(self._lives)

    @property
    def queued(self) -> int:
        """Steps that wait for their turn on a device."""
        return self._executor.queued

    @property
    def open_questions(self) -> int:
        """Commands that wait for a person."""
        return len(self._waiting)

    @property
    def functions(self) -> tuple[Function, ...]:
        """Everything that a sentence may come to."""
        return tuple(self._catalogue)

    async def confirm(self, run: str, token: str, user: str, *, yes: bool = True) -> None:
        """Answer the one confirmation `token` stands for; NotAwaited otherwise."""
        waiting = self._waiting.of(run)
        if waiting is None or not waiting.told.token or token != waiting.told.token:
            raise NotAwaited
        if waiting.command.user != user:
            raise NotAwaited
        waiting.answered.set_result(Reply(no=not yes))

    async def answer(self, run: str, text: str, user: str) -> None:
        """Answer the question a command waits with; BadCommand where it is no answer to it."""
        waiting = self._waiting.of(run)
        if waiting is None or waiting.command.user != user or waiting.told.token:
            raise NotAwaited("no such question is open: it was answered, has expired, or never was")
        _check(text)
        reply = waiting.read(text)
        if reply is None:
            raise BadCommand(f"{text!r} does not answer: {waiting.told.text}")
        waiting.answered.set_result(reply)

    async def cancel(self, run: str, user: str) -> None:
        """Stop a command: what was not sent is not sent any more."""
        if run not in self._lives:
            await self._journal.get(run)  # the command right before may still be taken in
        if not self._lives.belongs_to(run, user) or not await self._lives.cancel(run):
            raise NotAwaited(f"no command {run} of yours is under way")

    async def cancel_schedule(self, identity: str, user: str) -> Schedule | None:
        """Cancel a user's schedule; None where there is no active one."""
        return await self._obeying.unschedule(identity, user)

    async def outline(self, command: Command) -> dict[str, Any]:
        """What would be done with a sentence: decision, reason, when, and the routed steps. It
        takes as much reading as one that is done: Busy where its user sends too many."""
        _check(command.text)
        self._admit(command.user)
        return await self.course.outline(command, await self._reader.read(command))

    async def recover(self) -> None:
        """Take up every command that had not ended when the hub stopped."""
        for execution in await self._journal.unfinished():
            self._lives.start(execution.command, self._resume(execution))

    async def drain(self, within: float) -> None:
        """Wait for what is under way, then leave the rest to the next start."""
        # Nobody can answer any more, and nobody waits for a device that is away.
        for run in {*self._waiting.close(), *self._executor.holding}:
            self._lives.leave(run)
        await self._lives.drain(within)

    def _reading(self, command: Command) -> "asyncio.Task[Reading]":
        name = task_name(command.id, ": reading")
        return asyncio.create_task(self._reader.read(command), name=name)

    async def _live(self, command: Command, reading: "asyncio.Task[Reading]") -> Ending:
        # A call says what it wants: it answers nothing.
        open_ones = () if command.call else self._waiting.of_speaker(command.user, command.door)
        for waiting in open_ones:
            reply = waiting.read(command.text)
            if reply is None or await _another(reply, waiting, reading):
                continue
            # Somebody may have answered it while the sentence was read.
            if self._waiting.of(waiting.command.id) is waiting:
                reading.cancel()
                several = [w for w in open_ones if w.told.token]
                if waiting.told.token and not reply.no and len(several) > 1:
                    return Ending(RunState.REFUSED, texts.SEVERAL_WAIT)
                return await self._answered(command, waiting, reply)
        read = await reading
        if command.expired(time.time()):
            return Ending(RunState.EXPIRED, texts.EXPIRED)
        if read.understood.order is not None:
            self._lives.set_aside(command.id)
            return await self._obeying.obey(command, read.understood.order, read.understood)
        return await self.course.take(command, read)

    async def _answered(self, command: Command, waiting: Waiting, reply: Reply) -> Ending:
        """A sentence that answers what another command waits for: how that one goes on."""
        other = waiting.command.id
        self._lives.set_aside(command.id)
        ended, asks = self._lives.ended(other), self._waiting.next_question(other)
        waiting.answered.set_result(reply)
        await self._journal.decide(
            command.id, Decision.ANSWER, reason=f"answers {other}", model_text="", confidence=None
        )
        assert ended is not None, "what waits is under way"
        both: tuple[asyncio.Future[Any], ...] = (ended, asks)
        try:
            with trace.stage(StageName.WAIT):
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
            self._waiting.forget(asks)
        if asks.done() and not asks.cancelled():
            return Ending(RunState.SUCCEEDED, asks.result().text)
        execution = await self._journal.get(other)
        if execution is None or execution.state not in ledger.ENDED_RUN:
            return Ending(RunState.CANCELLED, texts.CANNOT_ASK)
        state = RunState.SUCCEEDED if execution.state is RunState.SCHEDULED else execution.state
        return Ending(state, execution.answer)

    async def _scheduled(self, command: Command) -> Ending:
        """What a schedule sends: the plan that was agreed on, as far as the policy still does."""
        if command.expired(time.time()):
            return Ending(RunState.EXPIRED, texts.DOWN)
        schedule = await self._journal.schedule_of(command.schedule or "")
        if schedule is None:
            return Ending(RunState.REFUSED, texts.NO_SCHEDULE)
        understood = Understanding(
            sentence=schedule.text, text=schedule.model_text, decision=Decision.ACT
        )
        return await self.course.carry_out(
            command, schedule.plan, understood, confirmed=schedule.confirmed
        )

    async def _resume(self, execution: Execution) -> Ending:
        """Go on where the hub stopped: what may have reached a device is not sent twice, and
        devices that stopped with the hub have a moment to come back."""
        if mine := trace.current():
            mine.lasted(StageName.RESTART, execution.created)
        hold = max(execution.command.hold or 0.0, time.time() + COME_BACK)
        command = execution.command.model_copy(update={"hold": hold})
        if execution.state is RunState.ACCEPTED:
            if execution.decision in (Decision.ORDER, Decision.ANSWER):
                return Ending(RunState.CANCELLED, texts.HALF_AN_ORDER)
            if command.schedule:
                return await self._scheduled(command)
            if command.call is not None:  # the functions may be others by now
                _check_call(command.call, self._catalogue)
            return await self._live(command, self._reading(command))
        if execution.state is RunState.AWAITING_ANSWER:
            return Ending(RunState.EXPIRED, texts.NOT_ANSWERED)
        plan = Plan(steps=tuple(record.step for record in execution.steps))
        if execution.state is RunState.AWAITING_CONFIRMATION:
            return Ending(RunState.EXPIRED, texts.NOT_CONFIRMED)
        if execution.state is RunState.PLANNED:
            if command.expired(time.time()):
                return Ending(RunState.EXPIRED, texts.DOWN)
            if execution.decision is Decision.ACT:
                return await self.course.resume(command, plan)
            return Ending(RunState.CANCELLED, texts.NOT_ASKED)
        planner.check(plan, self._catalogue)
        with trace.stage(StageName.RESTART):
            known = await recovery.known_outcomes(
                execution, self._journal, self._registry, self._catalogue
            )
        left = Plan(steps=tuple(step for step in plan.steps if step.index not in known))
        if reason := self.course.denied(command, left):
            return Ending(RunState.CANCELLED, reason)
        return Ending(last=await self._executor.run(command, plan, known=known))

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
                outcome = self._cut_off(record, ending.reason or texts.ENDED_BEFORE)
            closed[record.index] = outcome
            return outcome

        closed: dict[int, Outcome] = {}
        ended = ending.record or await self._journal.end(command.id, close, conclude)
        if ended is None:
            # It had ended before: where the answer to that was lost, nobody was told.
            ended = await self._journal.get(command.id)
        if ended is None:
            return
        for index, outcome in closed.items():
            at = ended.ended or time.time()
            self._executor.tell_end(command, ended.steps[index].step, outcome, at)
        self._tell_end(ended)

    def _cut_off(self, record: StepRecord, reason: str) -> Outcome:
        """How a step ends that its command did not wait for."""
        if record.state is StepState.DISPATCHED and not self._catalogue.reads(record.function):
            return Unknown(reason=texts.UNDER_WAY.format(why=reason))
        return Cancelled(reason=reason)

    def _tell(self, command: Command, state: RunState, at: float) -> None:
        self._bus.publish(Event(id=command.id, user=command.user, state=state, at=at))

    def _tell_end(self, ended: Execution) -> None:
        command, at = ended.command, ended.ended or time.time()
        self._bus.publish(
            Event(id=command.id, user=command.user, state=ended.state, at=at, text=ended.answer,
                  record=ended)
        )  # fmt: skip


async def _refused(reason: str) -> Ending:
    return Ending(RunState.REFUSED, reason)


def _verdict(execution: Execution, wanted: RunState | None) -> RunState:
    """How a command ends: what its steps did counts for more than why it was stopped."""
    states = [record.state for record in execution.steps]
    if wanted is None or StepState.UNKNOWN in states or StepState.SUCCEEDED in states:
        return ledger.verdict(states)
    if wanted is RunState.REFUSED and execution.state not in ledger.UNDECIDED:
        return RunState.FAILED
    return wanted


async def _another(reply: Reply, waiting: Waiting, reading: "asyncio.Task[Reading]") -> bool:
    """Whether words that could answer are rather a command, or an order, of their own."""
    if reply.no or reply.picked or waiting.told.token:
        return False
    understood = (await reading).understood
    if understood.order is not None:
        return True
    wanted = (Decision.ACT, Decision.CONFIRM, Decision.SCHEDULE)
    return understood.decision in wanted and not waiting.anything


def _check(text: str, what: str = "sentence") -> None:
    if not text.strip():
        raise BadCommand(f"the {what} is empty")
    if len(text) > MAX_SENTENCE:
        raise BadCommand(f"the {what} has {len(text)} characters; at most {MAX_SENTENCE} are read")
    if not all(_plain(character) for character in text):
        raise BadCommand(f"the {what} has control characters; send plain text, in one line")


def _check_call(call: NamedCall, catalogue: Catalogue) -> None:
    """BadCommand where there is no such function, or it is called otherwise."""
    if call.function not in catalogue or call.function == IRRELEVANT:
        near = hint(call.function, [function.name for function in catalogue])
        raise BadCommand(f"function: there is no {call.function!r}{near}")
    parameters = {parameter.name: parameter for parameter in catalogue[call.function].parameters}
    for name in call.arguments:
        if name not in parameters:
            there_are = ", ".join(parameters) or "none"
            raise BadCommand(f"arguments: {call.function} takes no {name!r}; it takes: {there_are}")
    for name, parameter in parameters.items():
        if parameter.required and call.arguments.get(name) in (None, ""):
            raise BadCommand(f"arguments: {name} is needed by {call.function}")


def _check_hold(hold: float | None) -> None:
    if hold is not None and not hold <= time.time() + LONGEST_HOLD:
        hours = LONGEST_HOLD / 3600
        raise BadCommand(f"hold: at most {hours:g} hours from now, in seconds since the epoch")


def _plain(character: str) -> bool:
    """Printable, one of the spaces people type, or what joins an emoji."""
    return (
        character.isprintable() or unicodedata.category(character) == "Zs" or character == "\u200d"
    )
