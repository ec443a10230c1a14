"""What is to be done: calls in an order that can run."""

from __future__ import annotations

from schemas.base import Scalar, Value
from schemas.call import Change, Person


class Ref(Value):
    """The result of an earlier step of the same plan."""

    step: int


Argument = Scalar | Ref | Change | Person | None
"""What an argument may be in a plan; a step that runs has no `Change` and no `Person` left."""


class Step(Value):
    """One call with named arguments; `device` is set once it is routed."""

    index: int
    function: str
    arguments: dict[str, Argument]
    device: str | None = None

    @property
    def needs(self) -> tuple[int, ...]:
        """The steps whose results it takes."""
        return tuple(v.step for v in self.arguments.values() if isinstance(v, Ref))


class Plan(Value):
    """Steps; those that do not need each other run together."""

    steps: tuple[Step, ...]

    @property
    def first(self) -> tuple[Step, ...]:
        """The steps that need no other; they start together."""
        return tuple(step for step in self.steps if not step.needs)
