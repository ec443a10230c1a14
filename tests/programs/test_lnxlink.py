"""LNXlink as it is, as a process, on a real broker: found, recognised and driven."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from device_adapters.ha import HaClient
from device_adapters.ha.adapter import find
from device_adapters.homeassistant import device_of
from device_adapters.mqtt import Message
from device_adapters.pc import PcAdapter
from device_adapters.pc.functions import APPLICATION
from device_adapters.simulated.pc import SimulatedPc
from schemas.call import Restore
from schemas.device import Kind
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.outcome import Done, Evidence
from schemas.state import DeviceState
from tests.broker import Broker, hub_on, invocation, running_broker
from tests.programs import program, system
from tests.sshd import Desktop

ID = "Office-PC"


class Lnxlink:
    """LNXlink on a desktop of small programs; a bus of its own shows notifications and plays."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self.desktop = Desktop(folder)
        self.folder = folder
        self.down = folder / "down"
        self._broker = broker
        self._volume = folder / "volume"
        self._volume.write_text("50")
        self.process: asyncio.subprocess.Process | None = None
        self.told: list[list[str]] = []
        self.environment: dict[str, str] = {}
        self.announced: dict[str, bytes] = {}

    def furnish(self) -> None:
        """Put the programs there that LNXlink calls."""
        self.desktop.screen()
        self.desktop.has("xdg-open")
        self.desktop.has("xdotool")
        self.desktop.has("firefox", "echo starting; echo started")
        self.desktop.has("systemctl", f'exit "$(cat {self.down})"')
        self.desktop.has(
            "pactl",
            'case "$1" in\n'
            f'set-sink-volume) printf %s "${{3%\\%}}" >{self._volume};;\n'
            f'get-sink-volume) echo "Volume: front-left: 1 / $(cat {self._volume})% / 0 dB";;\n'
            "subscribe) exec sleep 60;;\n"
            "esac",
        )

    def configuration(self) -> dict[str, object]:
        modules = (
            *("cpu", "memory", "disk_usage", "media", "notify", "session_lock"),
            *("xdg_open", "keyboard", "shutdown", "bash"),
        )
        firefox = {"name": "Open Firefox", "type": "button", "command": "firefox"}
        login = {"user": "", "pass": "", "tls": False}
        return {
            "mqtt": {
                "prefix": "lnxlink", "clientId": ID, "server": self._broker.host,
                "port": self._broker.port, "auth": login, "lwt": {"enabled": True, "qos": 1},
                "discovery": {"enabled": True, "prefix": "homeassistant"}, "clear_on_off": True,
            },
            "update_interval": 1, "update_on_change": False, "modules": modules,
            "custom_modules": None, "exclude": None,
            "settings": {
                "bash": {"allow_any_command": False, "expose": [firefox]},
                "shutdown": {"command": "systemctl poweroff", "command_timeout": 5},
            },
        }  # fmt: skip

    async def listen(self, ha: HaClient) -> None:
        """Take in what it announces, word for word."""

        async def heard(message: Message) -> None:
            self.announced[message.topic] = message.payload

        ha.mqtt.subscribe("homeassistant/+/lnxlink/+/config", heard)

    async def start(self) -> None:
        file = self.folder / "lnxlink.yaml"
        file.write_text(json.dumps(self.configuration()))  # JSON is YAML
        self.process = await asyncio.create_subprocess_exec(
            program("lnxlink"), "-i", "-c", str(file), "-d", str(self.folder),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL, env=self.environment,
        )  # fmt: skip

    async def kill(self) -> None:
        if self.process and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Lnxlink]:
        """LNXlink, its bus and its desktop, for the length of a block."""
        self.furnish()
        environment = {"PATH": f"{self.desktop.bin}:/usr/bin:/bin", "HOME": str(self.folder)}
        async with AsyncExitStack() as stack:
            address = f"unix:path={self.folder}/bus"
            bus = await started(stack, system("dbus-daemon"), "--session", "--nofork",
                                "--print-address", f"--address={address}")  # fmt: skip
            assert bus.stdout
            environment["DBUS_SESSION_BUS_ADDRESS"] = (await bus.stdout.readline()).decode().strip()
            shown = await started(
                stack, program("python"), str(Path(__file__).with_name("desktop.py")),
                env=os.environ | environment,
            )  # fmt: skip
            assert shown.stdout
            assert json.loads(await shown.stdout.readline()) == ["ready"]
            reading = asyncio.create_task(self._read(shown.stdout))
            stack.push_async_callback(asyncio.gather, reading, return_exceptions=True)
            stack.callback(reading.cancel)
            self.environment = environment | {"USER": "ann", "XDG_SESSION_ID": "7"}
            await self.start()
            stack.push_async_callback(self.kill)
            yield self

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self.told.append(json.loads(line))


async def started(
    stack: AsyncExitStack, *argv: str, env: dict[str, str] | None = None
) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env=env
    )

    async def end() -> None:
        process.kill()
        await process.wait()

    stack.push_async_callback(end)
    return process


async def until(holds: Callable[[], object], within: float = 15) -> None:
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 (a foreign process)
            await asyncio.sleep(0.02)


