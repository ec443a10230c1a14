"""What the journal's tables hold, and every change to them: one connection, no threads.

A change is a compare-and-set on the state it starts from, plus a row in `events` for every state
that it reached, each a link of the chain. Nothing here commits.
"""

import itertools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.compiler import SQLCompiler

from orchestrator import ledger
from orchestrator.journal import chain
from orchestrator.journal import stages as stages_kept
from orchestrator.journal.chain import DECIDED, Link, concluded, decided, digest
from orchestrator.journal.tables import events, runs, seal, steps
from schemas.command import Command
from schemas.errors import HubError
from schemas.execution import Decision, Execution, RunState, Stage, StepRecord, StepState
from schemas.outcome import Outcome
from schemas.plan import Plan, Step

log = logging.getLogger(__name__)

Values = Mapping[str, Any]
Statement = sa.Select[Any] | sa.Insert | sa.Update

Reached = tuple[int | None, str, bytes]
"""The step, or None for the command; its state; the digest of what came with it."""
_NOTHING: Values = MappingProxyType({})
_DECIDED = set(DECIDED)
Traced = Callable[[], tuple[Stage, ...]]
"""Gives a command's stages, the last of which is over as it is asked."""
_untraced: Traced = tuple
_outcome: TypeAdapter[Outcome] = TypeAdapter(Outcome)

_this_run = runs.c.id == sa.bindparam("this_run")
_this_step = (steps.c.run == sa.bindparam("this_run")) & (steps.c.index == sa.bindparam("at"))
_GET_RUN = sa.select(runs).where(_this_run)
_GET_STEPS = sa.select(steps).where(steps.c.run == sa.bindparam("this_run")).order_by(steps.c.index)
_RUN_STATE = sa.select(runs.c.state).where(_this_run)
_GET_STEP = sa.select(steps.c.outcome, steps.c.ended).where(_this_step)
_STEP_STATE = sa.select(steps.c.state).where(_this_step)
_ENDED = [str(state) for state in ledger.ENDED_RUN]
_LAST = (
    sa.select(runs.c.id)
    .where(runs.c.user == sa.bindparam("user"), runs.c.state.in_(_ENDED), runs.c.undoes == "")
    .where(runs.c.door == sa.bindparam("door"), runs.c.schedule.is_(None))
    .where(sa.exists().where(steps.c.run == runs.c.id, steps.c.started.is_not(None)))
    .order_by(runs.c.created.desc())
    .limit(1)
)
_UNDOING = sa.select(runs.c.state).where(runs.c.undoes == sa.bindparam("undone"))
_NEW_RUN: dict[str, sa.Insert] = {
    "sqlite": sqlite.insert(runs).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(runs).on_conflict_do_nothing(),
}
_NEW_STEP, _NEW_EVENT = steps.insert(), events.insert()
_CHANGE_RUN = runs.update().where(_this_run & (runs.c.state == sa.bindparam("before")))
_CHANGE_STEP = steps.update().where(_this_step & (steps.c.state == sa.bindparam("before")))
_GET_SEAL = sa.select(seal.c.last, seal.c.last_hash)
_GET_TOLD = sa.select(seal.c.told)
_TOLD = seal.update()
_UNTOLD = (
    sa.select(runs.c.id)
    .join(events, (events.c.run == runs.c.id) & (events.c.state == runs.c.state))
    .where(events.c.sequence > sa.select(seal.c.told).scalar_subquery())
    .where(events.c.step.is_(None), runs.c.state.in_(_ENDED))
    .order_by(events.c.sequence)
)
_SEAL = seal.update().where(seal.c.last == sa.bindparam("ended_at"))


class NotAlone(HubError):
    """Somebody else writes this journal."""

    code = "storage"


