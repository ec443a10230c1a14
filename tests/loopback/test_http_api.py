"""The API, served by the real server to programs that hold a token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestrator.admission import Limits
from orchestrator.catalogue import Catalogue
from orchestrator.doors.http.api import events, stopping
from orchestrator.doors.http.api.routes import ROUTES
from orchestrator.operations import OPERATIONS
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.outcome import Done
from tests.apikit import API, Served, anybody, served, stream
from tests.httpfuzz import found_at
from tests.hubkit import ScriptedAdapter

SELFIE = "Take a selfie with the front camera"
CALL = "call 5551234567"
VOLUME = "set the volume to 5"
WEATHER = "what is the weather in Seoul"
DAILY = "selfie every day at 7 am"
MODEL = {
    SELFIE: "<nexa_0>('front')<nexa_end>",
    CALL: "<nexa_8>('5551234567')<nexa_end>",
    VOLUME: "<nexa_13>('5', 'media')<nexa_end>",
    WEATHER: "<nexa_2>('Seoul')<nexa_end>",
    DAILY: "<nexa_0>('front')<nexa_end>",
    "selfie": "<nexa_0>('front')<nexa_end>",
    "undo that": "<nexa_20>()<nexa_end>",
    "gibberish": "<nexa_20>()<nexa_end>",
}
TABLET = Device(
    id="home/p2", kind=Kind.PHONE, name="Tablet", protocol="test", functions=("set_volume",)
)
FOUND = Device(id="p3", kind=Kind.PHONE, name="Fold", protocol="test")


class Slow:
    """A device that takes as long as a test wants."""

    def __init__(self) -> None:
        self.asked, self.goes_on = asyncio.Event(), asyncio.Event()

    async def __call__(self, invocation: Invocation) -> Done:
        self.asked.set()
        await self.goes_on.wait()
        return await ScriptedAdapter.succeed(invocation)


@pytest.fixture
async def hub(tmp_path: Path, catalogue: Catalogue) -> AsyncIterator[Served]:
    tablet = ScriptedAdapter(frozenset(TABLET.functions))
    async with served(tmp_path, catalogue, MODEL, more=[(TABLET, tablet)]) as one:
        yield one


@pytest.fixture
async def ann(hub: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with hub.program("ann") as client:
        yield client


@pytest.fixture
async def bob(hub: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with hub.program("bob") as client:
        yield client


async def heard(client: httpx.AsyncClient, text: str, **fields: Any) -> Any:
    """What came of a sentence."""
    reply = await client.post(f"{API}/commands?wait=10", json={"text": text, **fields})
    assert reply.status_code == 200, reply.text
    return reply.json()


def wrong(reply: httpx.Response, status: int) -> str:
    """The line that a refusal says."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    said = reply.json()
    assert set(said) == {"error", "code"}
    assert "\n" not in said["error"]
    return str(said["error"])


def test_every_operation_has_a_route() -> None:
    assert {route.operation for route in ROUTES} == set(OPERATIONS)
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)
    for route in ROUTES:
        assert not (route.method == "GET" and OPERATIONS[route.operation].changes), route


async def test_a_sentence_is_accepted_and_sent_again_it_is_the_same_command(
    hub: Served, ann: httpx.AsyncClient
) -> None:
    body = {"text": SELFIE, "id": "c1", "devices": ["Pixel"]}
    first = await ann.post(f"{API}/commands", json=body)
    assert (first.status_code, first.json()) == (202, {"id": "c1", "state": "accepted"})
    again = await ann.post(f"{API}/commands?wait=10", json=body)
    told = again.json()
    assert (again.status_code, told["id"], told["state"]) == (200, "c1", "succeeded")
    last = await ann.post(f"{API}/commands", json=body)
    assert (last.status_code, last.json()) == (200, told)
    assert len(hub.hub.adapter.calls) == 1
    record = (await ann.get(f"{API}/executions/c1")).json()
    assert (record["id"], record["command"]["door"], record["answer"]) == (
        "c1", "http", told["text"],
    )  # fmt: skip


async def test_a_function_is_called_without_the_model_and_taken_back(
    hub: Served, ann: httpx.AsyncClient
) -> None:
    call = {"function": "take_a_photo", "arguments": {"camera": "front"}, "devices": ["Pixel"]}
    reply = await ann.post(f"{API}/calls?wait=10", json=call)
    assert (reply.status_code, reply.json()["state"]) == (200, "succeeded")
    undone = await ann.post(f"{API}/undo?wait=10")
    assert undone.status_code == 200
    assert "cannot be undone" in undone.json()["text"]
    assert [call.function for call in hub.hub.adapter.calls] == ["take_a_photo"]


