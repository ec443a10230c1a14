"""The hub's own broker: who may do what, and that it is there."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import socket
import ssl
import stat
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from device_adapters.mqtt import Message, MqttClient
from device_adapters.mqtt import client as mqtt
from orchestrator import broker
from orchestrator.broker import (
    DEVICES,
    HOME_ASSISTANT,
    HUB,
    LOCAL,
    Listen,
    NoBroker,
    NoLogin,
    OwnBroker,
    PortInUse,
    mosquitto,
    own_broker,
    password_of,
)
from orchestrator.broker import own as own_module
from schemas.errors import DeviceRefused, DeviceUnavailable, InvalidSettings
from tests.broker import MOSQUITTO
from tests.certificates import Authority

USERS = ("ann", "bob")


class Own:
    """A running broker of the hub's, and clients on it."""

    def __init__(self, state: Path, running: OwnBroker, stack: AsyncExitStack) -> None:
        self.state, self.running, self._stack = state, running, stack
        self.login = running.login

    @property
    def pid(self) -> int:
        return int((self.state / "broker" / "pid").read_text())

    async def client(self, user: str | None, password: str | None = None) -> MqttClient:
        if user and password is None:
            password = broker.passwords(self.state, USERS).get(user)
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
    async with (
        own_broker(tmp_path, 0, "octopus", users=USERS) as running,
        AsyncExitStack() as stack,
    ):
        yield Own(tmp_path, running, stack)


only_mosquitto = pytest.mark.parametrize("own", ["mosquitto"], indirect=True)


async def test_the_topic_says_who_speaks(own: Own) -> None:
    users = (HUB, LOCAL, DEVICES, HOME_ASSISTANT, "ann")
    hub, local, devices, assistant, ann = [await own.connected(user) for user in users]
    heard: asyncio.Queue[Message] = asyncio.Queue()
    hub.subscribe("#", heard.put)
    await hub.publish("ready", b"")
    await heard.get()

    own_topics = ("octopus", "octopus/event", "octopus/execution/last", "octopus/command/local")
    for sender, topics in (
        (local, ("octopus/command/other", "octopus/command/local/other", "octopus/status")),
        (local, ("octopus/request/ann/health", "octopus/response/local/health", "octopus")),
        (local, ("homeassistant/switch/x/config", "octopus/home_assistant/command")),
        (ann, ("octopus/command/bob", "octopus/request/bob/undo", "octopus/command/local")),
        (ann, ("octopus/response/ann/health", "octopus/event/ann", "octopus/device/lamp/set")),
        (devices, (*own_topics, "octopus/command/devices", "octopus/request/devices/health")),
        (devices, ("octopus/home_assistant/command", "octopus/status", "octopus/command/ann")),
        (assistant, (*own_topics, "octopus/command/ann", "octopus/request/ann/undo")),
    ):
        for topic in topics:
            try:
                await sender.publish(topic, b"forged")
            except DeviceRefused:
                continue
            assert not sender._v5, f"{topic}: only MQTT 3.1.1 says nothing of a refusal"
    allowed = [
        (local, "octopus/command/local"),
        (local, "octopus/request/local/execution/get"),
        (ann, "octopus/command/ann"),
        (ann, "octopus/request/ann/execution/get"),
        (devices, "homeassistant/switch/x/config"),
        (devices, "lnxlink/pc/lwt"),
        (devices, "octopus/device/lamp/config"),
        (assistant, "octopus/home_assistant/command"),
        (assistant, "zigbee2mqtt/lamp/set"),
        (hub, "octopus/status"),
    ]
    for sender, topic in allowed:
        await sender.publish(topic, b"said")
    async with asyncio.timeout(10):
        got = [await heard.get() for _ in allowed]
    assert sorted((m.topic, m.payload) for m in got) == sorted((t, b"said") for _, t in allowed)


