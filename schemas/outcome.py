"""How a step ended."""

from enum import StrEnum
from typing import Literal

from schemas.base import Scalar, Value
from schemas.call import Restore


class Evidence(StrEnum):
    """What backs the claim that a call was done."""

    VERIFIED = "verified"  # the device's state was read back and agrees
    UNVERIFIED = "unverified"  # the device accepted it and offers no way to look
    DRAFTED = "drafted"  # prepared; a person must finish it on the device


Result = Scalar | tuple[str, ...]
"""What a call gives back; a file is given by its path."""


class Done(Value):
    """The call happened."""

    state: Literal["succeeded"] = "succeeded"
    evidence: Evidence
    result: Result | None = None
    detail: str = ""  # one line for the person, e.g. "Sent to John on Pixel"
    undo: Restore | None = None  # what brings the state before back


class Failed(Value):
    """The call did not happen."""

    state: Literal["failed"] = "failed"
    code: str
    reason: str


class Unknown(Value):
    """The call may or may not have happened; it is never repeated by itself."""

    state: Literal["unknown"] = "unknown"
    reason: str


class Skipped(Value):
    """Not tried, because something it depends on did not succeed."""

    state: Literal["skipped"] = "skipped"
    reason: str


class Cancelled(Value):
    """Not tried, or stopped on the device, because a person cancelled it."""

    state: Literal["cancelled"] = "cancelled"
    reason: str = "cancelled"


Outcome = Done | Failed | Unknown | Skipped | Cancelled
