"""What is forgotten: the beginning of the chain, and the commands and schedules that it tells of.
Part of the caller's transaction.

The chain is cut before the first event of a command that stays: each of its events is kept. Of a
command that goes, later events may be left until the next time.
"""

import time

import sqlalchemy as sa

from orchestrator.journal.chain import NOTHING, digest
from orchestrator.journal.records import Records
from orchestrator.journal.tables import events, runs, schedules, seal, steps
from schemas.execution import RunState
from schemas.schedule import ScheduleState

CHUNK = 5000
"""Events that are forgotten in one transaction: the hub's other changes wait that long."""

_unfinished = runs.c.id.is_not(None) & runs.c.ended.is_(None)


def prune(kept: Records, before: float) -> int:
    """Forget events from before that time, at most `CHUNK`, with the commands and schedules that
    were over by then; says how many events. Zero: there are no more."""
    connection = kept.connection
    cut = connection.execute(_last(_end(connection, before))).one_or_none()
    if cut is None:
        return 0
    goes = events.c.sequence <= cut.sequence
    _keep_schedules(kept, goes)
    accepted = sa.select(events.c.run).where(goes, events.c.state == RunState.ACCEPTED)
    connection.execute(steps.delete().where(steps.c.run.in_(accepted)))
    connection.execute(runs.delete().where(runs.c.id.in_(accepted)))
    connection.execute(seal.update().values(before=cut.sequence, before_hash=cut.hash))
    return connection.execute(events.delete().where(goes)).rowcount


def newest(kept: Records) -> float | None:
    """When the last event was, None where there is none."""
    found = sa.select(events.c.at).order_by(events.c.sequence.desc()).limit(1)
    at: float | None = kept.connection.execute(found).scalar()
    return at


def _end(connection: sa.Connection, before: float) -> int:
    """The first event that stays, or is too far away for now. One from the future, as by a clock
    that was wrong, is as old as what came after it, and stays where nothing did."""
    now = time.time()
    past = sa.select(events.c.sequence).where(events.c.at <= now)
    last = connection.execute(past.order_by(events.c.sequence.desc()).limit(1)).scalar() or 0
    far: int = connection.execute(sa.select(seal.c.before)).scalar_one() + 1 + CHUNK
    stays = (
        events.c.at.between(before, now) | _unfinished | runs.c.ended.between(before, now)
        | (events.c.sequence > last)
    )  # fmt: skip
    near = (
        sa.select(sa.func.min(events.c.sequence))
        .select_from(events.outerjoin(runs, runs.c.id == events.c.run))
        .where(events.c.sequence < far, stays)
    )
    return connection.execute(near).scalar() or far


def _last(end: int) -> sa.Select[tuple[int, bytes]]:
    """The last event before another."""
    found = sa.select(events.c.sequence, events.c.hash).where(events.c.sequence < end)
    return found.order_by(events.c.sequence.desc()).limit(1)


def _keep_schedules(kept: Records, goes: sa.ColumnElement[bool]) -> None:
    """Forget schedules that were over; of the others there is an event that tells of them."""
    named = schedules.c.id.in_(sa.select(events.c.run).where(goes))
    found = kept.connection.execute(sa.select(schedules).where(named)).all()
    if not found:
        return
    left = _left(kept.connection, goes, [schedule.id for schedule in found])
    needed = set(kept.connection.scalars(sa.select(runs.c.schedule).where(_unfinished)))
    for schedule in found:
        is_over = schedule.state != ScheduleState.ACTIVE
        if is_over and schedule.id not in left and schedule.id not in needed:
            kept.connection.execute(schedules.delete().where(schedules.c.id == schedule.id))
        elif not left.get(schedule.id):
            told = digest(schedule.schedule, repr(schedule.next))
            kept.reached(schedule.id, time.time(), (None, schedule.state, told))


def _left(
    connection: sa.Connection, goes: sa.ColumnElement[bool], names: list[str]
) -> dict[str, bool]:
    """Which of some schedules have later events, and whether one tells of the whole schedule."""
    tells = sa.func.max(sa.case((events.c.content != NOTHING, 1), else_=0))
    later = sa.select(events.c.run, tells).where(~goes, events.c.run.in_(names))
    return {run: bool(whole) for run, whole in connection.execute(later.group_by(events.c.run))}
