"""Is the journal as it was written? Every event is looked at against the chain, and every other row
against the events that tell of it. Only reads, and has one command's rows in memory at a time.
"""

import heapq
import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from orchestrator import ledger
from orchestrator.journal import opening
from orchestrator.journal.chain import NOTHING, Link, concluded, decided, digest, sealed
from orchestrator.journal.reading import Row, plain, reading, rows
from orchestrator.journal.tables import events, runs, schedules, seal, steps
from schemas.execution import RunState, StepState
from schemas.schedule import ScheduleState

Look = tuple[str, Row | None, bool]
"""A column, the event that tells of it, and whether it is as that event tells."""
Place = tuple[int, Any]

_LINES = 20
"""Of what SQLite finds wrong with its own file."""
_ENDED_RUN = frozenset(map(str, ledger.ENDED_RUN))
_ENDED_STEP = frozenset(map(str, ledger.ENDED_STEP))
_OF_RUNS = frozenset(map(str, RunState))
_OF_SCHEDULES = frozenset(map(str, ScheduleState))
_OF_DEVICES = ("approved", "removed", "renamed")  # their names stand in no other table
_RANKS = {type(None): 0, int: 1, float: 1, str: 2, bytes: 3}
"""How SQLite sorts, for in a damaged file a name may be no text."""


@dataclass(frozen=True)
class Found:
    """What came of looking at a journal."""

    events: int
    since: float | None  # when the first of them was, seconds since the epoch
    faults: tuple[str, ...]  # the first ones


def look(url: sa.URL, most: int = 20) -> Found:
    """Look at a whole journal, whoever writes it meanwhile."""
    with reading(url) as connection:
        wrong = tuple(itertools.islice(faults(connection), most))
        its = plain(events)
        count = sa.select(sa.func.count()).select_from(its)
        first = sa.select(its.c.at).order_by(its.c.sequence).limit(1)
        return Found(connection.scalar(count) or 0, connection.scalar(first), wrong)


def faults(connection: sa.Connection) -> Iterator[str]:
    """What is not as it was written, a line each."""
    try:
        damaged = list(_file(connection))
        yield from damaged or itertools.chain(_chain(connection), _records(connection))
    except DBAPIError as error:
        yield f"the journal cannot be read: {opening.line(error)}"


def _file(connection: sa.Connection) -> Iterator[str]:
    """PostgreSQL knows by its checksums."""
    if connection.dialect.name == "sqlite":
        for line in connection.exec_driver_sql(f"PRAGMA integrity_check({_LINES})").scalars():
            if line != "ok":
                yield f"the file is damaged: {' '.join(str(line).split())}"


def _chain(connection: sa.Connection) -> Iterator[str]:
    """The events, from one end of the chain to the other."""
    ends = list(rows(connection, sa.select(plain(seal))))
    if len(ends) != 1 or not isinstance(ends[0]["before"], int):
        yield "the seal is gone or damaged: nothing says where the events begin and end"
        return
    (its,) = ends
    end, last = Link(its["last"], its["last_hash"]), Link(its["before"], its["before_hash"])
    told = plain(events)
    for event in rows(connection, sa.select(told).order_by(told.c.sequence)):
        if event["sequence"] != last.sequence + 1:
            yield f"{_this(event)} comes after event {last.sequence}: what was between is gone"
        elif not _is_sealed(last, event):
            yield f"{_this(event)} is not as it was written"
        last = Link(event["sequence"], event["hash"])
    if last != end:
        yield f"the last event is {last.sequence}, and not event {end.sequence} as it was sealed"


def _this(event: Row) -> str:
    return f"event {event['sequence']} ({event['run']})"


def _is_sealed(last: Link, event: Row) -> bool:
    try:
        return bool(sealed(last, event)["hash"] == event["hash"])
    except (TypeError, ValueError):
        return False


def _records(connection: sa.Connection) -> Iterator[str]:
    """Everything else, with the events of the same name, name by name."""
    streams = (
        _sorted(connection, runs, "id"),
        _sorted(connection, steps, "run", "index"),
        _sorted(connection, schedules, "id"),
        _sorted(connection, events, "run", "sequence"),
    )
    together = heapq.merge(*streams, key=_place)
    for (_, name), group in itertools.groupby(together, key=_place):
        kept: dict[str, list[Row]] = defaultdict(list)
        for _, table, row in group:
            kept[table].append(row)
        of_run, of_schedule = _parted(kept["events"], scheduled=bool(kept["schedules"]))
        yield from _of_run(name, kept["runs"], kept["steps"], of_run)
        yield from _of_schedule(name, kept["schedules"], of_schedule)


def _sorted(
    connection: sa.Connection, table: sa.Table, name: str, *then: str
) -> Iterator[tuple[Place, str, Row]]:
    """The rows of a table by name, in an order that Python has too."""
    its = plain(table)
    collation = "BINARY" if connection.dialect.name == "sqlite" else "C"
    order = (sa.collate(its.c[name], collation), *(its.c[column] for column in then))
    for row in rows(connection, sa.select(its).order_by(*order)):
        yield (_RANKS[type(row[name])], row[name]), table.name, row


def _place(found: tuple[Place, str, Row]) -> Place:
    return found[0]