async def test_a_confirmation_is_given_by_its_token_and_once(
    hub: Served, ann: httpx.AsyncClient
) -> None:
    asked = await heard(ann, CALL)
    assert asked["state"] == "awaiting_confirmation"
    [question] = (await ann.get(f"{API}/questions")).json()
    assert (question["id"], question["token"]) == (asked["id"], asked["token"])
    where = f"{API}/executions/{asked['id']}"
    assert (await ann.get(where)).json()["awaiting"]["token"] == asked["token"]
    yes = await ann.post(f"{where}/confirm", json={"token": asked["token"]})
    assert yes.json() == {"execution": asked["id"], "confirmed": True}
    assert "was used" in wrong(
        await ann.post(f"{where}/confirm", json={"token": asked["token"]}), 409
    )
    assert (await heard(ann, CALL, id=asked["id"]))["state"] == "succeeded"


async def test_a_question_is_answered_and_another_command_called_off(
    hub: Served, ann: httpx.AsyncClient
) -> None:
    asked = await heard(ann, VOLUME)
    assert asked["state"] == "awaiting_answer"
    assert set(asked["options"]) == {"Pixel", "Tablet"}
    where = f"{API}/executions/{asked['id']}"
    assert "does not answer" in wrong(
        await ann.post(f"{where}/answer", json={"text": "nothing of use"}), 400
    )
    answered = await ann.post(f"{where}/answer", json={"text": "Pixel"})
    assert answered.json() == {"execution": asked["id"], "answered": "Pixel"}
    second = await heard(ann, VOLUME)
    gone = await ann.post(f"{API}/executions/{second['id']}/cancel")
    assert gone.status_code == 200
    assert (await heard(ann, VOLUME, id=second["id"]))["state"] == "cancelled"


async def test_what_would_come_of_a_sentence_is_said_and_not_done(
    hub: Served, ann: httpx.AsyncClient
) -> None:
    plan = (await ann.post(f"{API}/plan", json={"text": CALL})).json()
    assert (plan["decision"], plan["steps"][0]["device"]) == ("confirm", "Pixel")
    assert not hub.hub.adapter.calls
    assert not (await ann.get(f"{API}/executions")).json()


async def test_commands_are_listed_by_where_they_stand(ann: httpx.AsyncClient) -> None:
    done, waiting = await heard(ann, SELFIE, devices=["Pixel"]), await heard(ann, CALL)
    listed = (await ann.get(f"{API}/executions")).json()
    assert [one["id"] for one in listed] == [waiting["id"], done["id"]]
    some = (await ann.get(f"{API}/executions?states=succeeded&states=failed")).json()
    assert [one["id"] for one in some] == [done["id"]]
    assert len((await ann.get(f"{API}/executions?limit=1")).json()) == 1
    assert "limit" in wrong(await ann.get(f"{API}/executions?limit=many"), 400)
    assert "did you mean limit?" in wrong(await ann.get(f"{API}/executions?limti=1"), 400)


async def test_schedules_are_listed_and_cancelled(ann: httpx.AsyncClient) -> None:
    told = await heard(ann, DAILY, devices=["Pixel"])
    assert told["state"] == "scheduled"
    [schedule] = (await ann.get(f"{API}/schedules")).json()
    gone = await ann.delete(f"{API}/schedules/{schedule['id']}")
    assert (gone.status_code, gone.json()["state"]) == (200, "cancelled")
    assert "of yours" in wrong(await ann.delete(f"{API}/schedules/{schedule['id']}"), 404)


