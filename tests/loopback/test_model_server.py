"""Weights behind a completions server: a real HTTP server, by the book or out of order."""

from __future__ import annotations

import gzip
import ipaddress
import json
import logging
import pickle
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from orchestrator.catalogue import Catalogue
from orchestrator.octopus import completions, spelled
from orchestrator.octopus.completions import MAX_AT_ONCE, MAX_BODY, ServerAway
from orchestrator.octopus.engine import FunctionalTokenSaid
from orchestrator.octopus.prompt import PUBLISHED, QUERY
from orchestrator.octopus.remote import Server
from orchestrator.tokens import END
from schemas.decoded import Decoded
from schemas.errors import InvalidSettings
from tests.modelserver import (
    WEIGHTS,
    Exchange,
    Manner,
    ModelServer,
    breaking_off,
    completion,
    drop_by_drop,
    in_turn,
    llama,
    raw,
    refusing,
    saying,
    serving,
    silent,
    slowly,
    status,
    vllm,
)

SELFIE = "Take a selfie with the front camera"
WEATHER = "Text John the weather in Seoul, and set the volume of my music to 3"
PRIVATE = "Text Zebulon that the safe opens with 471147"
OUTPUTS = {
    SELFIE: " <nexa_0>('front')",
    WEATHER: " <nexa_7>('John', <nexa_2>('Seoul'));<nexa_13>(3, 'media')",
    PRIVATE: " <nexa_7>('Zebulon', 'the safe opens with 471147')",
}
BY_THE_BOOK = {"vllm": vllm, "llama": llama}
BEYOND = ("skip_special_tokens", "preserved_tokens", "structured_outputs")
CHOICE = {
    "index": 0, "text": OUTPUTS[SELFIE], "finish_reason": "stop",
    "logprobs": {"tokens": [" ", "<nexa_0>"], "token_logprobs": [-0.1, -0.1]},
}  # fmt: skip
ANSWER = completion(CHOICE, 9)


