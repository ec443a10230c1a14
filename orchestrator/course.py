"""The course of a command, from what was understood to its end: asked, confirmed, kept for later,
or carried out."""

import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

from orchestrator import questions, texts, trace
from orchestrator.answers import describe
from orchestrator.bus import Bus
from orchestrator.executor import Executor
from orchestrator.journal import Journal
from orchestrator.lives import Ending
from orchestrator.policy import Ruling, Verdict
from orchestrator.questions import Ask, Reply
from orchestrator.reading import Reading
from orchestrator.registry import Registry
from orchestrator.settling import Given, Settler
from orchestrator.times import rhythms
from orchestrator.unbroken import unbroken
from orchestrator.understanding import Understanding
from orchestrator.waiting import WaitingRoom
from schemas.command import Command
from schemas.errors import HubError
from schemas.event import Event
from schemas.execution import Decision, RunState, StageName
from schemas.plan import Plan
from schemas.schedule import Schedule
from schemas.when import When

CONFIRM_WITHIN = 60.0
"""Seconds a confirmation is waited for."""
ANSWER_WITHIN = 120.0
"""Seconds the answer to a question is waited for."""


class Course:
    """Sees commands through; keeps nothing between them."""

    def __init__(
        self,
        *,
        settler: Settler,
        journal: Journal,
        executor: Executor,
        registry: Registry,
        bus: Bus,
        waiting: WaitingRoom,
    ) -> None:
        self.settler = settler
        self._journal = journal
        self._executor = executor
        self._registry = registry
        self._bus = bus
        self._waiting = waiting
        self.on_schedule: Callable[[], None] = lambda: None
        """Called whenever a schedule was added."""

    async def take(self, command: Command, reading: Reading) -> Ending:
        """From what was understood to the end; asks where something is open."""
        understood, given = reading.understood, Given()
        if understood.decision is Decision.REFUSE:
            return await self._refused(command, understood, understood.reason)
        while True:
            try:
                with trace.stage(StageName.PLAN):
                    plan = await self.settler.plan(command, understood, given, reading.recent)
                    ready = await self._ready(command, plan, understood.when)
                break
            except Ask as asked:
                if command.call is not None:  # a program that calls by name has nobody to ask
                    return await self._refused(command, understood, str(asked))
                ask = asked
            except HubError as error:
                return await self._refused(command, understood, str(error))
            answered = await self._asked(command, understood, ask, given)
            if isinstance(answered, Ending):
                return answered
            given = answered
        return await self._carry_out(command, *ready, understood)

    async def carry_out(
        self,
        command: Command,
        plan: Plan,
        understood: Understanding,
        *,
        confirmed: bool = False,
        undoes: str = "",
    ) -> Ending:
        """Run a routed plan that was not read from the sentence itself: a schedule's, or one that
        undoes another; `confirmed` says that a person said yes to it before."""
        with trace.stage(StageName.PLAN):
            ready = await self._ready(command, plan, None)
        return await self._carry_out(command, *ready, understood, confirmed, undoes)

    async def outline(self, command: Command, reading: Reading) -> dict[str, Any]:
        """What would come of a command, as JSON values; nothing is asked, kept or done."""
        understood = reading.understood
        decision, reason, plan = understood.decision, understood.reason, Plan(steps=())
        if decision not in (Decision.REFUSE, Decision.ORDER):
            try:
                plan = await self.settler.plan(command, understood, Given(), reading.recent)
                plan, ruling = await self._ready(command, plan, understood.when)
                decision, reason = _decision(ruling, later=bool(understood.when)), ruling.reason
            except Ask as ask:
                decision, reason = Decision.ASK, str(ask)
            except HubError as error:
                decision, reason = Decision.REFUSE, str(error)
        when = understood.when and rhythms.spoken(understood.when, self.settler.now())
        names = self._registry.names()
        steps = [
            step.model_dump(mode="json") | {"device": names.get(step.device or "", step.device)}
            for step in plan.steps
        ]
        return {"decision": decision, "reason": reason, "when": when, "steps": steps}

    async def _ready(self, command: Command, plan: Plan, when: When | None) -> tuple[Plan, Ruling]:
        """The plan with every value it needs now, and the policy's word on it, at its time."""
        if when is None:
            plan = await self.settler.reckoned(plan)
        return plan, self.settler.ruling(command.user, plan, when)

    async def _carry_out(
        self,
        command: Command,
        plan: Plan,
        ruling: Ruling,
        understood: Understanding,
        confirmed: bool = False,
        undoes: str = "",
    ) -> Ending:
        if ruling.verdict is Verdict.DENY:
            return await self._refused(command, understood, ruling.reason)
        later = understood.when is not None
        asks = ruling.verdict is Verdict.CONFIRM and not confirmed
        decision = _decision(ruling, later=later)
        if command.dry_run:
            return await self._refused(command, understood, texts.DRY_RUN.format(decision=decision))
        if asks:
            deciding = self._decide(command, understood, decision, ruling.reason, plan, undoes)
            at = await unbroken(deciding)
            self._tell(command, RunState.PLANNED, at, understood.text)
            if ended := await self._confirmed(command, plan, ruling.reason):
                return ended
        if later:
            return await self._keep(command, plan, understood, confirmed=asks)
        return await self._run(command, plan, understood, planned=asks, undoes=undoes)

    def denied(self, command: Command, plan: Plan) -> str:
        """Why the policy, which may have changed meanwhile, denies a plan; empty: it does not."""
        ruling = self.settler.ruling(command.user, plan)
        return ruling.reason if ruling.verdict is Verdict.DENY else ""

    async def resume(self, command: Command, plan: Plan) -> Ending:
        """Run a plan that the journal has as decided, and nothing of it sent."""
        if reason := self.denied(command, plan):
            return Ending(RunState.CANCELLED, reason)
        nothing = Understanding(sentence=command.text, decision=Decision.ACT)
        return await self._run(command, plan, nothing, planned=True)

    async def _run(
        self,
        command: Command,
        plan: Plan,
        understood: Understanding,
        *,
        planned: bool,
        undoes: str = "",
    ) -> Ending:
        """Start a plan that the journal has, or that goes there with its start in one change."""

        async def begin(steps: frozenset[int]) -> float:
            if planned:
                at = await self._journal.start(command.id, steps)
            else:
                at = await self._decide(
                    command, understood, Decision.ACT, "", plan, undoes, start=steps
                )
            self._tell(command, RunState.RUNNING, at, "" if planned else understood.text)
            return at

        return Ending(last=await self._executor.run(command, plan, begin))

    async def _keep(
        self, command: Command, plan: Plan, understood: Understanding, *, confirmed: bool
    ) -> Ending:
        """Make a schedule of it, which ends the command in the same change."""
        assert understood.when is not None
        spoken = rhythms.spoken(understood.when, self.settler.now())
        what = describe(plan, self._registry.names())
        schedule = Schedule(
            id=command.id, user=command.user, door=command.door, text=command.text, plan=plan,
            when=understood.when, words=spoken, next=rhythms.instant(understood.when).timestamp(),
            created=time.time(), confirmed=confirmed, model_text=understood.text,
        )  # fmt: skip
        answer = texts.SCHEDULED.format(when=spoken, what=what)
        keeping = self._journal.schedule(
            command.id, schedule, reason="", answer=answer, **_of_the_model(understood)
        )
        record = await unbroken(keeping)
        self.on_schedule()
        return Ending(RunState.SCHEDULED, answer, record=record)

    async def _asked(
        self, command: Command, understood: Understanding, ask: Ask, given: Given
    ) -> Given | Ending:
        """Wait for the answer to a question: what is given then, or how the command ends."""
        question, settler = ask.question, self.settler  # a reload must not read it differently
        if command.dry_run or self._waiting.closed:
            deciding = self._decide(command, understood, Decision.ASK, question.text)
            await unbroken(deciding)
            return Ending(RunState.REFUSED, question.text)

        def read(text: str) -> Reply | None:
            reply = questions.reply(text, question)
            if reply is None or reply.no:
                return reply
            usable = settler.given(given, ask, reply, understood, command.user)
            return reply if usable is not None else None

        asking = self._journal.ask(
            command.id,
            question.model_dump_json(),
            reason=question.text,
            **_of_the_model(understood),
        )
        at = await unbroken(asking)
        told = Event(
            id=command.id, user=command.user, state=RunState.AWAITING_ANSWER, at=at,
            text=question.text, options=tuple(option.label for option in question.options),
        )  # fmt: skip
        reply = await self._waiting.answer(
            command, told, read, ANSWER_WITHIN, self._bus.publish,
            anything=settler.takes_any_words(question, understood),
        )  # fmt: skip
        if reply is None:
            return Ending(RunState.EXPIRED, texts.NOBODY_ANSWERED)
        if reply.no:
            return Ending(RunState.CANCELLED, texts.SAID_NO)
        if command.expired(time.time()):
            return Ending(RunState.EXPIRED, texts.EXPIRED)
        now_given = settler.given(given, ask, reply, understood, command.user)
        assert now_given is not None, "an answer that could be read"
        return now_given

    async def _confirmed(self, command: Command, plan: Plan, reason: str) -> Ending | None:
        """Wait for a person's yes, which is bound to this very plan; None once it came."""
        if self._waiting.closed:
            return Ending(RunState.CANCELLED, texts.CANNOT_ASK)
        bound = f"{command.id} {plan.model_dump_json()}"
        token = hashlib.sha256(bound.encode()).hexdigest()[:16]
        what = describe(plan, self._registry.names())
        at = await self._journal.move_run(command.id, RunState.AWAITING_CONFIRMATION)
        told = Event(
            id=command.id, user=command.user, state=RunState.AWAITING_CONFIRMATION, at=at,
            text=texts.CONFIRM.format(reason=reason, what=what), token=token,
        )  # fmt: skip
        reply = await self._waiting.answer(
            command, told, questions.consent, CONFIRM_WITHIN, self._bus.publish
        )
        if reply is None:
            return Ending(RunState.EXPIRED, texts.NOBODY_CONFIRMED)
        if reply.no:
            return Ending(RunState.CANCELLED, texts.SAID_NO)
        return Ending(RunState.EXPIRED, texts.EXPIRED) if command.expired(time.time()) else None

    async def _refused(self, command: Command, understood: Understanding, reason: str) -> Ending:
        """Record why nothing is done."""
        decision = Decision.ASK if understood.decision is Decision.ASK else Decision.REFUSE
        await unbroken(self._decide(command, understood, decision, reason))
        return Ending(RunState.REFUSED, reason)

    def _decide(
        self,
        command: Command,
        understood: Understanding,
        decision: Decision,
        reason: str,
        plan: Plan | None = None,
        undoes: str = "",
        *,
        start: frozenset[int] | None = None,
    ) -> Awaitable[float]:
        return self._journal.decide(
            command.id, decision, reason=reason, plan=plan, start=start, undoes=undoes,
            **_of_the_model(understood),
        )  # fmt: skip

    def _tell(self, command: Command, state: RunState, at: float, text: str) -> None:
        self._bus.publish(Event(id=command.id, user=command.user, state=state, at=at, text=text))


def _decision(ruling: Ruling, *, later: bool) -> Decision:
    """What is done with a plan under the policy's word."""
    if ruling.verdict is Verdict.DENY:
        return Decision.REFUSE
    if ruling.verdict is Verdict.CONFIRM:
        return Decision.CONFIRM
    return Decision.SCHEDULE if later else Decision.ACT


def _of_the_model(understood: Understanding) -> dict[str, Any]:
    """What the journal keeps of the model's part."""
    return {
        "model_text": understood.text,
        "confidence": understood.confidence,
        "model": understood.model,
    }
