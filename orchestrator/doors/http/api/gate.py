"""Who may use the API, how often, and how much may be sent; before anything else looks at it.

A token in the header is the only way: no cookie, nothing in the address. What a phone reaches is
another way in, and has no API.
"""

import asyncio
import time
from collections.abc import Callable, Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.doors.http.access import Token, Tokens
from orchestrator.doors.http.api.errors import (
    NoSuchPath,
    NoToken,
    TooLarge,
    TooSlow,
    WrongType,
    answer,
)
from orchestrator.doors.http.limits import Buckets, TooOften, Tries
from orchestrator.doors.http.ways import HERE
from schemas.errors import BadCommand, HubError

MAX_BODY = 64 * 1024
WITHIN = 10.0
"""Seconds that a body has to come in."""
A_SECOND, BURST = 50.0, 200
"""Requests with one token, in the long run and at once."""


class Gate:
    """Lets through who holds a token; `open_paths` need none, `ways` says which way a port is."""

    def __init__(
        self,
        app: ASGIApp,
        tokens: Tokens,
        ways: Mapping[int, str],
        tries: Tries,
        open_paths: frozenset[str],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._ways = ways
        self._open = open_paths
        self._now = now
        self._tries = tries
        self._pace = Buckets(A_SECOND, BURST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI; `scope["state"]["caller"]` is the token that was shown."""
        try:
            _plain(scope)
            if self._ways.get(scope["server"][1]) != HERE:
                raise NoSuchPath
            if scope["path"] not in self._open:
                scope["state"]["caller"] = self._caller(scope)
            body = await _read(scope, receive)
        except HubError as error:
            await answer(error)(scope, receive, send)
        else:
            if body is not None:
                await self._app(scope, _replaying(body, receive), send)

    def _caller(self, scope: Scope) -> Token:
        secret, address = _secret(Headers(scope=scope)), _address(scope)
        self._tries.check(address, self._now())
        token = self._tokens.find(secret)
        if token is None:
            self._tries.wrong(address, self._now())
            raise NoToken("that is no token of this hub, or it is over: `octopus token new USER`")
        if wait := self._pace.wait(token.digest, self._now()):
            raise TooOften(f"more than {A_SECOND:g} requests a second with one token", wait)
        self._pace.take(token.digest, self._now())
        return token


def _plain(scope: Scope) -> None:
    """BadCommand where an address holds what no name has."""
    if not scope["path"].isprintable():
        raise BadCommand("the path has control characters")


def _secret(headers: Headers) -> str:
    """The token that is shown; NoToken where none is, or more than one."""
    shown = headers.getlist("authorization")
    scheme, _, secret = shown[0].partition(" ") if len(shown) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not secret.strip():
        raise NoToken
    return secret.strip()


def _address(scope: Scope) -> str:
    """Whence a request comes."""
    return str(scope["client"][0]) if scope.get("client") else ""


async def _read(scope: Scope, receive: Receive) -> bytes | None:
    """The body, as JSON by its type; None where the caller is gone."""
    headers = Headers(scope=scope)
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length) > MAX_BODY:
        raise TooLarge(f"a body has at most {MAX_BODY} bytes")
    try:
        async with asyncio.timeout(WITHIN):
            body = await _whole(receive)
    except TimeoutError as error:
        raise TooSlow from error
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/json":
        raise WrongType
    return body


async def _whole(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise TooLarge(f"a body has at most {MAX_BODY} bytes")
        if not message.get("more_body", False):
            return bytes(body)


def _replaying(body: bytes, receive: Receive) -> Receive:
    """What the application receives: the body that was read, then what comes after it."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receiving() -> Message:
        return first.pop() if first else await receive()

    return receiving
