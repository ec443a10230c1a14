"""What the hub tells whoever listens."""

from schemas.base import Value


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
