"""Saying a sentence and hearing what came of it: for doors whose clients wait for an answer."""

import asyncio
import contextlib
import uuid

from orchestrator import ledger, texts
from orchestrator.bus import Bus
from orchestrator.operations import SENDING
from orchestrator.service import Fields, Service
from schemas.base import Value
from schemas.errors import HubError
from schemas.event import Event
from schemas.execution import RunState

WITHIN = 30.0
"""Seconds that somebody who speaks waits for an answer."""
LOOK_WITHIN = 2.0
"""Seconds that the journal then has to say what became of it."""
_HEARD = frozenset({*ledger.ENDED_RUN, RunState.AWAITING_ANSWER, RunState.AWAITING_CONFIRMATION})


class Heard(Value):
    """What came of a command by now: it ended, waits for a person (`options`, or the `token` of a
    confirmation), or is still under way."""

    id: str
    state: RunState
    text: str
    token: str = ""
    options: tuple[str, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether a person is to say something."""
        return self.state in (RunState.AWAITING_ANSWER, RunState.AWAITING_CONFIRMATION)


class Conversation:
    """Sends commands and waits for what comes of them."""

    def __init__(self, service: Service, bus: Bus) -> None:
        self._service = service
        self._bus = bus

    async def say(self, text: str, user: str, door: str, within: float = WITHIN) -> Heard:
        """What came of a sentence, within so many seconds; HubError where it is not taken."""
        return await self.send("command", {"text": text}, user, door, within)

    async def send(
        self, operation: str, said: Fields, user: str, door: str, within: float = WITHIN
    ) -> Heard:
        """What came of an operation that sends a command: `command`, `call` or `undo`."""
        assert operation in SENDING
        identity = str(said.get("id") or uuid.uuid4().hex)
        with self._bus.subscribe() as events:
            told = await self._service.request(operation, user, {**said, "id": identity}, door=door)
            if told["state"] in ledger.ENDED_RUN:  # sent before: this is its record
                return Heard(id=identity, state=RunState(told["state"]), text=told["answer"])
            if asked := self._service.awaited(identity):  # sent before, and waits for a person
                return _of(asked)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    async for event in events:
                        if event.id == identity and event.step is None and event.state in _HEARD:
                            return _of(event)
        return await self._by_now(identity)

    async def _by_now(self, identity: str) -> Heard:
        """What the journal knows of a command: its end may have been told while so much happened
        that a listener lost some of it."""
        with contextlib.suppress(TimeoutError, HubError):
            async with asyncio.timeout(LOOK_WITHIN):
                record = await self._service.record(identity)
            if record is not None and record.state in ledger.ENDED_RUN:
                return Heard(id=identity, state=record.state, text=record.answer)
        return Heard(id=identity, state=RunState.RUNNING, text=texts.NOT_YET)


def _of(event: Event) -> Heard:
    return Heard(
        id=event.id, state=RunState(event.state), text=event.text, token=event.token,
        options=event.options,
    )  # fmt: skip
