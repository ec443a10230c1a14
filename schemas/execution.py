"""What happened to a command, as the journal has it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from schemas.base import Value
from schemas.command import Command
from schemas.outcome import Outcome
from schemas.plan import Argument, Step


class Decision(StrEnum):
    """What the hub decided to do with a sentence."""

    ACT = "act"
    ASK = "ask"
    CONFIRM = "confirm"
    SCHEDULE = "schedule"
    REFUSE = "refuse"
    ORDER = "order"  # it is for the hub itself: undo, call off, list
    ANSWER = "answer"  # it answers what was asked about another command


class RunState(StrEnum):
    """Where a command stands."""

    ACCEPTED = "accepted"
    PLANNED = "planned"
    AWAITING_ANSWER = "awaiting_answer"
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTLY = "partly"
    FAILED = "failed"
    NEEDS_ATTENTION = "needs_attention"  # a step's outcome is unknown
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUSED = "refused"
    SCHEDULED = "scheduled"  # it has become a schedule, which sends commands of its own
    MISSED = "missed"  # its schedule was due while nobody could run it


class StepState(StrEnum):
    """Where a step stands."""

    PENDING = "pending"
    DISPATCHED = "dispatched"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class StepRecord(Value):
    """One step and how far it came."""

    index: int
    function: str
    arguments: dict[str, Argument]
    device: str
    state: StepState
    outcome: Outcome | None = None
    started: float | None = None  # seconds since the epoch
    ended: float | None = None

    @property
    def step(self) -> Step:
        """The step that it records."""
        return Step(
            index=self.index, function=self.function, arguments=self.arguments, device=self.device
        )


class Execution(Value):
    """One command's whole record."""

    command: Command
    state: RunState
    created: float
    ended: float | None = None
    decision: Decision | None = None
    reason: str = ""
    model_text: str = ""
    confidence: float | None = None
    model: str = ""  # which one wrote model_text, and why not the one that was configured
    steps: tuple[StepRecord, ...] = ()
    answer: str = ""
    question: str = ""  # the last one that was asked about it, as JSON
    undoes: str = ""  # the command that it takes back

    def plain(self) -> dict[str, Any]:
        """The record as JSON values, with the command's id beside them."""
        return self.model_dump(mode="json") | {"id": self.command.id}
