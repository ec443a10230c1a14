"""A broker that dies under commands: each runs once, and its end is told afterwards."""

import asyncio
import itertools
import json
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from device_adapters.mqtt import MqttClient
from device_adapters.mqtt import client as mqtt
from orchestrator.broker import Login
from orchestrator.catalogue import Catalogue
from orchestrator.client import connected
from orchestrator.doors import told as doors_told
from orchestrator.policy import Policy, Rule, Verdict
from schemas.call import Invocation
from schemas.outcome import Done, Evidence
from tests.broker import running_broker
from tests.doorkit import door, people, told
from tests.hubkit import command

SELFIE, NESTED = "Take a selfie with the front camera", "text John the weather in Seoul"
MODEL = {
    SELFIE: "<nexa_0>('front')<nexa_end>",
    NESTED: "<nexa_7>('John', <nexa_2>('Seoul'))<nexa_end>",
}
ALLOW = Policy(rules=(Rule(function=("send_text_message",), verdict=Verdict.ALLOW),))
FIRST = 0.1
"""Seconds, about, before the second attempt to find a broker."""
BACK_WITHIN = 5.0
"""Seconds after which the hub has found a broker that is back."""


async def test_fifty_commands_under_way_run_once_each(tmp_path: Path, catalogue: Catalogue) -> None:
    begun = asyncio.Event()

    async def work(_: Invocation) -> Done:
        begun.set()
        return Done(evidence=Evidence.VERIFIED)

    ids = [f"c{number}" for number in range(50)]
    async with (
        running_broker(tmp_path) as broker,
        people(broker, "ann") as (ann,),
        door(broker, tmp_path, catalogue, MODEL, call=work) as hub,
        AsyncExitStack() as stack,
    ):
        await told(ann, "octopus/status", b"online")
        login = Login(broker.host, broker.port, None, None)
        clients = [
            await stack.enter_async_context(connected(login, "octopus", "ann")) for _ in range(5)
        ]
        sending = [
            asyncio.create_task(clients[number % 5].send(SELFIE, identity))
            for number, identity in enumerate(ids)
        ]
        await begun.wait()
        await broker.stop()
        assert not all(task.done() for task in sending), "it was over too soon"
        await broker.start()
        async with asyncio.timeout(BACK_WITHIN):
            await told(ann, "octopus/status", b"online")
        await asyncio.gather(*sending)
        await hub.pipeline.drain(10)
        ran = Counter(call.key for call in hub.adapter.calls)
        states = {
            record.command.id: record.state for record in await hub.journal.latest(100, "ann")
        }
    assert ran == {f"{identity}/0": 1 for identity in ids}
    assert states == dict.fromkeys(ids, "succeeded")


async def test_what_ended_meanwhile_is_told_afterwards(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    under_way, gate = asyncio.Semaphore(0), asyncio.Event()

    async def wait(_: Invocation) -> Done:
        under_way.release()
        await gate.wait()
        return Done(evidence=Evidence.VERIFIED, result="sunny")

    ids = {f"c{number}" for number in range(4)}
    records: dict[str, Any] = {}
    heard: list[tuple[str, int | None, str]] = []
    async with (
        running_broker(tmp_path) as broker,
        people(broker, "ann") as (ann,),
        door(broker, tmp_path, catalogue, MODEL, call=wait, policy=ALLOW) as hub,
    ):
        await told(ann, "octopus/status", b"online")
        await ann.listen("octopus/execution/+")
        await ann.listen("octopus/event")
        for identity in ids:
            assert (await ann.command({"text": NESTED, "id": identity}))["status"] == "ok"
            await under_way.acquire()
        await broker.stop()
        with hub.bus.subscribe() as events:
            gate.set()
            while ids - {event.id for event in hub.events if event.record}:
                await anext(events)
        await broker.start()
        async with asyncio.timeout(10):
            while set(records) < ids:
                message = await ann.heard.get()
                if message.topic == "octopus/event":
                    event = json.loads(message.payload)
                    heard.append((event["id"], event["step"], event["state"]))
                elif message.topic.startswith("octopus/execution/c"):
                    record = json.loads(message.payload)
                    records[record["id"]] = record
        happened = [(event.id, event.step, event.state) for event in hub.events]
    assert {record["state"] for record in records.values()} == {"succeeded"}
    for identity in ids:
        in_order = iter([event for event in happened if event[0] == identity])
        mine = dict.fromkeys(event for event in heard if event[0] == identity)
        assert mine
        assert all(event in in_order for event in mine), "each after the one that was heard before"


async def test_a_record_that_the_broker_does_not_take_holds_up_no_other(
    tmp_path: Path,
    catalogue: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def say(call: Invocation) -> Done:
        return Done(evidence=Evidence.VERIFIED, result="x" * 20_000 * call.key.startswith("long"))

    async def note(last: int) -> None:
        await hub.journal.told(last)
        noted.set()

    noted = asyncio.Event()
    monkeypatch.setattr(mqtt, "_FIRST_DELAY", 0.05)
    monkeypatch.setattr(doors_told, "EVERY", 0.1)
    async with (
        running_broker(tmp_path, "allow_anonymous true\nmax_packet_size 16000") as broker,
        people(broker, "ann") as (ann,),
        door(broker, tmp_path, catalogue, MODEL, call=say) as hub,
    ):
        monkeypatch.setattr(hub.service, "told", note)
        await ann.listen("octopus/execution/+")
        for name in ("long", "short"):
            assert await hub.run(command(SELFIE, name)) == "succeeded"
        async with asyncio.timeout(30):
            while (await hub.service.untold())[0]:
                await noted.wait()
                noted.clear()
        assert (await ann.next("octopus/execution/short"))["state"] == "succeeded"
    assert "the end of command long is not told" in caplog.text


async def test_the_longer_a_broker_is_away_the_rarer_it_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mqtt, "_FIRST_DELAY", FIRST)
    attempts: asyncio.Queue[float] = asyncio.Queue()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        attempts.put_nowait(time.monotonic())
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, MqttClient("127.0.0.1", port, client_id="x"):
        at = [await attempts.get() for _ in range(5)]
    pauses = [after - before for before, after in itertools.pairwise(at)]
    assert all(pause >= FIRST * 2**n / 2 for n, pause in enumerate(pauses)), pauses
