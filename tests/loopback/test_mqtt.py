"""The MQTT client against a real Mosquitto."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from device_adapters.mqtt import Message, MqttClient, Will
from device_adapters.mqtt import client as mqtt
from device_adapters.mqtt import link as mqtt_link
from schemas.errors import DeviceRefused, DeviceUnavailable
from tests.broker import Broker, Connect, running_broker


class Inbox(asyncio.Queue[Message]):
    """A handler that keeps what it gets."""

    async def take(self, message: Message) -> None:
        await self.put(message)

    async def next(self) -> Message:
        async with asyncio.timeout(10):
            return await self.get()

    async def rest(self, client: MqttClient, topic: str) -> list[Message]:
        """Everything that came before a marker sent on `topic`, which the filter must match."""
        await client.publish(topic, b"marker")
        messages = []
        while (message := await self.next()).payload != b"marker":
            messages.append(message)
        return messages


async def test_a_message_arrives_with_its_properties(connect: Connect) -> None:
    client, inbox = await connect(), Inbox()
    client.subscribe("a/+", inbox.take)
    heard = await client.publish(
        "a/b", "né", response_topic="r/1", correlation_data=b"\x00c", expiry=60
    )
    assert heard
    assert await inbox.next() == Message(
        topic="a/b",
        payload="né".encode(),
        response_topic="r/1",
        correlation_data=b"\x00c",
        message_expiry=60,
    )


async def test_publishing_says_that_nobody_listens(connect: Connect) -> None:
    assert not await (await connect()).publish("nobody/here", b"x")


@pytest.mark.parametrize("topic", ["a/#", "+", "\ud800"])
async def test_a_topic_that_is_none_is_refused(connect: Connect, topic: str) -> None:
    client = await connect()
    with pytest.raises(DeviceRefused):
        await client.publish(topic, b"x")
    assert client.connected


async def test_overlapping_filters_get_each_message_once(connect: Connect) -> None:
    client, wide, narrow = await connect(), Inbox(), Inbox()
    client.subscribe("a/#", wide.take)
    client.subscribe("a/b", narrow.take)
    await client.publish("a/b", b"1")
    assert [m.payload for m in await wide.rest(client, "a/c")] == [b"1"]
    assert [m.payload for m in await narrow.rest(client, "a/b")] == [b"1"]


async def test_retained_messages_are_flagged_or_left_out(connect: Connect) -> None:
    client, all_of_them, new_ones = await connect(), Inbox(), Inbox()
    await client.publish("a/b", b"old", retain=True)
    client.subscribe("a/b", all_of_them.take)
    client.subscribe("a/+", new_ones.take, retained=False)
    old = await all_of_them.next()
    assert (old.payload, old.retain) == (b"old", True)
    await client.publish("a/b", b"new", retain=True)
    assert [(m.payload, m.retain) for m in await new_ones.rest(client, "a/c")] == [(b"new", True)]


async def test_unsubscribing_ends_it(connect: Connect) -> None:
    client, one, two = await connect(), Inbox(), Inbox()
    stop = client.subscribe("a/b", one.take)
    client.subscribe("a/c", two.take)
    stop()
    stop()
    assert not await client.publish("a/b", b"x")
    assert not await two.rest(client, "a/c")
    assert one.empty()


async def test_a_raising_handler_costs_nothing_else(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    client, inbox = await connect(), Inbox()

    async def broken(message: Message) -> None:
        raise ValueError(message.topic)

    client.subscribe("a/b", broken)
    client.subscribe("a/b", inbox.take)
    await client.publish("a/b", b"1")
    await client.publish("a/b", b"2")
    assert [(await inbox.next()).payload for _ in range(2)] == [b"1", b"2"]
    assert "ValueError: a/b" in caplog.text
    assert client.connected


async def test_handlers_start_in_order_and_overlap(connect: Connect) -> None:
    client, started, gate, ended = await connect(), Inbox(), asyncio.Event(), Inbox()

    async def wait(message: Message) -> None:
        await started.take(message)
        await gate.wait()
        await ended.take(message)

    client.subscribe("a", wait)
    payloads = [str(n).encode() for n in range(20)]
    await asyncio.gather(*(client.publish("a", payload) for payload in payloads))
    assert [(await started.next()).payload for _ in payloads] == payloads
    assert ended.empty()
    gate.set()
    assert [(await ended.next()).payload for _ in payloads] == payloads


async def test_more_messages_than_slots_and_window_all_arrive(connect: Connect) -> None:
    sender, client, inbox = await connect(), await connect(), Inbox()
    client.subscribe("a", inbox.take)
    await heard(client)
    payloads = [str(n).encode() for n in range(300)]
    await asyncio.gather(*(sender.publish("a", payload) for payload in payloads))
    assert [(await inbox.next()).payload for _ in payloads] == payloads


async def test_a_flood_leaves_room_for_what_is_acknowledged(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt_link, "_ROOM", 50)
    sender, client, gate, inbox = await connect(), await connect(), asyncio.Event(), Inbox()

    async def slow(_: Message) -> None:
        await gate.wait()

    client.subscribe("flood", slow)
    client.subscribe("command", inbox.take)
    await heard(client)
    for _ in range(100):
        await sender.publish("flood", b"x", qos=0)
    for number in range(80):
        await sender.publish("command", str(number).encode())
    gate.set()
    assert [(await inbox.next()).payload for _ in range(80)] == [b"%d" % n for n in range(80)]


async def heard(client: MqttClient) -> None:
    """Wait until the broker has what the client asked for before."""
    ready = Inbox()
    stop = client.subscribe("ready", ready.take, retained=False)
    await client.publish("ready", b"")
    await ready.next()
    stop()


async def test_all_that_a_broker_stored_arrives(connect: Connect) -> None:
    """Mosquitto queues a thousand messages that are to be acknowledged, and drops the others."""
    sender, client, inbox = await connect(), await connect(), Inbox()
    topics = [f"stored/{number}" for number in range(1500)]
    await asyncio.gather(*(sender.publish(topic, b"x", retain=True) for topic in topics))
    client.subscribe("stored/+", inbox.take, qos=0)
    assert {(await inbox.next()).topic for _ in topics} == set(topics)
    one_by_one = Inbox()
    for topic in topics:
        client.subscribe(topic, one_by_one.take, qos=0)
    assert {(await one_by_one.next()).topic for _ in topics} == set(topics)


async def test_an_answer_is_heard_that_was_subscribed_to_right_before(connect: Connect) -> None:
    server, client, answers = await connect(), await connect(), Inbox()

    async def answer(message: Message) -> None:
        await server.publish("answer", message.payload)

    server.subscribe("question", answer)
    await heard(server)
    client.subscribe("answer", answers.take)
    await client.publish("question", b"1")
    assert (await answers.next()).payload == b"1"


async def test_what_is_unsubscribed_at_once_is_never_asked_for(connect: Connect) -> None:
    client, inbox = await connect(), Inbox()
    client.subscribe("a", inbox.take)()
    client.subscribe("b", inbox.take)
    client.unsubscribe("b", inbox.take)
    client.unsubscribe("c", inbox.take)
    assert not await client.publish("a", b"x")
    assert not await client.publish("b", b"x")
    assert inbox.empty()


async def test_what_is_stored_can_be_asked_for_once_more(connect: Connect) -> None:
    client, inbox = await connect(), Inbox()
    await client.publish("a/b", b"kept", retain=True)
    client.subscribe("a/+", inbox.take)
    assert (await inbox.next()).payload == b"kept"
    client.ask_again("a/+")
    client.ask_again("not/subscribed")
    assert (await inbox.next()).payload == b"kept"


async def test_a_broker_away_raises_nothing_at_first_and_is_found_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "_FIRST_DELAY", 0.02)
    broker = Broker(tmp_path)
    async with MqttClient(broker.host, broker.port, client_id="early") as client:
        with pytest.raises(DeviceUnavailable, match=str(broker.port)):
            await client.wait_connected(0.05)
        with pytest.raises(DeviceUnavailable):
            await client.publish("a", b"x")
        assert not client.connected
        await broker.start()
        await client.wait_connected(10)
    await broker.stop()


async def test_a_restarted_broker_is_found_and_subscriptions_are_restored(
    broker: Broker, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "_FIRST_DELAY", 0.02)
    client, inbox = await connect(), Inbox()
    connects: asyncio.Queue[None] = asyncio.Queue()
    client.on_connect(lambda: connects.put(None))
    client.subscribe("a/b", inbox.take)
    await connects.get()
    await broker.stop()
    await broker.start()
    async with asyncio.timeout(20):
        await connects.get()
    await client.publish("a/b", b"again")
    assert (await inbox.next()).payload == b"again"
    assert client.connected


async def test_the_will_is_for_a_client_that_is_cut_off(broker: Broker, connect: Connect) -> None:
    watcher, inbox = await connect(), Inbox()
    watcher.subscribe("will/#", inbox.take)
    will = Will(topic="will/polite", payload="offline")
    async with MqttClient(broker.host, broker.port, client_id="polite", will=will) as client:
        await client.wait_connected(10)
    assert not await inbox.rest(watcher, "will/marker")
    will = Will(topic="will/taken-over", payload="offline", retain=False)
    async with (
        MqttClient(broker.host, broker.port, client_id="taken", will=will) as client,
        MqttClient(broker.host, broker.port, client_id="taken") as twin,
    ):
        await asyncio.gather(client.wait_connected(10), twin.wait_connected(10))
        assert (await inbox.next()).topic == "will/taken-over"


async def test_a_denied_publish_is_refused(tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic read #\n")
    async with (
        running_broker(tmp_path, f"allow_anonymous true\nacl_file {acl}") as broker,
        MqttClient(broker.host, broker.port, client_id="denied") as client,
    ):
        await client.wait_connected(10)
        with pytest.raises(DeviceRefused, match="secret"):
            await client.publish("secret", b"x")


async def test_wrong_credentials_are_never_connected(tmp_path: Path) -> None:
    async with (
        running_broker(tmp_path, "allow_anonymous false") as broker,
        MqttClient(broker.host, broker.port, client_id="x", username="u", password="p") as client,
    ):
        with pytest.raises(DeviceUnavailable):
            await client.wait_connected(0.3)


async def test_an_older_broker_is_spoken_to_in_its_language(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "_FIRST_DELAY", 0.02)
    levels = []

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def only_311(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await reader.read(65536)
        levels.append(level := hello[hello.index(b"MQTT") + 4])
        if level == 5:
            writer.write(b"\x20\x02\x00\x01")
        else:
            upstream, downstream = await asyncio.open_connection(broker.host, broker.port)
            downstream.write(hello)
            await asyncio.gather(pipe(reader, downstream), pipe(upstream, writer))
        writer.close()

    server = await asyncio.start_server(only_311, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, MqttClient("127.0.0.1", port, client_id="old") as client:
        await client.wait_connected(10)
        inbox = Inbox()
        client.subscribe("a/b", inbox.take)
        await client.publish("a/b", b"x", response_topic="dropped/in/3.1.1")
        assert await inbox.next() == Message(topic="a/b", payload=b"x")
    assert levels == [5, 4]


async def test_a_round_trip_does_not_wait_for_delayed_acknowledgements(connect: Connect) -> None:
    client, server, inbox = await connect(), await connect(), Inbox()

    async def answer(message: Message) -> None:
        await server.publish("reply", message.payload)

    server.subscribe("ask", answer)
    client.subscribe("reply", inbox.take)
    await server.publish("ask", b"warm up")
    await inbox.next()
    started = time.perf_counter()
    for _ in range(10):
        await client.publish("ask", b"x")
        await inbox.next()
    assert time.perf_counter() - started < 0.4, "40 ms each: TCP_NODELAY is not set"


async def test_a_silent_broker_does_not_hang_the_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = MqttClient("127.0.0.1", server.getsockname()[1], client_id="x")
        async with client, asyncio.timeout(5):
            with pytest.raises(DeviceUnavailable):
                await client.wait_connected(0.05)


@asynccontextmanager
async def scripted_broker(*answers: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A broker that answers the packets of every connection with these, in turn: its port, and
    the first packet of each connection."""
    connects = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connects.append(await reader.read(65536))
        for answer in answers:
            writer.write(answer)
            await reader.read(65536)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], connects


