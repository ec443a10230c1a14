"""Who gets into the API, and who does not: tokens, rates, other sites, rude clients."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from orchestrator.catalogue import Catalogue
from orchestrator.doors.http import limits, listen
from orchestrator.doors.http.api import gate
from orchestrator.doors.http.door import Reach
from tests.apikit import API, Served, anybody, served

TEXT = "Take a selfie with the front camera"
MODEL = {TEXT: "<nexa_0>('front')<nexa_end>"}
JSON = {"content-type": "application/json"}


@pytest.fixture
async def hub(tmp_path: Path, catalogue: Catalogue) -> AsyncIterator[Served]:
    reach = Reach(hosts=frozenset({"hub.example"}))
    async with served(tmp_path, catalogue, MODEL, reach=reach) as one:
        yield one


@pytest.fixture
async def stranger(hub: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with anybody(hub.at) as client:
        yield client


@pytest.fixture
async def ann(hub: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with hub.program("ann") as client:
        yield client


def refused(reply: httpx.Response) -> None:
    """Nobody is let in without a token that stands."""
    assert reply.status_code == 401, reply.text
    assert reply.headers["www-authenticate"] == 'Bearer realm="octopus"'
    assert reply.json()["code"] == "no_token"


async def test_nobody_is_let_in_without_a_token_that_stands(
    hub: Served, stranger: httpx.AsyncClient
) -> None:
    good, revoked = hub.tokens.issue("ann"), hub.tokens.issue("ann")
    hub.tokens.revoke(hub.tokens.all()[-1].id)
    expired = hub.tokens.issue("ann", expires=time.time() - 1)
    gone = hub.tokens.issue("carol")  # no user of this hub
    digest = hub.tokens.all()[0].digest
    for secret in (revoked, expired, gone, digest, good[:-1], f"{good}x", "ü"):
        head = {"authorization": f"Bearer {secret}".encode()}
        refused(await stranger.get(f"{API}/health", headers=head))
    for shown in ("", "Bearer", f"Basic {good}", good, f"Bearer{good}"):
        refused(await stranger.get(f"{API}/health", headers={"authorization": shown}))
    twice = [("authorization", f"Bearer {good}"), ("authorization", f"Bearer {good}")]
    refused(await stranger.get(f"{API}/health", headers=twice))
    for elsewhere in (f"?token={good}", f"?access_token={good}"):
        refused(await stranger.get(f"{API}/health{elsewhere}"))
    refused(
        await stranger.get(f"{API}/health", headers={"cookie": f"octopus={good}; token={good}"})
    )
    for path in ("/api", f"{API}/nothing", "/api/conversation/process", "/metrics"):
        refused(await stranger.get(path))
    refused(await stranger.post(f"{API}/commands", json={"text": TEXT}))
    let_in = await stranger.get(f"{API}/health", headers={"authorization": f"bearer {good}"})
    assert let_in.status_code == 200
    assert not await hub.hub.journal.latest(10, "ann")


async def test_a_pages_cookie_is_of_no_use_to_the_api(
    hub: Served, stranger: httpx.AsyncClient
) -> None:
    secret = hub.tokens.issue("ann")
    entered = await stranger.post("/in", data={"token": secret}, follow_redirects=False)
    assert entered.status_code == 303
    cookie = entered.headers["set-cookie"].partition(";")[0]
    assert "secure" not in entered.headers["set-cookie"].lower(), "it came without TLS"
    refused(await stranger.get(f"{API}/devices", headers={"cookie": cookie}))


async def test_a_token_that_runs_out_lets_in_until_then(
    hub: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    async with hub.program(token=hub.tokens.issue("ann", expires=now + 60)) as program:
        assert (await program.get(f"{API}/health")).status_code == 200
        monkeypatch.setattr(time, "time", lambda: now + 61)
        refused(await program.get(f"{API}/health"))


async def test_after_some_wrong_tokens_none_is_looked_at(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_A_MINUTE", 1e6)  # so that a slow machine tries often enough
    looked: list[str] = []
    async with served(tmp_path, catalogue, MODEL) as hub, hub.program() as ann:
        find = hub.tokens.find
        monkeypatch.setattr(hub.tokens, "find", lambda told: looked.append(told) or find(told))
        wrong = [
            await ann.get(f"{API}/health", headers={"authorization": f"Bearer wrong{n}"})
            for n in range(limits.TRIES + 3)
        ]
        assert [one.status_code for one in wrong] == [401] * limits.TRIES + [429] * 3
        assert len(looked) == limits.TRIES
        assert int(wrong[-1].headers["retry-after"]) > 0
        assert wrong[-1].json()["code"] == "busy"
        assert (await ann.get(f"{API}/health")).status_code == 429, "none, not even a good one"
        async with anybody(hub.at) as bare:
            assert (await bare.get(f"{API}/health")).status_code == 401, "that is no try"


async def test_wrong_tokens_are_counted_together_at_the_page_and_at_the_api(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_A_MINUTE", 1e6)
    async with served(tmp_path, catalogue, MODEL) as hub, hub.program() as ann:
        shown = [
            (await ann.post("/in", data={"token": f"wrong{n}"})).status_code
            for n in range(limits.TRIES + 2)
        ]
        assert shown == [403] * limits.TRIES + [429] * 2
        assert (await ann.post("/in", data={"token": hub.tokens.issue("ann")})).status_code == 429
        assert (await ann.get(f"{API}/health")).status_code == 429
        assert (await ann.get("/")).status_code == 200, "who does not try is not kept out"


async def test_one_token_is_used_only_so_often(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "A_SECOND", 1e-6)
    monkeypatch.setattr(gate, "BURST", 5)
    async with (
        served(tmp_path, catalogue, MODEL) as hub,
        hub.program("ann") as ann,
        hub.program("bob") as bob,
    ):
        answers = [await ann.get(f"{API}/schedules") for _ in range(7)]
        assert [one.status_code for one in answers] == [200] * 5 + [429] * 2
        assert "requests a second with one token" in answers[-1].json()["error"]
        assert int(answers[-1].headers["retry-after"]) > 0
        assert (await bob.get(f"{API}/schedules")).status_code == 200


async def test_requests_that_come_at_once_are_answered_one_after_the_other(hub: Served) -> None:
    count = 60
    async with asyncio.timeout(20), hub.program() as ann, hub.connection() as (reader, writer):
        asking = (
            f"GET {API}/nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: {ann.headers['authorization']}\r\n\r\n"
        )
        writer.write(asking.encode() * count)
        said = b""
        while said.count(b"HTTP/1.1 404") < count:
            said += await reader.read(1 << 16)


async def test_a_phones_way_has_no_api(hub: Served) -> None:
    secret = hub.tokens.issue("ann")
    head = {"authorization": f"Bearer {secret}"}
    async with anybody(hub.phone, headers=head) as phone:
        for path in (f"{API}/health", f"{API}/openapi.json", "/api", "/metrics"):
            reply = await phone.get(path)
            assert (reply.status_code, reply.json()["code"]) == (404, "no_such_path")
        sent = await phone.post("/api/conversation/process", json={"text": TEXT})
        assert sent.status_code == 404
        reply = await phone.get("/healthz", headers={"host": "hub.example"})
        assert reply.status_code == 403, "a phone's way has no other names"


async def test_another_site_gets_nothing_even_with_a_token(
    hub: Served, ann: httpx.AsyncClient
) -> None:
    foreign = [
        {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
    ]  # fmt: skip
    names = (
        "evil.example", "127.0.0.1.evil.example", "hub.example.evil.example", "[::1", "0.0.0.0",
        "127.0.0.1@evil.example", "octopus.local", "2130706433", "127.1", "[::ffff:127.0.0.1]",
    )  # fmt: skip
    for headers in (*foreign, *({"host": name} for name in names)):
        for method, path in (("GET", "health"), ("POST", "commands"), ("OPTIONS", "commands")):
            content = b'{"text": "x"}' if method == "POST" else None
            reply = await ann.request(
                method, f"{API}/{path}", headers={**headers, **JSON}, content=content
            )
            assert reply.status_code == 403, (method, headers, reply.text)
            assert reply.json()["code"] == "elsewhere"
            assert "access-control-allow-origin" not in reply.headers
    assert not await hub.hub.journal.latest(10, "ann")


async def test_preflights_are_refused_and_no_answer_may_be_read_elsewhere(
    ann: httpx.AsyncClient,
) -> None:
    asking = {
        "origin": "http://evil.example", "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }  # fmt: skip
    assert (await ann.options(f"{API}/commands", headers=asking)).status_code == 403
    own = {"origin": str(ann.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
    for reply in (
        await ann.options(f"{API}/commands", headers=own),
        await ann.get(f"{API}/health", headers=own),
        await ann.get(f"{API}/openapi.json"),
        await ann.get(f"{API}/nothing"),
    ):
        assert not [name for name in reply.headers if name.startswith("access-control-")]
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in reply.headers


async def test_names_of_this_machine_and_those_that_were_configured_lead_here(
    ann: httpx.AsyncClient,
) -> None:
    for host in ("127.0.0.1:1", "localhost", "LOCALHOST:8", "[::1]:80", "hub.example:443"):
        assert (await ann.get(f"{API}/health", headers={"host": host})).status_code == 200
        assert (await ann.get("/healthz", headers={"host": host})).status_code == 200


async def test_behind_a_proxy_that_ends_tls_its_own_pages_may_send(
    ann: httpx.AsyncClient,
) -> None:
    head = {"host": "hub.example", "origin": "https://hub.example"}
    assert (await ann.post(f"{API}/plan", json={"text": TEXT}, headers=head)).status_code == 200
    forged = {"x-forwarded-host": "hub.example", "x-forwarded-for": "127.0.0.1", "host": "evil"}
    assert (await ann.get(f"{API}/health", headers=forged)).status_code == 403


async def test_bodies_are_json_and_small(hub: Served, ann: httpx.AsyncClient) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        reply = await ann.post(
            f"{API}/commands", content=b'{"text": "x"}', headers={"content-type": kind}
        )
        assert (reply.status_code, reply.json()["code"]) == (415, "wrong_type")
    much = b'{"text": "' + b"x" * gate.MAX_BODY + b'"}'

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(much), 4096):
            yield much[at : at + 4096]

    for body in (much, pieces()):
        reply = await ann.post(f"{API}/commands", content=body, headers=JSON)
        assert (reply.status_code, reply.json()["code"]) == (413, "too_large")
    exact = {"content-type": "application/json; charset=utf-8"}
    sent = await ann.post(f"{API}/commands", content=b'{"text": "x"}', headers=exact)
    assert sent.status_code == 202


async def test_nobody_without_a_token_has_a_body_read(hub: Served) -> None:
    async with asyncio.timeout(10), hub.connection() as (reader, writer):
        writer.write(
            f"POST {API}/commands HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60000\r\n"
            "Content-Type: application/json\r\n\r\n".encode()
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 401")


async def test_a_body_that_stalls_or_breaks_off_is_no_bug(
    hub: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gate, "WITHIN", 0.05)
    head = (
        f"POST {API}/commands HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {hub.tokens.issue('ann')}\r\nContent-Length: 100\r\n\r\n{{"
    )
    for stalls in (True, False):
        async with asyncio.timeout(10), hub.connection() as (reader, writer):
            writer.write(head.encode())
            if not stalls:
                writer.write_eof()
            said = await reader.readline()
            assert said.startswith(b"HTTP/1.1 408") if stalls else said == b""
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR or one.exc_info]


async def test_a_connection_that_never_says_what_it_wants_ends(
    hub: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "HEAD_WITHIN", 0.2)

    async def ends(sent: bytes) -> None:
        async with hub.connection() as (reader, writer):
            writer.write(sent)
            drip = asyncio.create_task(_drip(writer))
            with contextlib.suppress(ConnectionError):  # what still came was not read
                await reader.read()  # to its end
            drip.cancel()
            await asyncio.wait([drip])

    async with asyncio.timeout(10):
        await asyncio.gather(
            ends(b""),
            ends(b"GET /api/v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "),
            ends(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /hea"),
            ends(
                b"POST /api/v1/plan HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60000\r\n\r\n{"
            ),
        )


async def test_a_client_that_reads_nothing_is_cut_off(
    hub: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "READ_WITHIN", 0.2)
    async with asyncio.timeout(20), hub.connection() as (reader, writer):
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        with pytest.raises(ConnectionError):
            await _ask_for_ever(writer)


async def _ask_for_ever(writer: asyncio.StreamWriter) -> None:
    """More than anything on the way can hold."""
    asking = b"GET /static/vendor/htmx.min.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    while True:
        writer.write(asking * 100)
        await writer.drain()
        await asyncio.sleep(0.01)


async def _drip(writer: asyncio.StreamWriter) -> None:
    """A byte now and then, for ever."""
    while True:
        await asyncio.sleep(0.02)
        writer.write(b"x")


async def test_a_head_without_end_is_cut_off(hub: Served) -> None:
    async with asyncio.timeout(10), hub.connection() as (reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        writer.write(b"X-Much: " + b"x" * 2 * listen.MOST_HEAD)
        assert (await reader.readline()).startswith(b"HTTP/1.1 400")
        with contextlib.suppress(ConnectionError):  # what still came was not read
            await reader.read()


async def test_what_takes_long_is_not_cut_off(
    hub: Served, ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "HEAD_WITHIN", 0.05)
    async with asyncio.timeout(10), ann.stream("GET", f"{API}/events") as response:
        lines = response.aiter_lines()
        assert await anext(lines) == "retry: 3000"
        await asyncio.sleep(0.2)
        body = {"text": TEXT, "devices": ["Pixel"]}
        assert (await ann.post(f"{API}/commands?wait=10", json=body)).status_code == 200
        while not (await anext(lines)).startswith("data: "):
            pass
