"""The hub's own machine as a computer."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from pathlib import Path

import pytest

from device_adapters.driver import Site
from device_adapters.ha import HaClient
from device_adapters.mqtt import MqttClient
from device_adapters.pc.machine import LocalRunner, MachineAdapter, MachineDriver
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused, DeviceUnavailable, DeviceUncertain
from schemas.outcome import Evidence
from tests.broker import invocation
from tests.sshd import Desktop

HUB = Device(id="machine", kind=Kind.PC, name="hub", protocol="machine")


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desktop:
    """Programs that are all this machine has; nobody is logged in."""
    desktop = Desktop(tmp_path)
    desktop.has("xdotool")
    monkeypatch.setenv("PATH", str(desktop.bin))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "nowhere"))
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return desktop


@pytest.fixture
def adapter(tmp_path: Path) -> MachineAdapter:
    return MachineAdapter(HUB, tmp_path / "files")


async def test_it_is_found_once_under_the_machines_own_name(tmp_path: Path) -> None:
    mqtt = MqttClient("127.0.0.1", 1, client_id="unused")
    driver = MachineDriver(Site(mqtt, HaClient(mqtt), tmp_path))
    found: list[Device] = []

    def propose(device: Device) -> bool:
        found.append(device)
        return True

    async with driver.finding(propose, lambda _: None):
        assert [(d.id, d.kind, d.protocol) for d in found] == [("machine", Kind.PC, "machine")]
    assert found[0].name == socket.gethostname().partition(".")[0]
    assert isinstance(driver.adapter(found[0]), MachineAdapter)


async def test_without_anybody_logged_in_it_serves_its_status_only(
    desktop: Desktop, adapter: MachineAdapter
) -> None:
    desktop.has("systemctl", "exit 1")
    desktop.has("wpctl")
    assert await adapter.connect() == {"get_pc_status"}
    assert adapter.lacking["type_text"] == "the hub's user is not logged in there"
    assert adapter.lacking["media_control"] == "it has none of playerctl"
    done = await adapter.call(invocation("get_pc_status", item="disk"))
    assert str(done.result).startswith("disk ")
    with pytest.raises(DeviceRefused, match="hub: nobody is logged in at its screen"):
        await adapter.call(invocation("type_text", text="hello"))
    assert desktop.ran("xdotool") == []


async def test_without_a_screen_it_serves_what_needs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, desktop: Desktop, adapter: MachineAdapter
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    desktop.has("wpctl", 'echo "Volume: 0.30"')
    assert await adapter.connect() == {"get_pc_status", "set_volume"}
    assert (await adapter.call(invocation("set_volume", level=3))).evidence is Evidence.VERIFIED


async def test_whoever_is_logged_in_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, desktop: Desktop, adapter: MachineAdapter
) -> None:
    monkeypatch.setenv("SECRET", "of the hub")
    desktop.screen("x11")
    desktop.has("xdotool", f'echo "$DISPLAY,$SECRET" >{tmp_path}/seen')
    assert await adapter.connect() == {"get_pc_status", "lock_screen", "type_text"}
    assert (await adapter.call(invocation("lock_screen"))).evidence is Evidence.VERIFIED
    for text in ("-x", "$(id)", "it's", "two\nlines", "é \U0001f600"):
        await adapter.call(invocation("type_text", text=text))
        assert desktop.ran("xdotool")[-1] == ["type", "--", text]
    assert (tmp_path / "seen").read_text() == ":0,\n"
    with pytest.raises(DeviceRefused, match="NUL"):
        await adapter.call(invocation("type_text", text="a\0b"))


async def test_it_cannot_be_woken_or_left_half_connected(
    desktop: Desktop, adapter: MachineAdapter
) -> None:
    with pytest.raises(DeviceUnavailable, match="nothing was sent"):
        await adapter.call(invocation("type_text", text="hello"))
    await adapter.connect()
    with pytest.raises(DeviceRefused, match="hub cannot wake_up"):
        await adapter.call(invocation("wake_up"))
    await adapter.close()
    await adapter.close()


async def test_a_program_that_hangs_is_ended_with_its_call(
    tmp_path: Path, desktop: Desktop, adapter: MachineAdapter
) -> None:
    desktop.screen("x11")
    desktop.has("xdotool", f"echo $$ >{tmp_path}/pid; exec sleep 60")
    await adapter.connect()
    with pytest.raises(DeviceUncertain, match="hub did not answer in time"):
        await adapter.call(invocation("type_text", text="hello", timeout=1))
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_program_that_prints_without_end_is_stopped(desktop: Desktop) -> None:
    desktop.has("yes", "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done")
    async with asyncio.timeout(20):
        with pytest.raises(DeviceUncertain, match="printed more than 100000 bytes"):
            await LocalRunner().run(("yes",), most=100_000)


async def test_words_reach_a_program_as_they_are(desktop: Desktop) -> None:
    luck = random.Random(3)
    texts = ["".join(map(chr, luck.choices(range(1, 0x2FF), k=20))) for _ in range(100)]
    await LocalRunner().run(("xdotool", *texts))
    assert desktop.ran("xdotool") == [texts]


async def test_a_program_that_is_not_there_is_refused(desktop: Desktop) -> None:
    with pytest.raises(DeviceRefused, match="nothing-here cannot be run"):
        await LocalRunner().run(("nothing-here",))
