"""What the model wrote, read into values."""

from __future__ import annotations

from schemas.base import Scalar, Value


class Call(Value):
    """One function call; an argument may be a call itself, None means it was not said."""

    function: str
    arguments: tuple[Scalar | Call | None, ...] = ()


class Invocation(Value):
    """One canonical call on its way to a device, as an adapter gets it."""

    function: str
    arguments: dict[str, Scalar | None]
    key: str  # the same for every attempt of one step: what a keyed device may use to drop repeats
    timeout: float  # seconds until the outcome must be known
