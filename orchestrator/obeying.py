"""Orders to the hub itself, carried out: undo, call off, list and cancel what is scheduled."""

from orchestrator import answers, ledger, questions, texts
from orchestrator.course import Course
from orchestrator.journal import Journal
from orchestrator.lives import Ending, Lives
from orchestrator.orders import Order, Wish
from orchestrator.registry import Registry
from orchestrator.spelling import fold
from orchestrator.understanding import Understanding
from orchestrator.waiting import WaitingRoom
from schemas.command import Command
from schemas.execution import Decision, Execution, RunState
from schemas.outcome import Done
from schemas.plan import Plan, Step
from schemas.schedule import Schedule

RECENT = 20
"""Commands that are looked through for the last one."""
EVERY = "all"


class Obeying:
    """Carries out orders; keeps nothing between them."""

    def __init__(
        self,
        *,
        course: Course,
        journal: Journal,
        registry: Registry,
        lives: Lives,
        waiting: WaitingRoom,
    ) -> None:
        self._course = course
        self._journal = journal
        self._registry = registry
        self._lives = lives
        self._waiting = waiting

    async def obey(self, command: Command, order: Order, understood: Understanding) -> Ending:
        """Do what the order says, and tell what came of it."""
        if order.wish is Wish.UNDO:
            return await self._undo(command, understood)
        # Recorded first: after a crash nobody may call off something else in its place.
        await self._journal.decide(
            command.id, Decision.ORDER, reason=understood.reason, model_text="", confidence=None
        )
        return await {
            Wish.CANCEL: self._call_off,
            Wish.LIST: self._list,
            Wish.UNSCHEDULE: self._unschedule,
        }[order.wish](command, order)

    async def unschedule(self, identity: str, user: str) -> Schedule | None:
        """Cancel one schedule of a user's; None where there is no such one."""
        gone = await self._journal.cancel_schedule(identity, user)
        if gone is not None:
            self._course.on_schedule()
        return gone

    async def _undo(self, command: Command, understood: Understanding) -> Ending:
        recent = await self._recent(command)
        if recent and recent[0].state is RunState.SCHEDULED:
            return await self._dropped(recent[0], command)
        last = await self._journal.last(command.user, command.door)
        if last is None:
            return await self._not(command, texts.NOTHING_TO_UNDO)
        if any(one.undoes == last.command.id and _did(one) for one in recent):
            return await self._not(command, texts.UNDONE_ALREADY)
        steps = tuple(
            reversed(
                [step for record in last.steps if (step := _inverse(record.outcome, record.device))]
            )
        )
        if not steps:
            what = answers.describe(
                Plan(steps=tuple(r.step for r in last.steps)), self._registry.names()
            )
            return await self._not(
                command, texts.CANNOT_UNDO.format(what=what, why=texts.NO_STATE_KEPT)
            )
        plan = Plan(steps=tuple(s.model_copy(update={"index": n}) for n, s in enumerate(steps)))
        return await self._course.carry_out(command, plan, understood, undoes=last.command.id)

    async def _call_off(self, command: Command, _: Order) -> Ending:
        """A question that is open, else what is under way, else what was scheduled last."""
        if open_ones := self._waiting.of_speaker(command.user, command.door):
            open_ones[0].answered.set_result(questions.Reply(no=True))
            what = open_ones[0].command.text
            return Ending(RunState.SUCCEEDED, texts.CALLED_OFF.format(what=what))
        for other in self._lives.of_speaker(command.user, command.door):
            if other.id != command.id and await self._lives.cancel(other.id):
                ended = await self._journal.get(other.id)
                said = (
                    ended.answer
                    if ended and ended.steps
                    else texts.CALLED_OFF.format(what=other.text)
                )
                return Ending(RunState.SUCCEEDED, said)
        recent = await self._recent(command)
        if recent and recent[0].state is RunState.SCHEDULED:
            return await self._dropped(recent[0], command)
        return Ending(RunState.REFUSED, texts.NOTHING_TO_CANCEL)

    async def _list(self, command: Command, _: Order) -> Ending:
        found = await self._journal.schedules(command.user)
        said = "; ".join(f"{one.words}: {one.text}" for one in found)
        return Ending(RunState.SUCCEEDED, said or texts.NOTHING_SCHEDULED)

    async def _unschedule(self, command: Command, order: Order) -> Ending:
        found = await self._journal.schedules(command.user)
        if not found:
            return Ending(RunState.REFUSED, texts.NOTHING_SCHEDULED)
        meant = found if order.words in ("", EVERY) else _fitting(found, order.words)
        every = "; ".join(f"{one.words}: {one.text}" for one in found)
        if not meant:
            return Ending(
                RunState.REFUSED, texts.NO_SUCH_SCHEDULE.format(words=order.words, all=every)
            )
        if len(meant) > 1 and order.words != EVERY:
            named = "; ".join(f"{one.words}: {one.text}" for one in meant)
            return Ending(RunState.REFUSED, texts.WHICH_SCHEDULE.format(all=named))
        gone = [one for one in meant if await self.unschedule(one.id, command.user)]
        said = "; ".join(texts.UNSCHEDULED.format(when=one.words, what=one.text) for one in gone)
        return Ending(RunState.SUCCEEDED, said or texts.NOTHING_SCHEDULED)

    async def _dropped(self, scheduled: Execution, command: Command) -> Ending:
        """Cancel what a command scheduled."""
        gone = await self.unschedule(scheduled.command.id, command.user)
        if gone is None:
            return Ending(RunState.REFUSED, texts.NOTHING_TO_CANCEL)
        said = texts.UNSCHEDULED.format(when=gone.words, what=gone.text)
        return Ending(RunState.SUCCEEDED, said)

    async def _not(self, command: Command, reason: str) -> Ending:
        await self._journal.decide(
            command.id, Decision.REFUSE, reason=reason, model_text="", confidence=None
        )
        return Ending(RunState.REFUSED, reason)

    async def _recent(self, command: Command) -> list[Execution]:
        """The speaker's newest commands at this door that have ended, orders to the hub aside."""
        found = await self._journal.latest(RECENT, command.user)
        return [
            one
            for one in found
            if one.command.door == command.door
            and one.state in ledger.ENDED_RUN
            and one.decision not in (Decision.ORDER, Decision.ANSWER, Decision.REFUSE, Decision.ASK)
        ]


def _inverse(outcome: object, device: str) -> Step | None:
    """The step that takes one back; None where it did nothing, or nothing is known of before."""
    if not isinstance(outcome, Done) or outcome.undo is None:
        return None
    return Step(
        index=0,
        function=outcome.undo.function,
        arguments=dict(outcome.undo.arguments),
        device=device,
    )


def _did(execution: Execution) -> bool:
    return any(isinstance(step.outcome, Done) for step in execution.steps)


def _fitting(found: tuple[Schedule, ...], words: str) -> tuple[Schedule, ...]:
    """The schedules whose sentence or time has all the words."""
    said = set(fold(words).split()) - {"the", "my", "a", "at", "for", "on", "of"}
    return tuple(one for one in found if said <= set(fold(f"{one.text} {one.words}").split()))