def _parted(told: Iterable[Row], *, scheduled: bool) -> tuple[list[Row], list[Row]]:
    """The events of the command of a name and of its steps, and of the schedule of the same name.

    Those before `accepted` are what is left of a command that was forgotten: see retention.py.
    """
    of_run: list[Row] = []
    of_schedule: list[Row] = []
    over = scheduled  # whether no command of this name is under way
    for event in told:
        state, of_step = event["state"], event["step"] is not None
        if state in _OF_DEVICES:
            continue
        if not of_step and state in _OF_SCHEDULES and (over or state not in _OF_RUNS):
            of_schedule.append(event)
            continue
        if not of_step:
            over = state in _ENDED_RUN
        if of_run or (state == RunState.ACCEPTED and not of_step):
            of_run.append(event)
    return of_run, of_schedule


def _of_run(name: str, found: list[Row], its_steps: list[Row], told: list[Row]) -> Iterator[str]:
    if told and not found:
        yield f"command {name} is gone: {_this(told[0])} tells of it"
    elif not told and (found or its_steps):
        yield f"command {name}: no event tells of it"
    elif found:
        yield from _wrong(f"command {name}", _command(found[0], its_steps, told))
        yield from _of_steps(name, its_steps, told)


def _command(run: Row, its_steps: list[Row], told: list[Row]) -> Iterator[Look]:
    reached = [event for event in told if event["step"] is None]
    accepted, last = reached[0], reached[-1]
    ended = last if last["state"] in _ENDED_RUN else None
    planned, asked = (_last(reached, s) for s in (RunState.PLANNED, RunState.AWAITING_ANSWER))
    yield "state", last, run["state"] == last["state"]
    yield "created", accepted, run["created"] == accepted["at"]
    yield "ended", last, run["ended"] == (ended["at"] if ended else None)
    yield "command", accepted, _tells(accepted, run["command"])
    yield "steps", planned, _tells(planned, *(step["step"] for step in its_steps))
    yield "question", asked, _tells(asked, run["question"])
    # What was decided is told with the end: until then it may change.
    good = _concludes(ended, run) if ended else not (run["answer"] or run["trace"])
    yield "decision, answer or trace", last, good
    said = _read(run["command"])
    for column in ("id", "user", "door", "schedule") if said else ():
        yield column, accepted, (run[column] or None) == (said.get(column) or None)


def _of_steps(name: str, found: list[Row], told: list[Row]) -> Iterator[str]:
    reached: dict[int, list[Row]] = defaultdict(list)
    for event in told:
        if event["step"] is not None:
            reached[event["step"]].append(event)
    for step in found:
        its = reached.pop(step["index"], [])
        yield from _wrong(f"step {step['index']} of {name}", _step(step, its))
    for index, its in reached.items():
        yield f"step {index} of {name} is gone: {_this(its[0])} tells of it"


def _step(step: Row, told: list[Row]) -> Iterator[Look]:
    last = told[-1] if told else None
    ended = last if last and last["state"] in _ENDED_STEP else None
    sent = _last(told, StepState.DISPATCHED, StepState.PENDING)
    started = sent["at"] if sent and sent["state"] == StepState.DISPATCHED else None
    yield "state", last, step["state"] == (last["state"] if last else StepState.PENDING)
    yield "started", sent, step["started"] == started
    yield "ended", last, step["ended"] == (ended["at"] if ended else None)
    yield "outcome", last, _tells(ended, step["outcome"])
    yield "index", None, step["index"] == _read(step["step"]).get("index")


def _of_schedule(name: str, found: list[Row], told: list[Row]) -> Iterator[str]:
    if told and not found:
        yield f"schedule {name} is gone: {_this(told[0])} tells of it"
    elif found and not told:
        yield f"schedule {name}: no event tells of it"
    elif found:
        yield from _wrong(f"schedule {name}", _schedule(found[0], told))


def _schedule(schedule: Row, told: list[Row]) -> Iterator[Look]:
    last, made = told[-1], next((event for event in reversed(told) if event["content"]), None)
    active = last["state"] == ScheduleState.ACTIVE
    yield "state", last, schedule["state"] == last["state"]
    yield "next", last, (schedule["next"] is not None) == active
    good = made is None or _tells(made, schedule["schedule"], repr(schedule["next"]))
    yield "schedule or next", made, good
    said = _read(schedule["schedule"])
    for column in ("id", "user", "created"):
        yield column, made, schedule[column] == said.get(column)


def _wrong(what: str, looks: Iterable[Look]) -> Iterator[str]:
    for column, event, good in looks:
        if not good:
            teller = _this(event) if event else "what is kept of it"
            yield f"{what}: {column} is not as {teller} tells"


def _last(told: list[Row], *states: str) -> Row | None:
    return next((event for event in reversed(told) if event["state"] in states), None)


def _tells(event: Row | None, *texts: Any) -> bool:
    """Whether an event is of these texts: without one there is none. Release 0.1 did not say, but
    for what the migration found."""
    if event is None:
        return not any(texts)
    if event["content"] == NOTHING:
        return True
    return all(isinstance(text, str) for text in texts) and event["content"] == digest(*texts)


def _concludes(ended: Row, run: Row) -> bool:
    """Whether a command's end is of what was decided and answered, and of its trace."""
    answer, trace = run["answer"], run["trace"]
    if ended["content"] == NOTHING:
        return not trace
    texts = isinstance(answer, str) and isinstance(trace, str)
    return texts and bool(ended["content"] == concluded(decided(run), answer, trace))


def _read(said: Any) -> dict[str, Any]:
    try:
        found = json.loads(said)
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