class House(NamedTuple):
    """A hub, and a computer with LNXlink that it may use."""

    hub: HaClient
    lnxlink: Lnxlink
    adapter: PcAdapter


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with (
        running_broker(tmp_path) as broker,
        hub_on(broker) as ha,
        Lnxlink(tmp_path, broker).running() as lnxlink,
    ):
        await lnxlink.listen(ha)
        # Its modules announce themselves one after the other; this one is the last.
        await until(lambda: (device := ha.device(ID)) and find(device, APPLICATION))
        device = ha.device(ID)
        assert device
        found = device_of(device)
        assert found
        adapter = PcAdapter(found, ha, tmp_path / "files")
        await adapter.connect()
        yield House(ha, lnxlink, adapter)
        await adapter.close()


async def test_it_is_found_recognised_and_driven(house: House, tmp_path: Path) -> None:
    hub, lnxlink, adapter = house
    found = adapter.device
    assert (found.kind, found.name, found.address) == (Kind.PC, ID, {"ha": ID})
    served = {
        *("media_control", "set_volume", "lock_screen", "show_notification", "open_url"),
        *("open_application", "type_text", "shutdown", "get_pc_status"),
    }
    assert set(found.functions) == served
    assert await adapter.connect() == served

    async def do(function: str, **arguments: object) -> Done:
        return await adapter.call(invocation(function, timeout=10, **arguments))

    status = await do("get_pc_status", item="all")
    assert re.fullmatch(r"cpu [\d.]+%, memory [\d.]+%, disk [\d.]+%", str(status.result))

    text = 'Dinner & "wine" \\ -x é'
    assert (await do("show_notification", text=text)).evidence is Evidence.UNVERIFIED
    await until(lambda: ["notify", "Octopus", text] in lnxlink.told)
    typed, url = ["-x it's $(id)", "123", "true"], "https://example.org/?a=1&b='2'"
    await asyncio.gather(*(do("type_text", text=t) for t in typed), do("open_url", url=url))
    await until(
        lambda: len(lnxlink.desktop.ran("xdotool")) == 3 and lnxlink.desktop.ran("xdg-open")
    )
    assert sorted(lnxlink.desktop.ran("xdotool")) == sorted(["type", "--", t] for t in typed)
    assert lnxlink.desktop.ran("xdg-open") == [[url]]

    assert (await do("lock_screen")).evidence is Evidence.VERIFIED
    assert ["lock-session", "7"] in lnxlink.desktop.ran("loginctl")

    volume = invocation("set_volume", level=3, volume_type=None)
    assert await adapter.present(volume) == Restore(
        function="set_volume", arguments={"level": 5, "volume_type": None}
    )
    assert (await do("set_volume", level=3)).evidence is Evidence.VERIFIED
    assert ["set-sink-volume", "@DEFAULT_SINK@", "30%"] in lnxlink.desktop.ran("pactl")

    assert (await do("media_control", action="play")).evidence is Evidence.VERIFIED
    assert (await do("media_control", action="pause")).evidence is Evidence.VERIFIED
    assert (await do("media_control", action="next")).evidence is Evidence.UNVERIFIED
    await until(lambda: ["media", "Next"] in lnxlink.told)

    opened = await do("open_application", name="Firefox")
    assert (opened.evidence, opened.detail) == (
        Evidence.UNVERIFIED,
        f"Opened Firefox on {ID}: started",  # what LNXlink says that its command printed
    )

    simulated = SimulatedPc(hub.mqtt.address[0], hub.mqtt.address[1], ID).announcements()
    real = {topic: json.loads(payload) for topic, payload in house.lnxlink.announced.items()}
    shared = simulated.keys() & real.keys()
    assert len(shared) >= 9
    for topic in shared:
        for announcement in (simulated[topic], real[topic]):
            announcement["device"].pop("model")  # the system it runs on
            announcement.pop("expire_after", None)  # five times the interval
        assert simulated[topic] == real[topic]


async def test_its_end_is_noticed_and_a_shutdown_told_from_an_attempt(house: House) -> None:
    lnxlink, adapter = house.lnxlink, house.adapter
    heard = asyncio.Event()
    adapter.noticed = heard.set
    await lnxlink.kill()
    async with asyncio.timeout(2):
        await heard.wait()
    assert adapter.notice
    assert adapter.notice.state is DeviceState.OFFLINE
    with pytest.raises(DeviceUnavailable, match="offline"):
        await adapter.call(invocation("lock_screen"))

    await lnxlink.start()
    await until(lambda: adapter.notice is None)
    lnxlink.down.write_text("1")
    with pytest.raises(DeviceRefused, match="did not shut down"):
        await adapter.call(invocation("shutdown", timeout=10))
    lnxlink.down.write_text("0")
    await until(lambda: adapter.notice is None)
    done = await adapter.call(invocation("shutdown", timeout=3))
    assert (done.evidence, done.detail) == (Evidence.VERIFIED, f"Shut {ID} down")
    assert lnxlink.desktop.ran("systemctl") == [["poweroff"], ["poweroff"]]
    with pytest.raises(DeviceUnavailable, match="offline"):
        await adapter.call(invocation("lock_screen"))
