"""What comes in over MQTT, read into fields, and what is answered. Pure."""

import json
import logging
from typing import Any

from device_adapters.mqtt import Message
from orchestrator.broker import is_user
from schemas.errors import BadCommand, HubError

log = logging.getLogger(__name__)

MAX_PAYLOAD = 16 * 1024
Mark = str | int | None
"""What a sender gives a request to know its answer by."""


class Broke(HubError):
    """The hub broke while answering; its log says why."""

    code = "bug"


def command_fields(message: Message, user: str) -> dict[str, Any]:
    """The fields of a command: those of its JSON, or its text alone."""
    if not is_user(user):
        raise BadCommand("the topic's last segment is a user name of letters, digits, - and _")
    if message.retain:
        raise BadCommand(
            "refused: retained commands would run again at every start; clear the topic"
        )
    refuse_expired(message)
    if message.payload[:1] == b"{":
        return json_fields(message.payload)
    return {"text": text_of(message.payload)}


def refuse_expired(message: Message) -> None:
    """BadCommand where nobody waits any more."""
    if message.message_expiry == 0:
        raise BadCommand("the message had expired")


def text_of(payload: bytes) -> str:
    """A payload as text; BadCommand where it is none, or too long."""
    if len(payload) > MAX_PAYLOAD:
        raise BadCommand(f"the payload has {len(payload)} bytes; {MAX_PAYLOAD} are allowed")
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadCommand(
            f"the payload is not UTF-8: byte {error.start} is {payload[error.start]:#04x}"
        ) from error


def json_fields(payload: bytes) -> dict[str, Any]:
    """The object that a payload is; BadCommand says what it is instead."""
    try:
        value = json.loads(text_of(payload), parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise BadCommand(f"the payload is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadCommand("the payload is JSON, but no object")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def mark(said: object) -> Mark:
    """A sender's own mark."""
    if isinstance(said, str | int | None):
        return said
    raise BadCommand("id: a text or a number is needed")


def told(error: Exception, what: str) -> HubError:
    """What a sender is told of an error; a bug goes into the log."""
    if isinstance(error, HubError):
        return error
    log.error("%s broke", what, exc_info=error)
    return Broke()


def done(data: Any, identity: Mark) -> dict[str, Any]:
    """The answer to what went well."""
    return {"status": "ok", "data": data, "error": None, "id": identity}


def failed(error: HubError, identity: Mark) -> dict[str, Any]:
    """The answer to what did not."""
    return {
        "status": "error",
        "data": None,
        "error": str(error),
        "code": error.code,
        "id": identity,
    }
