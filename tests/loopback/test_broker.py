"""The hub's own broker: who may do what, and that it is there."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from device_adapters.mqtt import Message, MqttClient
from device_adapters.mqtt import client as mqtt
from orchestrator import broker
from orchestrator.broker import DEVICES, HUB, LOCAL, Login, NoBroker, PortInUse, own_broker
from schemas.errors import DeviceRefused, DeviceUnavailable, InvalidSettings
from tests.broker import MOSQUITTO


class Own:
    """A running broker of the hub's, and clients on it."""

    def __init__(self, state: Path, login: Login, stack: AsyncExitStack) -> None:
        self.state, self.login, self._stack = state, login, stack

    @property
    def pid(self) -> int:
        return int((self.state / "broker" / "pid").read_text())

    async def client(self, user: str | None, password: str | None = None) -> MqttClient:
        password = password or broker.passwords(self.state).get(user or "")
        login = {"username": user, "password": password}
        host, port = self.login.host, self.login.port
        client = MqttClient(host, port, client_id=f"test-{user}", **login)
        return await self._stack.enter_async_context(client)

    async def connected(self, user: str) -> MqttClient:
        client = await self.client(user)
        await client.wait_connected(10)
        return client


@pytest.fixture(params=["mosquitto", "amqtt"])
async def own(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Own]:
    monkeypatch.setattr(mqtt, "_FIRST_DELAY", 0.02)
    if request.param == "amqtt":
        pytest.importorskip("amqtt")
        monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    async with own_broker(tmp_path, 0, "octopus") as login, AsyncExitStack() as stack:
        yield Own(tmp_path, login, stack)


only_mosquitto = pytest.mark.parametrize("own", ["mosquitto"], indirect=True)


async def test_the_topic_says_who_speaks(own: Own) -> None:
    hub, local, devices = [await own.connected(user) for user in (HUB, LOCAL, DEVICES)]
    heard: asyncio.Queue[Message] = asyncio.Queue()
    hub.subscribe("#", heard.put)
    await hub.publish("ready", b"")
    await heard.get()

    for sender, topic in (
        (local, "octopus/command/other"),
        (local, "octopus/command/local/other"),
        (local, "octopus/request/other/health"),
        (local, "octopus/response/local/health"),
        (local, "octopus/status"),
        (local, "octopus"),
        (local, "homeassistant/switch/x/config"),
        (devices, "octopus/command/devices"),
        (devices, "octopus/request/devices/health"),
        (devices, "octopus/event"),
        (devices, "octopus/execution/last"),
        (devices, "octopus"),
    ):
        try:
            await sender.publish(topic, b"forged")
        except DeviceRefused:
            continue
        assert not sender._v5, f"{topic}: only MQTT 3.1.1 says nothing of a refusal"
    allowed = [
        (local, "octopus/command/local"),
        (local, "octopus/request/local/execution/get"),
        (devices, "homeassistant/switch/x/config"),
        (devices, "lnxlink/pc/lwt"),
        (devices, "octopus/device/lamp/config"),
        (hub, "octopus/status"),
    ]
    for sender, topic in allowed:
        await sender.publish(topic, b"said")
    async with asyncio.timeout(10):
        got = [await heard.get() for _ in allowed]
    assert sorted((m.topic, m.payload) for m in got) == sorted((t, b"said") for _, t in allowed)


async def test_users_read_the_hub_and_devices_do_not(own: Own) -> None:
    hub, local, devices = [await own.connected(user) for user in (HUB, LOCAL, DEVICES)]
    people: asyncio.Queue[Message] = asyncio.Queue()
    things: asyncio.Queue[Message] = asyncio.Queue()
    local.subscribe("#", people.put)
    devices.subscribe("#", things.put)
    await devices.publish("ready/1", b"")
    await things.get()
    # The broker heard of a subscription once its retained message has come.
    await hub.publish("octopus/status", b"online", retain=True)
    async with asyncio.timeout(10):
        assert (await people.get()).topic == "octopus/status"
    await hub.publish("octopus/event", b"{}")
    await hub.publish("car/lock", b"locked")
    async with asyncio.timeout(10):
        assert (await people.get()).topic == "octopus/event"
        assert (await things.get()).topic == "car/lock"


