"""One WebSocket connection to Home Assistant: the only file that imports websockets."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException

log = logging.getLogger(__name__)

LARGEST = 16 * 1024 * 1024
"""Bytes of one message; all states of a big household are some megabytes."""
_BIG = 256 * 1024  # characters from which a message is read in a thread
_OPEN_WITHIN = 10.0  # seconds to connect, and to be let in
_PING_EVERY = 20.0  # seconds; without an answer for as long, the connection is lost
_MOST_PENDING = 1000

Event = Callable[[str, Mapping[str, Any]], None]
"""Is told of an event of Home Assistant's: its type and data."""


logging.getLogger("websockets").setLevel(logging.INFO)  # below that it logs the token


class Unreachable(Exception):
    """Home Assistant does not answer, or not as it should."""


class TokenRefused(Exception):
    """Home Assistant does not know the token."""


class Refused(Exception):
    """Home Assistant answered with an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Lost(Exception):
    """The connection ended before the answer came."""


class Link:
    """A connection that was let in."""

    def __init__(self, socket: ClientConnection, event: Event) -> None:
        self._socket = socket
        self._event = event
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._lost = False

    async def ask(self, kind: str, **fields: Any) -> Any:
        """One command's result. `Refused`: an error; `Lost`: no answer will come."""
        if self._lost or len(self._waiting) >= _MOST_PENDING:
            raise Lost("the connection is gone")
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await self._socket.send(json.dumps({"id": number, "type": kind, **fields}))
            return await answer
        except WebSocketException as error:
            raise Lost(str(error)) from error
        finally:
            del self._waiting[number]

    async def listen(self) -> None:
        """Take in what comes; ends with `Unreachable`, which says why."""
        try:
            async for text in self._socket:
                self._take(await _read(text))
            raise Unreachable("it closed the connection")
        except WebSocketException as error:
            raise Unreachable(_reason(error)) from error
        finally:
            self._lost = True
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(Lost("the connection is gone"))

    def _take(self, message: Mapping[str, Any]) -> None:
        match message.get("type"):
            case "result":
                self._answer(message)
            case "event":
                event = message.get("event")
                told = event if isinstance(event, dict) else {}
                kind, data = told.get("event_type"), told.get("data")
                if isinstance(kind, str) and isinstance(data, dict):
                    self._event(kind, data)
            case _:
                log.debug("Home Assistant sent a message that nothing reads")

    def _answer(self, message: Mapping[str, Any]) -> None:
        number = message.get("id")
        answer = self._waiting.get(number) if isinstance(number, int) else None
        if answer is None or answer.done():
            return
        if message.get("success") is True:
            answer.set_result(message.get("result"))
            return
        error = message.get("error")
        told = error if isinstance(error, dict) else {}
        answer.set_exception(Refused(str(told.get("code")), str(told.get("message"))))


@asynccontextmanager
async def opened(
    url: str, token: str, tls: ssl.SSLContext | None, event: Event, ping: float = _PING_EVERY
) -> AsyncIterator[Link]:
    """A connection that Home Assistant let in. `Unreachable`, `TokenRefused`."""
    try:
        opening = connect(
            url, ssl=tls, proxy=None, compression=None, max_size=LARGEST, max_queue=64,
            open_timeout=_OPEN_WITHIN, ping_interval=ping, ping_timeout=ping, close_timeout=1,
        )  # fmt: skip
        socket = await opening
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(
            f"its certificate is not trusted ({error.verify_message}): set adapters.hass.ca_file"
        ) from error
    except (OSError, InvalidHandshake, InvalidURI, WebSocketException) as error:
        raise Unreachable(_reason(error)) from error
    try:
        await _let_in(socket, token)
        yield Link(socket, event)
    finally:
        await socket.close()


async def _let_in(socket: ClientConnection, token: str) -> None:
    """Show the token."""
    try:
        async with asyncio.timeout(_OPEN_WITHIN):
            if (await _read(await socket.recv())).get("type") != "auth_required":
                raise Unreachable("what answers there is no Home Assistant")
            await socket.send(json.dumps({"type": "auth", "access_token": token}))
            answer = (await _read(await socket.recv())).get("type")
    except TimeoutError as error:
        raise Unreachable(f"no answer in {_OPEN_WITHIN:g} s") from error
    except WebSocketException as error:
        raise Unreachable(_reason(error)) from error
    if answer != "auth_ok":
        raise TokenRefused


async def _read(text: str | bytes) -> Mapping[str, Any]:
    """A message; `Unreachable` where it is none that Home Assistant would send."""
    try:
        big = len(text) > _BIG
        read = await asyncio.to_thread(json.loads, text) if big else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreachable("it sent something that is no JSON") from error
    if not isinstance(read, dict):
        raise Unreachable("it sent something that is no message")
    return read


def _reason(error: Exception) -> str:
    """Why a connection was not made or ended, in one short line."""
    if isinstance(error, TimeoutError):
        return f"no answer in {_OPEN_WITHIN:g} s"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())[:200] or type(error).__name__
