"""A journal with something of everything in it, for tests of what keeps it; and the means to change
it behind the hub's back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from orchestrator import trace
from orchestrator.journal import Journal, engine
from orchestrator.journal.audit import faults
from orchestrator.journal.chain import NOTHING
from orchestrator.journal.reading import plain, reading
from orchestrator.journal.tables import metadata
from schemas.execution import Decision, RunState, StepState
from schemas.outcome import Done, Evidence, Skipped
from schemas.plan import Plan, Ref, Step
from tests.hubkit import command, plan
from tests.schedulekit import schedule, scheduled

PHOTO = Step(index=0, function="take_a_photo", arguments={"camera": "front"}, device="p1")
SHARE = Step(index=1, function="share", arguments={"file": Ref(step=0)}, device="p1")
DONE = Done(evidence=Evidence.VERIFIED, detail="Photo taken", result="/p/1.jpg")
LONG_AGO = 1_700_000_000.0


async def ended(journal: Journal, identity: str, *steps: Step) -> None:
    """A command that went well, with its trace."""
    with trace.begun():
        await journal.accept(command("take a selfie", identity))
        await journal.decide(
            identity, Decision.ACT, reason="", model_text="<nexa_0>", confidence=0.9,
            model="embedded", plan=Plan(steps=steps or (PHOTO,)), start=frozenset({0}),
        )  # fmt: skip
        await journal.settle(identity, 0, DONE)
        skipped = Skipped(reason="nobody wants it")
        await journal.end(
            identity, lambda _: skipped, lambda _: (RunState.SUCCEEDED, "Took a photo")
        )


async def lived(file: Path) -> None:
    """A journal with commands, steps, schedules and devices in every state that matters."""
    async with Journal(file) as journal:
        await journal._do(lambda kept: kept.reached("p1", time.time(), (None, "approved", NOTHING)))
        await ended(journal, "done", PHOTO, SHARE)
        await journal.accept(command("open the pod bay doors", "refused"))
        await journal.decide(
            "refused", Decision.REFUSE, reason="no", model_text="<nexa_99>", confidence=0.2
        )
        await journal.end("refused", lambda _: DONE, lambda _: (RunState.REFUSED, "no"))
        await journal.accept(command("call Jo", "asked"))
        for question in ('{"text": "which Jo?"}', '{"text": "at work?"}'):
            await journal.ask(
                "asked", question, reason="two", model_text="<nexa_6>", confidence=0.8
            )
        await journal.accept(command("two photos, please", "running"))
        await plan(journal, "running", PHOTO, SHARE)
        await journal.start("running", frozenset({0}))
        await journal.move_step("running", 0, StepState.PENDING)
        await journal.move_step("running", 0, StepState.DISPATCHED)
        await journal.accept(command("hello", "new"))
        await scheduled(journal, schedule(LONG_AGO, "daily", rule="FREQ=DAILY"), run="daily")
        await scheduled(journal, schedule(LONG_AGO, "once"))
        await scheduled(journal, schedule(LONG_AGO, "off"))
        assert await journal.fire("daily", LONG_AGO, LONG_AGO + 86400)
        assert await journal.miss("once", LONG_AGO, None, "missed")
        assert await journal.cancel_schedule("off", "ann")


def url(file: Path) -> sa.URL:
    """Where the journal of a file is, on this test's store."""
    return engine.at("", file)


def wrong(file: Path) -> list[str]:
    """What is not as it was written."""
    with reading(url(file)) as connection:
        return list(faults(connection))


@contextmanager
def behind_its_back(at: sa.URL) -> Iterator[sa.Connection]:
    """A connection that nobody checks, whose references may be broken; it commits when told."""
    other = sa.create_engine(at)
    try:
        with other.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET session_replication_role = replica")
                connection.commit()
            yield connection
    finally:
        other.dispose()


def content(connection: sa.Connection) -> dict[str, list[dict[str, Any]]]:
    """Everything that is kept, by table."""
    found = {}
    for table in metadata.sorted_tables:
        query = sa.select(plain(table)).order_by(*table.primary_key.columns)
        found[table.name] = [dict(row) for row in connection.execute(query).mappings()]
    return found