CONNACK = b"\x20\x03\x00\x00\x00"


async def test_a_refused_subscription_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    refused = b"\x90\x04\x00\x01\x00\x87"  # SUBACK for packet 1: not authorized
    async with (
        scripted_broker(CONNACK, refused) as (port, _),
        MqttClient("127.0.0.1", port, client_id="x") as client,
    ):
        client.subscribe("secret/#", Inbox().take)
        await client.wait_connected(10)
        async with asyncio.timeout(10):
            while "refused to send secret/#" not in caplog.text:  # noqa: ASYNC110 (a log)
                await asyncio.sleep(0.01)


async def test_a_broker_that_sends_nonsense_costs_a_reconnect_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mqtt, "_FIRST_DELAY", 0.02)
    nonsense = b"\x30\x05\x00\x01a\x7f\xff"  # a PUBLISH whose properties are longer than it is
    async with (
        scripted_broker(CONNACK + nonsense) as (port, connects),
        MqttClient("127.0.0.1", port, client_id="x"),
        asyncio.timeout(10),
    ):
        while len(connects) < 3:  # noqa: ASYNC110 (a foreign peer)
            await asyncio.sleep(0.01)


async def test_it_is_alive_with_and_without_a_broker_until_it_ends(broker: Broker) -> None:
    async with MqttClient(broker.host, broker.port, client_id="living") as client:
        await client.wait_connected(10)
        assert client.alive
        await broker.stop()
        async with asyncio.timeout(10):
            while client.connected:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert client.alive
    assert not client.alive
