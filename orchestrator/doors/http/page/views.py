"""What templates get: the service's records with what a page says about them beside."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from orchestrator import ledger
from orchestrator.doors.http.page import chart
from orchestrator.spans import length
from schemas.execution import Execution, RunState, StepState
from schemas.outcome import Done

Record = dict[str, Any]
DOOR = "http"
OPEN = frozenset(RunState) - ledger.ENDED_RUN
FILTERS: Mapping[str, tuple[str, frozenset[RunState]]] = {
    "": ("All", frozenset()),
    "open": ("Under way", OPEN),
    "done": ("Done", frozenset({RunState.SUCCEEDED, RunState.SCHEDULED})),
    "trouble": (
        "Went wrong",
        frozenset(
            {
                RunState.FAILED, RunState.PARTLY, RunState.NEEDS_ATTENTION, RunState.REFUSED,
                RunState.MISSED,
            }
        ),
    ),
    "off": ("Called off", frozenset({RunState.CANCELLED, RunState.EXPIRED})),
}  # fmt: skip
"""What the history shows, by its name in the address."""


def command(record: Record, names: Mapping[str, str], now: float) -> Record:
    """A command with its chart, where its time went, and how long it took."""
    execution = Execution.of_plain(record)
    shares = chart.trace(execution.trace)
    return record | {
        "chart": chart.of(execution, names, now) if execution.steps else None,
        "shares": shares,
        "took": length(execution.ended - execution.created) if execution.ended else "",
        "open": execution.state in OPEN,
        "runs": any(step.state is StepState.DISPATCHED for step in execution.steps),
    }


def undoable(records: Sequence[Record]) -> str:
    """The command that "undo" would take back, of the newest ones; empty where there is none."""
    undone = {one["undoes"] for one in records if one["state"] == RunState.SUCCEEDED}
    for one in records:
        ended_here = one["ended"] and one["command"]["door"] == DOOR
        if ended_here and one["steps"] and not one["undoes"]:
            restores = any(_restores(step) for step in one["steps"])
            return str(one["id"]) if restores and one["id"] not in undone else ""
    return ""


def _restores(step: Record) -> bool:
    outcome = step["outcome"] or {}
    return outcome.get("state") == Done.model_fields["state"].default and bool(outcome.get("undo"))


def device(told: Record, descriptions: Mapping[str, str]) -> Record:
    """A device with what it can do in words, the one thing a function lacks beside it."""
    can = {name: descriptions.get(name, "") for name in told["functions"]}
    return told | {"can": can}


def grouped(functions: Sequence[Record], served: Collection[str]) -> dict[str, list[Record]]:
    """The functions that some device serves, by the first kind of device that can."""
    groups: dict[str, list[Record]] = {}
    for function in functions:
        if function["kinds"] and function["name"] in served:
            groups.setdefault(function["kinds"][0], []).append(function)
    return groups
