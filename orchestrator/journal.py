"""The record of every command, durable before anything acts on it.

One writer thread owns the connection. Whatever waits when it gets to work is committed together,
each change inside a savepoint of its own, so that one refused change does not take its neighbours
with it. A change is a compare-and-set on the state it starts from, plus a row in `events`.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

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
                runs.insert().values(
                    id=command.id,
                    user=command.user,
                    command=command.model_dump_json(),
                    state=RunState.ACCEPTED,
                    created=now,
                )
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
    ) -> None:
        """Record what was decided and why."""
        values = {
            "decision": decision,
            "reason": reason,
            "model_text": model_text,
            "confidence": confidence,
        }
        await self._do(lambda c: c.execute(runs.update().where(runs.c.id == run).values(**values)))

    async def planned(self, run: str, routed: tuple[Step, ...]) -> None:
        """Record the plan; every step is pending."""

        def work(connection: sa.Connection) -> None:
            _move_run(connection, run, RunState.PLANNED, {})
            rows = [
                {
                    "run": run,
                    "index": s.index,
                    "step": s.model_dump_json(),
                    "state": StepState.PENDING,
                }
                for s in routed
            ]
            connection.execute(steps.insert(), rows)

        await self._do(work)

    async def move_run(self, run: str, to: RunState, *, answer: str | None = None) -> float:
        """Move a command to `to` and say when; IllegalTransition where the ledger forbids it."""
        values = {} if answer is None else {"answer": answer}
        return await self._do(lambda connection: _move_run(connection, run, to, values))

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
        results: list[Any] = []
        try:
            with self._engine.begin() as connection:
                for change in batch:
                    results.append(_attempt(connection, change))
        except DBAPIError as error:
            lost = JournalUnavailable(f"{self._file}: {error.orig}")
            results = [lost] * len(batch)
        for change, result in zip(batch, results, strict=True):
            change.loop.call_soon_threadsafe(_settle, change.future, result)


def _attempt(connection: sa.Connection, change: _Change) -> Any:
    """The change's result, or the exception it raised; the change is undone then."""
    try:
        with connection.begin_nested():
            return change.work(connection)
    except (IntegrityError, HubError) as error:
        return error


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
    connection.execute(events.insert().values(run=run, step=step, state=state, at=at))


def _move_run(connection: sa.Connection, run: str, to: RunState, values: dict[str, Any]) -> float:
    current = connection.execute(sa.select(runs.c.state).where(runs.c.id == run)).scalar_one()
    ledger.check_run(RunState(current), to)
    now = time.time()
    if to in ledger.ENDED_RUN:
        values = {**values, "ended": now}
    connection.execute(runs.update().where(runs.c.id == run).values(state=to, **values))
    _event(connection, run, None, to, now)
    return now


def _move_step(
    connection: sa.Connection, run: str, index: int, to: StepState, outcome: Outcome | None
) -> float:
    here = (steps.c.run == run) & (steps.c.index == index)
    current = connection.execute(sa.select(steps.c.state).where(here)).scalar_one()
    ledger.check_step(StepState(current), to)
    now = time.time()
    values: dict[str, Any] = {"state": to}
    if to is StepState.DISPATCHED:
        values["started"] = now
    if outcome is not None:
        values |= {"outcome": outcome.model_dump_json(), "ended": now}
    connection.execute(steps.update().where(here).values(**values))
    _event(connection, run, index, to, now)
    return now


def _all(connection: sa.Connection, query: "sa.Select[str]") -> tuple[Execution, ...]:
    found = [_get(connection, run) for run in connection.scalars(query).all()]
    return tuple(execution for execution in found if execution is not None)


def _get(connection: sa.Connection, run: str) -> Execution | None:
    row = connection.execute(sa.select(runs).where(runs.c.id == run)).mappings().one_or_none()
    if row is None:
        return None
    its = connection.execute(sa.select(steps).where(steps.c.run == run).order_by(steps.c.index))
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
