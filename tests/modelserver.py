"""A completions server of functional-token weights on loopback, by the book or out of order."""

from __future__ import annotations

import json
import math
import re
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from orchestrator.octopus.prompt import PUBLISHED, parts
from orchestrator.tokens import END, FUNCTIONAL

WEIGHTS = "octopus"
_PIECE = re.compile(r"<nexa_(?:\d+|end)>|\s*[^<\s]+|\s+|<")


@dataclass(frozen=True)
class Request:
    """What a client sent. `body`: its JSON, None of a GET; `port`: of its connection."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any] | None
    port: int

    @property
    def sentence(self) -> str:
        """Between the published prompt's parts."""
        before, after = parts(PUBLISHED)
        assert self.body
        return str(self.body["prompt"]).removeprefix(before).removesuffix(after)


class Exchange:
    """One request under way. `gone` is set when the server stops."""

    def __init__(self, request: Request, handler: BaseHTTPRequestHandler, gone: threading.Event):
        self.request = request
        self.gone = gone
        self._handler = handler

    def send(self, status: int, body: bytes, **headers: str) -> None:
        """A whole answer; `_` in a header's name stands for `-`."""
        self.head(status, len(body), **headers)
        self.write(body)

    def head(self, status: int, length: int, **headers: str) -> None:
        """The beginning of an answer of `length` bytes."""
        self._handler.send_response(status)
        self._handler.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()

    def write(self, piece: bytes) -> bool:
        """Some of the answer; whether the client still reads."""
        try:
            self._handler.wfile.write(piece)
            self._handler.wfile.flush()
        except OSError:
            return False
        return True

    def hang_up(self) -> None:
        """Nothing more on this connection."""
        self._handler.close_connection = True

    def json(self, answer: Any, status: int = 200, **headers: str) -> None:
        """An answer in JSON."""
        self.send(status, json.dumps(answer).encode(), Content_Type="application/json", **headers)


Manner = Callable[[Exchange], None]
"""How a server answers a completion."""


