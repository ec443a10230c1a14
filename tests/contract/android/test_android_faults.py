"""Unplugged, silent, slow, unknown: what is told depends on whether the effect was under way."""

import asyncio
import contextlib
import stat
from pathlib import Path

import pytest

from device_adapters.adb import keys
from device_adapters.adb.adbshell import AdbShell
from device_adapters.adb.tcp import TcpBulk
from device_adapters.android import AndroidAdapter
from device_adapters.simulated.phone import Fault, Manner, SimulatedPhone, Trust
from schemas.errors import (
    DeviceNeedsPerson,
    DeviceRefused,
    DeviceUnavailable,
    DeviceUncertain,
)
from tests.contract.android.android_kit import ADB_SERVER, ADB_SHELL, Call, adapter_for, invocation

NUMBER = "+491511234567"

by_both = pytest.mark.parametrize("transport", [ADB_SHELL, ADB_SERVER], indirect=True)


@by_both
@pytest.mark.parametrize("manner", [Manner.UNPLUG, Manner.RUN_THEN_UNPLUG])
async def test_unplugged_as_the_effect_is_sent(
    phone: SimulatedPhone, call: Call, manner: Manner
) -> None:
    phone.inject(Fault("action.CALL", manner))
    with pytest.raises(DeviceUncertain):
        await call("make_phone_call", phone_number=NUMBER)
    dialled = [words for words in phone.state.commands if "am" in words]
    assert len(dialled) == (manner is Manner.RUN_THEN_UNPLUG)  # never tried twice


@by_both
async def test_unplugged_before_the_effect(phone: SimulatedPhone, call: Call) -> None:
    phone.inject(Fault("dumpsys telephony", Manner.UNPLUG))
    with pytest.raises(DeviceUnavailable):
        await call("make_phone_call", phone_number=NUMBER)
    assert phone.state.called == []


@by_both
async def test_gone_while_looking_whether_it_happened(phone: SimulatedPhone, call: Call) -> None:
    phone.state.provider.add_contact("Ann", NUMBER)
    phone.inject(Fault("dumpsys alarm", Manner.REFUSE, times=2))
    with pytest.raises(DeviceUncertain):
        await call("set_timer_alarm", time="07:30", label="x")
    phone.inject(Fault("dumpsys notification", Manner.UNPLUG))
    with pytest.raises(DeviceUncertain):
        await call("show_notification", text="hi")


@by_both
async def test_the_next_call_connects_again(phone: SimulatedPhone, call: Call) -> None:
    await call("change_screen_brightness", level=1)
    await phone.unplug()
    with pytest.raises(DeviceUnavailable):
        await call("change_screen_brightness", level=2)
    await phone.plug()
    await call("change_screen_brightness", level=3)
    assert phone.state.settings["system"]["screen_brightness"] == "77"


@by_both
async def test_a_silent_phone_ends_in_time(phone: SimulatedPhone, adapter: AndroidAdapter) -> None:
    await adapter.connect()
    phone.inject(Fault("settings put", Manner.HANG))
    with pytest.raises(DeviceUncertain, match="no answer in time"):
        await adapter.call(invocation("change_screen_brightness", 0.5, level=1))
    phone.inject(Fault("getprop", Manner.HANG))
    arguments = {"contact_name": NUMBER, "message": "x"}
    with pytest.raises(DeviceUnavailable):
        await adapter.call(invocation("send_text_message", 0.5, **arguments))


@by_both
async def test_a_call_that_waits_in_vain_for_its_turn(
    phone: SimulatedPhone, adapter: AndroidAdapter
) -> None:
    await adapter.connect()
    phone.inject(Fault("set_dnd", Manner.HANG))
    async with asyncio.TaskGroup() as group:
        hanging = invocation("enable_do_not_disturb", 0.6, enabled=True)
        first = group.create_task(ended(adapter, hanging))
        second = group.create_task(ended(adapter, invocation("lock_screen", 0.1)))
    assert (await first, await second) == (DeviceUncertain, DeviceUnavailable)
    assert phone.state.awake


