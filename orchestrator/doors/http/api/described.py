"""What OpenAPI says of the API, beside what the models say of themselves."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from orchestrator.conversation import Heard
from orchestrator.doors.http.api.errors import Error
from orchestrator.doors.http.api.homeassistant import Reply
from orchestrator.doors.http.api.routes import Route
from orchestrator.doors.http.api.shapes import Accepted
from orchestrator.operations import OPERATIONS
from orchestrator.release import release

ABOUT = """Everything the hub does, for programs. A token goes into the header of every request:
`Authorization: Bearer TOKEN`; `octopus token new USER` makes one. Whatever goes wrong is told as
`{"error": "one line", "code": "a_word"}`. A command that is sent again with the same `id` is the
same command: it is never run twice."""
_WRONG = {
    400: "What was sent does not fit; the line names the field.",
    401: "No token, or one that is none, is over or was taken back.",
    403: "This user may not, or it came from another site's page.",
    404: "There is no such thing of yours.",
    405: "Not by this method.",
    408: "The body did not come to its end in time.",
    409: "It cannot be done as things are: answered already, name taken, device away.",
    413: "The body is too large.",
    415: "The body is no JSON.",
    429: "Too much at once; Retry-After says in how many seconds it may go well.",
    503: "The hub cannot keep it now, or stops; Retry-After as above.",
}
_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
_SHARED = "#/components/responses/"
_EVENT = "An `event:` of a command or a step for each state that it reaches; `data:` is an Event."
EVENTS: Mapping[str, Any] = {
    "summary": "What happens to your commands, as it happens.",
    "description": "Server-sent events. There is no past in it: Last-Event-ID is not heeded.",
    "operation_id": "events",
    "response_model": None,
    "responses": {200: {"description": _EVENT, "content": {"text/event-stream": {}}}},
}
PROCESS: Mapping[str, Any] = {
    "summary": "One sentence, as Home Assistant's conversation API takes it.",
    "operation_id": "conversation_process",
    "response_model": None,
    "responses": {200: {"model": Reply, "description": "What came of it."}},
}
METRICS: Mapping[str, Any] = {
    "summary": "The hub's metrics, for Prometheus.",
    "operation_id": "metrics",
    "response_model": None,
    "responses": {200: {"description": "Metrics.", "content": {"text/plain": {}}}},
}


def operation(route: Route, *, sends: bool) -> dict[str, Any]:
    """What is said of an operation's route."""
    answers: dict[int | str, dict[str, Any]] = {
        200: {"model": route.answers, "description": "What came of it."}
    }
    if sends:
        answers[200]["description"] = "What was heard: its end, or a question."
        told = "It was taken in, or is still under way when the wait is over."
        answers[202] = {"model": Accepted | Heard, "description": told}
    return {
        "summary": OPERATIONS[route.operation].summary,
        "response_model": None,
        "responses": answers,
    }


def describe(app: FastAPI) -> None:
    """Have the application describe itself: with the token that it needs, and with its errors."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            said = get_openapi(
                title=app.title, version=release(), description=ABOUT,
                routes=app.routes,
            )  # fmt: skip
            errors = {str(status): {"$ref": f"{_SHARED}{status}"} for status in _WRONG}
            for path in said["paths"].values():
                for one in path.values():
                    one["responses"].pop("422", None)
                    one["responses"] |= errors
            parts = said["components"]
            for unused in ("HTTPValidationError", "ValidationError"):
                parts["schemas"].pop(unused, None)
            parts["schemas"]["Error"] = Error.model_json_schema()
            parts["responses"] = {
                str(status): {"description": why, "content": _ERROR}
                for status, why in _WRONG.items()
            }
            parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            said["security"] = [{"token": []}]
            app.openapi_schema = said
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