class ModelServer:
    """A server on a port of its own; every request to it is in `requests`."""

    def __init__(self, answer: Manner, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.models: Manner = lambda one: one.json({"object": "list", "data": [{"id": WEIGHTS}]})
        self.requests: list[Request] = []
        self._errors: list[Exception] = []
        self._gone = threading.Event()
        self._http = _Http(("127.0.0.1", 0), self._handler(), bind_and_activate=False)
        self._http.server_bind()
        if tls:
            self._http.socket = tls.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._http.server_address[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/v1"

    @property
    def completions(self) -> list[dict[str, Any]]:
        """The bodies of the completions that were asked for."""
        return [one.body for one in self.requests if one.body is not None]

    @contextmanager
    def running(self) -> Iterator[ModelServer]:
        """Serves; before that it refuses connections, behind it nothing is left."""
        self._http.server_activate()
        thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), name="models")
        thread.start()
        try:
            yield self
        finally:
            self._gone.set()
            self._http.shutdown()
            thread.join()
            self._http.server_close()
        assert not self._errors, self._errors

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                self._serve(None)

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                self._serve(json.loads(self.rfile.read(length)))

            def _serve(self, body: dict[str, Any] | None) -> None:
                headers, port = dict(self.headers), self.client_address[1]
                request = Request(self.command, self.path, headers, body, port)
                server.requests.append(request)
                exchange = Exchange(request, self, server._gone)
                manners = {"/v1/models": server.models, "/v1/completions": server.answer}
                try:
                    manners.get(self.path.partition("?")[0], status(404))(exchange)
                except OSError:
                    pass  # the client went away
                except Exception as error:  # noqa: BLE001
                    server._errors.append(error)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class _Http(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """A client that goes away, or does not trust this server, is none."""


@contextmanager
def serving(answer: Manner, tls: ssl.SSLContext | None = None) -> Iterator[ModelServer]:
    """A running server that answers completions in this manner."""
    with ModelServer(answer, tls).running() as server:
        yield server


Outputs = Mapping[str, str] | Callable[[str], str]
"""What the weights write about a sentence, without the end token."""


def vllm(outputs: Outputs, sure: Mapping[str, float] | None = None) -> Manner:
    """As vLLM answers; `sure`: how probable a functional token was."""

    def answer(one: Exchange) -> None:
        asked = one.request.body
        assert asked is not None
        if asked["model"] != WEIGHTS:
            one.json({"error": {"message": f"no {asked['model']}", "code": 404}}, 404)
            return
        text = _output(outputs, one.request.sentence)
        tokens = [*_PIECE.findall(text), END]
        logarithms = [_logarithm(token, sure) for token in tokens]
        shown = FUNCTIONAL.sub("", text) if asked.get("skip_special_tokens", True) else text
        offsets = [len("".join(tokens[:at])) for at in range(len(tokens))]
        lists = {
            "text_offset": offsets, "token_logprobs": logarithms, "tokens": tokens,
            "top_logprobs": [{t: p} for t, p in zip(tokens, logarithms, strict=True)],
        }  # fmt: skip
        choice = {
            "index": 0, "text": shown, "logprobs": lists, "finish_reason": "stop",
            "stop_reason": END, "prompt_logprobs": None,
        }  # fmt: skip
        one.json(completion(choice, len(tokens)))

    return answer


def llama(outputs: Outputs, sure: Mapping[str, float] | None = None) -> Manner:
    """As llama.cpp answers."""

    def answer(one: Exchange) -> None:
        asked = one.request.body
        assert asked is not None
        text = _output(outputs, one.request.sentence)
        kept = set(asked.get("preserved_tokens", []))
        tokens = [
            "" if FUNCTIONAL.fullmatch(token) and token not in kept else token
            for token in _PIECE.findall(text)
        ]
        content = [
            {"id": at, "token": token, "bytes": list(token.encode()), "top_logprobs": [],
             "logprob": _logarithm(token, sure)}
            for at, token in enumerate(tokens)
        ]  # fmt: skip
        choice = {
            "text": "".join(tokens), "index": 0, "finish_reason": "stop",
            "logprobs": {"content": content} if asked.get("logprobs") else None,
        }  # fmt: skip
        one.json(completion(choice, len(tokens) + 1))

    return answer


def completion(choice: dict[str, Any], tokens: int) -> dict[str, Any]:
    """The JSON around one choice."""
    usage = {"prompt_tokens": 40, "completion_tokens": tokens, "total_tokens": 40 + tokens}
    return {
        "id": "cmpl-1", "object": "text_completion", "created": 1, "model": WEIGHTS,
        "choices": [choice], "usage": usage, "system_fingerprint": None,
    }  # fmt: skip


def saying(answer: Any) -> Manner:
    """This JSON, whatever is asked."""
    return lambda one: one.json(answer)


def raw(body: bytes, content_type: str = "application/json") -> Manner:
    """These bytes, whatever is asked."""
    return lambda one: one.send(200, body, Content_Type=content_type)


def status(code: int, **headers: str) -> Manner:
    """An error, with words that no client may repeat."""
    return lambda one: one.json({"error": {"message": "in short: SECRET"}}, code, **headers)


def in_turn(*manners: Manner) -> Manner:
    """One request after the other in these manners; the last one for all that follow."""
    left = list(manners)
    lock = threading.Lock()

    def answer(one: Exchange) -> None:
        with lock:
            manner = left.pop(0) if len(left) > 1 else left[0]
        manner(one)

    return answer


def refusing(*fields: str, code: int, otherwise: Manner) -> Manner:
    """Does not know these fields."""

    def answer(one: Exchange) -> None:
        unknown = set(fields) & set(one.request.body or {})
        (status(code) if unknown else otherwise)(one)

    return answer


def silent(one: Exchange) -> None:
    """Never answers."""
    one.gone.wait(10)
    one.hang_up()


def slowly(answer: dict[str, Any]) -> Manner:
    """In small pieces, with pauses, but in time."""

    def pieces(one: Exchange) -> None:
        body = json.dumps(answer).encode()
        one.head(200, len(body))
        step = len(body) // 8
        for at in range(0, len(body), step):
            one.gone.wait(0.01)
            one.write(body[at : at + step])

    return pieces


def drop_by_drop(*, head: bool) -> Manner:
    """A byte from time to time, without an end: in a header (`head`), or in the body."""

    def answer(one: Exchange) -> None:
        if head:
            one.write(b"HTTP/1.1 200 OK\r\nX-Padding: ")
        else:
            one.head(200, 1_000_000)
        while one.write(b"a") and not one.gone.wait(0.02):
            pass
        one.hang_up()

    return answer


def breaking_off(one: Exchange) -> None:
    """Says what is to come, and hangs up."""
    one.head(200, 1_000)
    one.write(b'{"choices": [')
    one.hang_up()


def _output(outputs: Outputs, sentence: str) -> str:
    return outputs(sentence) if callable(outputs) else outputs[sentence]


def _logarithm(token: str, sure: Mapping[str, float] | None) -> float:
    return math.log((sure or {}).get(token, 0.99))
