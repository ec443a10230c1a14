"""Schedules for tests: made by hand and kept by a journal; and a clock that is set."""

from datetime import datetime
from zoneinfo import ZoneInfo

from orchestrator.journal import Journal
from schemas.execution import Execution
from schemas.plan import Plan
from schemas.schedule import Schedule
from schemas.when import When
from tests.hubkit import command


class Clock:
    """A wall clock that stands still until it is set."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def schedule(
    at: float, identity: str = "s1", *, rule: str = "", zone: str = "UTC", **fields: object
) -> Schedule:
    """One whose first occurrence is at `at`."""
    first = datetime.fromtimestamp(at, ZoneInfo(zone)).replace(tzinfo=None)
    return Schedule.model_validate(
        {
            "id": identity, "user": "ann", "door": "test", "text": "louder at 7",
            "plan": Plan(steps=()), "words": "tomorrow at 7", "next": at, "created": at - 60,
            "when": When(at=first.isoformat(), zone=zone, rule=rule), **fields,
        }
    )  # fmt: skip


async def scheduled(journal: Journal, wanted: Schedule, run: str = "") -> Execution | None:
    """Keep a schedule, as the end of a command."""
    run = run or f"of-{wanted.id}"
    await journal.accept(command(wanted.text, run))
    return await journal.schedule(
        run, wanted, reason="", model_text="", confidence=1.0, answer=wanted.words
    )