@pytest.mark.parametrize("user", [None, LOCAL, "nobody"])
async def test_nobody_comes_in_without_the_password(own: Own, user: str | None) -> None:
    client = await own.client(user, "wrong" if user else None)
    with pytest.raises(DeviceUnavailable):
        await client.wait_connected(0.5)


async def test_secrets_are_their_owners_alone(own: Own) -> None:
    folder = own.state / "broker"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    secret = [f for f in folder.iterdir() if f.name in {"passwords.json", "passwords", "acl"}]
    assert secret
    assert {stat.S_IMODE(file.stat().st_mode) for file in secret} == {0o600}
    passwords = broker.passwords(own.state)
    assert len(set(passwords.values())) == 3
    assert broker.passwords(own.state) == passwords, "made once"
    if (folder / "passwords").exists():
        assert not any(p in (folder / "passwords").read_text() for p in passwords.values())


@only_mosquitto
async def test_a_killed_broker_comes_back_and_clients_with_it(own: Own) -> None:
    hub, local = [await own.connected(user) for user in (HUB, LOCAL)]
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def hear(message: Message) -> None:
        heard.put_nowait(message.payload)

    ups: asyncio.Queue[None] = asyncio.Queue()
    hub.subscribe("octopus/command/+", hear)
    hub.on_connect(lambda: ups.put(None))
    local.on_connect(lambda: ups.put(None))
    for _ in range(2):
        await ups.get()
    before = own.pid
    os.kill(before, signal.SIGKILL)
    async with asyncio.timeout(15):
        for _ in range(2):
            await ups.get()
        # Connected is not subscribed yet: the broker says whether anybody listens.
        while not await local.publish("octopus/command/local", b"again"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        assert await heard.get() == b"again"
    assert own.pid != before


async def test_a_hub_that_stops_while_its_broker_restarts_leaves_none_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "RESTART_AFTER", 0.0)
    starting = asyncio.Event()
    answers = broker._answers

    async def never(port: int) -> bool:
        starting.set()
        return False

    async with own_broker(tmp_path, 0, "octopus"):
        first = int((tmp_path / "broker/pid").read_text())
        monkeypatch.setattr(broker, "_answers", never)
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(10):
            await starting.wait()
    second = int((tmp_path / "broker/pid").read_text())
    assert second != first
    assert not Path(f"/proc/{second}").exists()
    monkeypatch.setattr(broker, "_answers", answers)


async def test_what_a_killed_hub_left_behind_is_ended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with own_broker(tmp_path, 0, "octopus") as login:
        pass
    config = tmp_path / "broker/mosquitto.conf"
    orphan = await broker._start(str(MOSQUITTO), config, login.port)
    with caplog.at_level(logging.WARNING):
        async with own_broker(tmp_path, login.port, "octopus") as again:
            assert again.port == login.port
            assert await orphan.wait() == 0
    assert "a killed hub left behind" in caplog.text


async def test_a_hub_that_stops_at_once_leaves_no_broker_behind(tmp_path: Path) -> None:
    async with own_broker(tmp_path, 0, "octopus"):
        pid = int((tmp_path / "broker/pid").read_text())
    assert not Path(f"/proc/{pid}").exists()


async def test_somebody_elses_process_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir(mode=0o700)
    (folder / "pid").write_text(str(os.getpid()))
    async with own_broker(tmp_path, 0, "octopus"):
        pass


async def test_a_port_in_use_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortInUse, match=rf"port {port} is taken: set broker\.port"):
            async with own_broker(tmp_path, port, "octopus"):
                raise AssertionError


async def test_no_broker_at_all_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(broker, "_installed", lambda _: False)
    with pytest.raises(NoBroker, match="apt install mosquitto"):
        async with own_broker(tmp_path, 0, "octopus"):
            raise AssertionError


async def test_a_first_try_is_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("amqtt")
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    async with own_broker(tmp_path, 0, "octopus"):
        pass
    assert [r.getMessage() for r in caplog.records if "MQTT 3.1.1 only" in r.getMessage()]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"hub": "x"}', "\xff"])
def test_damaged_passwords_are_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "broker").mkdir()
    (tmp_path / "broker/passwords.json").write_text(content, encoding="latin-1")
    with pytest.raises(InvalidSettings, match=r"passwords\.json is damaged: remove it"):
        broker.passwords(tmp_path)


def test_a_state_folder_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidSettings, match="cannot keep passwords"):
        broker.passwords(tmp_path / "file")
