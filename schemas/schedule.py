"""What is to be done later, once or again and again."""

from enum import StrEnum

from schemas.base import Value
from schemas.plan import Plan
from schemas.when import When


class ScheduleState(StrEnum):
    """Where a schedule stands."""

    ACTIVE = "active"
    DONE = "done"
    CANCELLED = "cancelled"
    MISSED = "missed"  # its last occurrence passed while nobody could run it


class Schedule(Value):
    """A plan and when it is to run; each occurrence is a command of its own."""

    id: str
    user: str
    door: str  # where it came in and its commands' answers go
    text: str  # the sentence it comes from, and so its commands' sentence
    plan: Plan  # routed; a `Change` in it is reckoned when it runs
    when: When
    words: str  # when, for a person
    state: ScheduleState = ScheduleState.ACTIVE
    next: float | None  # the next occurrence, seconds since the epoch; None: there is none
    created: float  # seconds since the epoch
    confirmed: bool = False  # whether a person said yes to it
    model_text: str = ""