@pytest.fixture(autouse=True)
def short_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between tries."""
    monkeypatch.setattr(completions, "_BACKOFF", 0.01)


@contextmanager
def asking(
    manner: Manner | ModelServer, catalogue: Catalogue, **options: Any
) -> Iterator[tuple[Server, ModelServer]]:
    """A client of a server that answers in this manner."""
    model = manner if isinstance(manner, ModelServer) else ModelServer(manner)
    with model.running():
        options = {"weights": WEIGHTS, "timeout": 5.0, **options}
        yield Server(options.pop("url", model.url), catalogue, **options), model


def away(client: Server, *sentences: str) -> str:
    """What the client complains about: one line that keeps what the person said to itself."""
    with pytest.raises(ServerAway) as caught:
        client.decode_all(sentences or [PRIVATE])
    said = str(caught.value)
    told = "".join(traceback.format_exception(caught.value))
    assert said.startswith(f"the model server {client.name} ")
    assert "\n" not in said
    assert len(said) < 300
    for secret in ("Zebulon", "471147", "SECRET"):  # longer than a port, which may be any number
        assert secret not in told
    assert caught.value.code == "model_server"
    return said


def without(dictionary: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in dictionary.items() if name not in names}


@pytest.mark.parametrize("kind", BY_THE_BOOK)
def test_a_call_and_how_sure_the_weights_are(kind: str, catalogue: Catalogue) -> None:
    manner = BY_THE_BOOK[kind](OUTPUTS, {"<nexa_0>": 0.75})
    with asking(manner, catalogue) as (client, server):
        (decoded,) = client.decode_all([SELFIE])
    assert decoded.text == "<nexa_0>('front')<nexa_end>"
    assert decoded.confidence == pytest.approx(0.75)
    assert decoded.model == server.url == client.name
    assert decoded.steps == 4, "as the server counts, the end token too"


@pytest.mark.parametrize("kind", BY_THE_BOOK)
def test_the_least_sure_outer_call_counts(kind: str, catalogue: Catalogue) -> None:
    sure = {"<nexa_7>": 0.9, "<nexa_2>": 0.1, "<nexa_13>": 0.8}
    with asking(BY_THE_BOOK[kind](OUTPUTS, sure), catalogue, several=True) as (client, _):
        (decoded,) = client.decode_all([WEATHER])
    assert decoded.text == OUTPUTS[WEATHER].strip() + END
    assert decoded.confidence == pytest.approx(0.8)


def test_what_is_asked(catalogue: Catalogue) -> None:
    with asking(vllm(OUTPUTS), catalogue, key="k-1\n") as (client, server):
        client.decode_all([SELFIE])
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/completions")
    assert request.headers["Authorization"] == "Bearer k-1"
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.body == {
        "model": WEIGHTS,
        "prompt": PUBLISHED.replace(QUERY, SELFIE),
        "max_tokens": 256,
        "temperature": 0,
        "stop": [END],
        "logprobs": 1,
        "skip_special_tokens": False,
        "preserved_tokens": [*(f"<nexa_{function.token}>" for function in catalogue), END],
        "structured_outputs": {"grammar": spelled.lark(catalogue, SELFIE, several=False)},
    }


def test_weights_that_know_more_get_the_larger_grammar(catalogue: Catalogue) -> None:
    with asking(vllm(OUTPUTS), catalogue, several=True) as (client, server):
        client.decode_all([SELFIE])
    grammar = server.completions[0]["structured_outputs"]["grammar"]
    assert grammar == spelled.lark(catalogue, SELFIE, several=True)


def test_a_prompt_of_ones_own_and_no_grammar(catalogue: Catalogue) -> None:
    options: dict[str, Any] = {"prompt": "Q: {query}\nA:", "grammar": False}
    with asking(saying(ANSWER), catalogue, **options) as (client, server):
        client.decode_all(["{query} 50 % \\ \ud800"])
    (asked,) = server.completions
    assert asked["prompt"] == "Q: {query} 50 % \\ \ud800\nA:"
    assert "structured_outputs" not in asked
    assert asked["skip_special_tokens"] is False


def test_without_a_name_the_servers_first_weights_are_asked_for_once(catalogue: Catalogue) -> None:
    with asking(vllm(OUTPUTS), catalogue, weights="") as (client, server):
        for _ in range(2):
            client.decode_all([SELFIE])
    paths = ["/v1/models", "/v1/completions", "/v1/completions"]
    assert [one.path for one in server.requests] == paths
    assert {asked["model"] for asked in server.completions} == {WEIGHTS}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"object": "list", "data": []}, "data: Tuple should have at least 1 item"),
        ({"data": [{"name": "octopus"}]}, "data.0.id: Field required"),
        ([], "Input should be an object"),
    ],
)
def test_a_list_of_weights_that_cannot_be_read(
    answer: Any, said: str, catalogue: Catalogue
) -> None:
    model = ModelServer(vllm(OUTPUTS))
    model.models = saying(answer)
    with asking(model, catalogue, weights="") as (client, server):
        assert said in away(client)
        assert server.completions == []
        model.models = saying({"data": [{"id": WEIGHTS}]})
        assert client.decode_all([SELFIE])[0].confidence > 0.9, "the next time it is asked again"


def test_several_sentences_are_under_way_at_the_same_time(catalogue: Catalogue) -> None:
    sentences = [f"Set the volume of my music to {level}" for level in range(8)]
    together = threading.Barrier(len(sentences))
    book = vllm(lambda sentence: f" <nexa_13>({sentence[-1]}, 'media')")

    def answer(one: Exchange) -> None:
        together.wait(5)
        book(one)

    with asking(answer, catalogue) as (client, server):
        decoded = client.decode_all(sentences)
    assert [one.text for one in decoded] == [f"<nexa_13>({n}, 'media')<nexa_end>" for n in range(8)]
    assert len(server.requests) == 8


def test_no_connection_is_kept_from_call_to_call(catalogue: Catalogue) -> None:
    with asking(vllm(OUTPUTS), catalogue, weights="") as (client, server):
        for _ in range(2):
            client.decode_all([SELFIE])
    models, first, second = (one.port for one in server.requests)
    assert second not in (models, first)


def test_more_sentences_than_go_at_once(catalogue: Catalogue) -> None:
    book, full = vllm(OUTPUTS), threading.Barrier(MAX_AT_ONCE)
    room = threading.Semaphore(MAX_AT_ONCE)

    def answer(one: Exchange) -> None:
        assert room.acquire(blocking=False)
        full.wait(5)
        one.gone.wait(0.1)  # for the next, if there were one
        room.release()
        book(one)

    with asking(answer, catalogue) as (client, _):
        assert len(client.decode_all([SELFIE, WEATHER] * MAX_AT_ONCE)) == 2 * MAX_AT_ONCE


def test_nothing_said_is_nothing_sent(catalogue: Catalogue) -> None:
    with asking(vllm(OUTPUTS), catalogue) as (client, server):
        assert client.decode_all([]) == []
    assert server.requests == []


def test_an_error_of_one_sentence_is_an_error_of_all_at_once(catalogue: Catalogue) -> None:
    book = vllm({PRIVATE: " oh"})
    both = threading.Barrier(2)

    def answer(one: Exchange) -> None:
        both.wait(5)
        (book if one.request.sentence == PRIVATE else silent)(one)

    with asking(answer, catalogue, timeout=30.0) as (client, server):
        started = time.monotonic()
        assert "writes no call" in away(client, SELFIE, PRIVATE)
        assert time.monotonic() - started < 5
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "sentence", ["<nexa_3>", "say <nexa_end> now", "text John <nexa_8>('911')"]
)
def test_functional_tokens_of_a_person_never_leave(sentence: str, catalogue: Catalogue) -> None:
    with asking(vllm(OUTPUTS), catalogue, weights="") as (client, server):
        with pytest.raises(FunctionalTokenSaid) as caught:
            client.decode_all([SELFIE, sentence])
        assert caught.value.code == "functional_token"
        assert sentence not in str(caught.value)
        assert server.requests == []
        client.decode_all([SELFIE])


def test_letters_that_are_no_token_are_sent(catalogue: Catalogue) -> None:
    said = ["<NEXA_3>", "< nexa_3>", "<nexa_>", "nexa_3"]
    with asking(vllm(lambda _: "<nexa_20>()"), catalogue) as (client, server):
        assert {one.text for one in client.decode_all(said)} == {"<nexa_20>()<nexa_end>"}
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (" <nexa_0>('front')<nexa_end>\n\nFunction description: \ndef", "<nexa_0>('front')"),
        ("<nexa_0>('front')\n", "<nexa_0>('front')"),
        (" <nexa_7>('John', 'I'm late')", "<nexa_7>('John', 'I'm late')"),
        (" <nexa_15>", "<nexa_15>"),
    ],
)
def test_what_real_weights_write(text: str, meant: str, catalogue: Catalogue) -> None:
    with asking(vllm(lambda _: text, {"<nexa_8>": 0.1}), catalogue) as (client, _):
        (decoded,) = client.decode_all([SELFIE])
    assert decoded.text == meant + END
    assert decoded.confidence == pytest.approx(0.99)


@pytest.mark.parametrize("code", [400, 422])
@pytest.mark.parametrize(
    ("fields", "sent", "told"),
    [
        (("structured_outputs",), BEYOND[:2], "without the grammar"),
        (BEYOND, (), "without fields that are not OpenAI's"),
    ],
)
def test_fields_that_a_server_refuses_are_left_out_from_then_on(
    code: int,
    fields: tuple[str, ...],
    sent: tuple[str, ...],
    told: str,
    catalogue: Catalogue,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "orchestrator")
    manner = refusing(*fields, code=code, otherwise=saying(ANSWER))
    with asking(manner, catalogue) as (client, server):
        assert client.decode_all([SELFIE, PRIVATE])[0].confidence > 0.9
        asked = len(server.completions)
        client.decode_all([SELFIE])
    assert len(server.completions) == asked + 1
    assert [name for name in BEYOND if name in server.completions[-1]] == list(sent)
    assert [record.getMessage() for record in caplog.records] == [
        f"the model server {server.url} is asked {told}"
    ]
    assert caplog.records[0].levelname == "INFO"


def test_a_request_that_is_refused_in_any_form_changes_nothing(
    catalogue: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "orchestrator")
    refused = [status(400)] * 3
    with asking(in_turn(*refused, vllm(OUTPUTS)), catalogue) as (client, server):
        assert "refuses the request (400)" in away(client)
        client.decode_all([SELFIE])
    assert [name for name in BEYOND if name in server.completions[-1]] == list(BEYOND)
    assert caplog.records == []


def test_answers_that_come_slowly_but_in_time(catalogue: Catalogue) -> None:
    with asking(slowly(ANSWER), catalogue) as (client, _):
        assert client.decode_all([SELFIE])[0].text == "<nexa_0>('front')<nexa_end>"


NEVER_DONE = {
    "silent": silent,
    "header": drop_by_drop(head=True),
    "body": drop_by_drop(head=False),
}


def gives_up(client: Server, *sentences: str) -> None:
    """In time."""
    started = time.monotonic()
    assert "gives no answer within 0.3 s" in away(client, *sentences)
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("path", ["models", "answer"])
@pytest.mark.parametrize("kind", NEVER_DONE)
def test_the_time_is_for_the_whole_call(kind: str, path: str, catalogue: Catalogue) -> None:
    model = ModelServer(vllm(OUTPUTS))
    setattr(model, path, NEVER_DONE[kind])
    with asking(model, catalogue, weights="", timeout=0.3) as (client, _):
        gives_up(client, SELFIE, PRIVATE)


def test_nothing_reads_on_once_the_time_is_up(catalogue: Catalogue) -> None:
    stopped = threading.Event()

    def endless(one: Exchange) -> None:
        NEVER_DONE["body"](one)
        stopped.set()

    with asking(endless, catalogue, timeout=0.3) as (client, _):
        gives_up(client)
        assert stopped.wait(5)


def test_a_name_that_is_looked_up_for_long(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found.wait(10) and [])
    client = Server("http://hub.test/v1", catalogue, timeout=0.3)
    gives_up(client)
    found.set()


def test_a_server_is_asked_again_after_it_was_too_slow(catalogue: Catalogue) -> None:
    with asking(in_turn(silent, vllm(OUTPUTS)), catalogue, timeout=1.0) as (client, _):
        away(client)
        assert client.decode_all([SELFIE])[0].confidence > 0.9


@pytest.mark.parametrize(
    "trouble",
    [status(500), status(503), status(429), status(429, Retry_After="0"), breaking_off],
    ids=["500", "503", "429", "429 now", "broken off"],
)
def test_what_may_pass_is_tried_again(trouble: Manner, catalogue: Catalogue) -> None:
    with asking(in_turn(trouble, trouble, vllm(OUTPUTS)), catalogue) as (client, server):
        assert client.decode_all([SELFIE])[0].confidence > 0.9
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (status(500), "has no answer for now (500)"),
        (status(429), "has no answer for now (429)"),
        (breaking_off, "broke off the connection"),
    ],
)
def test_and_given_up_after_three_times(trouble: Manner, said: str, catalogue: Catalogue) -> None:
    with asking(trouble, catalogue) as (client, server):
        assert said in away(client)
    assert len(server.requests) == 3


def in_an_hour() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)


@pytest.mark.parametrize("asked", ["60", "9" * 400, in_an_hour()], ids=["s", "ages", "date"])
def test_waiting_longer_than_there_is_time_is_pointless(asked: str, catalogue: Catalogue) -> None:
    with asking(status(503, Retry_After=asked), catalogue, timeout=30.0) as (client, server):
        started = time.monotonic()
        assert "(503)" in away(client)
        assert time.monotonic() - started < 5
    assert len(server.requests) == 1


def test_a_server_that_asks_to_wait_is_given_the_time(catalogue: Catalogue) -> None:
    manner = in_turn(status(429, Retry_After="1"), vllm(OUTPUTS))
    with asking(manner, catalogue) as (client, server):
        started = time.monotonic()
        assert client.decode_all([SELFIE])
        assert time.monotonic() - started >= 1
    assert len(server.requests) == 2


@pytest.mark.parametrize("asked", ["0", "soon", "-1", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_waiting_that_is_over_or_no_time(asked: str, catalogue: Catalogue) -> None:
    manner = in_turn(status(429, Retry_After=asked), vllm(OUTPUTS))
    with asking(manner, catalogue) as (client, server):
        assert client.decode_all([SELFIE])
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (status(401), "wants another key (401): write it into the model.key_file"),
        (status(403), "wants another key (403)"),
        (status(404), "has no /v1/completions, or not these weights (404): is model.url that of a"),
        (status(409), "answers with status 409"),
        (status(204), "answers with status 204"),
    ],
)
def test_other_refusals_are_final(trouble: Manner, said: str, catalogue: Catalogue) -> None:
    with asking(trouble, catalogue) as (client, server):
        assert said in away(client)
    assert len(server.requests) == 1


def test_weights_that_the_server_does_not_have(catalogue: Catalogue) -> None:
    with asking(vllm(OUTPUTS), catalogue, weights="squid") as (client, _):
        assert "and model.weights their name there?" in away(client)


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_redirects_are_not_followed(code: int, catalogue: Catalogue) -> None:
    with serving(vllm(OUTPUTS)) as elsewhere:
        manner = status(code, Location=f"{elsewhere.url}/completions")
        with asking(manner, catalogue, key="k-1") as (client, server):
            assert f"leads elsewhere ({code})" in away(client)
        assert (len(server.requests), elsewhere.requests) == (1, [])


HALF = json.dumps(ANSWER).encode()[:100]
PACKED = gzip.compress(json.dumps(ANSWER).encode())
NONSENSE: dict[str, tuple[Manner, str]] = {
    "html": (raw(b"<!doctype html><p>471147", "text/html"), "Invalid JSON"),
    "half": (raw(HALF), "Invalid JSON: EOF"),
    "empty": (raw(b""), "Invalid JSON: EOF"),
    "latin": (raw(b'{"choices": [{"text": "\xe9"}]}'), "Invalid JSON"),
    "packed": (lambda one: one.send(200, PACKED, Content_Encoding="gzip"), "Invalid JSON"),
    "deep": (raw(b'{"choices": ' + b"[" * 100_000), "Invalid JSON"),
    "nan": (raw(json.dumps(ANSWER).replace("-0.1", "NaN").encode()), "token_logprobs.0"),
    "list": (saying([ANSWER]), "Input should be an object"),
    "nothing": (saying({"error": "471147"}), "choices: Field required"),
    "no choice": (saying({"choices": []}), "choices: Tuple should have at least 1 item"),
    "choice": (saying({"choices": {"text": "471147"}}), "choices: Input should be a valid array"),
    "no text": (saying({"choices": [without(CHOICE, "text")]}), "choices.0.text: Field required"),
    "text": (saying({"choices": [CHOICE | {"text": 471147}]}), "choices.0.text: Input should be"),
    "chat": (saying({"choices": [{"message": {"content": "471147"}}]}), "text: Field required"),
    "usage": (saying(ANSWER | {"usage": [1]}), "usage: Input should be an object"),
    "probability": (
        saying(
            {"choices": [CHOICE | {"logprobs": {"content": [{"token": "x", "logprob": 0.98}]}}]}
        ),
        "logprob: Input should be less than or equal to",
    ),
    "written": (
        saying({"choices": [CHOICE | {"logprobs": {"token_logprobs": ["-0.1"]}}]}),
        "token_logprobs.0: Input should be a valid number",
    ),
    "much": (raw(b" " * (MAX_BODY + 1)), f"answers more than {MAX_BODY} bytes"),
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_what_is_no_answer_is_told_so_in_one_line(kind: str, catalogue: Catalogue) -> None:
    manner, said = NONSENSE[kind]
    with asking(in_turn(manner, vllm(OUTPUTS)), catalogue) as (client, server):
        assert said in away(client)
        assert len(server.requests) == 1, "the same would come again"
        assert client.decode_all([SELFIE])[0].confidence > 0.9


def test_a_body_is_not_read_past_the_limit(catalogue: Catalogue) -> None:
    stopped = threading.Event()

    def endless(one: Exchange) -> None:
        one.head(200, 1 << 40)
        while one.write(b" " * 65_536):
            pass
        one.hang_up()
        stopped.set()

    with asking(endless, catalogue) as (client, _):
        assert "answers more than" in away(client)
        assert stopped.wait(5)


def text_only(text: str) -> dict[str, Any]:
    return completion(CHOICE | {"text": text}, 9)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a functional token at character 0): are its weights made for functional"),
        ("('Zebulon', '471147')", "expected a functional token at character 0): are its"),
        ("I text Zebulon: 471147", "expected a functional token at character 0): are its"),
        ("<nexa_7>('Zebulon', 471147", "expected ',', but the text ends"),
        ("<nexa_7>('Zebulon', '' 471147", "expected a closing quote"),
        ("<nexa_7>('Zebulon' 471147)", "expected a closing quote at character"),
        ("<nexa_0>('front', '471147')", "take_a_photo takes 1 arguments, 2 given"),
        ("<nexa_0>('front') 471147", "expected the end at character"),
        ("<nexa_54>()", "no function has the token <nexa_54>"),
        ("<nexa_20>();<nexa_0>()", "irrelevant_function stands beside other calls"),
        ("<nexa_0>" * 3_000, "the model wrote 24010 characters"),
    ],
)
def test_text_that_is_no_call(text: str, said: str, catalogue: Catalogue) -> None:
    with asking(saying(text_only(text)), catalogue) as (client, _):
        assert f"writes no call ({said}" in away(client)


def test_functions_outside_of_the_catalogue_are_none(catalogue: Catalogue) -> None:
    few = Catalogue([function for function in catalogue if function.token < 7])
    with asking(vllm(OUTPUTS), few) as (client, _):
        assert client.decode_all([SELFIE])
        assert "no function has the token <nexa_7>" in away(client)


def test_text_that_was_cut_off_is_no_call(catalogue: Catalogue) -> None:
    cut = completion(CHOICE | {"finish_reason": "length"}, 256)
    ended = completion(CHOICE | {"finish_reason": "length", "text": "<nexa_0>('front')" + END}, 256)
    with asking(in_turn(saying(cut), saying(ended)), catalogue) as (client, _):
        assert "writes no <nexa_end> within 256 tokens" in away(client)
        assert client.decode_all([SELFIE])


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"content": None, "tokens": None, "token_logprobs": None},
        {"content": []},
        {"tokens": [" ", "<nexa_0>"], "token_logprobs": [None, None]},
        {"tokens": [" ", "<nexa_0>"]},
        {"tokens": ["<nexa_0>", ";", "<nexa_15>"], "token_logprobs": [-0.1, -0.1, None]},
    ],
)
def test_without_log_probabilities_nothing_is_believed(given: Any, catalogue: Catalogue) -> None:
    text = "<nexa_0>();<nexa_15>()" if ";" in str(given) else "<nexa_0>()"
    answer = completion(CHOICE | {"logprobs": given, "text": text}, 9)
    with asking(saying(answer), catalogue) as (client, _):
        assert "gives no log probabilities" in away(client)


@pytest.mark.parametrize(
    "tokens",
    [
        [" ", "<nexa_8>"],
        [" ", "<", "nexa", "_0", ">"],
        [END, "<nexa_0>"],
        ["<nexa_0>", "<nexa_0>"],
        ["token_id:256000"],
    ],
)
def test_log_probabilities_of_something_else_are_not_believed(
    tokens: list[str], catalogue: Catalogue
) -> None:
    given = {"tokens": tokens, "token_logprobs": [-0.1] * len(tokens)}
    with asking(saying(completion(CHOICE | {"logprobs": given}, 9)), catalogue) as (client, _):
        assert "other functional tokens" in away(client)


@pytest.mark.parametrize(
    ("log", "confidence"), [(0, 1.0), (0.0004, 1.0), (-9999.0, 0.0), (-3.4e38, 0.0)]
)
def test_the_ends_of_the_scale(log: float, confidence: float, catalogue: Catalogue) -> None:
    given = {"content": [{"token": " <nexa_0>", "logprob": log}]}
    answer = without(completion(CHOICE | {"logprobs": given}, 9), "usage")
    with asking(saying(answer), catalogue) as (client, _):
        (decoded,) = client.decode_all([SELFIE])
    assert decoded == Decoded(
        text="<nexa_0>('front')<nexa_end>", confidence=confidence, steps=1, model=client.name
    )


@pytest.mark.parametrize(
    ("form", "key", "sent"),
    [
        ("http://ann:s3cret@{}/v1/", None, "Basic YW5uOnMzY3JldA=="),
        ("http://ann:s3cret@{}/v1", "k-1", "Bearer k-1"),
        ("http://{}/v1", None, None),
    ],
)
def test_credentials_go_into_a_header_and_nowhere_else(
    form: str, key: str | None, sent: str | None, catalogue: Catalogue,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    model = ModelServer(in_turn(status(400), status(400), vllm(OUTPUTS), status(403)))
    url = form.format(f"127.0.0.1:{model.port}")
    # The book's vLLM hides functional tokens from who does not ask for them.
    with asking(model, catalogue, url=url, key=key) as (client, server):
        assert client.name == server.url
        said = away(client) + away(client)
    assert {one.headers.get("Authorization") for one in server.requests} == {sent}
    assert {one.path for one in server.requests} == {"/v1/completions"}
    assert "s3cret" not in caplog.text + said
    assert "k-1" not in said
    assert "Zebulon" not in caplog.text


def test_a_query_stays_in_the_address(catalogue: Catalogue) -> None:
    model = ModelServer(vllm(OUTPUTS))
    with asking(model, catalogue, url=model.url + "?version=2") as (client, server):
        client.decode_all([SELFIE])
    assert client.name == server.url
    assert server.requests[0].path == "/v1/completions?version=2"


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:8000/v1", "ftp://hub/v1", "http://", "http://u:s3cret@h:x/v1",
     "http://h:99999/v1", "http://xn--/v1"],
)  # fmt: skip
def test_addresses_that_are_none(url: str, catalogue: Catalogue) -> None:
    with pytest.raises(InvalidSettings, match=r"model\.url") as caught:
        Server(url, catalogue)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "  \n", "a\nb", "schlüssel", "a\x00b"])
def test_keys_that_are_none(key: str, catalogue: Catalogue) -> None:
    with pytest.raises(InvalidSettings, match=r"model\.key_file"):
        Server("http://127.0.0.1/v1", catalogue, key=key)


@pytest.fixture
def port() -> Iterator[int]:
    """Where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_nobody_is_there(port: int, catalogue: Catalogue) -> None:
    said = away(Server(f"http://127.0.0.1:{port}/v1", catalogue, timeout=5))
    assert "cannot be reached (ConnectionRefusedError [Errno 111]" in said
    assert said.endswith(f"('127.0.0.1', {port})): does it run?")


