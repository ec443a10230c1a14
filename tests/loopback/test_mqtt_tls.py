"""The MQTT client over TLS against a real Mosquitto."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device_adapters.mqtt import Message, MqttClient
from schemas.errors import DeviceUnavailable
from tests.broker import Broker, running_broker
from tests.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def broker(tmp_path: Path, authority: Authority) -> AsyncIterator[Broker]:
    async with running_broker(tmp_path, authority.mosquitto()) as running:
        yield running


async def test_messages_of_any_size_pass_over_tls(broker: Broker, authority: Authority) -> None:
    """Each takes several records of TLS, and many wait in one."""
    client = MqttClient(broker.host, broker.port, client_id="tls", tls=authority.trusted())
    heard: asyncio.Queue[Message] = asyncio.Queue()
    async with client, asyncio.timeout(20):
        await client.wait_connected(10)
        client.subscribe("big/#", heard.put)
        sent = [bytes([n]) * size for n, size in enumerate((0, 1, 70_000, 1_000_000, *[20] * 200))]
        await asyncio.gather(*(client.publish("big/one", payload) for payload in sent))
        got = [(await heard.get()).payload for _ in sent]
        assert sorted(got) == sorted(sent)
        assert client.secure


async def test_without_tls_it_is_not_secure(broker: Broker) -> None:
    careless = ssl.create_default_context()
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
    for tls in (None, careless):
        assert not MqttClient(broker.host, broker.port, client_id="x", tls=tls).secure


@pytest.mark.parametrize("wrong", ["another authority", "another host"])
async def test_a_certificate_that_proves_nothing_is_refused(
    tmp_path: Path, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    authority = Authority(tmp_path)
    believed = Authority(tmp_path, "another authority") if "authority" in wrong else authority
    shown = "elsewhere.example" if "host" in wrong else "127.0.0.1"
    async with running_broker(tmp_path, authority.mosquitto(shown)) as broker:
        client = MqttClient(broker.host, broker.port, client_id="x", tls=believed.trusted())
        async with client:
            with pytest.raises(DeviceUnavailable, match="is not trusted: ") as told:
                await client.wait_connected(1)
            with pytest.raises(DeviceUnavailable, match="is not trusted"):
                await client.publish("secret", b"1234")
    assert caplog.text.count("is not trusted") == 1  # however often it is tried
    assert "\n" not in str(told.value)


async def test_a_broker_without_tls_gets_nothing(tmp_path: Path) -> None:
    async with running_broker(tmp_path) as broker:
        client = MqttClient(
            broker.host, broker.port, client_id="x", tls=Authority(tmp_path).trusted()
        )
        async with client:
            with pytest.raises(DeviceUnavailable, match="no MQTT broker answers"):
                await client.wait_connected(1)


async def test_what_came_in_one_record_is_read_to_its_end(
    tmp_path: Path, authority: Authority
) -> None:
    """Once TLS has deciphered it, no socket says that there is more."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def packet() -> bytes:
            size = (await reader.readexactly(2))[1]
            return await reader.readexactly(size)

        await packet()  # CONNECT
        writer.write(b"\x20\x03\x00\x00\x00")  # CONNACK
        number = (await packet())[:2]  # of SUBSCRIBE
        told = [b"\x30\x05\x00\x01t\x00" + bytes([n]) for n in range(9)]  # PUBLISH
        writer.write(b"\x90\x04" + number + b"\x00\x00" + b"".join(told))
        await reader.read()
        writer.close()

    shown = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    shown.load_cert_chain(*authority.issue("127.0.0.1"))
    heard: asyncio.Queue[Message] = asyncio.Queue()
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=shown)
    port = server.sockets[0].getsockname()[1]
    async with (
        server,
        MqttClient("127.0.0.1", port, client_id="x", tls=authority.trusted()) as client,
    ):
        client.subscribe("t", heard.put)
        async with asyncio.timeout(5):
            assert [(await heard.get()).payload[0] for _ in range(9)] == list(range(9))
