"""The states of commands and steps, and every move between them that is allowed."""

from collections.abc import Iterable

from schemas.errors import HubError
from schemas.execution import RunState as R
from schemas.execution import StepState as S

ENDED_RUN = frozenset(
    {R.SUCCEEDED, R.PARTLY, R.FAILED, R.NEEDS_ATTENTION, R.CANCELLED, R.EXPIRED, R.REFUSED}
)
ENDED_STEP = frozenset({S.SUCCEEDED, S.FAILED, S.UNKNOWN, S.SKIPPED, S.CANCELLED})

_RUN: dict[R, frozenset[R]] = {
    R.ACCEPTED: frozenset({R.PLANNED, R.REFUSED, R.FAILED, R.CANCELLED, R.EXPIRED}),
    R.PLANNED: frozenset({R.RUNNING, R.AWAITING_CONFIRMATION, R.CANCELLED, R.FAILED, R.EXPIRED}),
    R.AWAITING_CONFIRMATION: frozenset({R.RUNNING, R.CANCELLED, R.EXPIRED, R.FAILED}),
    R.RUNNING: frozenset({R.SUCCEEDED, R.PARTLY, R.FAILED, R.NEEDS_ATTENTION, R.CANCELLED}),
}
_STEP: dict[S, frozenset[S]] = {
    S.PENDING: frozenset({S.DISPATCHED, S.SKIPPED, S.CANCELLED, S.FAILED}),
    # Back to pending only at a restart, and only where repeating the call changes nothing.
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
