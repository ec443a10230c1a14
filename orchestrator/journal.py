"""The record of every command, durable before anything acts on it.

One writer thread owns the connection. Whatever waits when it gets to work is committed together,
each change inside a savepoint of its own, so that one refused change does not take its neighbours
with it. A change is a compare-and-set on the state it starts from, plus a row in `events`.
"""

import asyncio
import itertools
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeGuard, TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.exc import DBAPIError, IntegrityError

from orchestrator import ledger
from schemas.command import Command
from schemas.errors import HubError
from schemas.execution import Decision, Execution, RunState, StepRecord, StepState
from schemas.outcome import Outcome
from schemas.plan import Step

T = TypeVar("T")
BATCH = 256

_metadata = sa.MetaData()
runs = sa.Table(
    "runs",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, nullable=False, index=True),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("created", sa.Float, nullable=False, index=True),
    sa.Column("ended", sa.Float),
    sa.Column("decision", sa.Text),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("model_text", sa.Text, nullable=False, server_default=""),
    sa.Column("confidence", sa.Float),
    sa.Column("answer", sa.Text, nullable=False, server_default=""),
)
steps = sa.Table(
    "steps",
    _metadata,
    sa.Column("run", sa.Text, sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("index", sa.Integer, primary_key=True),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("started", sa.Float),
    sa.Column("ended", sa.Float),
)
events = sa.Table(
    "events",
    _metadata,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run", sa.Text, nullable=False, index=True),
    sa.Column("step", sa.Integer),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)
_outcome: TypeAdapter[Outcome] = TypeAdapter(Outcome)

# Statements are built once: building one costs more than running it.
_this_run = runs.c.id == sa.bindparam("this_run")
_this_step = (steps.c.run == sa.bindparam("this_run")) & (steps.c.index == sa.bindparam("at"))
_GET_RUN = sa.select(runs).where(_this_run)
_GET_STEPS = sa.select(steps).where(steps.c.run == sa.bindparam("this_run")).order_by(steps.c.index)
_RUN_STATE = sa.select(runs.c.state).where(_this_run)
_STEP_STATE = sa.select(steps.c.state).where(_this_step)
_NEW_RUN, _NEW_STEP, _NEW_EVENT = runs.insert(), steps.insert(), events.insert()
_CHANGE_RUN = runs.update().where(_this_run)
_CHANGE_STEP = steps.update().where(_this_step)


class JournalUnavailable(HubError):
    """The journal cannot be written; nothing is done that it could not record."""

    code = "storage"


@dataclass(frozen=True)
class _Change:
    """Work for the writer thread and where its result goes."""

    work: Callable[[sa.Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"


class Journal:
    """Commands, steps and events in one database; open it with `async with`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._changes: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._engine = sa.create_engine(f"sqlite:///{file}")
        sa.event.listen(self._engine, "connect", _durable)
        sa.event.listen(self._engine, "begin", _immediate)

    async def __aenter__(self) -> Self:
        try:
            await asyncio.to_thread(_metadata.create_all, self._engine)
        except DBAPIError as error:
            raise JournalUnavailable(
                f"{self._file}: cannot open the journal: {error.orig}"
            ) from error
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._changes.put(None)
        await asyncio.to_thread(self._thread.join)
        self._engine.dispose()

    async def accept(self, command: Command) -> bool:
        """Record that a command came in; False where one with its id is already there."""

        def work(connection: sa.Connection) -> None:
            now = time.time()
            connection.execute(
                _NEW_RUN,
                {
                    "id": command.id,
                    "user": command.user,
                    "command": command.model_dump_json(),
                    "state": RunState.ACCEPTED,
                    "created": now,
                },
            )
            _event(connection, command.id, None, RunState.ACCEPTED, now)

        try:
            await self._do(work)
        except IntegrityError:
            return False
        return True

    async def decide(
        self,
        run: str,
        decision: Decision,
        *,
        reason: str,
        model_text: str,
        confidence: float | None,
        plan: tuple[Step, ...] = (),
        to: tuple[RunState, ...] = (),
    ) -> float:
        """Record what was decided and why, the plan if there is one, and the states that the
        command reaches with it; says when."""
        values = {
            "decision": decision,
            "reason": reason,
            "model_text": model_text,
            "confidence": confidence,
        }

        def work(connection: sa.Connection) -> float:
            _add_steps(connection, run, plan)
            return _move_run(connection, run, to, values)

        return await self._do(work)

    async def move_run(self, run: str, to: RunState, *, answer: str | None = None) -> float:
        """Move a command to `to` and say when; IllegalTransition where the ledger forbids it."""
        values = {} if answer is None else {"answer": answer}
        return await self._do(lambda connection: _move_run(connection, run, (to,), values))

    async def move_step(
        self, run: str, index: int, to: StepState, outcome: Outcome | None = None
    ) -> float:
        """Move a step to `to` and say when; IllegalTransition where the ledger forbids it."""
        return await self._do(lambda connection: _move_step(connection, run, index, to, outcome))

    async def get(self, run: str) -> Execution | None:
        """One command's record."""
        return await self._do(lambda connection: _get(connection, run))

    async def latest(self, limit: int, user: str) -> tuple[Execution, ...]:
        """A user's newest commands first."""
        mine = sa.select(runs.c.id).where(runs.c.user == user)
        query = mine.order_by(runs.c.created.desc()).limit(limit)
        return await self._do(lambda connection: _all(connection, query))

    async def unfinished(self) -> tuple[Execution, ...]:
        """Commands that had not ended when the hub stopped, oldest first."""
        ended = [str(state) for state in ledger.ENDED_RUN]
        query = sa.select(runs.c.id).where(runs.c.state.not_in(ended)).order_by(runs.c.created)
        return await self._do(lambda connection: _all(connection, query))

    async def _do(self, work: Callable[[sa.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._changes.put(_Change(work, loop, future))
        return await future

    def _write(self) -> None:
        """The writer thread: everything that waits is one transaction."""
        while True:
            batch = [self._changes.get()]
            while batch[-1] is not None and len(batch) < BATCH and not self._changes.empty():
                batch.append(self._changes.get())
            self._commit([change for change in batch if change is not None])
            if batch[-1] is None:
                return

    def _commit(self, batch: list[_Change]) -> None:
        if not batch:
            return
        try:
            with self._engine.begin() as connection:
                if len(batch) == 1:
                    results = [batch[0].work(connection)]
                else:
                    results = [_attempt(connection, change) for change in batch]
        except Exception as error:  # noqa: BLE001 (whatever it is, the writer goes on)
            if _lost(error):
                error = JournalUnavailable(f"{self._file}: {error.orig}")
            results = [error] * len(batch)
        for change, result in zip(batch, results, strict=True):
            change.loop.call_soon_threadsafe(_settle, change.future, result)


def _attempt(connection: sa.Connection, change: _Change) -> Any:
    """The change's result, or the exception it raised; the change is undone then."""
    try:
        with connection.begin_nested():
            return change.work(connection)
    except Exception as error:
        if _lost(error):
            raise
        return error  # one change's own fault is no neighbour's loss


def _lost(error: Exception) -> TypeGuard[DBAPIError]:
    """Whether the database failed, and not just refused one change."""
    return isinstance(error, DBAPIError) and not isinstance(error, IntegrityError)


def _settle(future: "asyncio.Future[Any]", result: Any) -> None:
    if future.cancelled():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


def _durable(connection: Any, _: object) -> None:
    # The driver's own transactions are switched off: BEGIN IMMEDIATE is ours to say.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")


def _immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _event(connection: sa.Connection, run: str, step: int | None, state: str, at: float) -> None:
    connection.execute(_NEW_EVENT, {"run": run, "step": step, "state": state, "at": at})


def _add_steps(connection: sa.Connection, run: str, plan: tuple[Step, ...]) -> None:
    for step in plan:
        values = {"run": run, "index": step.index, "step": step.model_dump_json()}
        connection.execute(_NEW_STEP, {**values, "state": StepState.PENDING})


def _move_run(
    connection: sa.Connection, run: str, path: tuple[RunState, ...], values: dict[str, Any]
) -> float:
    """Change a command's row and move it along `path`; says when."""
    now = time.time()
    if path:
        current = RunState(connection.execute(_RUN_STATE, {"this_run": run}).scalar_one())
        for before, after in itertools.pairwise((current, *path)):
            ledger.check_run(before, after)
        values = {**values, "state": path[-1]}
        if path[-1] in ledger.ENDED_RUN:
            values["ended"] = now
    connection.execute(_CHANGE_RUN, {"this_run": run, **values})
    for state in path:
        _event(connection, run, None, state, now)
    return now


def _move_step(
    connection: sa.Connection, run: str, index: int, to: StepState, outcome: Outcome | None
) -> float:
    here = {"this_run": run, "at": index}
    current = connection.execute(_STEP_STATE, here).scalar_one()
    ledger.check_step(StepState(current), to)
    now = time.time()
    values: dict[str, Any] = {**here, "state": to}
    if to is StepState.DISPATCHED:
        values["started"] = now
    if outcome is not None:
        values |= {"outcome": outcome.model_dump_json(), "ended": now}
    connection.execute(_CHANGE_STEP, values)
    _event(connection, run, index, to, now)
    return now


def _all(connection: sa.Connection, query: "sa.Select[str]") -> tuple[Execution, ...]:
    found = [_get(connection, run) for run in connection.scalars(query).all()]
    return tuple(execution for execution in found if execution is not None)


def _get(connection: sa.Connection, run: str) -> Execution | None:
    row = connection.execute(_GET_RUN, {"this_run": run}).mappings().one_or_none()
    if row is None:
        return None
    its = connection.execute(_GET_STEPS, {"this_run": run})
    return Execution(
        command=Command.model_validate_json(row["command"]),
        state=RunState(row["state"]),
        created=row["created"],
        ended=row["ended"],
        decision=Decision(row["decision"]) if row["decision"] else None,
        reason=row["reason"],
        model_text=row["model_text"],
        confidence=row["confidence"],
        steps=tuple(_step(step) for step in its.mappings()),
        answer=row["answer"],
    )


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
