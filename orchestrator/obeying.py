"""Orders to the hub itself, carried out: undo, call off, list and cancel what is scheduled."""

from dataclasses import replace

from orchestrator import answers, ledger, questions, texts
from orchestrator.catalogue import Catalogue
from orchestrator.course import Course
from orchestrator.journal import Journal
from orchestrator.lives import Ending, Lives
from orchestrator.orders import Order, Wish
from orchestrator.registry import Registry
from orchestrator.spelling import fold
from orchestrator.understanding import Understanding
from orchestrator.waiting import WaitingRoom
from schemas.command import Command
from schemas.execution import Decision, Execution, RunState, StepRecord
from schemas.outcome import Done
from schemas.plan import Argument, Plan, Step
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
        catalogue: Catalogue,
    ) -> None:
        self._course = course
        self._journal = journal
        self._registry = registry
        self._lives = lives
        self._waiting = waiting
        self._catalogue = catalogue

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
        if running := self._under_way(command):
            return await self._not(command, texts.STILL_RUNNING.format(what=running[0].text))
        if dropped := await self._unscheduled_last(command):
            return dropped
        last = await self._journal.last(command.user, command.door)
        if last is None:
            return await self._not(command, texts.NOTHING_TO_UNDO)
        if await self._journal.undone(last.command.id):
            return await self._not(command, texts.UNDONE_ALREADY)
        found = [(record, _inverse(record)) for record in last.steps]
        steps = [step for _, step in reversed(found) if step]
        rest = [record.step for record, step in found if step is None and self._did(record)]
        left = answers.describe(Plan(steps=tuple(rest)), self._registry.names())
        if not steps:
            what = left or texts.NOTHING_DONE
            return await self._not(command, texts.CANNOT_UNDO.format(what=what))
        plan = Plan(steps=tuple(s.model_copy(update={"index": n}) for n, s in enumerate(steps)))
        ending = await self._course.carry_out(command, plan, understood, undoes=last.command.id)
        if rest and ending.state is None:
            return replace(ending, reason=texts.NOT_TAKEN_BACK.format(what=left))
        return ending

    def _under_way(self, command: Command) -> tuple[Command, ...]:
        """What the speaker has under way, this command aside."""
        mine = self._lives.of_speaker(command.user, command.door)
        return tuple(one for one in mine if one.id != command.id)

    def _did(self, record: StepRecord) -> bool:
        """Whether a step did something that could be taken back."""
        return isinstance(record.outcome, Done) and not self._catalogue.reads(record.function)

    async def _call_off(self, command: Command, _: Order) -> Ending:
        """A question that is open, else what is under way, else what was scheduled last."""
        if open_ones := self._waiting.of_speaker(command.user, command.door):
            open_ones[0].answered.set_result(questions.Reply(no=True))
            what = open_ones[0].command.text
            return Ending(RunState.SUCCEEDED, texts.CALLED_OFF.format(what=what))
        for other in self._under_way(command):
            if await self._lives.cancel(other.id):
                ended = await self._journal.get(other.id)
                done = ended.answer if ended and ended.steps else ""
                said = done or texts.CALLED_OFF.format(what=other.text)
                return Ending(RunState.SUCCEEDED, said)
        dropped = await self._unscheduled_last(command)
        return dropped or Ending(RunState.REFUSED, texts.NOTHING_TO_CANCEL)

    async def _list(self, command: Command, _: Order) -> Ending:
        found = await self._journal.schedules(command.user)
        return Ending(RunState.SUCCEEDED, _told(found) or texts.NOTHING_SCHEDULED)

    async def _unschedule(self, command: Command, order: Order) -> Ending:
        found = await self._journal.schedules(command.user)
        if not found:
            return Ending(RunState.REFUSED, texts.NOTHING_SCHEDULED)
        meant = found if order.words in ("", EVERY) else _fitting(found, order.words)
        if not meant:
            said = texts.NO_SUCH_SCHEDULE.format(words=order.words, all=_told(found))
            return Ending(RunState.REFUSED, said)
        if len(meant) > 1 and order.words != EVERY:
            return Ending(RunState.REFUSED, texts.WHICH_SCHEDULE.format(all=_told(meant)))
        gone = [one for one in meant if await self.unschedule(one.id, command.user)]
        said = "; ".join(texts.UNSCHEDULED.format(when=one.words, what=one.text) for one in gone)
        return Ending(RunState.SUCCEEDED, said or texts.NOTHING_SCHEDULED)

    async def _unscheduled_last(self, command: Command) -> Ending | None:
        """Cancel what the speaker's last command scheduled; None where it scheduled nothing."""
        recent = await self._recent(command)
        if not recent or recent[0].state is not RunState.SCHEDULED:
            return None
        gone = await self.unschedule(recent[0].command.id, command.user)
        if gone is None:  # it is over, or was cancelled before
            return None
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
            and one.command.schedule is None
            and one.state in ledger.ENDED_RUN
            and one.decision not in (Decision.ORDER, Decision.ANSWER, Decision.REFUSE, Decision.ASK)
        ]


def _inverse(record: StepRecord) -> Step | None:
    """The step that takes one back; None where it did nothing, or nothing is known of before."""
    undo = record.outcome.undo if isinstance(record.outcome, Done) else None
    if undo is None:
        return None
    arguments: dict[str, Argument] = dict(undo.arguments)
    return Step(index=0, function=undo.function, arguments=arguments, device=record.device)


def _told(schedules: tuple[Schedule, ...]) -> str:
    """When each is, and what was said."""
    return "; ".join(texts.SCHEDULE.format(when=one.words, what=one.text) for one in schedules)


def _fitting(found: tuple[Schedule, ...], words: str) -> tuple[Schedule, ...]:
    """The schedules whose sentence or time has all the words."""
    said = set(fold(words).split()) - {"the", "my", "a", "at", "for", "on", "of"}
    return tuple(one for one in found if said <= set(fold(f"{one.text} {one.words}").split()))
