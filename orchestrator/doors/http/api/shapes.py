"""What the API answers, for its description; the service makes the values themselves."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, create_model

from schemas.base import Value
from schemas.device import Device
from schemas.execution import Decision, Execution
from schemas.plan import Step
from schemas.schedule import Schedule


def _without(kind: type[BaseModel], name: str, hidden: str, **more: Any) -> type[BaseModel]:
    """A value as people see it: without one field, with others beside."""
    fields: dict[str, Any] = {
        key: (field.annotation, field) for key, field in kind.model_fields.items() if key != hidden
    }
    made: type[BaseModel] = create_model(
        name, __config__=ConfigDict(extra="forbid"), __doc__=kind.__doc__, **fields, **more
    )
    return made


class Accepted(Value):
    """It is in the journal, and goes on by itself."""

    id: str
    state: Literal["accepted"]


class Awaited(Value):
    """What a command waits for a person with."""

    text: str
    token: str
    options: list[str]


class Record(Execution):
    """One command's whole record."""

    id: str
    awaiting: Awaited | None = None


class Outline(Value):
    """What would come of a sentence."""

    decision: Decision
    reason: str
    when: str | None
    steps: list[Step]


class Confirmed(Value):
    """A confirmation that was taken."""

    execution: str
    confirmed: bool


class Answered(Value):
    """An answer that was taken."""

    execution: str
    answered: str


class Begun(Value):
    """Work that takes a while; `id` is what its news are asked with."""

    id: str


class News(Value):
    """What was said since; `over` once there is no more to come."""

    lines: list[dict[str, JsonValue]]
    over: bool
    result: JsonValue
    error: str | None


DeviceShown = _without(
    Device, "DeviceShown", "address",
    connected=(bool, ...), problem=(str, ...), state=(str, ...), todo=(str, ...),
    ways=(list[str], ...),
)  # fmt: skip
ScheduleShown = _without(Schedule, "ScheduleShown", "model_text")
DEVICES: Any = list[DeviceShown]  # type: ignore[valid-type]  # made here, not declared
SCHEDULES: Any = list[ScheduleShown]  # type: ignore[valid-type]
Open = dict[str, JsonValue]
"""An object that grows with the hub."""