async def ended(adapter: AndroidAdapter, wanted: object) -> type[Exception] | None:
    """How a call ended."""
    try:
        await adapter.call(wanted)  # type: ignore[arg-type]
    except (DeviceUncertain, DeviceUnavailable) as exc:
        return type(exc)
    return None


@by_both
async def test_many_calls_at_once_all_end(phone: SimulatedPhone, call: Call) -> None:
    levels = range(8)
    await asyncio.gather(*(call("set_volume", level=n, volume_type="media") for n in levels))
    phone.inject(Fault("set_dnd", Manner.DELAY, seconds=0.01))
    done = await asyncio.gather(
        call("enable_do_not_disturb", enabled=True), call("lock_screen"), call("take_screenshot")
    )
    assert len(done) == 3


@by_both
async def test_a_cancelled_call_leaves_a_usable_adapter(
    phone: SimulatedPhone, adapter: AndroidAdapter, call: Call
) -> None:
    await adapter.connect()
    phone.inject(Fault("set_dnd", Manner.HANG))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await call("enable_do_not_disturb", enabled=True)
    await call("enable_do_not_disturb", enabled=True)
    assert phone.state.settings["global"]["zen_mode"] == "1"


async def test_a_person_must_allow_the_hub_once(key: Path) -> None:
    async with SimulatedPhone(trust=Trust.ASK) as phone:
        adapter = adapter_for(phone, key)
        with pytest.raises(DeviceNeedsPerson):
            await adapter.call(invocation("lock_screen", 1.0))
        phone.keys.allow()
        await adapter.call(invocation("lock_screen"))
        await adapter.close()


async def test_a_trusting_phone_remembers_the_key(key: Path) -> None:
    async with SimulatedPhone(trust=Trust.ACCEPT) as phone:
        for _ in range(2):
            adapter = adapter_for(phone, key)
            assert await adapter.connect()
            await adapter.close()
        assert len(phone.keys.known) == 1


async def test_another_phone_at_the_address_is_not_used(phone: SimulatedPhone, key: Path) -> None:
    adapter = adapter_for(phone, key, serial="OTHER")
    with pytest.raises(DeviceUnavailable, match="SIM0001"):
        await adapter.connect()


async def test_nobody_there(phone: SimulatedPhone, key: Path) -> None:
    await phone.unplug()
    adapter = adapter_for(phone, key)
    with pytest.raises(DeviceUnavailable):
        await adapter.connect()
    await adapter.close()
    await adapter.close()


async def test_something_else_there(key: Path) -> None:
    closed = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6 and then some more bytes\r\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
            writer.transport.abort()
            await writer.wait_closed()
        closed.set()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = AdbShell(TcpBulk("127.0.0.1", port), key)
    with pytest.raises(DeviceUnavailable):
        await transport.connect(1.0)
    await closed.wait()
    server.close()
    await server.wait_closed()


async def test_files_go_both_ways(phone: SimulatedPhone, key: Path) -> None:
    transport = AdbShell(TcpBulk("127.0.0.1", phone.port), key)
    data = bytes(range(256)) * 2000
    await transport.push(data, "/sdcard/Download/it's.bin", within=5)
    assert phone.state.files.read("/sdcard/Download/it's.bin") == data
    assert await transport.pull("/sdcard/Download/it's.bin", within=5) == data
    with pytest.raises(DeviceRefused, match="No such file"):
        await transport.pull("/sdcard/none", within=5)
    with pytest.raises(DeviceRefused, match="Read-only"):
        await transport.push(b"x", "/system/x", within=5)
    answer = await transport.shell("false", within=5)
    assert answer.code == 1
    await transport.close()


def test_only_the_owner_reads_the_key(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "adbkey"
    keys.load(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    path.chmod(0o644)
    keys.load(path)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (before, 0o600)
    assert sorted(p.name for p in path.parent.iterdir()) == ["adbkey", "adbkey.pub"]
