"""Events become a chain with a seal; a command's door and schedule get columns of their own. A row
that is not as a hub writes it is taken as it is: a hub starts with it."""

import json
import logging
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

from orchestrator.journal import chain
from orchestrator.journal.chain import DECIDED, Link, decided, digest

revision = "0002"
down_revision = "0001"

log = logging.getLogger("orchestrator.journal")


def upgrade() -> None:
    """See the module."""
    with op.batch_alter_table("runs") as batch:
        batch.add_column(sa.Column("door", sa.Text, nullable=False, server_default=""))
        batch.add_column(sa.Column("schedule", sa.Text))
    connection = op.get_bind()
    runs = sa.table("runs", *map(sa.column, ("id", "door", "schedule", "command")))
    for run, said in connection.execute(sa.select(runs.c.id, runs.c.command)).all():
        connection.execute(runs.update().where(runs.c.id == run).values(_origin(run, said)))
    seal = op.create_table(
        "seal",
        sa.Column("hub", sa.Text, primary_key=True),
        sa.Column("before", sa.BigInteger, nullable=False),
        sa.Column("before_hash", sa.LargeBinary, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("last_hash", sa.LargeBinary, nullable=False),
        sa.Column("told", sa.BigInteger, nullable=False, server_default="0"),
    )
    last = _chained(connection)
    connection.execute(
        seal.insert().values(
            hub="", before=chain.START.sequence, before_hash=chain.START.hash,
            last=last.sequence, last_hash=last.hash, told=last.sequence,
        )
    )  # fmt: skip


def _origin(run: str, said: Any) -> dict[str, str | None]:
    """Where a command came from, as itself says."""
    try:
        command = dict(json.loads(said))
    except (TypeError, ValueError):
        command = {}
    door, schedule = command.get("door"), command.get("schedule")
    if not isinstance(door, str):
        log.warning("the command %s cannot be read: nobody knows its door", run)
        return {"door": "", "schedule": None}
    return {"door": door, "schedule": schedule if isinstance(schedule, str) else None}


def _chained(connection: sa.Connection) -> Link:
    """The events again, as links of a chain that tell of what is kept now; gives the last."""
    old = sa.table("events", *map(sa.column, ("sequence", "run", "step", "state", "at")))
    found = connection.execute(sa.select(old).order_by(old.c.sequence)).mappings().all()
    content = _contents(connection, found)
    op.drop_table("events")
    events = op.create_table(
        "events",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True,
                  autoincrement=False),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("step", sa.Integer),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )  # fmt: skip
    last, rows = chain.START, []
    for row in found:
        told = content.get(row["sequence"], chain.NOTHING)
        rows.append(chain.sealed(last, {**_event(row), "content": told}))
        last = Link(rows[-1]["sequence"], rows[-1]["hash"])
    for first in range(0, len(rows), 1000):
        connection.execute(events.insert(), rows[first : first + 1000])
    return last


def _event(row: sa.RowMapping) -> dict[str, Any]:
    """An event that the chain can hold."""
    event = dict(row)
    for column in ("run", "state"):
        if not isinstance(event[column], str):
            log.warning("event %d cannot be read: its %s is no text", event["sequence"], column)
            event[column] = ""
    return event


def _contents(connection: sa.Connection, told: Iterable[sa.RowMapping]) -> dict[int, bytes]:
    """Digests of what is kept, by the event that it came with; not of what was decided about
    commands that have not ended, which had no such event."""
    places: dict[Any, int] = {}
    last: dict[Any, sa.RowMapping] = {}
    for event in told:
        places[event["run"], event["step"], event["state"]] = event["sequence"]
        if event["step"] is None:
            last[event["run"]] = event
    found: dict[int, bytes] = {}

    def keep(run: str, step: int | None, state: str, *texts: Any) -> None:
        if (run, step, state) in places and all(isinstance(text, str) for text in texts):
            found[places[run, step, state]] = digest(*texts)

    planned: dict[str, list[Any]] = defaultdict(list)
    steps = sa.table("steps", *map(sa.column, ("run", "index", "step", "state", "outcome")))
    ordered = sa.select(steps).order_by(steps.c.run, steps.c.index)
    for step in connection.execute(ordered).mappings():
        planned[step["run"]].append(step["step"])
        if step["outcome"] is not None:
            keep(step["run"], step["index"], step["state"], step["outcome"])
    for run, its in planned.items():
        keep(run, None, "planned", *its)
    columns = ("id", "command", "state", "ended", "answer", "question", *DECIDED)
    runs = sa.table("runs", *map(sa.column, columns))
    for row in connection.execute(sa.select(runs)).mappings():
        keep(row["id"], None, "accepted", row["command"])
        if row["ended"] is not None:
            keep(row["id"], None, row["state"], decided(dict(row)), row["answer"])
        elif row["state"] == "awaiting_answer":
            keep(row["id"], None, "awaiting_answer", row["question"])
    schedules = sa.table("schedules", *map(sa.column, ("id", "state", "next", "schedule")))
    for row in connection.execute(sa.select(schedules)).mappings():
        at = last.get(row["id"])
        if at and at["state"] == row["state"] and isinstance(row["schedule"], str):
            found[at["sequence"]] = digest(row["schedule"], repr(row["next"]))
    return found
