"""What doors are told: events, records and what they consist of."""

import inspect
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel

from pages.fields import table, text
from schemas import command, event, execution, outcome, question, schedule, state
from schemas.errors import HubError

HEAD = """# Events and records

Made by `scripts/reference` from `schemas/`; edit those, not this page. An event goes to
`octopus/event/<user>`, for `local` to `octopus/event`, and to the HTTP door's `/api/v1/events`; a
record to `octopus/execution/<id>`, to `execution/get` and to `octopus executions show --json`.
Times are seconds since the epoch.
"""
VALUES: tuple[type[BaseModel], ...] = (
    event.Event, execution.Execution, command.Command, execution.StepRecord, execution.Stage,
    outcome.Done, outcome.Failed, outcome.Unknown, outcome.Skipped, outcome.Cancelled,
    question.Question, schedule.Schedule,
)  # fmt: skip
STATES: tuple[type[StrEnum], ...] = (
    execution.RunState, execution.StepState, execution.Decision, execution.StageName,
    state.DeviceState,
)  # fmt: skip


def page(root: Path) -> str:
    """The whole page."""
    values = [f"## {kind.__name__}\n\n{_doc(kind)}\n\n{table(kind)}\n" for kind in VALUES]
    return "\n".join([HEAD, *values, *map(_states, STATES), _errors()])


def _doc(kind: type) -> str:
    return " ".join((inspect.getdoc(kind) or "").split())


def _states(kind: type[StrEnum]) -> str:
    said = dict(_commented(kind))
    rows = [f"| `{one}` | {text(said.get(one.name, ''))} |" for one in kind]
    return "\n".join([f"## {kind.__name__}", "", _doc(kind), "", "| | |", "|---|---|", *rows, ""])


def _commented(kind: type[StrEnum]) -> list[tuple[str, str]]:
    lines = inspect.getsource(kind).splitlines()
    parts = [line.strip().partition("  # ") for line in lines if "  # " in line]
    return [(left.partition(" = ")[0], right) for left, _, right in parts]


def _errors() -> str:
    """Errors by their code, as `code` in an answer says them."""
    found, waiting = dict[str, type[HubError]](), [HubError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__ == HubError.__module__:
            found.setdefault(kind.code, kind)
    rows = [f"| `{code}` | {text(_doc(found[code]))} |" for code in sorted(found)]
    return "\n".join(["## Errors", "", "The `code` of an answer that is one.", "",
                      "| code | |", "|---|---|", *rows, ""])  # fmt: skip
