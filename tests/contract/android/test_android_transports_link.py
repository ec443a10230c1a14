"""A phone's connection through its life: the best way, breaks, and coming back by itself."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from device_adapters.adb import link
from device_adapters.adb.adbserver import AdbServerTransport
from device_adapters.adb.adbshell import AdbShell
from device_adapters.adb.link import Link
from device_adapters.adb.linkstate import Event, State, after
from device_adapters.adb.server import AdbServer
from device_adapters.adb.stream import Stream
from device_adapters.adb.ways import ways
from device_adapters.adb.wireless import WirelessTransport
from device_adapters.android import AndroidAdapter
from device_adapters.simulated.phone import Fault, Manner, SimulatedPhone, Trust
from schemas.device import Device, Kind
from schemas.errors import (
    DeviceNeedsPairing,
    DeviceRefused,
    DeviceUnauthorized,
    DeviceUnavailable,
    DeviceUncertain,
)
from schemas.state import DeviceState
from tests.contract.android.android_kit import adapter_for, invocation
from tests.contract.android.android_rogue import Rogue, Wrong

EVERYWHERE = {"usb": "SIM0001", "tls_host": "10.0.0.9", "tls_port": "4", "host": "h", "port": "5"}


class Seen:
    """The states that a connection was in, to be waited for."""

    def __init__(self) -> None:
        self.states: asyncio.Queue[State] = asyncio.Queue()
        self.link: Link | None = None

    def changed(self) -> None:
        assert self.link
        self.states.put_nowait(self.link.state)

    async def until(self, state: State) -> None:
        async with asyncio.timeout(10):
            while await self.states.get() is not state:
                """Not yet."""


Made = Callable[..., tuple[Link, Seen]]


@pytest.fixture
async def made(key: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Made]:
    """Makes a connection that looks and tries often, by an address."""
    for name in ("LOOK_EVERY", "RETRY_FIRST", "RETRY_AT_MOST"):
        monkeypatch.setattr(link, name, 0.02)
    links: list[Link] = []

    def make(
        serial: str | None = None, server: AdbServer | None = None, **where: str
    ) -> tuple[Link, Seen]:
        seen = Seen()
        seen.link = Link(ways(where, key, server), serial, seen.changed)
        links.append(seen.link)
        return seen.link, seen

    yield make
    for one in links:
        await one.close()


def at(port: int) -> dict[str, str]:
    """A phone's address on plain TCP."""
    return {"host": "127.0.0.1", "port": str(port)}


async def hanging(phone: SimulatedPhone, connection: Link) -> asyncio.Task[bytes]:
    """A use of the connection that the phone lets wait."""
    begun = asyncio.Event()

    async def wait(stream: Stream) -> bytes:
        begun.set()
        return await stream.read(1)

    phone.inject(Fault("sleep", Manner.HANG))
    using = asyncio.create_task(connection.serve("shell,v2,raw:sleep", wait, 5))
    await begun.wait()
    return using


def test_only_some_moves_are_possible() -> None:
    possible = set()
    for state, event in itertools.product(State, Event):
        with contextlib.suppress(ValueError):
            possible.add((state, event, after(state, event)))
    assert {move for move in possible if move[1] is not Event.CLOSE} == {
        (State.IDLE, Event.TRY, State.CONNECTING),
        (State.LOST, Event.TRY, State.CONNECTING),
        (State.CONNECTING, Event.UP, State.READY),
        (State.CONNECTING, Event.DOWN, State.LOST),
        (State.READY, Event.DOWN, State.LOST),
    }
    assert {move[2] for move in possible if move[1] is Event.CLOSE} == {State.IDLE}
    with pytest.raises(ValueError, match="a connection that is idle cannot take up"):
        after(State.IDLE, Event.UP)


def test_the_best_way_comes_first(key: Path, server: AdbServer) -> None:
    found = ways(EVERYWHERE, key, server)
    assert [way.name for way in found] == ["USB", "wireless debugging", "Wi-Fi"]
    kinds = [type(way.transport) for way in found]
    assert kinds == [AdbServerTransport, WirelessTransport, AdbShell]
    assert ways({"serial": "SIM0001", "host": "h", "port": "no"}, key, server) == ()


