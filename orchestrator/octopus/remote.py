"""Functional-token weights behind an OpenAI-compatible completions server (vLLM, llama.cpp …)."""

import json
import logging
import math
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import takewhile
from typing import Annotated, Any, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestrator.catalogue import Catalogue
from orchestrator.decoder import read
from orchestrator.octopus import spelled
from orchestrator.octopus.engine import FunctionalTokenSaid
from orchestrator.octopus.prompt import PUBLISHED, parts
from orchestrator.tokens import END, FUNCTIONAL, functional
from schemas.call import Call
from schemas.decoded import Decoded
from schemas.errors import HubError, InvalidSettings, MalformedCall

log = logging.getLogger(__name__)

ATTEMPTS = 3
MAX_AT_ONCE = 16
"""Requests under way at the same time."""
MAX_BODY = 1 << 20
"""Bytes of one answer; one by the book has some 50,000."""
MAX_TOKENS = 256

_BACKOFF = 0.1
_PLAIN, _SPECIAL, _GRAMMAR = range(3)
"""What a server is asked beyond OpenAI's own fields: nothing; to show functional tokens; to keep
to the grammar too."""

T = TypeVar("T")


class ServerAway(HubError):
    """The model server gives no answer that can be used."""

    code = "model_server"


class _Refused(ServerAway):
    """The server does not take the request as it is."""


class _Passing(ServerAway):
    """What may pass, after `wait` seconds at the earliest."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


class _Answer(BaseModel):
    """JSON from a server: wrong types are refused, further fields are not."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


_Logarithm = Annotated[float, Field(le=0.001, allow_inf_nan=False)]
"""Of a probability; rounding may lift it above 0."""


class _Token(_Answer):
    token: str
    logprob: _Logarithm


class _Logprobs(_Answer):
    """The lists of OpenAI's completions (vLLM), or the one of its chat (llama.cpp)."""

    tokens: tuple[str, ...] | None = None
    token_logprobs: tuple[_Logarithm | None, ...] | None = None
    content: tuple[_Token, ...] | None = None

    def pairs(self) -> list[tuple[str, float | None]]:
        """Every token, and the logarithm of its probability."""
        if self.content:
            return [(one.token, one.logprob) for one in self.content]
        return list(zip(self.tokens or (), self.token_logprobs or (), strict=False))


class _Choice(_Answer):
    text: str
    logprobs: _Logprobs | None = None
    finish_reason: str | None = None


class _Usage(_Answer):
    completion_tokens: int | None = None


class _Completion(_Answer):
    choices: tuple[_Choice, ...] = Field(min_length=1)
    usage: _Usage | None = None


class _Weights(_Answer):
    id: str


class _Models(_Answer):
    data: tuple[_Weights, ...] = Field(min_length=1)


A = TypeVar("A", bound=_Answer)


class _Budget:
    """The time one call may take."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = time.monotonic() + seconds
        self._ended = threading.Event()
        self._sockets: list[socket.socket] = []

    @property
    def left(self) -> float:
        """Seconds; 0 once there are none, or the call has ended."""
        return 0.0 if self._ended.is_set() else max(0.0, self._until - time.monotonic())

    def wait(self, seconds: float) -> bool:
        """Whether there were `seconds` left; they have passed then."""
        return seconds < self.left and not self._ended.wait(seconds)

    def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """A `trace` of httpx that takes note of the sockets it opens."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._sockets.append(info["return_value"].get_extra_info("socket"))
            if self._ended.is_set():
                self.end()

    def end(self) -> None:
        """Whatever still reads fails now: httpx limits the time of each read, not of all."""
        self._ended.set()
        for one in list(self._sockets):
            with suppress(OSError):  # it is closed already
                one.shutdown(socket.SHUT_RDWR)


