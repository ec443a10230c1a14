"""The record of every command, durable before anything acts on it.

One writer thread owns the connection. Whatever waits when it gets to work is committed together;
where one change of a group is refused, each is tried again by itself, so that it does not take its
neighbours with it.
"""

import asyncio
import contextlib
import logging
import math
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeGuard, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from orchestrator import trace
from orchestrator.journal import engine as engines
from orchestrator.journal import opening, retention, schedules
from orchestrator.journal.engine import JournalUnavailable
from orchestrator.journal.records import NotAlone, Records, Traced
from orchestrator.trace import Trace
from schemas.command import Command
from schemas.execution import Decision, Execution, RunState, StageName, StepRecord, StepState
from schemas.outcome import Outcome
from schemas.plan import Plan
from schemas.schedule import Schedule

log = logging.getLogger(__name__)

T = TypeVar("T")
BATCH = 256
CLOSE_WITHIN = 10.0
"""Seconds that the end waits for the database: a silent one holds up no hub that stops."""
RETRY = 1.0
"""Seconds between two attempts to write what has happened."""
TRY_AGAIN = 10.0
"""Seconds without a change after which a journal that could not be written is tried again."""


@dataclass(frozen=True)
class _Change:
    """Work for the writer thread, where its result goes, and whose time it takes from when on."""

    work: Callable[[Records], Any]
    future: "asyncio.Future[Any]"
    stage: StageName
    trace: Trace | None
    began: float


