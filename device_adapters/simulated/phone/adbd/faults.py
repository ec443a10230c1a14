"""What can go wrong with a phone, on demand."""

from dataclasses import dataclass, field
from enum import StrEnum


class Manner(StrEnum):
    """How the phone misbehaves."""

    REFUSE = "refuse"  # the service is not opened
    UNPLUG = "unplug"  # the connection dies as the command arrives: nothing ran
    RUN_THEN_UNPLUG = "run_then_unplug"  # it ran, and the connection dies before the answer
    HANG = "hang"  # the service opens and never answers
    DELAY = "delay"  # the answer comes `seconds` late
    ANSWER = "answer"  # nothing runs; the phone says `stdout`, `stderr` and `code`


@dataclass(frozen=True)
class Fault:
    """One misbehaviour, for the next `times` services that contain `match`."""

    match: str
    manner: Manner
    times: int = 1
    seconds: float = 0.0
    stdout: str = ""
    stderr: str = ""
    code: int = 0


@dataclass
class Faults:
    """The misbehaviours still to come."""

    _waiting: list[list[Fault]] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """Make the phone misbehave."""
        self._waiting.append([fault] * fault.times)

    def take(self, service: str) -> Fault | None:
        """The misbehaviour that is due for this service, used up by asking."""
        for pending in self._waiting:
            if pending and pending[0].match in service:
                return pending.pop()
        return None
