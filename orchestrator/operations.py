"""Every operation of the hub: what it is called, what it is asked with, and what it does. The one
list for all doors, their documentation and their checks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from orchestrator.nearest import hint
from schemas import requests
from schemas.errors import BadCommand, HubError
from schemas.requests import Request


class UnknownOperation(HubError):
    """There is no such operation."""

    code = "unknown_operation"


@dataclass(frozen=True)
class Operation:
    """One operation; `changes`: whether anything is different afterwards."""

    request: type[Request]
    summary: str
    changes: bool = False


OPERATIONS: Mapping[str, Operation] = {
    "command": Operation(requests.SendRequest, "Take in one sentence.", changes=True),
    "call": Operation(
        requests.CallRequest, "Take in one call of a function, without the model.", changes=True
    ),
    "undo": Operation(requests.Sending, "Take back what your last command did.", changes=True),
    "plan": Operation(requests.PlanRequest, "Say what would come of a sentence; do nothing."),
    "cancel": Operation(
        requests.ExecutionRequest, "Stop a command that is under way.", changes=True
    ),
    "confirm": Operation(
        requests.ConfirmRequest, "Say yes or no where a command waits for it.", changes=True
    ),
    "answer": Operation(
        requests.AnswerRequest, "Answer the question that a command waits with.", changes=True
    ),
    "question/list": Operation(Request, "Everything that waits for your answer."),
    "execution/get": Operation(requests.ExecutionRequest, "One command of yours, whole."),
    "execution/list": Operation(requests.ListRequest, "Your newest commands."),
    "schedule/list": Operation(Request, "What you have planned for later."),
    "schedule/cancel": Operation(
        requests.ScheduleRequest, "Cancel what is planned for later.", changes=True
    ),
    "function/list": Operation(Request, "Every function that a sentence may come to."),
    "device/list": Operation(Request, "Every device that is approved or was found."),
    "device/approve": Operation(
        requests.DeviceRequest, "Let the hub use a device it found.", changes=True
    ),
    "device/describe": Operation(
        requests.DescribeRequest, "Say where a device is and what else it is called.", changes=True
    ),
    "device/rename": Operation(requests.RenameRequest, "Give a device another name.", changes=True),
    "device/remove": Operation(requests.DeviceRequest, "Forget a device.", changes=True),
    "device/do": Operation(
        requests.DoRequest, "Have a phone do what no sentence asks for.", changes=True
    ),
    "device/pair": Operation(
        requests.PairRequest, "Make a phone and the hub known to each other.", changes=True
    ),
    "device/pair/news": Operation(requests.NewsRequest, "How the pairing goes."),
    "discover": Operation(Request, "Look for devices now, and say what was found.", changes=True),
    "console/open": Operation(
        requests.ConsoleRequest, "Have your console show the page.", changes=True
    ),
    "health": Operation(Request, "How the hub is."),
}
SENDING = frozenset(
    name for name, known in OPERATIONS.items() if issubclass(known.request, requests.Sending)
)
"""Those that take in a command; their `id` is the command's."""


def checked(operation: str, said: Mapping[str, Any]) -> Request:
    """What an operation is asked with; UnknownOperation where there is none of the name, BadCommand
    where a field is wrong, names which."""
    known = OPERATIONS.get(operation)
    if known is None:
        names = ", ".join(sorted(OPERATIONS))
        near = hint(operation, OPERATIONS)
        raise UnknownOperation(f"no operation {operation!r}{near}; there are: {names}")
    try:
        return known.request.model_validate(dict(said))
    except ValidationError as error:
        raise BadCommand(complaint(error.errors()[0], known.request)) from error


_A_TEXT = ("missing", "string_type", "string_pattern_mismatch")


def complaint(error: ErrorDetails, request: type[BaseModel]) -> str:
    """What is wrong with a field, in a line."""
    place, kind = ".".join(map(str, error["loc"])), error["type"]
    if kind == "extra_forbidden":
        known = sorted(request.model_fields)
        there_are = f"known: {', '.join(known)}" if known else "it takes none"
        return f"unknown key {place!r}{hint(place, known)}; {there_are}"
    if kind in _A_TEXT:
        return f"{place}: a text is needed"
    if kind in ("bool_type", "bool_parsing"):
        return f"{place}: true or false"
    return f"{place}: {error['msg'].removeprefix('Value error, ')}"