class Journal:
    """Commands, steps and events in one database; open it with `async with`.

    A change waits its turn from the moment it is asked for: the order of the calls is the order of
    the changes. Who gives up waiting for one does not take it back.
    """

    def __init__(self, file: Path, url: str = "") -> None:
        """A journal in `file`, or in the database at `url` (PostgreSQL); whose it is stands in
        `hub-id` beside the file."""
        self._mark = file.with_name("hub-id")
        self._changes: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._closing = False
        self.url = engines.at(url, file)
        self._engine = engines.connect_to(self.url)
        self._where = engines.name(self.url)
        self.problem = ""
        """Why the last change could not be written; empty where it was."""

    @property
    def waiting(self) -> int:
        """Changes that wait for their turn."""
        return self._changes.qsize()

    async def __aenter__(self) -> Self:
        try:
            await asyncio.to_thread(opening.prepare, self._engine, self._mark)
        except BaseException:
            self._engine.dispose()
            raise
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        self._changes.put(None)
        await asyncio.to_thread(self._thread.join, CLOSE_WITHIN)
        if self._thread.is_alive():
            log.error("%s does not answer: closed without its last word", self._where)
        else:
            self._engine.dispose()

    async def alive(self) -> bool:
        """Whether the writer works: it answers, be it that a change cannot be written. A database
        on another machine may keep it waiting, and no new start of the hub would help."""
        if not self._thread.is_alive():
            return False
        if self.url.get_backend_name() == "sqlite":
            with contextlib.suppress(JournalUnavailable):
                await self._do(lambda _: None)
        return True

    def accept(self, command: Command) -> "asyncio.Future[bool]":
        """Record that a command came in; False where one with its id is already there."""
        return self._do(lambda kept: kept.add(command), StageName.ACCEPT)

    def decide(
        self,
        run: str,
        decision: Decision,
        *,
        reason: str,
        model_text: str,
        confidence: float | None,
        model: str = "",
        undoes: str = "",
        plan: Plan | None = None,
        start: frozenset[int] | None = None,
    ) -> "asyncio.Future[float]":
        """Record what was decided and why and, if there is one, the plan; says when.

        With `start` the command runs from now on and these of its steps are dispatched: the intent
        is on disk with the plan, in one change.
        """
        values = _decided(decision, reason, model_text, confidence, model) | {"undoes": undoes}
        return self._do(lambda kept: kept.decide(run, values, plan, start=start))

    def ask(
        self,
        run: str,
        question: str,
        *,
        reason: str,
        model_text: str,
        confidence: float | None,
        model: str = "",
    ) -> "asyncio.Future[float]":
        """Record that a command waits for the answer to a question (JSON), in one change with what
        was decided; says when."""
        values = _decided(Decision.ASK, reason, model_text, confidence, model)
        return self._do(lambda kept: kept.ask(run, values | {"question": question}))

    def schedule(
        self,
        run: str,
        schedule: Schedule,
        *,
        reason: str,
        model_text: str,
        confidence: float | None,
        model: str = "",
        answer: str,
    ) -> "asyncio.Future[Execution | None]":
        """End a command as scheduled and keep the schedule, in one change: there is never one
        without the other. Gives the record; None where the command has ended already."""
        values = _decided(Decision.SCHEDULE, reason, model_text, confidence, model)
        traced = _ending()
        return self._do(lambda kept: schedules.add(kept, run, schedule, values, answer, traced))

    def due(self, now: float) -> "asyncio.Future[tuple[Schedule, ...]]":
        """Active schedules whose next occurrence is not after `now`, earliest first."""
        return self._do(lambda kept: schedules.due(kept, now))

    def next_due(self, after: float = -math.inf) -> "asyncio.Future[float | None]":
        """The first occurrence of any schedule after `after`, in seconds since the epoch."""
        return self._do(lambda kept: schedules.next_due(kept, after))

    def fire(
        self,
        identity: str,
        at: float,
        following: float | None,
        expires: float | None = None,
        *,
        again: bool = False,
    ) -> "asyncio.Future[Command | None]":
        """Make the occurrence at `at` a command that is accepted, and go on to the following one,
        in one change. None where that occurrence is not the next any more, or was one before;
        asked `again`, because an answer was lost, the command where nothing became of it yet."""
        return self._do(lambda kept: schedules.fire(kept, identity, at, following, expires, again))

    def miss(
        self, identity: str, at: float, following: float | None, answer: str
    ) -> "asyncio.Future[Execution | None]":
        """As `fire`, with a command that ends at once as missed, and says so with `answer`."""
        return self._do(lambda kept: schedules.miss(kept, identity, at, following, answer))

    def rewind(self, identity: str, at: float, to: float) -> "asyncio.Future[bool]":
        """Make `to` the next occurrence instead of `at`; False where `at` is not the next one."""
        return self._do(lambda kept: schedules.rewind(kept, identity, at, to))

    def cancel_schedule(self, identity: str, user: str) -> "asyncio.Future[Schedule | None]":
        """End a user's schedule; None where there is no active one."""
        return self._do(lambda kept: schedules.cancel(kept, identity, user))

    def schedules(self, user: str) -> "asyncio.Future[tuple[Schedule, ...]]":
        """A user's active schedules, the next one first."""
        return self._do(lambda kept: schedules.active(kept, user))

    def schedule_of(self, identity: str) -> "asyncio.Future[Schedule | None]":
        """One schedule, whatever its state."""
        return self._do(lambda kept: schedules.get(kept, identity))

    def start(self, run: str, steps: frozenset[int]) -> "asyncio.Future[float]":
        """A planned command runs from now on, these of its steps are dispatched; says when."""
        return self._do(lambda kept: kept.start(run, steps))

    def move_run(self, run: str, to: RunState) -> "asyncio.Future[float]":
        """Move a command to `to` and say when; IllegalTransition where the ledger forbids it."""
        return self._do(lambda kept: kept.move_run(run, to))

    def move_step(
        self, run: str, index: int, to: StepState, outcome: Outcome | None = None
    ) -> "asyncio.Future[float]":
        """Move a step to `to` and say when; IllegalTransition where the ledger forbids it."""
        return self._do(lambda kept: kept.move_step(run, index, to, outcome))

    def note(self, subject: str, state: str, user: str) -> "asyncio.Future[None]":
        """Put into the chain what a user did to something that is no command, such as a device."""
        return self._do(lambda kept: kept.note(subject, state, user))

    async def settle(
        self, run: str, index: int, outcome: Outcome, dispatch: frozenset[int] = frozenset()
    ) -> float:
        """Record how a step ended and that these are dispatched now, in one change, and say when;
        waits until the database takes it."""
        return await self._insist(lambda kept: kept.settle(run, index, outcome, dispatch))

    async def end(
        self,
        run: str,
        close: Callable[[StepRecord], Outcome],
        conclude: Callable[[Execution], tuple[RunState, str]],
    ) -> Execution | None:
        """End a command in one change: its open steps as `close` says, then the command in the
        state and with the answer that `conclude` draws from the record. Waits until the database
        takes it. Gives the record; None where the command has ended already or is not known.
        """
        traced = _ending()
        return await self._insist(lambda kept: kept.end(run, close, conclude, traced=traced))

    def get(self, run: str) -> "asyncio.Future[Execution | None]":
        """One command's record."""
        return self._do(lambda kept: kept.get(run))

    def latest(
        self, limit: int, user: str, *, before: str = "", states: Sequence[RunState] = ()
    ) -> "asyncio.Future[tuple[Execution, ...]]":
        """A user's newest commands first: of those before one of theirs, and in these states."""
        return self._do(lambda kept: kept.latest(limit, user, before, states))

    def last(self, user: str, door: str) -> "asyncio.Future[Execution | None]":
        """The newest ended command of a user's door that a device heard of, that took back no other
        and came from no schedule."""
        return self._do(lambda kept: kept.last(user, door))

    def undone(self, run: str) -> "asyncio.Future[bool]":
        """Whether a later command took the whole of one back."""
        return self._do(lambda kept: kept.undone(run))

    def told(self, last: int) -> "asyncio.Future[None]":
        """Everything that ended up to that event has been told to whoever listens."""
        return self._do(lambda kept: kept.told(last))

    def untold(self) -> "asyncio.Future[tuple[tuple[str, ...], int]]":
        """Commands whose end was not noted as told, as they ended, and the last event by now: once
        they are told, everything up to that one is."""
        return self._do(Records.untold)

    def unfinished(self) -> "asyncio.Future[tuple[Execution, ...]]":
        """Commands that had not ended when the hub stopped, oldest first."""
        return self._do(Records.unfinished)

    def newest(self) -> "asyncio.Future[float | None]":
        """When the last event was, seconds since the epoch; None where there is none."""
        return self._do(retention.newest)

    async def prune(self, before: float) -> int:
        """Forget commands that ended before that time, and schedules that were over; says how many
        events they had. Other changes are written in between."""
        forgotten = 0
        while some := await self._do(lambda kept: retention.prune(kept, before)):
            forgotten += some
        return forgotten

    async def _insist(self, work: Callable[[Records], T]) -> T:
        """As `_do`, until the database takes it: what has happened is not given up."""
        while True:
            try:
                return await self._do(work)
            except JournalUnavailable as error:
                log.error("trying again in %g s: %s", RETRY, error)
                await asyncio.sleep(RETRY)

    def _do(
        self, work: Callable[[Records], T], stage: StageName = StageName.JOURNAL
    ) -> "asyncio.Future[T]":
        future: asyncio.Future[T] = self._loop.create_future()
        if self._closing:
            future.set_exception(JournalUnavailable(f"{self._where}: the journal is closed"))
        else:
            now = time.monotonic()
            self._changes.put(_Change(work, future, stage, trace.current(), now))
        return future

    def _write(self) -> None:
        """The writer thread: everything that waits is one transaction."""
        with self._engine.connect() as connection:
            kept = Records(connection)
            while True:
                try:
                    batch = [self._changes.get(timeout=TRY_AGAIN if self.problem else None)]
                except queue.Empty:  # nobody writes: whether it could be done is tried
                    tried = self._commit(kept, [Records.touch])
                    self._judge(tried, wrote=not isinstance(tried[0], Exception))
                    continue
                while batch[-1] is not None and len(batch) < BATCH and not self._changes.empty():
                    batch.append(self._changes.get())
                changes = [change for change in batch if change is not None]
                results = self._commit(kept, [change.work for change in changes])
                self._judge(results, wrote=kept.wrote)
                for change, result in zip(changes, results, strict=True):
                    self._loop.call_soon_threadsafe(_settle, change, result)
                if batch[-1] is None:
                    return

    def _judge(self, results: list[Any], *, wrote: bool) -> None:
        """Note whether the journal can be written; a look into it proves nothing."""
        failed = [one for one in results if isinstance(one, JournalUnavailable)]
        if failed:
            self.problem = str(failed[0])
        elif wrote:
            self.problem = ""

    def _commit(self, kept: Records, changes: list[Callable[[Records], Any]]) -> list[Any]:
        """Each change's result, or the exception that undid it."""
        try:
            with kept.connection.begin():
                kept.begin()
                results = [change(kept) for change in changes]
                kept.seal()
            kept.committed()
            return results
        except (NotAlone, JournalUnavailable) as error:
            return [JournalUnavailable(f"{self._where}: {error}")] * len(changes)
        except Exception as error:  # noqa: BLE001 (whatever it is, the writer goes on)
            said = opening.line(error) if _lost(error) else ""
            if said and kept.connection.invalidated:  # what the driver says names host and user
                log.warning("%s: no connection: %s", self._where, said)
                return [JournalUnavailable(f"{self._where}: no connection")] * len(changes)
            if _lost(error) and (len(changes) == 1 or engines.is_busy(error.orig)):
                return [JournalUnavailable(f"{self._where}: {said}")] * len(changes)
            if len(changes) == 1:
                return [error]
        # One change's own fault is no neighbour's loss, nor is one that does not fit on the disk.
        return [self._commit(kept, [change])[0] for change in changes]


def _decided(
    decision: Decision, reason: str, model_text: str, confidence: float | None, model: str
) -> dict[str, Any]:
    """What was decided, as the columns have it."""
    return {
        "decision": decision,
        "reason": reason,
        "model_text": model_text,
        "confidence": confidence,
        "model": model,
    }


def _lost(error: Exception) -> TypeGuard[DBAPIError]:
    """Whether the database failed, and not just refused one change."""
    return isinstance(error, DBAPIError) and not isinstance(error, IntegrityError | DataError)


def _ending() -> Traced:
    """What gives the trace of the command that is ended here, until then."""
    mine = trace.current()
    return mine.ending(StageName.JOURNAL) if mine else tuple


def _settle(change: _Change, result: Any) -> None:
    future = change.future
    if change.trace:
        change.trace.passed(change.stage, change.began, time.monotonic())
    if future.cancelled():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