def test_nobody_is_there_at_any_address_of_the_host(
    port: int, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = socket.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM)
    other = (*one[:4], ("127.0.0.2", port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [one, other])
    said = away(Server(f"http://hub.test:{port}/v1", catalogue, timeout=5))
    assert "cannot be reached (ConnectionRefusedError [Errno 111]" in said


def test_the_reason_is_no_error_of_the_callers(port: int, catalogue: Catalogue) -> None:
    try:
        raise FunctionalTokenSaid
    except FunctionalTokenSaid:
        said = away(Server(f"http://127.0.0.1:{port}/v1", catalogue, timeout=5))
    assert "cannot be reached (ConnectionRefusedError [Errno 111]" in said


def test_a_name_that_nobody_has(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    said = away(Server("http://hub.test/v1", catalogue, timeout=5))
    assert "cannot be reached (gaierror [Errno -2] Name or service not known)" in said


def test_a_server_that_comes_back_in_time(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ModelServer(vllm(OUTPUTS))
    client = Server(model.url, catalogue, weights=WEIGHTS, timeout=5)
    with ExitStack() as stack:

        def between_tries(*_: float) -> float:
            stack.enter_context(model.running())
            return 0.0

        monkeypatch.setattr(completions.random, "uniform", between_tries)
        assert client.decode_all([SELFIE])


def test_proxies_of_the_environment_are_not_asked(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(status(500)) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with asking(vllm(OUTPUTS), catalogue) as (client, _):
            assert client.decode_all([SELFIE])
        assert proxy.requests == []


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    """A server's key and certificate, which nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hub")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = tmp_path / "server.pem"
    file.write_bytes(key.private_bytes(pem, *form) + certificate.public_bytes(pem))
    return file


def tls(identity: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity)
    return context


def test_a_server_that_wants_a_certificate(
    catalogue: Catalogue, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certifi, "where", lambda: str(identity))
    context = tls(identity)
    context.verify_mode = ssl.CERT_REQUIRED
    with asking(ModelServer(vllm(OUTPUTS), context), catalogue) as (client, server):
        assert "broke off the connection" in away(client)
    assert server.requests == []


def test_a_server_that_nobody_vouches_for_gets_nothing(
    catalogue: Catalogue, identity: Path
) -> None:
    model = ModelServer(vllm(OUTPUTS), tls(identity))
    with asking(model, catalogue, key="k-1") as (client, server):
        assert "CERTIFICATE_VERIFY_FAILED" in away(client)
    assert server.requests == []


@pytest.mark.parametrize("kind", NEVER_DONE)
def test_a_server_that_is_vouched_for(
    kind: str, catalogue: Catalogue, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certifi, "where", lambda: str(identity))
    model = ModelServer(in_turn(vllm(OUTPUTS), NEVER_DONE[kind]), tls(identity))
    with asking(model, catalogue, timeout=5) as (client, _):
        assert client.decode_all([SELFIE])
    model = ModelServer(NEVER_DONE[kind], tls(identity))
    with asking(model, catalogue, timeout=0.3) as (client, _):
        gives_up(client)


@pytest.mark.parametrize("manner", [status(500), status(400), status(401), raw(b"")])
def test_errors_survive_the_way_between_processes(manner: Manner, catalogue: Catalogue) -> None:
    with asking(manner, catalogue) as (client, _), pytest.raises(ServerAway) as caught:
        client.decode_all([PRIVATE])
    copy = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(copy, ServerAway)
    assert str(copy) == str(caught.value)
