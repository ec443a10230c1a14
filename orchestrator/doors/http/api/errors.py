"""What went wrong, as the API says it: one line of text and a code, and the status that fits."""

import math
from collections.abc import Mapping
from typing import cast

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from pydantic_core import ErrorDetails, to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from orchestrator import texts
from orchestrator.operations import complaint
from schemas.base import Value
from schemas.errors import BadCommand, HubError

JSON = "application/json"
MOST = 1_000
"""Characters of a line; what a person sent may be repeated in it."""
CHALLENGE = 'Bearer realm="octopus"'
STATUS: Mapping[str, int] = {
    **dict.fromkeys(("no_token",), 401),
    **dict.fromkeys(("not_allowed", "elsewhere"), 403),
    **dict.fromkeys(("not_found", "no_such_device", "not_followed", "no_such_path"), 404),
    "no_such_method": 405,
    "too_slow": 408,
    **dict.fromkeys(("not_awaited", "name_taken", "in_configuration", "which_device"), 409),
    **dict.fromkeys(("unavailable", "uncertain", "refused", "needs_person", "not_paired"), 409),
    "too_large": 413,
    "wrong_type": 415,
    "busy": 429,
    "bug": 500,
    **dict.fromkeys(("storage", "stopping", "settings"), 503),
}
"""By an error's code; any other is the caller's: 400."""


class Error(Value):
    """What went wrong: a line for people, a code for programs."""

    error: str
    code: str


class NoToken(HubError):
    """a token is needed: "Authorization: Bearer TOKEN"; `octopus token new USER` makes one"""

    code = "no_token"


class Stopping(HubError):
    """the hub stops; what was taken in goes on, and can be asked for by its id"""

    code = "stopping"
    passing = True


class NoSuchPath(HubError):
    """There is nothing at this path."""

    code = "no_such_path"


class TooLarge(HubError):
    """The body is too large."""

    code = "too_large"


class TooSlow(HubError):
    """The body did not come to its end in time."""

    code = "too_slow"


class WrongType(HubError):
    """the body must be JSON: "Content-Type: application/json\""""

    code = "wrong_type"


def answer(error: HubError) -> Response:
    """An error on purpose."""
    status = STATUS.get(error.code, 400)
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = CHALLENGE
    if status in (429, 503):
        headers["Retry-After"] = str(max(1, math.ceil(getattr(error, "wait", 1.0))))
    return said(str(error), error.code, status, headers)


def said(line: str, code: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """An error's answer; whatever was sent, it is one line that can be written."""
    shown = "".join(c if c.isprintable() else " " for c in line[:MOST])
    body = to_json(Error(error=shown.encode(errors="replace").decode(), code=code))
    return Response(body, status, headers, media_type=JSON)


async def failed(_: HttpRequest, error: Exception) -> Response:
    """A HubError."""
    assert isinstance(error, HubError)
    return answer(error)


def unfit(error: RequestValidationError, query: type[BaseModel], body: type[BaseModel]) -> Response:
    """A path, a query or a body that does not fit what a route is asked with."""
    wrongs = error.errors()
    unknown = (one for one in wrongs if one["type"] == "extra_forbidden")
    first = next(unknown, wrongs[0])  # what is misspelled is often missing too
    where, *inside = first["loc"]
    if first["type"] == "json_invalid":
        why = first.get("ctx", {}).get("error", first["msg"])
        return answer(BadCommand(f"the body is not JSON: {why}"))
    if where == "body" and not inside:
        return answer(BadCommand("the body: a JSON object is needed"))
    wrong = {**first, "loc": tuple(inside)}
    model = body if where == "body" else query
    return answer(BadCommand(complaint(cast(ErrorDetails, wrong), model)))


async def none_such(_: HttpRequest, error: Exception) -> Response:
    """No such path, or not by this method."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return answer(NoSuchPath())
    code = "no_such_method" if error.status_code == 405 else "bad_request"
    return said(error.detail, code, error.status_code, error.headers)


async def broke(_: HttpRequest, __: Exception) -> Response:
    """A bug; the server logs what it was."""
    return said(texts.BROKE_ANSWERING, "bug", 500)
