"""The person behind an assistant: asked by the assistant's own dialogue (MCP's elicitation), where
it has one. What a model says is never taken for their word.

Assistants speak one of two kinds of the protocol. By the older the hub asks in the middle of a call
and waits; by the newer it ends the call with what it asks, and gets the answer with the call's next
round, which holds the state that it gave out.
"""

import contextlib
import hashlib
import json
from typing import Any, Protocol

import anyio
from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp_types import (
    CallToolRequestParams,
    ElicitationCapability,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from orchestrator.doors.mcp.hub import Hub, Record
from schemas.base import Value

Context = ServerRequestContext[Any, Any]
YES, NO = "yes", "no"
_ANSWER = "answer"


class Person(Protocol):
    """Whoever can be asked during a call."""

    async def asked(self, hub: Hub, record: Record) -> str | None:
        """What they answer to what a command waits with: `yes` or `no` to a confirmation; None
        where they say nothing, or it does not wait any more."""


class Asking(Value):
    """What a call's next round comes back with: which command asked, and a digest of what."""

    execution: str
    about: str = ""


class NextRound(Exception):
    """The call ends here with something to ask; its next round brings the answer."""

    def __init__(self, result: InputRequiredResult) -> None:
        super().__init__("input is required")
        self.result = result


class Nobody:
    """No dialogue: another door has to ask."""

    async def asked(self, hub: Hub, record: Record) -> str | None:
        """Nothing."""
        return None


class InTheCall:
    """Asks while the call waits."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def asked(self, hub: Hub, record: Record) -> str | None:
        """See `Person`."""
        form, said = _form(record), list[str | None]()
        async with anyio.create_task_group() as both:

            async def ask() -> None:
                with contextlib.suppress(MCPError, ValidationError):
                    told = await self._context.session.elicit_form(
                        form.message, form.requested_schema, self._context.request_id
                    )
                    said.append(_said(told, record))
                both.cancel_scope.cancel()

            both.start_soon(ask)
            # It may be answered at another door, or nobody answers in time.
            await hub.no_longer(record["id"], record["awaiting"])
            both.cancel_scope.cancel()
        return said[0] if said else None


class BetweenCalls:
    """Ends the call with the question, unless this round brought the answer."""

    def __init__(self, before: Asking | None, params: CallToolRequestParams) -> None:
        self._before = before
        self._answer = (params.input_responses or {}).get(_ANSWER)

    async def asked(self, hub: Hub, record: Record) -> str | None:
        """See `Person`; NextRound where they are to be asked."""
        about = _about(record)
        answer, self._answer = self._answer, None
        if answer is not None and self._before is not None and self._before.about == about:
            return _said(answer, record) if isinstance(answer, ElicitResult) else None
        state = Asking(execution=record["id"], about=about).model_dump_json()
        requests: dict[str, Any] = {_ANSWER: ElicitRequest(params=_form(record))}
        raise NextRound(InputRequiredResult(input_requests=requests, request_state=state))


def before(params: CallToolRequestParams) -> Asking | None:
    """What an earlier round of this call asked; the state was sealed by this very server."""
    state = params.request_state
    return Asking.model_validate_json(state) if state is not None else None


def behind(context: Context, params: CallToolRequestParams) -> Person:
    """Whom a call's assistant can ask."""
    can = context.session.client_capabilities
    if can is None or not _has_forms(can.elicitation):
        return Nobody()
    if context.protocol_version in MODERN_PROTOCOL_VERSIONS:
        return BetweenCalls(before(params), params)
    return InTheCall(context) if context.session.can_send_request else Nobody()


def _has_forms(can: ElicitationCapability | None) -> bool:
    """Forms are what the capability means where it names no kind."""
    return can is not None and (can.form is not None or can.url is None)


def _form(record: Record) -> ElicitRequestFormParams:
    awaiting = record["awaiting"]
    if awaiting["token"]:
        asked: dict[str, Any] = {"type": "boolean", "title": "Do it?"}
    else:
        asked = {"type": "string", "title": "Answer"}
        if awaiting["options"]:
            asked["enum"] = awaiting["options"]
    schema = {"type": "object", "properties": {_ANSWER: asked}, "required": [_ANSWER]}
    return ElicitRequestFormParams(message=awaiting["text"], requested_schema=schema)


def _said(told: ElicitResult, record: Record) -> str | None:
    """What a dialogue gave back: a yes has to be said, an agreement to the form alone is none."""
    if told.action == "cancel":
        return None
    answer = (told.content or {}).get(_ANSWER)
    if record["awaiting"]["token"]:
        if told.action == "decline" or answer is False:
            return NO
        return YES if answer is True else None
    if told.action == "decline":
        return NO
    return answer if isinstance(answer, str) and answer.strip() else None


def _about(record: Record) -> str:
    """A digest of what a command waits with."""
    return hashlib.sha256(json.dumps(record["awaiting"], sort_keys=True).encode()).hexdigest()
