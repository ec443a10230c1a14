"""The states of commands and steps, and every move between them that is allowed."""

from collections.abc import Iterable

from schemas.errors import HubError
from schemas.execution import RunState as R
from schemas.execution import StepState as S

ENDED_RUN = frozenset(
    {
        R.SUCCEEDED, R.PARTLY, R.FAILED, R.NEEDS_ATTENTION, R.CANCELLED, R.EXPIRED, R.REFUSED,
        R.SCHEDULED, R.MISSED,
    }
)  # fmt: skip
UNDECIDED = frozenset({R.ACCEPTED, R.AWAITING_ANSWER})
ENDED_STEP = frozenset({S.SUCCEEDED, S.FAILED, S.UNKNOWN, S.SKIPPED, S.CANCELLED})

_STOPPED = frozenset({R.CANCELLED, R.FAILED, R.EXPIRED})
_RUN: dict[R, frozenset[R]] = {
    # At once: an order to the hub itself, and an answer, which ends as what it answers does.
    R.ACCEPTED: _STOPPED
    | {R.REFUSED, R.PLANNED, R.AWAITING_ANSWER, R.SCHEDULED, R.MISSED}
    | {R.SUCCEEDED, R.PARTLY, R.NEEDS_ATTENTION},
    # Again awaiting: one answer may need another question.
    R.AWAITING_ANSWER: _STOPPED | {R.REFUSED, R.PLANNED, R.AWAITING_ANSWER, R.SCHEDULED},
    R.PLANNED: _STOPPED | {R.RUNNING, R.AWAITING_CONFIRMATION, R.SCHEDULED},
    R.AWAITING_CONFIRMATION: _STOPPED | {R.RUNNING, R.SCHEDULED},
    R.RUNNING: frozenset({R.SUCCEEDED, R.PARTLY, R.FAILED, R.NEEDS_ATTENTION, R.CANCELLED}),
}
_STEP: dict[S, frozenset[S]] = {
    S.PENDING: frozenset({S.DISPATCHED, S.SKIPPED, S.CANCELLED, S.FAILED}),
    # Back to pending where no device heard of it, and at a restart where repeating changes nothing.
    S.DISPATCHED: frozenset({S.SUCCEEDED, S.FAILED, S.UNKNOWN, S.CANCELLED, S.PENDING}),
}


class IllegalTransition(HubError):
    """A command or step cannot go from its state to the one asked for."""

    code = "transition"


def check_run(current: R, to: R) -> None:
    """IllegalTransition unless a command may go from `current` to `to`."""
    if to not in _RUN.get(current, ()):
        raise IllegalTransition(f"a command that is {current} cannot become {to}")


def check_step(current: S, to: S) -> None:
    """IllegalTransition unless a step may go from `current` to `to`."""
    if to not in _STEP.get(current, ()):
        raise IllegalTransition(f"a step that is {current} cannot become {to}")


def verdict(steps: Iterable[S]) -> R:
    """How a command ended whose steps ended so."""
    ended = list(steps)
    if S.UNKNOWN in ended:
        return R.NEEDS_ATTENTION
    if all(state is S.SUCCEEDED for state in ended):
        return R.SUCCEEDED
    if S.SUCCEEDED in ended:
        return R.PARTLY
    return R.CANCELLED if S.CANCELLED in ended and S.FAILED not in ended else R.FAILED
