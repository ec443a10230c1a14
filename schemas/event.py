"""What the hub tells whoever listens."""

from pydantic import Field

from schemas.base import Value
from schemas.execution import Execution


class Event(Value):
    """A command or one of its steps reached a state; only after the journal has it."""

    id: str  # the command's
    user: str
    state: str
    at: float  # seconds since the epoch
    step: int | None = None  # None: the command itself
    function: str = ""
    device: str = ""
    text: str = ""  # a reason, a step's result, or the command's answer
    token: str = ""  # what a confirmation must name, where one is awaited
    options: tuple[str, ...] = ()  # the answers that a question offers
    # With the command's end: its record. Doors publish it by itself, so it is no part of the JSON.
    record: Execution | None = Field(default=None, exclude=True, repr=False)