async def test_each_reads_what_is_theirs_and_the_house(own: Own) -> None:
    house = {f"octopus/{topic}" for topic in (
        "status", "info", "devices", "device/ssh-pc/state", "device/ssh-pc/availability",
    )}  # fmt: skip
    theirs = {
        LOCAL: house | {"octopus/event", "octopus/execution/c1", "octopus/response/local/health"},
        "ann": house | {"octopus/event/ann", "octopus/response/ann/health"},
        "bob": house | {"octopus/event/bob", "octopus/response/bob/health"},
        DEVICES: {"car/lock", "octopus/device/lamp/set"},
        HOME_ASSISTANT: {
            "car/lock", "octopus/device/lamp/set", "octopus/status", "octopus/home_assistant/last",
        },
    }  # fmt: skip
    theirs[DEVICES] |= {topic for topic in house if "/device/" in topic}
    theirs[HOME_ASSISTANT] |= {topic for topic in house if "/device/" in topic}
    hub = await own.connected(HUB)
    heard: dict[str, asyncio.Queue[Message]] = {user: asyncio.Queue() for user in theirs}
    for user, queue in heard.items():
        client = await own.connected(user)
        client.subscribe("#", queue.put)
        # The broker heard of a subscription once it has sent something.
        end = f"octopus/response/{user}/end" if user in ("ann", "bob", LOCAL) else f"end/{user}"
        async with asyncio.timeout(10):
            while queue.empty():
                await hub.publish(end, b"")
                await asyncio.sleep(0.01)
    for topic in sorted(set().union(*theirs.values(), {"octopus/execution/last"})):
        await hub.publish(topic, b"said")
    for user, topics in theirs.items():
        await hub.publish(f"octopus/response/{user}/last", b"the end")
        await hub.publish(f"last/{user}", b"the end")
        got = set()
        async with asyncio.timeout(10):
            while (message := await heard[user].get()).payload != b"the end":
                got |= {message.topic} if message.payload else set()
        assert got == topics | ({"octopus/execution/last"} if user == LOCAL else set()), user


async def test_a_user_who_comes_is_let_in_and_one_who_goes_is_not(own: Own) -> None:
    ann = await own.connected("ann")
    before = broker.passwords(own.state, USERS)
    await own.running.reconfigure(("ann", "eve"))
    eve = await own.client("eve", password_of(own.state, "eve", ("ann", "eve")))
    await eve.wait_connected(10)
    await eve.publish("octopus/command/eve", b"")
    await ann.publish("octopus/command/ann", b"")
    bob = await own.client("bob", before["bob"])
    with pytest.raises(DeviceUnavailable):
        await bob.wait_connected(0.5)
    assert broker.passwords(own.state, ("ann",))["ann"] == before["ann"]
    await own.running.reconfigure(USERS)
    assert password_of(own.state, "bob", USERS) != before["bob"], "a new one for who comes back"


@only_mosquitto
async def test_who_may_no_longer_come_in_is_sent_away(own: Own) -> None:
    bob = await own.connected("bob")
    await own.running.reconfigure(("ann",))
    async with asyncio.timeout(10):
        while bob.connected:  # noqa: ASYNC110 (only the broker knows when)
            await asyncio.sleep(0.02)


async def test_a_name_of_the_brokers_own_is_refused_and_changes_nothing(own: Own) -> None:
    before = broker.passwords(own.state, USERS)
    with pytest.raises(InvalidSettings, match=r"users\.hub: .*take another name"):
        await own.running.reconfigure(("ann", HUB))
    assert broker.passwords(own.state, USERS) == before
    with pytest.raises(NoLogin, match="no login 'hub'; there are: ann, bob, devices"):
        password_of(own.state, HUB, USERS)


