"""The sample files for a Mosquitto of one's own, on a real one."""

from __future__ import annotations

import asyncio
import getpass
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from device_adapters.mqtt import Message, MqttClient
from device_adapters.mqtt import client as mqtt
from orchestrator.broker import rules
from orchestrator.settings import PACKAGED
from schemas.errors import DeviceRefused, DeviceUnavailable
from tests.broker import MOSQUITTO
from tests.certificates import Authority

LOGINS = ("hub", "ann", "bob", "home_assistant", "zigbee2mqtt", "desk_lamp")
SAMPLE = PACKAGED / "mosquitto"


class Sample:
    """A Mosquitto on the sample files: those alone, but for paths and ports."""

    def __init__(self, port: int, secure_port: int, authority: Authority) -> None:
        self.port, self.secure_port, self.authority = port, secure_port, authority
        self.stack = AsyncExitStack()

    async def client(
        self, user: str | None, password: str | None = None, *, tls: bool = False
    ) -> MqttClient:
        client = MqttClient(
            "127.0.0.1", self.secure_port if tls else self.port, client_id=f"test-{user}",
            username=user, password=password or (f"secret of {user}" if user else None),
            tls=self.authority.trusted() if tls else None,
        )  # fmt: skip
        return await self.stack.enter_async_context(client)

    async def connected(self, user: str, *, tls: bool = False) -> MqttClient:
        client = await self.client(user, tls=tls)
        await client.wait_connected(10)
        return client


@pytest.fixture
async def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sample]:
    monkeypatch.setattr(mqtt, "_FIRST_DELAY", 0.02)
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("", 0)) as other:
        ports = one.getsockname()[1], other.getsockname()[1]
    text = (SAMPLE / "mosquitto.conf").read_text()
    for before, after in (
        ("/etc/mosquitto/octopus.", f"{tmp_path}/octopus."),
        ("/etc/mosquitto/certs/server.crt", str(certificate)),
        ("/etc/mosquitto/certs/server.key", str(key)),
        ("listener 1883 ", f"listener {ports[0]} "),
        ("listener 8883", f"listener {ports[1]}"),
    ):
        assert before in text
        text = text.replace(before, after)
    (tmp_path / "mosquitto.conf").write_text(f"{text}user {getpass.getuser()}\n")
    shutil.copy(SAMPLE / "acl", tmp_path / "octopus.acl")
    passwords = tmp_path / "octopus.passwords"
    passwords.write_text("".join(f"{user}:secret of {user}\n" for user in LOGINS))
    hashing = await asyncio.create_subprocess_exec("mosquitto_passwd", "-U", str(passwords))
    assert await hashing.wait() == 0
    assert MOSQUITTO
    process = await asyncio.create_subprocess_exec(
        MOSQUITTO, "-c", str(tmp_path / "mosquitto.conf"),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    running = Sample(*ports, authority)
    try:
        async with running.stack:
            yield running
    finally:
        process.terminate()
        await process.wait()


async def test_nobody_comes_in_without_a_password_or_in_the_clear(sample: Sample) -> None:
    await sample.connected("ann")
    await sample.connected("ann", tls=True)
    for user, password in ((None, None), ("ann", "secret of bob"), ("eve", "secret of eve")):
        client = await sample.client(user, password)
        with pytest.raises(DeviceUnavailable):
            await client.wait_connected(0.3)
    sample.port = sample.secure_port
    client = await sample.client("ann")
    with pytest.raises(DeviceUnavailable):
        await client.wait_connected(0.3)


@pytest.mark.parametrize(
    ("user", "allowed", "denied"),
    [
        (
            "ann",
            "octopus/command/ann octopus/request/ann/health",
            "octopus/command/bob octopus/request/bob/undo octopus/response/ann/health octopus"
            " octopus/device/lamp/set octopus/event/ann octopus/home_assistant/command"
            " octopus/status"
            " homeassistant/switch/x/config zigbee2mqtt/lamp/set",
        ),
        ("bob", "octopus/device/bob/state", "octopus/command/bob octopus/request/bob/undo"),
        (
            "desk_lamp",
            "octopus/device/desk_lamp/config octopus/device/desk_lamp/availability"
            " octopus/device/desk_lamp/state octopus/device/desk_lamp/result",
            "octopus/device/fan/state octopus/device/desk_lamp/set octopus/command/desk_lamp"
            " octopus/command/ann octopus/request/ann/undo octopus/execution/last octopus/devices",
        ),
        (
            "home_assistant",
            "octopus/home_assistant/command zigbee2mqtt/lamp/set homeassistant/status",
            "octopus/command/ann octopus/request/ann/undo octopus/execution/last octopus/event",
        ),
        (
            "zigbee2mqtt",
            "zigbee2mqtt/lamp homeassistant/light/x/config",
            "octopus/device/lamp/state octopus/command/ann octopus/status",
        ),
    ],
)
async def test_each_says_what_is_theirs_to_say(
    sample: Sample, user: str, allowed: str, denied: str
) -> None:
    hub, sender = await sample.connected("hub"), await sample.connected(user)
    heard: asyncio.Queue[Message] = asyncio.Queue()
    hub.subscribe("#", heard.put)
    await hub.publish("ready", b"")
    await heard.get()
    for topic in denied.split():
        with pytest.raises(DeviceRefused):
            await sender.publish(topic, b"forged")
    for topic in allowed.split():
        await sender.publish(topic, b"said")
        async with asyncio.timeout(10):
            message = await heard.get()
        assert (message.topic, message.payload) == (topic, b"said")


async def test_nobody_reads_what_others_asked(sample: Sample) -> None:
    hub = await sample.connected("hub")
    heard: dict[str, list[str]] = {user: [] for user in ("ann", "desk_lamp", "home_assistant")}
    ends: dict[str, asyncio.Event] = {}
    marks = {"ann": "octopus/response/ann/end", "desk_lamp": "octopus/device/desk_lamp/set"}
    for user, topics in heard.items():
        end = ends[user] = asyncio.Event()

        async def hear(
            message: Message, topics: list[str] = topics, end: asyncio.Event = end
        ) -> None:
            end.set() if message.payload == b"end" else topics.append(message.topic)

        client = await sample.connected(user)
        client.subscribe("#", hear)
        async with asyncio.timeout(10):
            while not end.is_set():
                await hub.publish(marks.get(user, "end"), b"end")
                await asyncio.sleep(0.01)
    private = ("event", "event/bob", "execution/c1", "execution/last", "response/bob/health")
    for topic in (*private, "command/bob", "request/bob/undo", "status", "event/ann"):
        await hub.publish(f"octopus/{topic}", b"said")
    for user, end in ends.items():
        end.clear()
        await hub.publish(marks.get(user, "end"), b"end")
        async with asyncio.timeout(10):
            await end.wait()
    assert heard == {
        "ann": ["octopus/status", "octopus/event/ann"],
        "desk_lamp": [],
        "home_assistant": ["octopus/status"],
    }


def test_people_may_do_what_they_may_on_the_hubs_own_broker() -> None:
    said = (SAMPLE / "acl").read_text().splitlines()
    known = rules.rules("octopus", ("ann",))
    for user in ("hub", "ann", "home_assistant"):
        block = said[said.index(f"user {user}") + 1 :]
        own = [line for line in block[: block.index("")] if not line.startswith("#")]
        assert own == [f"topic {access} {topics}" for access, topics in known[user]]
