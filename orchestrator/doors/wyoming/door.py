"""The Wyoming server: `handle`, the step of a voice assistant that does what was said.

The protocol knows no logins: whoever reaches the port speaks as the one user that it is for, and
all who reach it, such as every satellite of one Home Assistant, are one speaker. What one is asked,
another may answer.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from wyoming.asr import Transcript
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_write_event
from wyoming.handle import Handled, NotHandled
from wyoming.info import Attribution, Describe, HandleModel, HandleProgram, Info
from wyoming.ping import Ping, Pong

from orchestrator import texts
from orchestrator.conversation import Conversation, Heard
from orchestrator.doors.wyoming.events import MOST_LINE, Malformed, read
from orchestrator.release import release
from schemas.errors import HubError, InvalidSettings
from schemas.execution import RunState

log = logging.getLogger(__name__)

DOOR = "wyoming"
SERVICE = "_wyoming._tcp.local."
"""What Home Assistant looks for on the network."""
MOST_AT_ONCE = 32
IDLE = 120.0
"""Seconds without an event after which a connection is closed."""
WRITE_WITHIN = 10.0
_NOT_DONE = frozenset({RunState.REFUSED, RunState.FAILED, RunState.EXPIRED, RunState.MISSED})


class WyomingDoor:
    """Takes sentences in for one user."""

    def __init__(self, conversation: Conversation, user: str, name: str) -> None:
        self._conversation = conversation
        self._user = user
        self._info = _info(name)
        self._open: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def serving(self, listen: str, port: int) -> AsyncIterator[int]:
        """Answer while the block lasts; the port, any free one for 0. InvalidSettings where it
        cannot be listened on."""
        try:
            server = await asyncio.start_server(self._come_in, listen, port, limit=MOST_LINE)
        except OSError as error:
            said = f"{listen} port {port} cannot be used ({error.strerror})"
            raise InvalidSettings(
                f"{said}: set another wyoming.port or wyoming.listen in hub.toml"
            ) from error
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)

    async def _come_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._open) >= MOST_AT_ONCE:
            log.warning("wyoming: one of more than %d connections is turned away", MOST_AT_ONCE)
            writer.close()
            return
        self._open.add(task)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await self._talk(reader, writer)
        except (OSError, TimeoutError) as error:
            log.debug("wyoming: a connection ended: %r", error)
        except asyncio.CancelledError:
            log.debug("wyoming: the hub stops")  # raised further, asyncio would report it as a bug
        finally:
            self._open.discard(task)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                async with asyncio.timeout(IDLE):
                    event = await read(reader)
            except Malformed as error:
                log.info("wyoming: a connection is closed: %s", error)
                await _write(Error(text=str(error), code=error.code), writer)
                return
            if event is None:
                return
            if (answer := await self._answer(event)) is not None:
                await _write(answer, writer)

    async def _answer(self, event: Event) -> Eventable | None:
        """What is said to an event; nothing to those of other steps of an assistant."""
        if Describe.is_type(event.type):
            return self._info
        if Ping.is_type(event.type):
            return Pong(text=_text(event.data.get("text")))
        if Transcript.is_type(event.type):
            return await self._handle(event.data)
        return None

    async def _handle(self, data: dict[str, Any]) -> Eventable:
        context = data.get("context") if isinstance(data.get("context"), dict) else None
        try:
            heard = await self._conversation.say(_text(data.get("text")), self._user, DOOR)
        except HubError as error:
            return NotHandled(text=str(error), context=context)
        except Exception:  # the door's edge: everybody gets an answer
            log.exception("wyoming: a sentence broke")
            return NotHandled(text=texts.BROKE, context=context)
        kind = NotHandled if heard.state in _NOT_DONE else Handled
        return kind(text=_spoken(heard), context=context)


def _spoken(heard: Heard) -> str:
    """What came of it, for the ear: what is to be confirmed says so."""
    return f"{heard.text}. Say yes or no." if heard.token else heard.text


def _text(said: object) -> str:
    return said if isinstance(said, str) else ""


async def _write(what: Eventable, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(WRITE_WITHIN):
            await async_write_event(what.event(), writer)


def _info(name: str) -> Info:
    by = Attribution(name="Octopus Hub", url="https://pypi.org/project/octopus-hub/")
    known: dict[str, Any] = {
        "attribution": by, "installed": True, "version": release(),
        "description": "Octopus Hub: says to phones, computers, cars and the home what to do",
    }  # fmt: skip
    model = HandleModel(name=name, languages=["en"], **known)
    program = HandleProgram(name=name, models=[model], supports_home_control=True, **known)
    return Info(handle=[program])