async def test_a_user_whom_no_topic_can_name_gets_no_login(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with own_broker(tmp_path, 0, "octopus", users=("Ann B", "a+b", "c")):
        pass
    assert caplog.text.count("gets no login") == 2
    assert '"c"' in (tmp_path / "broker/passwords.json").read_text()
    assert "Ann" not in (tmp_path / "broker/acl").read_text()


@pytest.mark.parametrize("encrypted", [True, False])
async def test_the_network_comes_in_at_an_address_of_its_own(
    tmp_path: Path, encrypted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    authority = Authority(tmp_path)
    certificate, key = map(str, authority.issue("127.0.0.1"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    listen = Listen("127.0.0.1", port, certificate, key) if encrypted else Listen("127.0.0.1", port)
    async with own_broker(tmp_path, 0, "octopus", listen=listen):
        login = {"username": LOCAL, "password": broker.passwords(tmp_path)[LOCAL]}
        for tls in (authority.trusted() if encrypted else None, None):
            client = MqttClient("127.0.0.1", port, client_id="x", tls=tls, **login)
            async with client:
                if encrypted and tls is None:
                    with pytest.raises(DeviceUnavailable):
                        await client.wait_connected(0.5)
                else:
                    await client.wait_connected(10)
                    await client.publish("octopus/command/local", b"")
        if encrypted:
            old = authority.trusted()
            old.set_ciphers("DEFAULT:@SECLEVEL=0")
            with pytest.warns(DeprecationWarning, match="TLSv1_1"):
                old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
            with pytest.raises(OSError):  # noqa: PT011 (whichever way it is refused)
                await asyncio.open_connection("127.0.0.1", port, ssl=old)
    assert ("in the clear" in caplog.text) is not encrypted


async def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_text("nothing")
    for file, why in (("c.pem", "not its certificate"), ("gone.pem", "No such file")):
        listen = Listen("127.0.0.1", 1, str(tmp_path / file), str(tmp_path / file))
        with pytest.raises(InvalidSettings, match=rf"broker\.cert_file .*{why}"):
            async with own_broker(tmp_path, 0, "octopus", listen=listen):
                raise AssertionError


def test_passwords_that_are_made_at_once_are_the_same(tmp_path: Path) -> None:
    users = [f"u{number}" for number in range(20)]
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda user: (user, password_of(tmp_path, user, users)), users))
    assert dict(made).items() <= broker.passwords(tmp_path, users).items()


@only_mosquitto
async def test_no_password_is_in_a_process_list_or_a_log(
    own: Own, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = broker.passwords(own.state, USERS).values()
    shown = Path(f"/proc/{own.pid}/cmdline").read_text() + caplog.text + repr(own.login)
    assert not any(secret in shown for secret in secrets)


@pytest.mark.parametrize("user", [None, LOCAL, "nobody"])
async def test_nobody_comes_in_without_the_password(own: Own, user: str | None) -> None:
    client = await own.client(user, "wrong" if user else None)
    with pytest.raises(DeviceUnavailable):
        await client.wait_connected(0.5)


@only_mosquitto
async def test_nobody_sends_the_hub_away_by_its_name(own: Own) -> None:
    name = broker.client_id(own.state, "octopus")
    assert name == broker.client_id(own.state, "octopus"), "the same at every start"
    assert stat.S_IMODE((own.state / "broker" / "client_id").stat().st_mode) == 0o600
    elsewhere = own.state / "elsewhere"
    assert broker.client_id(elsewhere, "octopus") != name
    host, port = own.login.host, own.login.port
    passwords = broker.passwords(own.state, USERS)
    login = {"username": HUB, "password": passwords[HUB]}
    async with MqttClient(host, port, client_id=name, **login) as hub:
        await hub.wait_connected(10)
        there = asyncio.Event()

        async def again() -> None:
            there.set()

        gone = hub.on_connect(again)
        await there.wait()
        there.clear()
        login = {"username": "ann", "password": passwords["ann"]}
        async with MqttClient(host, port, client_id="octopus-hub", **login) as ann:
            await ann.wait_connected(10)
            await hub.publish("octopus/status", "online")
        assert not there.is_set(), "it had to come back"
        gone()


def test_a_damaged_client_id_is_named(tmp_path: Path) -> None:
    broker.client_id(tmp_path, "octopus")
    (tmp_path / "broker" / "client_id").write_text("x\n")
    with pytest.raises(InvalidSettings, match="client_id is damaged"):
        broker.client_id(tmp_path, "octopus")


async def test_secrets_are_their_owners_alone(own: Own) -> None:
    folder = own.state / "broker"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    secret = [f for f in folder.iterdir() if f.name in {"passwords.json", "passwords", "acl"}]
    assert secret
    assert {stat.S_IMODE(file.stat().st_mode) for file in secret} == {0o600}
    passwords = broker.passwords(own.state, USERS)
    assert set(passwords) == {HUB, LOCAL, DEVICES, HOME_ASSISTANT, *USERS}
    assert len(set(passwords.values())) == 6
    assert broker.passwords(own.state, USERS) == passwords, "made once"
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
    monkeypatch.setattr(mosquitto, "RESTART_AFTER", 0.0)
    starting = asyncio.Event()
    answers = mosquitto.answers

    async def never(port: int) -> bool:
        starting.set()
        return False

    async with own_broker(tmp_path, 0, "octopus"):
        first = int((tmp_path / "broker/pid").read_text())
        monkeypatch.setattr(mosquitto, "answers", never)
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(10):
            await starting.wait()
    second = int((tmp_path / "broker/pid").read_text())
    assert second != first
    assert not Path(f"/proc/{second}").exists()
    monkeypatch.setattr(mosquitto, "answers", answers)


async def test_what_a_killed_hub_left_behind_is_ended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with own_broker(tmp_path, 0, "octopus") as running:
        port = running.login.port
    config = tmp_path / "broker/mosquitto.conf"
    orphan = await mosquitto.start(str(MOSQUITTO), config, port)
    with caplog.at_level(logging.WARNING):
        async with own_broker(tmp_path, port, "octopus") as again:
            assert again.login.port == port
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
    monkeypatch.setattr(own_module.importlib.util, "find_spec", lambda _: None)
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
