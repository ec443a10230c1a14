"""The PC adapter against a simulated LNXlink."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from device_adapters.ha import HaClient
from device_adapters.homeassistant import device_of
from device_adapters.pc import PcAdapter
from device_adapters.pc import adapter as pc_adapter
from device_adapters.simulated.pc import SimulatedPc
from schemas.call import Restore
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.outcome import Evidence
from tests.broker import heard_so_far, hub_on, invocation, running_broker
from tests.contract.undoing import undo

OFFICE = Device(
    id="pc", kind=Kind.PC, name="Office PC", protocol="homeassistant", address={"ha": "office-pc"}
)


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HaClient]:
    async with running_broker(tmp_path) as broker, hub_on(broker) as ha:
        yield ha


@pytest.fixture
async def pc(hub: HaClient) -> AsyncIterator[SimulatedPc]:
    async with SimulatedPc(*hub.mqtt.address, name="office-pc") as simulated:
        await simulated.announced()
        await heard_so_far(hub)
        yield simulated


@pytest.fixture
async def adapter(hub: HaClient, pc: SimulatedPc, tmp_path: Path) -> AsyncIterator[PcAdapter]:
    adapter = PcAdapter(OFFICE, hub, tmp_path / "screenshots")
    await adapter.connect()
    yield adapter
    await adapter.close()


async def test_it_is_recognised_with_its_functions(hub: HaClient, adapter: PcAdapter) -> None:
    device = hub.device("office-pc")
    assert device
    assert device.name == "office-pc"
    found = device_of(device)
    assert found
    assert found.kind is Kind.PC
    assert set(found.functions) == await adapter.connect()
    assert set(found.functions) == {
        *("media_control", "set_volume", "lock_screen", "take_screenshot", "show_notification"),
        *("open_url", "type_text", "shutdown", "get_pc_status"),
    }


async def test_media_is_verified_by_the_players_state(adapter: PcAdapter, pc: SimulatedPc) -> None:
    done = await adapter.call(invocation("media_control", action="play"))
    assert (pc.playing, done.evidence) == ("playing", Evidence.VERIFIED)
    assert done.detail == "Playing on Office PC"
    assert (await adapter.call(invocation("media_control", action="next"))).evidence is (
        Evidence.UNVERIFIED
    )
    await adapter.call(invocation("media_control", action="stop"))
    await pc.until(lambda: pc.playing == "paused")


async def test_the_volume_is_set_on_the_entitys_own_scale(
    adapter: PcAdapter, pc: SimulatedPc
) -> None:
    done = await adapter.call(invocation("set_volume", level=3, volume_type="media"))
    assert (pc.volume, done.evidence) == (0.3, Evidence.VERIFIED)
    with pytest.raises(DeviceRefused, match="ring"):
        await adapter.call(invocation("set_volume", level=3, volume_type="ring"))


async def test_the_screen_is_locked(adapter: PcAdapter, pc: SimulatedPc) -> None:
    done = await adapter.call(invocation("lock_screen"))
    assert (pc.locked, done.evidence) == (True, Evidence.VERIFIED)


async def test_a_lock_that_does_not_happen_is_not_claimed(
    adapter: PcAdapter, pc: SimulatedPc
) -> None:
    pc.faults.ignores = True
    done = await adapter.call(invocation("lock_screen", timeout=0.8))
    assert done.evidence is Evidence.UNVERIFIED


@pytest.mark.parametrize("text", ["Dinner is ready", "123", "true", '{"action": "close"}'])
async def test_texts_arrive_as_texts(adapter: PcAdapter, pc: SimulatedPc, text: str) -> None:
    await adapter.call(invocation("show_notification", text=text))
    await adapter.call(invocation("type_text", text=text))
    await pc.until(lambda: len(pc.received) == 2)
    assert (pc.notifications, pc.typed) == ([text], [text])


async def test_a_page_is_opened(adapter: PcAdapter, pc: SimulatedPc) -> None:
    done = await adapter.call(invocation("open_url", url="https://example.org/"))
    await pc.until(lambda: bool(pc.opened))
    assert (pc.opened, done.evidence) == (["https://example.org/"], Evidence.UNVERIFIED)


async def test_a_screenshot_is_kept_as_a_file(adapter: PcAdapter, pc: SimulatedPc) -> None:
    done = await adapter.call(invocation("take_screenshot", timeout=5))
    path = Path(str(done.result))
    assert await asyncio.to_thread(path.read_bytes) == pc.screen
    assert (path.name, done.evidence) == ("run-1-0.png", Evidence.VERIFIED)
    await pc.until(lambda: len(pc.received) == 2)
    assert pc.received[-1] == (f"{pc.base}/commands/screenshot/screenshot", "OFF")


async def test_the_status_is_read(adapter: PcAdapter) -> None:
    done = await adapter.call(invocation("get_pc_status", item="all"))
    assert done.result == "cpu 12.5%, memory 40.0%, disk 71.0%, battery 88.0%"
    assert (await adapter.call(invocation("get_pc_status", item="disk"))).result == "disk 71.0%"


async def test_a_shutdown_is_verified_and_nothing_follows_it(
    adapter: PcAdapter, pc: SimulatedPc
) -> None:
    done = await adapter.call(invocation("shutdown", timeout=1.5))
    assert (pc.powered, done.evidence) == (False, Evidence.VERIFIED)
    with pytest.raises(DeviceUnavailable, match="offline"):
        await adapter.call(invocation("lock_screen"))
    assert not pc.locked


async def test_a_shutdown_that_the_computer_refuses_is_not_claimed(
    adapter: PcAdapter, pc: SimulatedPc
) -> None:
    pc.refuses_shutdown = True  # it says that it is gone, tries, and says that it is back
    with pytest.raises(DeviceRefused, match="did not shut down"):
        await adapter.call(invocation("shutdown"))
    assert pc.powered


async def test_an_unknown_function_is_refused(adapter: PcAdapter) -> None:
    with pytest.raises(DeviceRefused, match="make_phone_call"):
        await adapter.call(invocation("make_phone_call"))
    with pytest.raises(DeviceRefused, match="which application"):
        await adapter.call(invocation("open_application", name="Firefox"))


async def test_a_name_without_a_word_means_no_application(
    adapter: PcAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    button = SimpleNamespace(name="Open Firefox")
    monkeypatch.setattr(pc_adapter, "candidates", lambda *_: [button])
    with pytest.raises(DeviceRefused, match=r"which application is ! .*Open Firefox"):
        await adapter.call(invocation("open_application", name="!"))


async def test_a_sleeping_computer_is_woken(hub: HaClient) -> None:
    packets: asyncio.Queue[bytes] = asyncio.Queue()

    class Card(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            packets.put_nowait(data)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        Card, local_addr=("127.0.0.1", 0)
    )
    host, port = transport.get_extra_info("sockname")
    address = {"ha": "office-pc", "mac": "00:11:22:aa:bb:cc", "wake": f"{host}:{port}"}
    adapter = PcAdapter(OFFICE.model_copy(update={"address": address}), hub)
    waking = asyncio.create_task(adapter.call(invocation("wake_up", timeout=10)))
    assert await packets.get() == b"\xff" * 6 + bytes.fromhex("001122aabbcc") * 16
    async with SimulatedPc(*hub.mqtt.address, name="office-pc"):
        assert (await waking).evidence is Evidence.VERIFIED
    transport.close()


@pytest.mark.parametrize(("volume", "level"), [(0.5, 5), (0.0, 0), (1.0, 10), (0.47, 5)])
async def test_the_volume_before_a_call_comes_back(
    hub: HaClient, adapter: PcAdapter, pc: SimulatedPc, volume: float, level: int
) -> None:
    pc.volume = volume
    await pc.report()
    await heard_so_far(hub)
    call = invocation("set_volume", level=3, volume_type="media")
    restore = await adapter.present(call)
    assert restore == Restore(
        function="set_volume", arguments={"level": level, "volume_type": "media"}
    )
    assert pc.received == []
    await adapter.call(call)
    assert (await undo(adapter, restore)).evidence is Evidence.VERIFIED
    assert abs(pc.volume - volume) <= 0.05  # eleven levels of a hundred steps


async def test_a_computer_tells_its_media_volume_only(
    hub: HaClient, adapter: PcAdapter, pc: SimulatedPc
) -> None:
    restore = await adapter.present(invocation("set_volume", level=None, volume_type=None))
    assert restore
    assert restore.arguments["level"] == 5
    with pytest.raises(DeviceRefused, match="ring"):
        await adapter.present(invocation("set_volume", level=3, volume_type="ring"))
    assert await adapter.present(invocation("lock_screen")) is None
    await pc.publish(f"{pc.base}/monitor_controls/media_info", "{}")
    await heard_so_far(hub)
    assert await adapter.present(invocation("set_volume", level=3)) is None
    await pc.go_offline()
    await heard_so_far(hub)
    with pytest.raises(DeviceUnavailable, match="offline"):
        await adapter.present(invocation("set_volume", level=3))
