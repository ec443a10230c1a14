"""What the page's forms may ask for, and what they hold."""

import asyncio
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from schemas.errors import BadCommand

MAX_FORM = 16 * 1024
WITHIN = 5.0
"""Seconds that a form has to come in."""
ACTIONS: dict[str, tuple[str, ...]] = {
    "command": ("id", "text"),
    "answer": ("execution", "text"),
    "confirm": ("execution", "token", "answer"),
    "cancel": ("execution",),
    "undo": ("id",),
    "device/approve": ("device",),
    "device/describe": ("device", "aliases", "room", "default"),
    "device/remove": ("device",),
    "device/rename": ("device", "name"),
    "schedule/cancel": ("schedule",),
}
"""The operations that forms may ask for, with their fields."""
_CALLED = {"id": "identity"}
"""Fields that a form calls otherwise: a field named as a property of forms would hide that from
the page's script."""


async def read(request: Request) -> dict[str, str]:
    """The fields of a form; BadCommand where they are too long, too slow, or none."""
    body = bytearray()
    try:
        async with asyncio.timeout(WITHIN):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_FORM:
                    raise BadCommand(f"a form has at most {MAX_FORM} bytes")
    except (TimeoutError, ClientDisconnect) as error:
        raise BadCommand("the form did not come to its end") from error
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20))
    except ValueError as error:
        raise BadCommand("that is no form") from error


def fields(what: str, form: dict[str, str]) -> dict[str, Any]:
    """The fields of an operation; a yes or no is what its button says, names stand between
    commas."""
    request: dict[str, Any] = {n: form.get(_CALLED.get(n, n), "") for n in ACTIONS[what]}
    if what == "confirm":
        if request["answer"] not in ("yes", "no"):
            raise BadCommand("answer: yes or no")
        request["answer"] = request["answer"] == "yes"
    if what == "device/describe":
        said = (name.strip() for name in request["aliases"].split(","))
        request["aliases"] = [name for name in said if name]
        request["room"] = request["room"].strip()
        request["default"] = request["default"] == "yes"
    return request
