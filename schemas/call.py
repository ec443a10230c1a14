"""What the model wrote, read into values."""

from __future__ import annotations

from schemas.base import Scalar, Value


class Change(Value):
    """A value to be reckoned from the device's own: times `times`, plus `by`, then held between the
    parameter's minimum and maximum ("a bit louder", "half as bright"); `words` as said."""

    words: str
    times: float
    by: float


class Person(Value):
    """Somebody to be looked up, as said ("mom"), and which number if that is said ("work")."""

    person: str
    which: str = ""


class Call(Value):
    """One function call; an argument may be a call itself, None means it was not said."""

    function: str
    arguments: tuple[Scalar | Call | Change | Person | None, ...] = ()


class NamedCall(Value):
    """One call as a program asks for it: arguments by name; None means not given."""

    function: str
    arguments: dict[str, Scalar | None] = {}

    @property
    def spoken(self) -> str:
        """As people read it, and as device words are looked for in it."""
        said = [str(value) for value in self.arguments.values() if value is not None]
        return " ".join([self.function.replace("_", " "), *said])


class Invocation(Value):
    """One canonical call on its way to a device, as an adapter gets it."""

    function: str
    arguments: dict[str, Scalar | None]
    key: str  # the same for every attempt of one step: what a keyed device may use to drop repeats
    timeout: float  # seconds until the outcome must be known


class Restore(Value):
    """The call that brings the device's state before back."""

    function: str
    arguments: dict[str, Scalar | None]