class Records:
    """The records of one open connection; every method is part of the caller's transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self._rendered: dict[tuple[object, ...], tuple[str, Sequence[str]]] = {}
        self._sealed = self._last = chain.START
        self._known = False

    def begin(self) -> None:
        """A transaction begins: the chain goes on from its end."""
        if not self._known:
            end = self.execute(_GET_SEAL, {}).mappings().one()
            self._last = Link(end["last"], end["last_hash"])
        self._sealed, self._known = self._last, False

    def seal(self) -> None:
        """A transaction ends: its last event is the chain's end. NotAlone where that is no more
        what it was at the beginning."""
        if self._last == self._sealed:
            return
        end = {"last": self._last.sequence, "last_hash": self._last.hash}
        if self.execute(_SEAL, {"ended_at": self._sealed.sequence, **end}).rowcount != 1:
            raise NotAlone("another hub writes this journal: give each hub one of its own")

    def committed(self) -> None:
        """The transaction is on the disk: the next one need not ask where the chain ends."""
        self._known = True

    @property
    def wrote(self) -> bool:
        """Whether the last transaction made the chain longer."""
        return self._known and self._last != self._sealed

    def touch(self) -> None:
        """Write without a change: where that goes well, the journal can be written."""
        self.execute(_TOLD, {"told": self.connection.scalars(_GET_TOLD).one()})

    def add(self, command: Command) -> bool:
        """A command came in; False where its id is known."""
        now, said = time.time(), command.model_dump_json()
        added = self.execute(
            _NEW_RUN[self.connection.dialect.name],
            {
                "id": command.id,
                "user": command.user,
                "door": command.door,
                "schedule": command.schedule,
                "command": said,
                "state": RunState.ACCEPTED,
                "created": now,
            },
        )
        if added.rowcount == 0:
            return False
        self.reached(command.id, now, (None, RunState.ACCEPTED, digest(said)))
        return True

    def decide(
        self, run: str, values: Values, plan: Plan | None, *, start: frozenset[int] | None
    ) -> float:
        """What was decided; see `Journal.decide`."""
        now, before = time.time(), self._undecided(run)
        if plan is None:
            self._change_run(run, before, (), values, now)
            return now
        runs_now = start is not None
        path = (RunState.PLANNED, RunState.RUNNING) if runs_now else (RunState.PLANNED,)
        first = start or frozenset()
        self._change_run(run, before, path, values, now)
        rows = [_row(run, step, step.index in first, now) for step in plan.steps]
        self.execute(_NEW_STEP, rows)
        planned = digest(*(row["step"] for row in rows))
        reached: list[Reached] = [(None, RunState.PLANNED, planned)]
        if runs_now:
            reached.append((None, RunState.RUNNING, chain.NOTHING))
        reached += [(n, StepState.DISPATCHED, chain.NOTHING) for n in sorted(first)]
        self.reached(run, now, *reached)
        return now

    def ask(self, run: str, values: Values) -> float:
        """What was decided, and that the command waits for an answer; says when."""
        now = time.time()
        self._change_run(run, self._undecided(run), (RunState.AWAITING_ANSWER,), values, now)
        asked = digest(values["question"])
        self.reached(run, now, (None, RunState.AWAITING_ANSWER, asked))
        return now

    def start(self, run: str, steps: frozenset[int]) -> float:
        """The command runs, these of its steps are dispatched; says when."""
        at = self.move_run(run, RunState.RUNNING)
        for index in sorted(steps):
            self.move_step(run, index, StepState.DISPATCHED)
        return at

    def move_run(self, run: str, to: RunState) -> float:
        """Move a command to `to` and say when; IllegalTransition where the ledger forbids it."""
        now = time.time()
        before = RunState(self.execute(_RUN_STATE, {"this_run": run}).scalar_one())
        self._change_run(run, before, (to,), {}, now)
        self.reached(run, now, (None, to, chain.NOTHING))
        return now

    def move_step(
        self, run: str, index: int, to: StepState, outcome: Outcome | None = None
    ) -> float:
        """Move a step to `to` and say when; IllegalTransition where the ledger forbids it."""
        now = time.time()
        here = {"this_run": run, "at": index}
        before = StepState(self.execute(_STEP_STATE, here).scalar_one())
        self.reached(run, now, self._change_step(run, index, before, to, outcome, now))
        return now

    def note(self, subject: str, state: str, user: str) -> None:
        """An event of something that has no row here."""
        self.reached(subject, time.time(), (None, state, digest(user)))

    def settle(self, run: str, index: int, outcome: Outcome, dispatch: frozenset[int]) -> float:
        """How a step ended, and that these are dispatched; says when. Once more changes nothing:
        the answer to a commit may have been lost."""
        try:
            at = self.move_step(run, index, StepState(outcome.state), outcome)
        except ledger.IllegalTransition:
            row = self.execute(_GET_STEP, {"this_run": run, "at": index}).mappings().one()
            if row["outcome"] != outcome.model_dump_json():
                raise
            return float(row["ended"])
        for following in sorted(dispatch):
            self.move_step(run, following, StepState.DISPATCHED)
        return at

    def end(
        self,
        run: str,
        close: Callable[[StepRecord], Outcome],
        conclude: Callable[[Execution], tuple[RunState, str]],
        values: Values = _NOTHING,
        traced: Traced = _untraced,
    ) -> Execution | None:
        """End a command and what is open of it, and change `values`; see `Journal.end`. `traced`
        gives its trace."""
        execution = self.get(run)
        if execution is None or execution.state in ledger.ENDED_RUN:
            return None
        now = time.time()
        reached: list[Reached] = []
        closed = []
        for step in execution.steps:
            if step.state not in ledger.ENDED_STEP:
                outcome = close(step)
                to = StepState(outcome.state)
                reached.append(self._change_step(run, step.index, step.state, to, outcome, now))
                step = step.model_copy(update={"state": to, "outcome": outcome, "ended": now})
            closed.append(step)
        execution = execution.model_copy(update={"steps": tuple(closed)})
        state, answer = conclude(execution)
        answer = answer.replace("\0", "?")  # which PostgreSQL does not take
        stages = traced()
        changed = {**values, "answer": answer}
        said = stages_kept.written(stages, execution.created)
        self._change_run(run, execution.state, (state,), {**changed, "trace": said}, now)
        ended = execution.model_copy(
            update={**changed, "state": state, "ended": now, "trace": stages}
        )
        content = concluded(decided(ended.model_dump(mode="json", include=_DECIDED)), answer, said)
        self.reached(run, now, *reached, (None, state, content))
        return ended

    def get(self, run: str) -> Execution | None:
        """One command's record."""
        row = self.execute(_GET_RUN, {"this_run": run}).mappings().one_or_none()
        if row is None:
            return None
        its = self.execute(_GET_STEPS, {"this_run": run})
        return Execution(
            command=Command.model_validate_json(row["command"]),
            state=RunState(row["state"]),
            created=row["created"],
            ended=row["ended"],
            decision=Decision(row["decision"]) if row["decision"] else None,
            reason=row["reason"],
            model_text=row["model_text"],
            confidence=row["confidence"],
            model=row["model"],
            steps=tuple(_step(step) for step in its.mappings()),
            answer=row["answer"],
            question=row["question"],
            undoes=row["undoes"],
            trace=stages_kept.read(row["trace"], row["created"]),
        )

    def told(self, last: int) -> None:
        """What ended up to that event has been told."""
        self.execute(_TOLD, {"told": last})

    def untold(self) -> tuple[tuple[str, ...], int]:
        """Commands whose end was not noted as told, as they ended; and the last event by now."""
        return tuple(self.connection.scalars(_UNTOLD).all()), self._last.sequence

    def latest(
        self, limit: int, user: str, before: str = "", states: Sequence[RunState] = ()
    ) -> tuple[Execution, ...]:
        """A user's newest commands first: of those before one of theirs, and in these states."""
        mine = sa.select(runs.c.id).where(runs.c.user == user)
        if states:
            mine = mine.where(runs.c.state.in_(states))
        if before:
            that = sa.select(runs.c.created).where(runs.c.id == before, runs.c.user == user)
            when = that.scalar_subquery()
            same = (runs.c.created == when) & (runs.c.id < before)
            mine = mine.where((runs.c.created < when) | same)
        return self._all(mine.order_by(runs.c.created.desc(), runs.c.id.desc()).limit(limit))

    def last(self, user: str, door: str) -> Execution | None:
        """The newest ended command of a user's door that had steps and took back no other."""
        found = self._all(_LAST.params(user=user, door=door))
        return found[0] if found else None

    def undone(self, run: str) -> bool:
        """Whether a later command took the whole of one back."""
        states = self.execute(_UNDOING, {"undone": run}).scalars().all()
        return RunState.SUCCEEDED in states

    def unfinished(self) -> tuple[Execution, ...]:
        """Commands that have not ended, oldest first."""
        left = sa.select(runs.c.id).where(runs.c.state.not_in(_ENDED))
        return self._all(left.order_by(runs.c.created))

    def _all(self, query: "sa.Select[str]") -> tuple[Execution, ...]:
        found = [self._readable(run) for run in self.connection.scalars(query).all()]
        return tuple(execution for execution in found if execution is not None)

    def _readable(self, run: str) -> Execution | None:
        """A record, or None where it cannot be read: one such row hides no other."""
        try:
            return self.get(run)
        except (ValidationError, ValueError) as error:
            log.warning("the record of command %s cannot be read, left out: %s", run, error)
            return None

    def _undecided(self, run: str) -> RunState:
        """Where a command stands; IllegalTransition where nothing is to be decided any more."""
        state = RunState(self.execute(_RUN_STATE, {"this_run": run}).scalar_one())
        if state not in ledger.UNDECIDED:
            raise ledger.IllegalTransition(f"the command {run} is {state}: it is decided")
        return state

    def _change_run(
        self, run: str, before: RunState, path: tuple[RunState, ...], values: Values, now: float
    ) -> None:
        """Change a command that is `before`, and move it along `path`."""
        for one, next_one in itertools.pairwise((before, *path)):
            ledger.check_run(one, next_one)
        changed = {"this_run": run, "before": before, **values}
        if path:
            changed["state"] = path[-1]
            if path[-1] in ledger.ENDED_RUN:
                changed["ended"] = now
        if self.execute(_CHANGE_RUN, changed).rowcount != 1:
            raise ledger.IllegalTransition(f"the command {run} is not {before} any more")

    def _change_step(
        self,
        run: str,
        index: int,
        before: StepState,
        to: StepState,
        outcome: Outcome | None,
        now: float,
    ) -> Reached:
        """Change a step that is `before`; gives what it reached."""
        ledger.check_step(before, to)
        changed = {"this_run": run, "at": index, "before": before, "state": to}
        if to in (StepState.DISPATCHED, StepState.PENDING):
            changed["started"] = now if to is StepState.DISPATCHED else None
        content = chain.NOTHING
        if outcome is not None:
            said = outcome.model_dump_json()
            changed |= {"outcome": said, "ended": now}
            content = digest(said)
        if self.execute(_CHANGE_STEP, changed).rowcount != 1:
            raise ledger.IllegalTransition(f"step {index} of {run} is not {before} any more")
        return index, to, content

    def reached(self, run: str, at: float, *reached: Reached) -> None:
        """A row for every state that the command (None) or one of its steps reached."""
        rows = []
        for step, state, content in reached:
            row = {"run": run, "step": step, "state": str(state), "at": at, "content": content}
            rows.append(chain.sealed(self._last, row))
            self._last = Link(rows[-1]["sequence"], rows[-1]["hash"])
        self.execute(_NEW_EVENT, rows)

    def execute(
        self, statement: Statement, values: Values | list[dict[str, Any]]
    ) -> sa.CursorResult[Any]:
        """Run a statement with a set of values, or with each of several.

        It is rendered once for each set of columns: Core's own way through `execute` costs more
        than SQLite's work.
        """
        rows = values if isinstance(values, list) else [values]
        key = (statement, *rows[0])
        if key not in self._rendered:
            self._rendered[key] = self._render(statement, list(rows[0]))
        sql, order = self._rendered[key]
        given = [tuple(row[name] for name in order) for row in rows]
        many = isinstance(values, list)
        return self.connection.exec_driver_sql(sql, given if many else given[0])

    def _render(self, statement: Statement, columns: list[str]) -> tuple[str, Sequence[str]]:
        """The driver's text, and the order of its values."""
        keys = None if isinstance(statement, sa.Select) else columns
        compiled = statement.compile(dialect=self.connection.dialect, column_keys=keys)
        assert isinstance(compiled, SQLCompiler)
        return str(compiled), compiled.positiontup or ()


def _row(run: str, step: Step, started: bool, now: float) -> dict[str, Any]:
    return {
        "run": run,
        "index": step.index,
        "step": step.model_dump_json(),
        "state": StepState.DISPATCHED if started else StepState.PENDING,
        "started": now if started else None,
    }


def _step(row: "sa.RowMapping") -> StepRecord:
    step = Step.model_validate_json(row["step"])
    return StepRecord(
        index=step.index,
        function=step.function,
        arguments=step.arguments,
        device=step.device or "",
        state=StepState(row["state"]),
        outcome=_outcome.validate_json(row["outcome"]) if row["outcome"] else None,
        started=row["started"],
        ended=row["ended"],
    )
