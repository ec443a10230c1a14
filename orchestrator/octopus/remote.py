"""Functional-token weights behind an OpenAI-compatible completions server: vLLM, llama.cpp, others."""

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
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import takewhile
from typing import Annotated, Any, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestrator.catalogue import Catalogue
from orchestrator.decoder import read
from orchestrator.octopus import spelled
from orchestrator.octopus.engine import Decoded, FunctionalTokenSaid
from orchestrator.octopus.prompt import PUBLISHED, parts
from orchestrator.tokens import END, FUNCTIONAL, functional
from schemas.call import Call
from schemas.errors import HubError, InvalidSettings, MalformedCall

log = logging.getLogger(__name__)

ATTEMPTS = 3
MAX_AT_ONCE = 16
"""Requests under way at the same time."""
MAX_BODY = 1 << 20
"""Bytes of one answer; what a server by the book sends has some 50,000."""
MAX_TOKENS = 256

_BACKOFF = 0.1
_PLAIN, _SPECIAL, _GRAMMAR = range(3)
"""What a server is asked beyond OpenAI's own fields: nothing; to show functional tokens; to keep
to the grammar too."""

T = TypeVar("T")


class ServerAway(HubError):
    """The model server gives no answer that can be used."""

    code = "model_server"


class _Passing(ServerAway):
    """What another try may mend, `wait` seconds later."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


class _Answer(BaseModel):
    """JSON from a server: wrong types are refused, further fields are not."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


_Logarithm = Annotated[float, Field(le=0.001, allow_inf_nan=False)]
"""Of a probability; rounding may lift it a little above 0."""


class _Token(_Answer):
    token: str
    logprob: _Logarithm


class _Logprobs(_Answer):
    """Either the two lists of OpenAI's completions (vLLM), or those of its chat (llama.cpp)."""

    tokens: tuple[str, ...] | None = None
    token_logprobs: tuple[_Logarithm | None, ...] | None = None
    content: tuple[_Token, ...] | None = None

    def pairs(self) -> list[tuple[str, float | None]]:
        """Every token with the logarithm of its probability."""
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


@dataclass(frozen=True)
class _Reply:
    """A status that trying again would not change; the body only of 200."""

    status: int
    body: bytes


