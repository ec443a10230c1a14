"""What all commands print with, and the statuses that they exit with."""

import json
from collections.abc import Callable
from enum import IntEnum
from typing import Annotated, Any

import typer
from rich.console import Console

from orchestrator import view
from orchestrator.client import NoHub
from schemas.errors import HubError
from schemas.execution import RunState

console = Console()
"""What was asked for."""
errors = Console(stderr=True)
"""What is said beside it: what goes wrong, questions and progress where JSON is asked for."""


class Status(IntEnum):
    """How a command exits."""

    DONE = 0
    NOT_DONE = 1
    WRONG = 2
    NO_HUB = 3
    STOPPED = 130


STATUSES = {
    Status.DONE: "done",
    Status.NOT_DONE: "not, or not wholly, done",
    Status.WRONG: "wrong use or configuration, or refused",
    Status.NO_HUB: "no hub answers",
    Status.STOPPED: "stopped by Ctrl-C",
}
EPILOG = "Exit status: " + "; ".join(f"{int(status)} {said}" for status, said in STATUSES.items())


class Wanted:
    """Whether the command line asked for JSON: an error is told so too."""

    json = False


def _note(context: typer.Context, wanted: bool) -> bool:
    if isinstance(context.obj, Wanted):
        context.obj.json = context.obj.json or wanted
    return wanted


Json = Annotated[bool, typer.Option("--json", callback=_note, help="Print JSON")]


def failed(error: HubError, *, as_json: bool) -> Status:
    """Say why a command came to nothing: a line, and on the standard output with JSON an object
    with `error` and `code`."""
    if as_json:
        emit({"error": str(error), "code": error.code})
    said = view.plain(errors, f"octopus: {error}")  # it may be a device's own words
    errors.print(said, style="red", markup=False, highlight=False, soft_wrap=True)
    if isinstance(error, NoHub):
        return Status.NO_HUB
    return Status.NOT_DONE if error.passing else Status.WRONG


def misused(end: SystemExit, *, as_json: bool) -> None:
    """Say in JSON too what is wrong with the command line itself, where that is why it ended."""
    said = getattr(end.__context__, "format_message", None)  # what typer raised, and has told
    if as_json and said is not None:
        emit({"error": said(), "code": "usage"})


def emit(told: Any) -> None:
    """A JSON value: a line for programs, indented and in colours on a terminal."""
    if console.is_terminal:
        console.print_json(json.dumps(told), ensure_ascii=console.options.ascii_only)
    else:
        print(json.dumps(told))  # noqa: T201


def tell(told: Any, as_json: bool, draw: Callable[[Console, Any], None]) -> None:
    """What came of a command, as JSON or as people read it."""
    if as_json:
        emit(told)
    else:
        draw(console, told)


def say(line: str, *, beside: bool = False) -> None:
    """One line of text; `beside` what a program reads."""
    to = errors if beside else console
    to.print(view.plain(to, line), markup=False, highlight=False, soft_wrap=True)


def done(told: Any, as_json: bool, line: str) -> None:
    """What came of a change: JSON, or a line for people."""
    tell(told, as_json, lambda _, __: say(line))


def exit_of(state: RunState) -> typer.Exit:
    """How a command that sent something exits."""
    good = state in (RunState.SUCCEEDED, RunState.SCHEDULED)
    return typer.Exit(Status.DONE if good else Status.NOT_DONE)
