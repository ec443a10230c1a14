"""Saying a sentence and hearing what came of it: for doors whose clients wait for an answer."""

import asyncio
import uuid
from collections.abc import AsyncIterator

from orchestrator import ledger, texts
from orchestrator.bus import Bus
from orchestrator.operations import SENDING
from orchestrator.service import Fields, Service
from schemas.base import Value
from schemas.event import Event
from schemas.execution import RunState

WITHIN = 30.0
"""Seconds that somebody who speaks waits for an answer."""
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
            try:
                async with asyncio.timeout(within):
                    return await _heard(identity, events)
            except TimeoutError:
                return Heard(id=identity, state=RunState.RUNNING, text=texts.NOT_YET)


async def _heard(identity: str, events: AsyncIterator[Event]) -> Heard:
    async for event in events:
        if event.id == identity and event.step is None and event.state in _HEARD:
            return Heard(
                id=identity, state=RunState(event.state), text=event.text, token=event.token,
                options=event.options,
            )  # fmt: skip
    return Heard(id=identity, state=RunState.RUNNING, text=texts.NOT_YET)  # the hub stops
