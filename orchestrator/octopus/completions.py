"""HTTP to a completions server: what it answers in time, or one line that says what is wrong."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from schemas.errors import HubError, InvalidSettings

ATTEMPTS = 3
MAX_AT_ONCE = 16
"""Requests under way at the same time."""
MAX_BODY = 1 << 20
"""Bytes of one answer; one by the book has some 50,000."""

_BACKOFF = 0.1
_RIGHT_URL = "is model.url that of a completions server"

A = TypeVar("A", bound=BaseModel)
T = TypeVar("T")


class ServerAway(HubError):
    """The model server gives no answer that can be used."""

    code = "model_server"


class Unusable(ServerAway):
    """The server answered in time, and its weights wrote what cannot be used."""


class Refused(ServerAway):
    """The server does not take the request as it is."""


class _Passing(ServerAway):
    """What may pass, after `wait` seconds at the earliest."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


class Client:
    """One server. Nothing is open between sessions: commands come minutes apart."""

    def __init__(self, url: str, key: str | None, timeout: float) -> None:
        """`timeout`: seconds for a whole session; InvalidSettings names the setting."""
        address = _address(url)
        base = address.copy_with(userinfo=b"", query=None)
        login = httpx.BasicAuth(address.username, address.password) if address.userinfo else None
        self.name = str(base)
        self._timeout = timeout
        self._http = partial(
            httpx.AsyncClient,
            base_url=base,
            params=address.params,
            auth=None if key else login,
            headers=_headers(key),
            limits=httpx.Limits(max_connections=MAX_AT_ONCE),
            verify=httpx.create_ssl_context(trust_env=False),
            timeout=None,  # httpx limits the time of each read, not of all
            trust_env=False,
        )

    @asynccontextmanager
    async def session(self) -> AsyncIterator["Session"]:
        """Requests for as long as there is time. What went wrong is a ServerAway; one raised in the
        block says what the server does, and is told with the server's name."""
        until = asyncio.get_running_loop().time() + self._timeout
        what, kind = "", ServerAway
        try:
            async with asyncio.timeout_at(until), self._http() as http:
                yield Session(http, until)
        except* ServerAway as errors:
            first = errors.exceptions[0]
            what, kind = str(first), Unusable if isinstance(first, Unusable) else ServerAway
        except* TimeoutError:
            what = f"gives no answer within {self._timeout:g} s"
        if what:
            # From none: what is behind it may hold the person's words.
            raise kind(f"the model server {self.name} {what}") from None


class Session:
    """Requests to one server until `until`, in the loop's time; any number at the same time."""

    def __init__(self, http: httpx.AsyncClient, until: float) -> None:
        self._http = http
        self._until = until

    async def get(self, path: str, kind: type[A]) -> A:
        """The answer; `path` stands behind the url."""
        return _parsed(kind, await self._send("GET", path))

    async def post(self, path: str, body: Mapping[str, Any], kind: type[A]) -> A:
        """The answer; Refused if the server cannot make use of `body`."""
        return _parsed(kind, await self._send("POST", path, json.dumps(body)))

    async def _send(self, method: str, path: str, content: str | None = None) -> bytes:
        for attempt in range(1, ATTEMPTS):
            try:
                return await self._once(method, path, content)
            except _Passing as error:
                pause = max(error.wait, _BACKOFF * 2**attempt * random.uniform(0.5, 1.0))
                if asyncio.get_running_loop().time() + pause >= self._until:
                    raise
            await asyncio.sleep(pause)
        return await self._once(method, path, content)

    async def _once(self, method: str, path: str, content: str | None) -> bytes:
        try:
            async with self._http.stream(method, path, content=content) as response:
                if response.status_code != httpx.codes.OK:
                    raise _failed(response)
                return await _body(response)
        except httpx.ConnectError as error:
            raise _Passing(f"cannot be reached ({_reason(error)}): does it run?") from error
        except (httpx.TransportError, OSError) as error:  # OSError: TLS that breaks off later
            raise _Passing("broke off the connection") from error


def run(main: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run, but no host's name is waited for: looking one up cannot be cut short."""
    runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
    try:
        return runner.run(main)
    finally:
        runner.get_loop().close()


async def _body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > MAX_BODY:
            raise ServerAway(f"answers more than {MAX_BODY} bytes: {_RIGHT_URL}?")
    return bytes(body)


def _failed(response: httpx.Response) -> ServerAway:
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:
        wait = _asked_to_wait(response)
        return _Passing(f"has no answer for now ({status}): its own log says why", wait)
    if status in (400, 422):
        return Refused(f"refuses the request ({status}): its own log says why")
    if status in (401, 403):
        return ServerAway(f"wants another key ({status}): write it into the model.key_file")
    if status == httpx.codes.NOT_FOUND:
        what = f"has no {response.url.path}, or not these weights (404)"
        return ServerAway(f"{what}: {_RIGHT_URL}, and model.weights their name there?")
    if 300 <= status < 400:
        return ServerAway(f"leads elsewhere ({status}): write that address into model.url")
    return ServerAway(f"answers with status {status}: its own log says why")


def _parsed(kind: type[A], body: bytes) -> A:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        what = f"{where}: {first['msg']}" if where else first["msg"]
        raise ServerAway(f"gives no answer that can be read ({what}): {_RIGHT_URL}?") from error


def _reason(error: BaseException) -> str:
    """What the system said: httpx says only that all attempts failed."""
    while behind := error.__cause__ or (error.__suppress_context__ and error.__context__):
        error = behind
    if isinstance(error, ExceptionGroup):  # one for each address of the host
        error = error.exceptions[-1]
    return " ".join(f"{type(error).__name__} {error}".split())


def _address(url: str) -> httpx.URL:
    with suppress(httpx.InvalidURL, UnicodeError):  # UnicodeError: a host like xn--
        address = httpx.URL(url)
        if address.scheme in ("http", "https") and address.host and (address.port or 0) < 1 << 16:
            return address.copy_with(path=address.path.rstrip("/"), fragment=None)
    # Without the url: a password may be in it.
    raise InvalidSettings("model.url: no address like http://host:port/v1")


def _headers(key: str | None) -> dict[str, str]:
    # Nothing packed: what a body unpacks to would have no limit.
    headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
    if key is None:
        return headers
    letters = key.strip()
    if not letters or not letters.isascii() or not letters.isprintable():
        raise InvalidSettings("model.key_file: no key that a header can carry")
    return {**headers, "Authorization": f"Bearer {letters}"}


def _asked_to_wait(response: httpx.Response) -> float:
    """Seconds that a Retry-After header asks for; it may hold a date."""
    said = response.headers.get("Retry-After", "")
    if said.isascii() and said.isdecimal():
        return float(said)
    with suppress(ValueError):
        return parsedate_to_datetime(said).timestamp() - time.time()
    return 0.0
