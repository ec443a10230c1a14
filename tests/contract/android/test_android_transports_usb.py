"""adb-shell over USB: the same protocol through a transport whose reads block."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from adb_shell.exceptions import UsbDeviceNotFoundError
from adb_shell.transport.base_transport import BaseTransport
from adb_shell.transport.tcp_transport import TcpTransport

from device_adapters.adb import usb
from device_adapters.adb.adbshell import AdbShell
from device_adapters.adb.usb import UsbBulk
from device_adapters.simulated.phone import Fault, Manner, SimulatedPhone
from schemas.errors import DeviceUnavailable, DeviceUncertain


@pytest.fixture
async def way(phone: SimulatedPhone, key: Path) -> AsyncIterator[AdbShell]:
    """A cable to the phone: adb-shell's own blocking socket stands for libusb."""
    made = AdbShell(UsbBulk("SIM0001", lambda _: TcpTransport("127.0.0.1", phone.port)), key)
    yield made
    await made.close()


async def test_commands_and_files(phone: SimulatedPhone, way: AdbShell) -> None:
    data = bytes(range(256)) * 2000
    await way.push(data, "/sdcard/Download/x", within=10)
    assert phone.state.files.read("/sdcard/Download/x") == data
    assert await way.pull("/sdcard/Download/x", within=10) == data
    assert (await way.shell("false", within=5)).code == 1
    assert await way.alive()


async def test_a_silent_phone_blocks_nobody(phone: SimulatedPhone, way: AdbShell) -> None:
    await way.connect()
    phone.inject(Fault("true", Manner.HANG))
    waiting = asyncio.create_task(way.shell("true", within=0.5))
    turns = 0
    while not waiting.done():
        await asyncio.sleep(0)
        turns += 1
    with pytest.raises(DeviceUncertain, match="no answer in time"):
        await waiting
    assert turns > 1
    assert (await way.shell("true", within=5)).code == 0


async def test_silence_is_longer_than_one_read(
    phone: SimulatedPhone, way: AdbShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usb, "SLICE", 0.01)
    phone.inject(Fault("true", Manner.DELAY, seconds=0.2))
    assert (await way.shell("true", within=5)).code == 0


async def test_unplugged_and_plugged_in_again(phone: SimulatedPhone, way: AdbShell) -> None:
    await way.connect()
    phone.inject(Fault("true", Manner.UNPLUG))
    with pytest.raises(DeviceUncertain):
        await way.shell("true", within=5)
    assert not await way.alive()
    assert (await way.shell("true", within=5)).code == 0


async def test_not_plugged_in(key: Path) -> None:
    def nothing(_: str) -> BaseTransport:
        raise UsbDeviceNotFoundError

    way = AdbShell(UsbBulk("SIM0001", nothing), key)
    with pytest.raises(DeviceUnavailable, match="USB SIM0001: it is not plugged in"):
        await way.connect()
    await way.close()
