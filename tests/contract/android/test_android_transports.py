"""Both transports do the same: commands, files, and an honest end whatever the phone sends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from device_adapters.adb import bulk, packets
from device_adapters.adb.adbserver import AdbServerTransport
from device_adapters.adb.adbshell import AdbShell
from device_adapters.adb.server import AdbServer
from device_adapters.adb.tcp import TcpBulk
from device_adapters.adb.transport import Transport
from device_adapters.simulated.phone import Fault, Manner, SimulatedPhone, Trust
from schemas.errors import (
    DeviceRefused,
    DeviceUnauthorized,
    DeviceUnavailable,
    DeviceUncertain,
)
from tests.contract.android.android_kit import ADB_SERVER, ADB_SHELL, NASTY, adapter_for, invocation
from tests.contract.android.android_rogue import AFTER, BEFORE, Rogue, Wrong

Reach = Callable[[int], Transport]


@pytest.fixture(params=[ADB_SHELL, ADB_SERVER])
async def reach(
    request: pytest.FixtureRequest, key: Path, server: AdbServer
) -> AsyncIterator[Reach]:
    """Makes a transport to a port of this machine."""
    made: list[Transport] = []

    def to(port: int) -> Transport:
        if request.param == ADB_SERVER:
            made.append(AdbServerTransport(server, f"127.0.0.1:{port}", network=True))
        else:
            made.append(AdbShell(TcpBulk("127.0.0.1", port), key))
        return made[-1]

    yield to
    for transport in made:
        await transport.close()


@pytest.fixture
def way(reach: Reach, phone: SimulatedPhone) -> Transport:
    """A transport to the phone."""
    return reach(phone.port)


async def test_a_command_has_two_outputs_and_an_exit_code(
    phone: SimulatedPhone, way: Transport
) -> None:
    phone.inject(Fault("say", Manner.ANSWER, stdout="out\0", stderr="err", code=3))
    answer = await way.shell("say", within=5)
    assert (answer.stdout, answer.stderr, answer.code) == ("out\0", "err", 3)
    phone.inject(Fault("say", Manner.ANSWER, stdout="out\r\n\0", stderr="a warning"))
    assert await way.exec_out("say", within=5) == b"out\r\n\0"


async def test_words_arrive_as_they_are(way: Transport) -> None:
    assert (await way.shell("echo", NASTY, within=5)).stdout == NASTY + "\n"


async def test_files_go_both_ways(phone: SimulatedPhone, way: Transport) -> None:
    data = bytes(range(256)) * 2000
    await way.push(data, "/sdcard/Download/it's.bin", within=5)
    assert phone.state.files.read("/sdcard/Download/it's.bin") == data
    assert await way.pull("/sdcard/Download/it's.bin", within=5) == data
    await way.push(b"", "/sdcard/Download/empty", within=5)
    assert await way.pull("/sdcard/Download/empty", within=5) == b""
    with pytest.raises(DeviceRefused, match="No such file"):
        await way.pull("/sdcard/none", within=5)
    with pytest.raises(DeviceRefused, match="Read-only"):
        await way.push(b"x", "/system/x", within=5)
    for impossible in ("/sdcard/" + "x" * 2000, "/sdcard/a\0b"):
        with pytest.raises(DeviceRefused, match="no path"):
            await way.pull(impossible, within=5)
    assert (await way.shell("false", within=5)).code == 1


async def test_a_file_that_is_too_large_is_not_fetched(
    phone: SimulatedPhone, way: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device_adapters.adb.filesync.LARGEST_ANSWER", 100_000)
    await way.push(bytes(200_000), "/sdcard/Download/large", within=5)
    with pytest.raises(DeviceRefused, match="too large"):
        await way.pull("/sdcard/Download/large", within=5)
    assert (await way.shell("false", within=5)).code == 1


async def test_what_a_phone_does_not_offer_is_refused(
    phone: SimulatedPhone, way: Transport
) -> None:
    phone.inject(Fault("true", Manner.REFUSE))
    with pytest.raises(DeviceRefused, match="does not offer"):
        await way.shell("true", within=5)
    assert (await way.shell("true", within=5)).code == 0


async def test_commands_at_once_all_end(phone: SimulatedPhone, way: Transport) -> None:
    said = await asyncio.gather(*(way.shell("echo", str(n), within=10) for n in range(12)))
    assert [answer.stdout for answer in said] == [f"{n}\n" for n in range(12)]


async def test_a_phone_that_was_away_is_reached_again(
    phone: SimulatedPhone, way: Transport
) -> None:
    await way.connect()
    assert await way.alive()
    await phone.unplug()
    with pytest.raises((DeviceUnavailable, DeviceUncertain)):
        await way.shell("true", within=5)
    assert not await way.alive()
    with pytest.raises(DeviceUnavailable, match=r"refused|Connect call failed"):
        await way.shell("true", within=5)
    await phone.plug()
    assert (await way.shell("true", within=5)).code == 0
    await way.close()
    assert (await way.shell("true", within=5)).code == 0


async def test_a_phone_that_hangs(phone: SimulatedPhone, way: Transport) -> None:
    phone.inject(Fault("true", Manner.HANG))
    with pytest.raises(DeviceUncertain, match="no answer in time"):
        await way.shell("true", within=0.3)
    assert (await way.shell("true", within=5)).code == 0


async def test_a_person_must_allow_the_hub(reach: Reach) -> None:
    async with SimulatedPhone(trust=Trust.ASK) as phone:
        way = reach(phone.port)
        with pytest.raises(DeviceUnauthorized, match="tap Allow"):
            await way.shell("true", within=1)
        phone.keys.allow()
        assert (await way.shell("true", within=5)).code == 0


@pytest.mark.parametrize("wrong", BEFORE)
async def test_what_is_no_phone(phone: SimulatedPhone, reach: Reach, wrong: Wrong) -> None:
    async with Rogue(phone) as rogue:
        way = reach(rogue.port)
        rogue.wrong = wrong
        with pytest.raises(DeviceUnavailable):
            await way.shell("true", within=1)
        rogue.wrong = None
        assert (await way.shell("true", within=5)).code == 0
        await way.close()


@pytest.mark.parametrize("wrong", AFTER)
async def test_an_answer_that_is_none(
    phone: SimulatedPhone, reach: Reach, wrong: Wrong, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packets, "LARGEST_ANSWER", 500_000)
    monkeypatch.setattr(bulk, "LARGEST_ANSWER", 500_000)
    async with Rogue(phone) as rogue:
        way = reach(rogue.port)
        rogue.wrong = wrong
        with pytest.raises(DeviceUncertain):
            await way.shell("true", within=1)
        rogue.wrong = None
        assert (await way.shell("true", within=5)).code == 0
        await way.close()


async def test_a_phone_that_closes_on_strangers(phone: SimulatedPhone, reach: Reach) -> None:
    async with Rogue(phone) as rogue:
        way = reach(rogue.port)
        rogue.wrong = Wrong.DROPS_STRANGERS
        with pytest.raises(DeviceUnauthorized):
            await way.shell("true", within=3)
        await way.close()


@pytest.mark.parametrize("wrong", [Wrong.GARBAGE, Wrong.HALF_PAYLOAD, Wrong.HUGE_MESSAGE])
async def test_the_adapter_goes_on(
    phone: SimulatedPhone, key: Path, server: AdbServer, wrong: Wrong
) -> None:
    async with Rogue(phone) as rogue:
        rogue.wrong = wrong
        adapter = adapter_for(phone, key, port=str(rogue.port))
        with pytest.raises((DeviceUnavailable, DeviceUncertain)):
            await adapter.call(invocation("lock_screen", 2.0))
        rogue.wrong = None
        await adapter.call(invocation("lock_screen"))
        assert not phone.state.awake
        await adapter.close()


async def test_a_wrong_checksum(phone: SimulatedPhone, key: Path) -> None:
    """An adb server does not look at it."""
    async with Rogue(phone) as rogue:
        way = AdbShell(TcpBulk("127.0.0.1", rogue.port), key)
        rogue.wrong = Wrong.CHECKSUM
        with pytest.raises(DeviceUncertain, match="not adb's protocol"):
            await way.shell("true", within=2)
        rogue.wrong = None
        assert (await way.shell("true", within=5)).code == 0
        await way.close()


async def test_only_an_adb_server_leads_back(phone: SimulatedPhone, key: Path) -> None:
    way = AdbShell(TcpBulk("127.0.0.1", phone.port), key)
    with pytest.raises(DeviceRefused, match="adb-server"):
        await way.reverse(7000, 7001, within=5)
    await way.close()


async def test_a_long_command_goes_only_directly(
    phone: SimulatedPhone, key: Path, server: AdbServer
) -> None:
    text = "x" * 100_000
    directly = AdbShell(TcpBulk("127.0.0.1", phone.port), key)
    assert (await directly.shell("echo", text, within=5)).stdout == text + "\n"
    await directly.close()
    through = AdbServerTransport(server, f"127.0.0.1:{phone.port}", network=True)
    with pytest.raises(DeviceRefused, match="too long"):
        await through.shell("echo", text, within=5)