class _Budget:
    """The time one call may take. httpx limits each read, not their sum: `end` closes the sockets
    under whatever still reads."""

    def __init__(self, seconds: float) -> None:
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
        """A `trace` of httpx: takes note of the sockets that are opened."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._sockets.append(info["return_value"].get_extra_info("socket"))
            if self._ended.is_set():
                self.end()

    def end(self) -> None:
        """Nothing may go on."""
        self._ended.set()
        for one in list(self._sockets):
            with suppress(OSError):  # it is closed already
                one.shutdown(socket.SHUT_RDWR)


class Server:
    """A model on a server; used from one thread at a time. No error or log line holds a sentence."""

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
        """`weights`: their name on the server, else its first; `timeout`: seconds for one
        `decode_all`, tries and waiting included."""
        address = _address(url)
        self._url = address.copy_with(userinfo=b"")
        self.name = str(self._url.copy_with(query=None))
        self._catalogue = catalogue
        self._weights = weights
        self._key = key
        self._before, self._after = parts(prompt)
        self._several = several
        self._timeout = timeout
        self._level = _GRAMMAR if grammar else _SPECIAL
        self._level_lock = threading.Lock()
        login = httpx.BasicAuth(address.username, address.password) if address.userinfo else None
        # Commands come minutes apart: by then a server has closed what was kept open.
        self._client = httpx.Client(
            auth=None if key else login,
            headers=_headers(key),
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
        )

    def decode_all(self, sentences: Sequence[str]) -> list[Decoded]:
        """Several sentences at once; an error of one is an error of all: FunctionalTokenSaid, then
        nothing was sent, or ServerAway."""
        if any(FUNCTIONAL.search(sentence) for sentence in sentences):
            raise FunctionalTokenSaid
        budget = _Budget(self._timeout)
        try:
            if not self._weights:
                (self._weights,) = self._together([partial(self._first_weights, budget)], budget)
            return self._together([partial(self._decode, s, budget) for s in sentences], budget)
        finally:
            budget.end()

    def close(self) -> None:
        """No further call may follow."""
        self._client.close()

    def _together(self, jobs: Sequence[Callable[[], T]], budget: _Budget) -> list[T]:
        """Runs all jobs at once. The threads are not waited for: looking up a host's name, for
        one, cannot be cut short."""
        pool = ThreadPoolExecutor(MAX_AT_ONCE, thread_name_prefix="model-server")
        try:
            futures = [pool.submit(job) for job in jobs]
            done, under_way = wait(futures, budget.left, FIRST_EXCEPTION)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        found = [future.result() for future in futures if future in done]
        if under_way:
            raise self._late()
        return found

    def _first_weights(self, budget: _Budget) -> str:
        reply = self._send("GET", "/models", None, budget)
        if reply.status != httpx.codes.OK:
            raise self._away(self._refusal(reply.status, "/models"))
        return self._parsed(_Models, reply.body).data[0].id

    def _decode(self, sentence: str, budget: _Budget) -> Decoded:
        completion = self._complete(sentence, budget)
        choice = completion.choices[0]
        written, end, _ = choice.text.partition(END)
        if not end and choice.finish_reason == "length":
            raise self._away(f"writes no {END} within {MAX_TOKENS} tokens")
        calls = self._calls(written.strip())
        tokens = choice.logprobs.pairs() if choice.logprobs else []
        confidence = self._confidence(calls, tokens)
        steps = completion.usage.completion_tokens if completion.usage else None
        text = written.strip() + END
        return Decoded(text, confidence, len(tokens) if steps is None else steps, self.name)

    def _complete(self, sentence: str, budget: _Budget) -> _Completion:
        """Servers refuse fields they do not know, or a grammar they cannot read, with 400 or 422."""
        for level in range(self._level, -1, -1):
            body = self._body(sentence, level)
            reply = self._send("POST", "/completions", body, budget)
            if reply.status == httpx.codes.OK:
                self._keep_to(level)
                return self._parsed(_Completion, reply.body)
            if not level or reply.status not in (400, 422):
                raise self._away(self._refusal(reply.status, "/completions"))
        raise AssertionError

    def _body(self, sentence: str, level: int) -> bytes:
        body: dict[str, Any] = {
            "model": self._weights,
            "prompt": self._before + sentence + self._after,
            "max_tokens": MAX_TOKENS,
            "temperature": 0,
            "stop": [END],
            "logprobs": 1,
        }
        if level >= _SPECIAL:
            body["skip_special_tokens"] = False  # vLLM
            tokens = [functional(function.token) for function in self._catalogue]
            body["preserved_tokens"] = [*tokens, END]  # llama.cpp
        if level >= _GRAMMAR:
            # vLLM. llama.cpp would want it in `grammar` behind "%llguidance", but where it was
            # built without llguidance, as it mostly is, that ends its process.
            grammar = spelled.lark(self._catalogue, sentence, several=self._several)
            body["structured_outputs"] = {"grammar": grammar}
        return json.dumps(body).encode()

    def _keep_to(self, level: int) -> None:
        """What the server took is what it is asked from now on."""
        with self._level_lock:
            if level < self._level:
                self._level = level
                without = "the grammar" if level == _SPECIAL else "fields of vLLM and llama.cpp"
                log.info("the model server %s is asked without %s", self.name, without)

    def _send(self, method: str, path: str, body: bytes | None, budget: _Budget) -> _Reply:
        """Tries again what may pass, while there is time."""
        attempt = 1
        while True:
            try:
                return self._once(method, path, body, budget)
            except _Passing as error:
                pause = _BACKOFF * 2**attempt * random.uniform(0.5, 1.0)
                if attempt == ATTEMPTS or not budget.wait(max(pause, error.wait)):
                    raise
            attempt += 1

    def _once(self, method: str, path: str, body: bytes | None, budget: _Budget) -> _Reply:
        if not (left := budget.left):
            raise self._late()
        url = self._url.copy_with(path=self._url.path.rstrip("/") + path)
        watched = {"trace": budget.watch}
        try:
            with self._client.stream(
                method, url, content=body, timeout=left, extensions=watched
            ) as response:
                status = response.status_code
                if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:
                    raise _Passing(self._said(self._refusal(status, path)), _asked_to_wait(response))
                whole = self._read(response, budget) if status == httpx.codes.OK else b""
                return _Reply(status, whole)
        except httpx.TimeoutException:
            raise self._late() from None
        except httpx.ConnectError as error:
            reason = " ".join(str(error).split())
            raise _Passing(self._said(f"cannot be reached ({reason}): does it run?")) from error
        except httpx.TransportError as error:
            raise _Passing(self._said("broke off the connection")) from error

    def _read(self, response: httpx.Response, budget: _Budget) -> bytes:
        body = bytearray()
        for piece in response.iter_raw():
            body += piece
            if len(body) > MAX_BODY:
                raise self._away(f"answers more than {MAX_BODY} bytes: {_IS_IT_ONE}")
            if not budget.left:
                raise self._late()
        return bytes(body)

    def _parsed(self, kind: type[A], body: bytes) -> A:
        try:
            return kind.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            what = f"{where}: {first['msg']}" if where else first["msg"]
        # Outside the handler: pydantic's error holds the answer, and that the person's words.
        raise self._away(f"answers no {kind.__name__[1:].lower()} ({what}): {_IS_IT_ONE}")

    def _calls(self, written: str) -> tuple[Call, ...]:
        try:
            return read(written + END, self._catalogue)
        except MalformedCall as error:
            # What was found instead may be the person's words.
            what = str(error).partition(", found ")[0]
        hint = "" if FUNCTIONAL.search(written) else f": {_SHOWS_THEM}"
        raise self._away(f"writes no call ({what}){hint}")

    def _confidence(
        self, calls: Sequence[Call], tokens: Sequence[tuple[str, float | None]]
    ) -> float:
        """The lowest probability among the functional tokens of the outer calls."""
        stripped = [(token.strip(), sure) for token, sure in tokens]
        said = [
            (token, sure)
            for token, sure in takewhile(lambda one: one[0] != END, stripped)
            if FUNCTIONAL.fullmatch(token)
        ]
        meant = [one for call in calls for one in _functional(call, self._catalogue)]
        if tokens and [token for token, _ in said] != [token for token, _ in meant]:
            raise self._away("names other functional tokens in its log probabilities than it wrote")
        outer = [sure for (_, sure), (_, depth) in zip(said, meant, strict=False) if not depth]
        sure = [one for one in outer if one is not None]
        if not sure or len(sure) < len(outer):
            raise self._away("gives no log probabilities, so nobody knows how sure its weights are")
        return min(1.0, math.exp(min(sure)))

    def _refusal(self, status: int, path: str) -> str:
        if status in (401, 403):
            wanted = "takes another key than" if self._key else "wants a key: put it into"
            return f"{wanted} the file of model.key_file ({status})"
        if status == httpx.codes.NOT_FOUND:
            weights = f", or no weights {self._weights!r}" if self._weights else ""
            return f"has no {self._url.path.rstrip('/')}{path}{weights} (404): {_IS_IT_ONE}"
        if 300 <= status < 400:
            return f"leads elsewhere ({status}): give model.url the address it leads to"
        if status == httpx.codes.TOO_MANY_REQUESTS:
            return "has too much to do (429)"
        return f"refuses ({status}): its own log says why"

    def _late(self) -> ServerAway:
        return self._away(f"gives no answer within {self._timeout:g} s")

    def _away(self, what: str) -> ServerAway:
        return ServerAway(self._said(what))

    def _said(self, what: str) -> str:
        return f"the model server {self.name} {what}"


_IS_IT_ONE = "is model.url that of a completions server?"
_SHOWS_THEM = "are its weights made for functional tokens, and does it show special tokens?"


def _address(url: str) -> httpx.URL:
    with suppress(httpx.InvalidURL):
        address = httpx.URL(url)
        port = address.port or 1
        if address.scheme in ("http", "https") and address.host and port < 1 << 16:
            return address.copy_with(path=address.path.rstrip("/"), fragment=None)
    # Without the url: a password may be in it.
    raise InvalidSettings("model.url: no address like http://host:port/v1")


def _headers(key: str | None) -> dict[str, str]:
    # No compression: the limit of a body would not hold for what is packed in it.
    headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
    if key is None:
        return headers
    if not key.strip() or not key.isascii() or not key.strip().isprintable():
        raise InvalidSettings("model.key_file: the key is empty, or has letters no header can carry")
    return {**headers, "Authorization": f"Bearer {key.strip()}"}


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
