"""One sentence as Home Assistant's conversation API takes and answers it.

Shape: https://developers.home-assistant.io/docs/intent_conversation_api/ . A question of the hub's
is answered by the next sentence of the same user, so `conversation_id` only comes back.
"""

import uuid
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.conversation import Conversation, Heard
from orchestrator.service import Service
from schemas.errors import HubError
from schemas.execution import RunState
from schemas.function import Effect

LANGUAGE = "en"
_NOT_UNDERSTOOD = frozenset({RunState.REFUSED})
_HALF = frozenset({RunState.PARTLY, RunState.RUNNING, RunState.ACCEPTED, RunState.PLANNED})
_WELL = frozenset({RunState.SUCCEEDED, RunState.SCHEDULED})
Kind = Literal["action_done", "partial_action_done", "query_answer", "error"]


class Sentence(BaseModel):
    """What is said; other fields that Home Assistant's clients send are theirs."""

    model_config = ConfigDict(strict=True)

    text: str
    language: str | None = None
    conversation_id: Annotated[str, Field(max_length=200)] | None = None


class Plain(BaseModel):
    """What is to be spoken."""

    speech: str
    extra_data: None = None


class Speech(BaseModel):
    """In which forms it is there: as text."""

    plain: Plain


class Response(BaseModel):
    """What came of it."""

    response_type: Kind
    speech: Speech
    card: dict[str, Any] = {}
    language: str = LANGUAGE
    data: dict[str, Any]


class Reply(BaseModel):
    """The whole answer; `continue_conversation`: the hub asks something."""

    response: Response
    conversation_id: str
    continue_conversation: bool


class Talk:
    """Says sentences for Home Assistant's clients."""

    def __init__(self, service: Service, conversation: Conversation) -> None:
        self._service = service
        self._conversation = conversation
        self._reading: frozenset[str] | None = None

    async def process(self, sentence: Sentence, user: str) -> Reply:
        """What came of a sentence; what is not taken is an answer too."""
        identity = sentence.conversation_id or uuid.uuid4().hex
        try:
            heard = await self._conversation.say(sentence.text, user, "http")
        except HubError as error:
            return _reply("error", str(error), identity, code="failed_to_handle")
        if heard.asks:
            return _reply("query_answer", heard.text, identity, asks=True)
        if heard.state in _WELL:
            kind: Kind = "query_answer" if await self._read_only(heard) else "action_done"
            return _reply(kind, heard.text, identity)
        if heard.state in _HALF:
            return _reply("partial_action_done", heard.text, identity)
        code = "no_intent_match" if heard.state in _NOT_UNDERSTOOD else "failed_to_handle"
        return _reply("error", heard.text, identity, code=code)

    async def _read_only(self, heard: Heard) -> bool:
        """Whether it changed nothing."""
        record = await self._service.record(heard.id)
        if self._reading is None:
            functions = await self._service.request("function/list", "", {})
            self._reading = frozenset(f["name"] for f in functions if f["effect"] == Effect.READ)
        steps = record.steps if record else ()
        return bool(steps) and all(step.function in self._reading for step in steps)


def _reply(kind: Kind, said: str, identity: str, *, asks: bool = False, code: str = "") -> Reply:
    data: dict[str, Any] = {"code": code} if code else {"targets": [], "success": [], "failed": []}
    response = Response(response_type=kind, speech=Speech(plain=Plain(speech=said)), data=data)
    return Reply(response=response, conversation_id=identity, continue_conversation=asks)
