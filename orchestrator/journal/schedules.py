"""What the journal keeps of schedules, and every change to it: part of the caller's transaction.

A change is a compare-and-set on the occurrence that is next, so that each becomes a command once,
whoever looks at it how often.
"""

import hashlib
import logging
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError

from orchestrator import texts
from orchestrator.journal.chain import digest
from orchestrator.journal.records import Records, Traced, Values
from orchestrator.journal.tables import schedules
from schemas.command import Command
from schemas.execution import Execution, RunState, StepRecord
from schemas.outcome import Outcome, Skipped
from schemas.schedule import Schedule, ScheduleState

log = logging.getLogger(__name__)

LONGEST_ID = 64
"""Characters of a command's id that every door takes."""

_this = schedules.c.id == sa.bindparam("this")
_active = schedules.c.state == sa.literal_column(f"'{ScheduleState.ACTIVE}'")
_soonest = (schedules.c.next, schedules.c.created, schedules.c.id)
_GET = sa.select(schedules).where(_this)
_DUE = (
    sa.select(schedules)
    .where(_active & (schedules.c.next <= sa.bindparam("now")))
    .order_by(*_soonest)
)
_NEXT = sa.select(sa.func.min(schedules.c.next)).where(
    _active & (schedules.c.next > sa.bindparam("after"))
)
_MINE = (
    sa.select(schedules)
    .where(_active & (schedules.c.user == sa.bindparam("user")))
    .order_by(*_soonest)
)
_NEW = schedules.insert()
_ADVANCE = schedules.update().where(_this & _active & (schedules.c.next == sa.bindparam("at")))
_CANCEL = schedules.update().where(_this & _active & (schedules.c.user == sa.bindparam("whose")))


def add(
    kept: Records, run: str, schedule: Schedule, values: Values, answer: str, traced: Traced
) -> Execution | None:
    """See `Journal.schedule`."""
    ended = kept.end(run, _left, lambda _: (RunState.SCHEDULED, answer), values, traced)
    if ended is None:
        return None
    said = schedule.model_dump_json()
    row = {
        "id": schedule.id,
        "user": schedule.user,
        "state": schedule.state,
        "next": schedule.next,
        "schedule": said,
        "created": schedule.created,
    }
    kept.execute(_NEW, row)
    kept.reached(
        schedule.id, time.time(), (None, schedule.state, digest(said, repr(schedule.next)))
    )
    return ended


def due(kept: Records, now: float) -> tuple[Schedule, ...]:
    """Active schedules whose next occurrence is not after `now`, earliest first."""
    return _readable(kept.execute(_DUE, {"now": now}).mappings())


def next_due(kept: Records, after: float) -> float | None:
    """The first occurrence of any schedule after `after`."""
    found: float | None = kept.execute(_NEXT, {"after": after}).scalar()
    return found


def active(kept: Records, user: str) -> tuple[Schedule, ...]:
    """A user's active schedules, the next one first."""
    return _readable(kept.execute(_MINE, {"user": user}).mappings())


def get(kept: Records, identity: str) -> Schedule | None:
    """One schedule."""
    row = kept.execute(_GET, {"this": identity}).mappings().one_or_none()
    return _schedule(row) if row else None


def fire(
    kept: Records,
    identity: str,
    at: float,
    following: float | None,
    expires: float | None,
    again: bool = False,
) -> Command | None:
    """See `Journal.fire`."""
    schedule = _advance(kept, identity, at, following, ScheduleState.DONE)
    if schedule is None:
        execution = _made(kept, identity, at) if again else None
        waits = execution is not None and execution.state is RunState.ACCEPTED
        return execution.command if execution and waits else None
    command = _command(schedule, at).model_copy(update={"expires": expires})
    return command if kept.add(command) else None


def miss(
    kept: Records, identity: str, at: float, following: float | None, answer: str
) -> Execution | None:
    """See `Journal.miss`."""
    schedule = _advance(kept, identity, at, following, ScheduleState.MISSED)
    if schedule is None:
        return None
    command = _command(schedule, at)
    if not kept.add(command):
        return None
    return kept.end(command.id, _left, lambda _: (RunState.MISSED, answer))


def rewind(kept: Records, identity: str, at: float, to: float) -> bool:
    """See `Journal.rewind`."""
    return _advance(kept, identity, at, to, ScheduleState.ACTIVE) is not None


def cancel(kept: Records, identity: str, user: str) -> Schedule | None:
    """See `Journal.cancel_schedule`."""
    changed = {"this": identity, "whose": user, "state": ScheduleState.CANCELLED, "next": None}
    if kept.execute(_CANCEL, changed).rowcount != 1:
        return None
    return _reached(kept, identity)


def _advance(
    kept: Records, identity: str, at: float, following: float | None, last: ScheduleState
) -> Schedule | None:
    """Go on from the occurrence at `at`, the schedule's state being `last` where none follows; None
    where it is not the next one, or the schedule is not active."""
    state = last if following is None else ScheduleState.ACTIVE
    changed = {"this": identity, "at": at, "state": state, "next": following}
    if kept.execute(_ADVANCE, changed).rowcount != 1:
        return None
    return _reached(kept, identity)


def _reached(kept: Records, identity: str) -> Schedule:
    """The schedule as it is now, with an event that tells of it."""
    row = kept.execute(_GET, {"this": identity}).mappings().one()
    content = digest(row["schedule"], repr(row["next"]))
    kept.reached(identity, time.time(), (None, row["state"], content))
    return _schedule(row)


def _made(kept: Records, identity: str, at: float) -> Execution | None:
    """What an occurrence was made before, if it was one."""
    schedule = get(kept, identity)
    return kept.get(_command(schedule, at).id) if schedule else None


def _command(schedule: Schedule, at: float) -> Command:
    """What a schedule sends at an occurrence; the same one has the same id."""
    moment = f"@{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%SZ}"
    return Command(
        id=_clipped(schedule.id, LONGEST_ID - len(moment)) + moment,
        text=schedule.text,
        user=schedule.user,
        door=schedule.door,
        schedule=schedule.id,
    )


def _clipped(identity: str, length: int) -> str:
    """An id of at most so many characters, still another one for another id."""
    if len(identity) <= length:
        return identity
    mark = "-" + hashlib.sha256(identity.encode()).hexdigest()[:8]
    return identity[: length - len(mark)] + mark


def _left(_: StepRecord) -> Outcome:
    """How a step ends that was planned, and is part of a schedule now."""
    return Skipped(reason=texts.IT_IS_SCHEDULED)


def _readable(rows: Iterable["sa.RowMapping"]) -> tuple[Schedule, ...]:
    """The schedules that can be read: a row that cannot hides no other."""
    found = []
    for row in rows:
        try:
            found.append(_schedule(row))
        except ValidationError as error:
            log.warning("the schedule %s cannot be read, left out: %s", row["id"], error)
    return tuple(found)


def _schedule(row: "sa.RowMapping") -> Schedule:
    """The schedule as it was made, with how it stands now."""
    now: dict[str, Any] = {"state": ScheduleState(row["state"]), "next": row["next"]}
    return Schedule.model_validate_json(row["schedule"]).model_copy(update=now)