async def test_what_is_missing_is_one_line(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device_adapters.adb.usb.installed", lambda: False)
    line = r"^{} needs: pip install 'octopus-hub\[adb-server\]'$"
    with pytest.raises(DeviceUnavailable, match=line.format("wireless debugging")):
        await made(tls_host="127.0.0.1", tls_port="1")[0].connect()
    with pytest.raises(DeviceUnavailable, match=line.format("a phone on USB")):
        await made(usb="SIM0001")[0].connect()
    with pytest.raises(DeviceUnavailable, match="no way to the phone"):
        await made(serial="SIM0001")[0].connect()


async def test_usb_goes_without_a_server(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device_adapters.adb.usb.installed", lambda: True)
    (way,) = ways({"usb": "SIM0001"}, key, None)
    assert isinstance(way.transport, AdbShell)


async def test_the_next_way_is_taken(made: Made, phone: SimulatedPhone, server: AdbServer) -> None:
    """Nothing is plugged in, wireless debugging is off, and adb listens as it always did."""
    every = {"usb": "SIM0001", "tls_host": "127.0.0.1", "tls_port": "1", **at(phone.port)}
    connection, _ = made("SIM0001", server, **every)
    await connection.connect()
    assert (await connection.shell("true", within=5)).code == 0
    await phone.unplug()
    connection, _ = made("SIM0001", server, **every)
    with pytest.raises(DeviceUnavailable, match=r"USB: .*plugged in; wireless debugging: .*Wi-Fi"):
        await connection.connect(6)


async def test_a_break_is_noticed_and_mended_by_itself(made: Made, phone: SimulatedPhone) -> None:
    connection, seen = made("SIM0001", **at(phone.port))
    await connection.connect()
    await seen.until(State.READY)
    await phone.unplug()
    await seen.until(State.LOST)
    assert not await connection.alive()
    await phone.plug()
    await seen.until(State.READY)
    assert await connection.alive()


async def test_so_it_is_with_an_adb_server(
    made: Made, phone: SimulatedPhone, server: AdbServer
) -> None:
    tls = {"tls_host": "127.0.0.1", "tls_port": str(phone.port)}
    connection, seen = made("SIM0001", server, **tls)
    await connection.connect()
    await phone.unplug()
    await seen.until(State.LOST)
    await phone.plug()
    await seen.until(State.READY)
    assert (await connection.shell("true", within=5)).code == 0


async def test_a_use_does_not_wait_for_the_background(
    made: Made, phone: SimulatedPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "RETRY_FIRST", 60.0)
    connection, _ = made("SIM0001", **at(phone.port))
    await connection.connect()
    await phone.unplug()
    with pytest.raises(DeviceUnavailable):
        await connection.shell("true", within=5)
    await phone.plug()
    assert (await connection.shell("true", within=5)).code == 0


async def test_a_connection_must_prove_itself_after_a_silence(
    made: Made, phone: SimulatedPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "TRUSTED_FOR", -1.0)
    monkeypatch.setattr(link, "PROVED_WITHIN", 0.1)
    async with Rogue(phone) as rogue:
        rogue.wrong = Wrong.SILENT
        connection, _ = made(**at(rogue.port))
        await connection.connect()
        rogue.wrong = None
        assert (await connection.shell("echo", "hi", within=5)).stdout == "hi\n"


async def test_another_phone_that_took_the_address_gets_nothing(
    made: Made, phone: SimulatedPhone
) -> None:
    connection, _ = made("SIM0001", **at(phone.port))
    await connection.shell("true", within=5)
    await phone.unplug()
    async with SimulatedPhone(serial="SIM0002", port=phone.port) as other:
        with pytest.raises(DeviceUnavailable, match="phone SIM0002 answers instead of SIM0001"):
            await connection.shell("input", "keyevent", "26", within=5)
        assert not any("input" in words for words in other.state.commands)


async def test_a_refusal_breaks_nothing(made: Made, phone: SimulatedPhone) -> None:
    connection, seen = made("SIM0001", **at(phone.port))
    with pytest.raises(DeviceRefused):
        await connection.pull("/sdcard/none", within=5)
    with pytest.raises(DeviceRefused, match="adb-server"):
        await connection.reverse(1, 2, within=5)
    await connection.shell("true", within=5)
    assert [seen.states.get_nowait() for _ in range(2)] == [State.CONNECTING, State.READY]
    assert seen.states.empty()


async def test_a_person_is_not_asked_again_and_again(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_every_turn(monkeypatch)
    monkeypatch.setattr(link, "RETRY_WITHIN", 0.3)
    async with SimulatedPhone(trust=Trust.ACCEPT) as phone:
        connection, seen = made("SIM0001", **at(phone.port))
        await connection.connect()
        phone.keys.known.clear()
        phone.keys.trust = Trust.ASK
        await phone.unplug()
        await phone.plug()
        while not isinstance(connection.problem, DeviceUnauthorized):
            await seen.until(State.LOST)
        await nothing_happens(seen)


async def test_a_phone_that_forgot_the_hub_is_left_alone_until_they_are_paired(
    made: Made, server: AdbServer, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_every_turn(monkeypatch)
    ours = Path(f"{key}.pub").read_bytes().split()[0]
    async with SimulatedPhone(wireless=True, trust=Trust.ASK) as phone:
        phone.keys.known.add(ours)
        tls = {"tls_host": "127.0.0.1", "tls_port": str(phone.tls_port)}
        connection, seen = made("SIM0001", server, **tls)
        await connection.connect()
        phone.keys.known.clear()
        assert phone.wireless
        for one in phone.wireless._listener._links.values():
            one.abort()
        while not isinstance(connection.problem, DeviceNeedsPairing):
            await seen.until(State.LOST)
        await nothing_happens(seen)
        phone.keys.known.add(ours)
        connection.lead(ways(tls, key, server))
        await seen.until(State.READY)


def at_every_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is tried again by itself is so at every turn of the loop."""
    for name in ("LOOK_EVERY", "RETRY_FIRST", "RETRY_AT_MOST"):
        monkeypatch.setattr(link, name, 1e-9)


async def nothing_happens(seen: Seen) -> None:
    """The connection stays as it is for many turns."""
    while not seen.states.empty():
        seen.states.get_nowait()
    for _ in range(200):
        await asyncio.sleep(0)
    assert seen.states.empty()


async def test_who_is_only_slow_needs_no_pairing(server: AdbServer) -> None:
    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    listening = await asyncio.start_server(wait, "127.0.0.1", 0)
    way = WirelessTransport(server, "127.0.0.1", listening.sockets[0].getsockname()[1])
    with pytest.raises(DeviceUnavailable, match="no answer in time"):
        await way.connect(0.5)
    await way.close()
    await server.close()
    listening.close()
    await listening.wait_closed()


async def test_what_closes_stays_closed(made: Made, phone: SimulatedPhone) -> None:
    """A call that is under way meanwhile connects no more: nobody would end that connection."""
    connection, _ = made("SIM0001", **at(phone.port))
    await connection.connect()
    asked = await hanging(phone, connection)
    await connection.close()
    with pytest.raises(DeviceUncertain):
        await asked
    await connection.close()
    with pytest.raises(DeviceUnavailable, match="let go"):
        await connection.shell("true", within=5)
    assert connection.state is State.IDLE
    assert not any(task.get_name() == "phone connection" for task in asyncio.all_tasks())


async def test_a_use_during_the_close_leaves_nothing(made: Made, phone: SimulatedPhone) -> None:
    connection, seen = made("SIM0001", **at(phone.port))
    connecting = asyncio.create_task(connection.connect())
    await seen.until(State.CONNECTING)
    await connection.close()
    await connecting
    assert connection.state is State.IDLE
    assert not any(task.get_name() == "phone connection" for task in asyncio.all_tasks())


async def test_a_phone_that_was_not_recognized_got_nothing(
    made: Made, phone: SimulatedPhone
) -> None:
    """It was asked for its serial number; that is not what it was wanted for."""
    phone.inject(Fault("getprop", Manner.HANG))
    connection, _ = made("SIM0001", **at(phone.port))
    with pytest.raises(DeviceUnavailable, match="no answer in time"):
        await connection.shell("input", "keyevent", "26", within=0.3)


async def test_without_time_nothing_is_sent(made: Made, phone: SimulatedPhone) -> None:
    connection, _ = made("SIM0001", **at(phone.port))
    await connection.connect()
    for within in (0.0, -1.0):
        with pytest.raises(DeviceUnavailable):
            await connection.shell("input", "keyevent", "26", within=within)
    assert not any("input" in words for words in phone.state.commands)


async def test_a_use_that_is_cancelled_loses_no_connection(
    made: Made, phone: SimulatedPhone, server: AdbServer
) -> None:
    """One that an adb server holds serves others meanwhile."""
    tls = {"tls_host": "127.0.0.1", "tls_port": str(phone.port)}
    connection, seen = made("SIM0001", server, **tls)
    await connection.connect()
    asked = await hanging(phone, connection)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await connection.shell("true", within=5)
    assert [seen.states.get_nowait() for _ in range(2)] == [State.CONNECTING, State.READY]
    assert seen.states.empty()


async def test_ways_that_change_meanwhile_are_for_the_next_time(
    made: Made, phone: SimulatedPhone, key: Path, server: AdbServer
) -> None:
    nowhere = {"tls_host": "127.0.0.1", "tls_port": "1"}
    connection, seen = made("SIM0001", server, **nowhere, **at(1))
    connecting = asyncio.create_task(connection.connect())
    await seen.until(State.CONNECTING)
    connection.lead(ways(at(phone.port), key, server))
    with pytest.raises(DeviceUnavailable, match="refused"):
        await connecting
    await connection.connect()


async def test_the_adapter_says_whether_the_phone_is_there(
    phone: SimulatedPhone, adapter: AndroidAdapter
) -> None:
    await adapter.connect()
    assert adapter.identity == "SIM0001"
    assert adapter.notice is None
    phone.inject(Fault("input", Manner.UNPLUG))
    with pytest.raises((DeviceUncertain, DeviceUnavailable)):
        await adapter.call(invocation("lock_screen"))
    assert adapter.notice is not None
    assert adapter.notice.state is DeviceState.OFFLINE
    await adapter.call(invocation("lock_screen"))
    assert adapter.notice is None


async def test_a_phone_that_moved_is_found_at_its_new_address(
    phone: SimulatedPhone, key: Path
) -> None:
    adapter = adapter_for(phone, key)
    await adapter.connect()
    await phone.unplug()
    phone.port = 0
    await phone.plug()
    moved = Device(
        id="pixel", kind=Kind.PHONE, name="Pixel", protocol="adb", address=at(phone.port)
    )
    assert adapter.moved(moved)
    await adapter.call(invocation("lock_screen"))
    assert not phone.state.awake
    await adapter.close()