class _Line:
    """HTTP to one server. Every failure is a ServerAway; those that may pass are tried again."""

    def __init__(self, url: str, key: str | None) -> None:
        address = _address(url)
        self._base = address.copy_with(userinfo=b"")
        self.name = str(self._base.copy_with(query=None))
        login = httpx.BasicAuth(address.username, address.password) if address.userinfo else None
        # Commands come minutes apart: by then a server has closed what was kept open. And only a
        # new socket is known to the budget.
        self._client = httpx.Client(
            auth=None if key else login,
            headers=_headers(key),
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
        )

    def get(self, path: str, kind: type[A], budget: _Budget) -> A:
        """The answer; `path` stands behind the url."""
        return self._parsed(kind, self._send("GET", path, None, budget))

    def post(self, path: str, body: Mapping[str, Any], kind: type[A], budget: _Budget) -> A:
        """The answer; _Refused if the server cannot make use of `body`."""
        return self._parsed(kind, self._send("POST", path, json.dumps(body).encode(), budget))

    def close(self) -> None:
        """Nothing may follow."""
        self._client.close()

    def away(self, what: str) -> ServerAway:
        """To be raised; `what` the server does."""
        return ServerAway(self._said(what))

    def late(self, budget: _Budget) -> ServerAway:
        """To be raised once the time is up."""
        return self.away(f"gives no answer within {budget.seconds:g} s")

    def _send(self, method: str, path: str, content: bytes | None, budget: _Budget) -> bytes:
        attempt = 1
        while True:
            try:
                return self._once(method, path, content, budget)
            except _Passing as error:
                pause = _BACKOFF * 2**attempt * random.uniform(0.5, 1.0)
                if attempt == ATTEMPTS or not budget.wait(max(pause, error.wait)):
                    raise
            attempt += 1

    def _once(self, method: str, path: str, content: bytes | None, budget: _Budget) -> bytes:
        if not (left := budget.left):
            raise self.late(budget)
        url = self._base.copy_with(path=self._path(path))
        trace = {"trace": budget.watch}
        try:
            with self._client.stream(
                method, url, content=content, timeout=left, extensions=trace
            ) as response:
                if response.status_code != httpx.codes.OK:
                    raise self._failed(response, path)
                return self._body(response)
        except httpx.TimeoutException:
            raise self.late(budget) from None
        except httpx.ConnectError as error:
            reason = " ".join(str(error).split())
            raise _Passing(self._said(f"cannot be reached ({reason}): does it run?")) from error
        except httpx.TransportError as error:
            raise _Passing(self._said("broke off the connection")) from error

    def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        for piece in response.iter_raw():
            body += piece
            if len(body) > MAX_BODY:
                raise self.away(f"answers more than {MAX_BODY} bytes: {_RIGHT_URL}")
        return bytes(body)

    def _failed(self, response: httpx.Response, path: str) -> ServerAway:
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:
            said = self._said(f"has no answer for now ({status}): its own log says why")
            return _Passing(said, _asked_to_wait(response))
        if status in (400, 422):
            return _Refused(self._said(f"refuses the request ({status}): its own log says why"))
        if status in (401, 403):
            return self.away(f"wants another key ({status}): write it into the model.key_file")
        if status == httpx.codes.NOT_FOUND:
            return self.away(f"has no {self._path(path)}, or not these weights (404): {_RIGHT_URL}")
        if 300 <= status < 400:
            return self.away(f"leads elsewhere ({status}): write that address into model.url")
        return self.away(f"answers with status {status}: its own log says why")

    def _parsed(self, kind: type[A], body: bytes) -> A:
        try:
            return kind.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            what = f"{where}: {first['msg']}" if where else first["msg"]
        # Outside the handler: pydantic's error holds the answer, and that the person's words.
        raise self.away(f"gives no answer that can be read ({what}): {_RIGHT_URL}")

    def _path(self, path: str) -> str:
        return self._base.path.rstrip("/") + path

    def _said(self, what: str) -> str:
        return f"the model server {self.name} {what}"


