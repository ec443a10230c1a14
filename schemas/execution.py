"""What happened to a command, as the journal has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
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


class StageName(StrEnum):
    """What a command's time goes into."""

    ACCEPT = "accept"  # until it was on the disk that it came in
    DECODE = "decode"  # the model, and its turn there
    UNDERSTAND = "understand"  # the rules about what it wrote
    PLAN = "plan"  # devices, people, present values, the policy's word
    JOURNAL = "journal"  # until the journal had done something else
    ASK = "ask"  # a person's answer
    WAIT = "wait"  # the end of the command that this one answers
    QUEUE = "queue"  # a step's turn on its device
    CALL = "call"  # a step on its device
    HOLD = "hold"  # a step whose device was away
    RESTART = "restart"  # what was before a restart of the hub, and that
    REST = "rest"  # what came after more stages than are kept


class Stage(Value):
    """A part of a command's time; parts may overlap."""

    name: StageName
    at: float  # when it began, seconds since the epoch
    seconds: float
    step: int | None = None  # whose it is, where it is one step's


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
    trace: tuple[Stage, ...] = ()  # where its time went, once it has ended

    def plain(self) -> dict[str, Any]:
        """The record as JSON values, with the command's id beside them."""
        return self.model_dump(mode="json") | {"id": self.command.id}

    @classmethod
    def of_plain(cls, record: Mapping[str, Any]) -> Execution:
        """The inverse of `plain`; what else stands in it is left out."""
        known = {name: record[name] for name in cls.model_fields if name in record}
        return cls.model_validate_json(json.dumps(known))