async def test_devices_are_approved_described_renamed_and_removed_by_who_may(
    hub: Served, ann: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    hub.hub.registry.propose(FOUND)
    assert "may not" in wrong(await bob.post(f"{API}/devices/p3/approve"), 403)
    assert (await ann.post(f"{API}/devices/p3/approve")).json()["approved"] is True
    room = await ann.patch(f"{API}/devices/home/p2", json={"room": "kitchen"})
    assert room.json()["room"] == "kitchen", "an id may hold a slash"
    named = await ann.put(f"{API}/devices/home%2Fp2/name", json={"name": "Wall"})
    assert named.json()["name"] == "Wall"
    assert "Wall" in wrong(await ann.put(f"{API}/devices/p3/name", json={"name": "Wall"}), 409)
    assert (await ann.delete(f"{API}/devices/p3")).status_code == 200
    wrong(await ann.delete(f"{API}/devices/p3"), 404)
    shown = {one["id"]: one for one in (await ann.get(f"{API}/devices")).json()}
    assert {key for key, one in shown.items() if one["approved"]} == {"p1", "hub", "home/p2"}
    assert "address" not in shown["p1"]


async def test_what_this_hub_has_no_part_for_is_said(ann: httpx.AsyncClient) -> None:
    assert "[[console]]" in wrong(await ann.post(f"{API}/consoles/open", json={}), 400)
    assert "this hub" in wrong(await ann.post(f"{API}/tasks", json={"do": "screenshot"}), 400)


async def test_functions_and_health_are_told(ann: httpx.AsyncClient, catalogue: Catalogue) -> None:
    functions = (await ann.get(f"{API}/functions")).json()
    assert {one["name"] for one in functions} == {one.name for one in catalogue}
    assert (await ann.get(f"{API}/health")).status_code == 200


async def test_nobody_sees_or_touches_another_users_commands(
    hub: Served, ann: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    asked = await heard(ann, CALL)
    where = f"{API}/executions/{asked['id']}"
    assert not (await bob.get(f"{API}/executions")).json()
    assert not (await bob.get(f"{API}/questions")).json()
    wrong(await bob.get(where), 404)
    wrong(await bob.post(f"{where}/confirm", json={"token": asked["token"]}), 409)
    assert (await bob.post(f"{where}/cancel")).status_code in (404, 409)
    taken = await bob.post(f"{API}/commands", json={"text": SELFIE, "id": asked["id"]})
    assert "another user" in wrong(taken, 400)
    assert (await ann.get(where)).json()["state"] == "awaiting_confirmation"
    assert not hub.hub.adapter.calls


async def test_who_waits_too_short_is_told_that_it_goes_on(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    device = Slow()
    async with (
        served(tmp_path, catalogue, MODEL, call=device) as hub,
        hub.program() as ann,
    ):
        body = {"text": SELFIE, "devices": ["Pixel"], "id": "c1"}
        reply = await ann.post(f"{API}/commands?wait=0.05", json=body)
        assert (reply.status_code, reply.json()["state"]) == (202, "running")
        assert "wait" in wrong(await ann.post(f"{API}/commands?wait=61", json=body), 400)
        device.goes_on.set()
        assert (await heard(ann, **body))["state"] == "succeeded"


async def test_only_so_many_wait_at_once(
    hub: Served, ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "MOST", 0)
    reply = await ann.post(f"{API}/commands?wait=1", json={"text": SELFIE})
    assert "wait already" in wrong(reply, 429)
    assert reply.headers["retry-after"] == "1"


async def test_one_user_takes_not_every_place(
    hub: Served, ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "EACH", 0)
    assert "wait already" in wrong(await ann.post(f"{API}/undo?wait=1", json={}), 429)
    monkeypatch.setattr(events, "EACH", 1)
    async with hub.program("bob") as bob, stream(ann):
        assert "open already" in wrong(await ann.get(f"{API}/events"), 429)
        async with stream(bob):
            pass


async def test_what_does_not_fit_is_named(ann: httpx.AsyncClient) -> None:
    named: list[tuple[Any, str]] = [
        ({}, "text: a text is needed"),
        ({"txt": "hello"}, "unknown key 'txt'; did you mean text?"),
        ({"text": 5}, "text: a text is needed"),
        ({"text": ""}, "the sentence is empty"),
        ({"text": "a\0b"}, "control characters"),
        ({"text": "x", "id": "../x"}, "id: 1 to 64 letters"),
        ({"text": "x", "devices": ["d"] * 51}, "devices"),
        ({"text": "x", "dry_run": "yes"}, "dry_run: true or false"),
        ([], "a JSON object is needed"),
        (None, "a JSON object is needed"),
    ]
    for sent, said in named:
        assert said in wrong(await ann.post(f"{API}/commands", json=sent), 400)
    assert not (await ann.get(f"{API}/executions")).json()


async def test_a_body_that_is_no_such_json_is_refused_in_a_line(ann: httpx.AsyncClient) -> None:
    head = {"content-type": "application/json"}
    for raw in (
        b"", b"{", b'{"text": NaN}', b'{"text": "x", "expires": 1e999}', b"\xff\xfe", b"[" * 9999,
        b'{"text": "\\ud800"}', b'{"\\ud800": 1}', b'{"text": "x"} more', b"9" * 5000,
    ):  # fmt: skip
        sent = await ann.post(f"{API}/commands", content=raw, headers=head)
        assert len(wrong(sent, 400)) < 1100


async def test_a_call_with_a_number_that_json_does_not_have_is_refused(
    ann: httpx.AsyncClient,
) -> None:
    raw = b'{"function": "set_volume", "arguments": {"level": 1e999}}'
    head = {"content-type": "application/json"}
    wrong(await ann.post(f"{API}/calls", content=raw, headers=head), 400)


async def test_paths_and_methods_that_there_are_not_are_told(ann: httpx.AsyncClient) -> None:
    for path in ("/api", "/api/", API, f"{API}/nothing", "/api/v2/commands", f"{API}/commands/"):
        assert wrong(await ann.get(path), 404)
    reply = await ann.delete(f"{API}/commands")
    assert wrong(reply, 405)
    assert reply.headers["allow"] == "POST"
    wrong(await ann.get(f"{API}/executions/a%00b"), 400)
    wrong(await ann.get(f"{API}/executions/nothing"), 404)


async def test_home_assistant_is_answered_in_its_own_shape(
    hub: Served, ann: httpx.AsyncClient
) -> None:
    async def say(text: str, **more: str) -> Any:
        sent = {"text": text, "language": "en", "agent_id": "homeassistant", **more}
        reply = await ann.post("/api/conversation/process", json=sent)
        assert reply.status_code == 200
        return reply.json()

    asked = await say(CALL, conversation_id="room 1")
    assert asked["continue_conversation"] is True
    assert asked["conversation_id"] == "room 1"
    done = await say("yes", conversation_id="room 1")
    speech = done["response"].pop("speech")
    assert set(speech["plain"]) == {"speech", "extra_data"}
    assert done == {
        "response": {
            "response_type": "action_done", "card": {}, "language": "en",
            "data": {"targets": [], "success": [], "failed": []},
        },
        "conversation_id": "room 1",
        "continue_conversation": False,
    }  # fmt: skip
    assert len(hub.hub.adapter.calls) == 1
    read = await say(WEATHER)
    assert read["response"]["response_type"] == "query_answer"
    assert "ok" in read["response"]["speech"]["plain"]["speech"]
    assert read["conversation_id"]
    none = await say("gibberish")
    assert none["response"]["response_type"] == "error"
    assert none["response"]["data"] == {"code": "no_intent_match"}
    assert (await say(""))["response"]["response_type"] == "error"
    assert "text" in wrong(await ann.post("/api/conversation/process", json={}), 400)


async def test_events_tell_a_user_what_happens_to_their_own_commands(
    hub: Served, ann: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    async with asyncio.timeout(10), stream(ann) as happening:
        await heard(bob, SELFIE, devices=["Pixel"], id="b1")
        await heard(ann, SELFIE, devices=["Pixel"], id="a1")
        told = []
        async for event in happening:
            told.append((event["id"], event["step"], event["state"]))
            if event["step"] is None and event["state"] == "succeeded":
                break
        assert {identity for identity, _, _ in told} == {"a1"}
        assert ("a1", 0, "succeeded") in told


async def test_a_stream_ends_with_its_token_and_beats_while_nothing_happens(
    hub: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "BEAT", 0.05)
    async with (
        asyncio.timeout(10),
        hub.program() as ann,
        ann.stream("GET", f"{API}/events") as response,
    ):
        lines = response.aiter_lines()
        while await anext(lines) != ": still here":
            pass
        hub.tokens.revoke(hub.tokens.all()[0].id)
        async for _ in lines:
            pass


async def test_only_so_many_streams_are_open(
    hub: Served, ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST", 1)
    async with stream(ann):
        refused = await ann.get(f"{API}/events")
        assert "open already" in wrong(refused, 429)
        assert int(refused.headers["retry-after"]) > 0
    async with asyncio.timeout(10):
        while True:
            async with ann.stream("GET", f"{API}/events") as again:
                if again.status_code == 200:
                    break


async def test_a_stream_whose_reader_is_far_behind_ends(
    hub: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "BEHIND", 3)
    kept = events.Events()
    lines = kept.stream("ann", lambda: True)
    assert await anext(lines) == "retry: 3000\n\n"
    listening = asyncio.create_task(kept.listen(hub.hub.bus))
    async with hub.program() as ann:
        await heard(ann, SELFIE, devices=["Pixel"])
    assert len([line async for line in lines]) == 2
    listening.cancel()
    await asyncio.wait([listening])


async def test_a_hub_that_stops_ends_streams_and_tells_who_waits(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    device = Slow()
    async with asyncio.timeout(20):
        async with served(tmp_path, catalogue, MODEL, call=device) as hub:
            client = await _kept(hub)
            happening = await client.send(client.build_request("GET", f"{API}/events"), stream=True)
            waiting = asyncio.create_task(
                client.post(f"{API}/commands?wait=60", json={"text": SELFIE, "devices": ["Pixel"]})
            )
            await device.asked.wait()
            waiting.add_done_callback(lambda _: device.goes_on.set())
        stopped = await waiting
        assert "the hub stops" in wrong(stopped, 503)
        assert stopped.headers["retry-after"] == "1"
        assert [line async for line in happening.aiter_lines()]
        await client.aclose()


async def _kept(hub: Served) -> httpx.AsyncClient:
    """A client that outlives the hub."""
    headers = {"authorization": f"Bearer {hub.tokens.issue('ann')}"}
    return anybody(hub.at, headers=headers)


async def test_a_bug_is_told_as_one_and_not_shown(
    hub: Served, ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(hub.hub.service, "request", broken)
    for path in ("devices", "health"):
        said = wrong(await ann.get(f"{API}/{path}"), 500)
        assert "its log says why" in said
        assert "secret" not in said


async def test_the_hub_answers_whoever_watches_over_it(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    def measured() -> tuple[bytes, str]:
        return b"octopus_up 1\n", "text/plain; version=1.0.0"

    async with served(tmp_path, catalogue, MODEL, metrics=measured) as hub, hub.program() as ann:
        bare = anybody(hub.at)
        assert (await bare.get("/healthz")).text == "ok\n"
        assert (await bare.get("/readyz")).json() == {"ready": True, "problems": []}
        hub.hub.service._health = lambda: {
            "ready": False, "problems": ["the journal cannot be written"], "devices": 4,
        }  # fmt: skip
        unready = await bare.get("/readyz")
        assert unready.status_code == 503
        assert unready.json() == {"ready": False, "problems": ["the journal cannot be written"]}
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await bare.get(f"{hub.phone}{path}")).status_code == 404
        wrong(await bare.get("/metrics"), 401)
        told = await ann.get("/metrics")
        assert (told.status_code, told.text) == (200, "octopus_up 1\n")
        assert told.headers["content-type"] == "text/plain; version=1.0.0"
        await bare.aclose()


async def test_openapi_says_everything(hub: Served) -> None:
    async with anybody(hub.at) as client:
        said = (await client.get(f"{API}/openapi.json")).json()
    assert said["security"] == [{"token": []}]
    for route in ROUTES:
        path = f"{API}{route.path}".replace(":path", "")
        one = said["paths"][path][route.method.lower()]
        assert one["summary"] == OPERATIONS[route.operation].summary
        assert one["responses"]["200"]["content"]["application/json"]["schema"] is not None
        assert "422" not in one["responses"]
        for status in ("400", "401", "429"):
            assert one["responses"][status] == {"$ref": f"#/components/responses/{status}"}
            told = said["components"]["responses"][status]["content"]["application/json"]
            assert told["schema"] == {"$ref": "#/components/schemas/Error"}
    sent = said["components"]["schemas"]["CommandBody"]
    assert set(sent["properties"]) == {"text", "id", "devices", "dry_run", "expires", "hold"}
    assert sent["required"] == ["text"]
    assert "execution" not in said["components"]["schemas"]["ConfirmBody"]["properties"]
    assert json.dumps(said).count("422") == 0


async def test_whatever_the_description_allows_or_not_is_answered_as_it_says(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    many = Limits(a_minute=1_000_000, burst=1_000_000, under_way=100_000)
    sentences = Sentences()
    async with served(tmp_path, catalogue, sentences, limits=many) as hub:
        tokens = [hub.tokens.issue("ann") for _ in range(8)]
        found = await found_at(hub.at, tokens, 150)
    assert found.requests > 100
    assert found.complaints == []
    assert found.crashes == 0


class Sentences(dict[str, str]):
    """A model that writes a call for every sentence."""

    def __missing__(self, sentence: str) -> str:
        return MODEL[SELFIE]