class Server:
    """A model on a server; used from one thread at a time. No error or log line holds what a person
    said."""

    name: str

    def __init__(
        self,
        url: str,
        catalogue: Catalogue,
        *,
        weights: str = "",
        key: str | None = None,
        prompt: str = PUBLISHED,
        several: bool = False,
        timeout: float = 10.0,
        grammar: bool = True,
    ) -> None:
        """`catalogue`: of the functions the weights know; `weights`: their name on the server, else
        its first; `timeout`: seconds for one `decode_all`, further tries included."""
        self._line = _Line(url, key)
        self.name = self._line.name
        self._catalogue = catalogue
        self._weights = weights
        self._prompt = parts(prompt)
        self._several = several
        self._timeout = timeout
        self._level = _GRAMMAR if grammar else _SPECIAL
        self._level_lock = threading.Lock()

    def decode_all(self, sentences: Sequence[str]) -> list[Decoded]:
        """Several sentences at once; an error of one is an error of all: ServerAway, or
        FunctionalTokenSaid, and then nothing was sent."""
        if any(FUNCTIONAL.search(sentence) for sentence in sentences):
            raise FunctionalTokenSaid
        budget = _Budget(self._timeout)
        try:
            if not self._weights:
                asked = partial(self._line.get, "/models", _Models, budget)
                self._weights = self._together([asked], budget)[0].data[0].id
            return self._together([partial(self._decode, s, budget) for s in sentences], budget)
        finally:
            budget.end()

    def close(self) -> None:
        """No further call may follow."""
        self._line.close()

    def _together(self, jobs: Sequence[Callable[[], T]], budget: _Budget) -> list[T]:
        """What all jobs give, at the same time. Their threads are not waited for: looking up a
        host's name cannot be cut short."""
        pool = ThreadPoolExecutor(MAX_AT_ONCE, thread_name_prefix="model-server")
        try:
            futures = [pool.submit(job) for job in jobs]
            done, under_way = wait(futures, budget.left, FIRST_EXCEPTION)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        found = [future.result() for future in futures if future in done]
        if under_way:
            raise self._line.late(budget)
        return found

    def _decode(self, sentence: str, budget: _Budget) -> Decoded:
        completion = self._complete(sentence, budget)
        choice = completion.choices[0]
        written, end, _ = choice.text.partition(END)
        if not end and choice.finish_reason == "length":
            raise self._line.away(f"writes no {END} within {MAX_TOKENS} tokens")
        text = written.strip() + END
        tokens = choice.logprobs.pairs() if choice.logprobs else []
        confidence = self._confidence(self._calls(text), tokens)
        counted = completion.usage.completion_tokens if completion.usage else None
        steps = len(tokens) if counted is None else counted
        return Decoded(text=text, confidence=confidence, steps=steps, model=self.name)

    def _complete(self, sentence: str, budget: _Budget) -> _Completion:
        """Servers may refuse fields that they do not know, or a grammar they cannot read."""
        level = self._level
        while True:
            try:
                asked = self._asked(sentence, level)
                found = self._line.post("/completions", asked, _Completion, budget)
            except _Refused:
                if level == _PLAIN:
                    raise
                level -= 1
            else:
                self._keep_to(level)
                return found

    def _asked(self, sentence: str, level: int) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "model": self._weights,
            "prompt": sentence.join(self._prompt),
            "max_tokens": MAX_TOKENS,
            "temperature": 0,
            "stop": [END],
            "logprobs": 1,
        }
        if level >= _SPECIAL:
            asked["skip_special_tokens"] = False  # vLLM
            tokens = [functional(function.token) for function in self._catalogue]
            asked["preserved_tokens"] = [*tokens, END]  # llama.cpp
        if level >= _GRAMMAR:
            # vLLM. llama.cpp would want it in `grammar` behind "%llguidance"; but that ends the
            # process of one built without llguidance, and such are most.
            grammar = spelled.lark(self._catalogue, sentence, several=self._several)
            asked["structured_outputs"] = {"grammar": grammar}
        return asked

    def _keep_to(self, level: int) -> None:
        """What the server took is what it is asked from now on."""
        with self._level_lock:
            if level < self._level:
                self._level = level
                without = "the grammar" if level == _SPECIAL else "fields that are not OpenAI's"
                log.info("the model server %s is asked without %s", self.name, without)

    def _calls(self, text: str) -> tuple[Call, ...]:
        try:
            return read(text, self._catalogue)
        except MalformedCall as error:
            # What was found instead may be the person's words.
            what = str(error).partition(", found ")[0]
        hint = "" if FUNCTIONAL.match(text.removesuffix(END)) else f": {_RIGHT_WEIGHTS}"
        raise self._line.away(f"writes no call ({what}){hint}")

    def _confidence(
        self, calls: Sequence[Call], tokens: Sequence[tuple[str, float | None]]
    ) -> float:
        """The lowest probability among the functional tokens of the outer calls."""
        stripped = [(token.strip(), sure) for token, sure in tokens]
        written = takewhile(lambda one: one[0] != END, stripped)
        said = [(token, sure) for token, sure in written if FUNCTIONAL.fullmatch(token)]
        meant = [one for call in calls for one in _functional(call, self._catalogue)]
        if tokens and [token for token, _ in said] != [token for token, _ in meant]:
            raise self._line.away("gives log probabilities of other functional tokens than it says")
        outer = [sure for (_, sure), (_, depth) in zip(said, meant, strict=False) if not depth]
        known = [sure for sure in outer if sure is not None]
        if len(known) < len(calls):
            raise self._line.away("gives no log probabilities: how sure it is stays unknown")
        return min(1.0, math.exp(min(known)))


_RIGHT_URL = "is model.url that of a completions server?"
_RIGHT_WEIGHTS = "are its weights made for functional tokens, and does it show special tokens?"


def _address(url: str) -> httpx.URL:
    with suppress(httpx.InvalidURL, UnicodeError):
        address = httpx.URL(url)
        address.host.encode("idna")  # as a socket does, which lets this error through
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


def _functional(call: Call, catalogue: Catalogue, depth: int = 0) -> Iterator[tuple[str, int]]:
    """The functional tokens of a call in the order they were written, and how deep each stands."""
    yield functional(catalogue[call.function].token), depth
    for argument in call.arguments:
        if isinstance(argument, Call):
            yield from _functional(argument, catalogue, depth + 1)
