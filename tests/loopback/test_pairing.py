"""Somebody at the phone and at the hub makes them known to each other, with adb's own server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from device_adapters.adb.introduce import Introduction
from device_adapters.adb.server import MISSING, AdbServer
from device_adapters.android import AndroidAdapter
from device_adapters.simulated.phone.adbd import announce
from device_adapters.simulated.phone.adbd.auth import Trust
from device_adapters.simulated.phone.adbd.server import SimulatedPhone
from orchestrator import followed as followed_module
from orchestrator.discovery import TYPES, Announced, Phones, phones_on
from orchestrator.followed import NotFollowed
from orchestrator.managers import NotAllowed
from orchestrator.phones import meeting as meeting_module
from orchestrator.phones.meeting import Meeting
from orchestrator.phones.pairing import BadPairing, Pairing
from orchestrator.registry import Registry
from schemas.errors import DeviceUnavailable
from schemas.state import DeviceState
from tests.discoverykit import unique

SECRET = "s3cret-of-the-code"


class Operations:
    """As much of the hub as pairing needs: it approves, and shows."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def request(self, operation: str, user: str, request: Any) -> Any:
        assert (operation, user) == ("device/approve", "local")
        device = await self._registry.approve(request["device"])
        return {"name": device.name, "connected": self._registry.connected(device.id)}


@dataclass
class Site:
    """A hub's part that pairs, and whoever sits at it."""

    pairing: Pairing
    registry: Registry
    server: AdbServer
    meeting: Meeting
    announced: Announced | None
    plugged_in: set[str]
    heard: list[str]

    async def begin(self, by: str, **fields: Any) -> str:
        return (await self.pairing.start("local", {"by": by, **fields}))["id"]

    async def news(self, work: str, **fields: Any) -> dict[str, Any]:
        asked = {"work": work, "after": len(self.heard), **fields}
        told = await self.pairing.follow("local", asked)
        self.heard += [line["said"] for line in told["lines"]]
        return told

    async def end(self, work: str) -> dict[str, Any]:
        """What it comes to."""
        async with asyncio.timeout(30):
            while not (told := await self.news(work))["over"]:
                pass
        return told

    async def until(self, work: str, said: str) -> None:
        """Follow until this is said."""
        async with asyncio.timeout(30):
            while not any(said in line for line in self.heard):
                assert not (told := await self.news(work))["over"], told


@asynccontextmanager
async def site(folder: Path, *, network: bool = True) -> AsyncIterator[Site]:
    key = folder / "adbkey"
    plugged: set[str] = set()
    async with AsyncExitStack() as stack:
        server = AdbServer(key)
        stack.push_async_callback(server.close)
        registry = Registry(
            folder / "devices.json", {"adb": lambda d: AndroidAdapter(d, key, server=server)}
        )
        stack.push_async_callback(registry.close)
        announced = None
        if network:
            announced = await stack.enter_async_context(Announced(TYPES, loopback_only=True))
            stack.enter_context(phones_on(announced, Phones(registry.propose, registry.withdraw)))
        meeting = Meeting(
            registry, server, Introduction(server, key), announced, lambda: frozenset(plugged)
        )
        pairing = Pairing(registry, Operations(registry), meeting, frozenset({"local"}))
        stack.push_async_callback(pairing.close)
        yield Site(pairing, registry, server, meeting, announced, plugged, [])


@asynccontextmanager
async def phone(*, seen: bool = True, **options: Any) -> AsyncIterator[SimulatedPhone]:
    """A phone with a serial number of its own, announced if it is to be seen."""
    async with AsyncExitStack() as stack:
        one = SimulatedPhone(serial=unique("SIM"), **options)
        await stack.enter_async_context(one)
        if seen:
            await stack.enter_async_context(announce.announced(one))
        yield one


async def test_a_phone_that_scans_the_code_is_paired_and_approved(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, phone(wireless=True) as pixel:
        name = unique("octopus-")
        work = await hub.begin("qr", name=name, password=SECRET)
        await hub.until(work, "waiting for a phone that scans")
        await pixel.scan(f"WIFI:T:ADB;S:{name};P:{SECRET};;")
        told = await hub.end(work)
        assert told["error"] is None
        assert told["result"] == {"name": pixel.state.name, "connected": True}
        (device,) = hub.registry.approved
        assert device.id == f"adb-{pixel.state.serial}"
        assert device.address["tls_port"] == str(pixel.tls_port)
        assert hub.registry.standing(device).state is DeviceState.CONNECTED
        assert [d for d in hub.registry.proposed if d.id == device.id] == []


async def test_six_digits_do_as_well(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, phone(wireless=True) as pixel:
        shown = await pixel.open_pairing()
        told = await hub.end(
            await hub.begin("code", code=shown.code, host=shown.host, port=shown.port)
        )
        assert told["result"]["connected"]


async def test_the_only_phone_that_shows_a_code_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other tests on this machine may show codes on loopback as well.
    async with site(tmp_path) as hub, phone(wireless=True) as pixel, phone(wireless=True) as other:
        ours = {f"adb-{one.state.serial}" for one in (pixel, other)}
        assert hub.announced is not None
        _only(hub.announced, ours, monkeypatch)
        shown = await pixel.open_pairing("123456")
        assert (await hub.end(await hub.begin("code", code="123456")))["result"]["connected"]

        await pixel.open_pairing("123456")
        await other.open_pairing("123456")
        assert pixel.wireless is not None
        assert other.wireless is not None
        async with asyncio.timeout(15):
            for one in (pixel, other):
                pairing = one.wireless and one.wireless.pairing
                assert pairing
                await hub.announced.first(lambda s, p=pairing.port: s.port == p)  # type: ignore[misc]
        told = await hub.end(await hub.begin("code", code="123456"))
        assert "2 phones show a code; name one: " in told["error"]
        assert pixel.wireless.guid in told["error"]
        assert shown.code not in told["error"]


def _only(announced: Announced, serials: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a network show these phones only."""
    read = announced._read

    def ours(info: Any) -> Any:
        service = read(info)
        return service if service and service.name.rpartition("-")[0] in serials else None

    monkeypatch.setattr(announced, "_read", ours)


async def test_a_wrong_code_is_told_in_one_line_and_kept_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with site(tmp_path) as hub, phone(wireless=True) as pixel:
        shown = await pixel.open_pairing("123456")
        work = await hub.begin("code", code="654321", host=shown.host, port=shown.port)
        told = await hub.end(work)
        assert (
            told["error"]
            == f"{shown.host}:{shown.port} was not paired: let the phone show a new code"
        )
        assert hub.registry.approved == ()
    ours = [r.getMessage() for r in caplog.records if r.name.startswith(("orch", "device"))]
    assert not any("654321" in line for line in [*ours, *hub.heard])


async def test_a_phone_that_is_allowed_over_wifi_is_approved(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, phone(seen=False, trust=Trust.ASK) as pixel:
        work = await hub.begin("tcp", host="127.0.0.1", port=pixel.port)
        await hub.until(work, "tap Allow")
        await _until(lambda: pixel.keys.asked is not None)
        pixel.keys.allow()
        told = await hub.end(work)
        assert told["error"] is None, told
        assert told["result"] == {"name": pixel.state.name, "connected": True}
        (device,) = hub.registry.approved
        assert device.address == {
            "host": "127.0.0.1", "port": str(pixel.port), "serial": pixel.state.serial,
        }  # fmt: skip


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not holds():  # noqa: ASYNC110 (a phone's screen tells nobody)
            await asyncio.sleep(0.01)


async def test_a_phone_on_the_cable_is_approved(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, phone(seen=False) as pixel:
        # What adb's server is connected to stands in for a cable: it has a serial number there.
        cable = f"127.0.0.1:{pixel.port}"
        await hub.server.ask(f"host:connect:{cable}", within=10)
        hub.plugged_in.add(cable)
        told = await hub.end(await hub.begin("usb"))
        assert told["result"] == {"name": pixel.state.name, "connected": True}
        (device,) = hub.registry.approved
        assert device.id == f"adb-{pixel.state.serial}"
        assert device.address == {"usb": cable, "serial": pixel.state.serial}


async def test_a_phone_that_listens_from_now_on_is_reached_without_its_cable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What switches the phone over is tried in tests/unit/android/test_android_introduce.py."""
    async with site(tmp_path) as hub, phone() as pixel:

        async def switched(serial: str, *, tcpip: bool, within: float) -> str:
            assert tcpip
            return pixel.state.serial

        monkeypatch.setattr(hub.meeting._introducer, "by_usb", switched)
        hub.plugged_in.add("cable")
        told = await hub.end(await hub.begin("usb", tcpip=True))
        assert told["result"]["connected"]
        assert any("listens on port 5555" in line for line in hub.heard)
        (device,) = hub.registry.approved
        assert (device.address["usb"], device.address["port"]) == ("cable", str(pixel.port))


@pytest.mark.parametrize(
    ("plugged", "wanted", "said"),
    [
        ((), "", "no phone with USB debugging on is plugged in"),
        (("A",), "B", "no phone B with USB debugging on is plugged in"),
        (("B", "A"), "", "several are plugged in; name one: A, B"),
    ],
)
async def test_which_phone_on_which_cable_must_be_clear(
    tmp_path: Path, plugged: tuple[str, ...], wanted: str, said: str
) -> None:
    async with site(tmp_path, network=False) as hub:
        hub.plugged_in.update(plugged)
        assert (await hub.end(await hub.begin("usb", host=wanted)))["error"] == said


async def test_keeping_is_set_on_the_phone_and_looked_at(tmp_path: Path) -> None:
    async with site(tmp_path, network=False) as hub, phone(seen=False) as pixel:
        work = await hub.begin("tcp", host="127.0.0.1", port=pixel.port, keep=True)
        told = await hub.end(work)
        assert told["error"] is None
        assert hub.heard[-1] == "The phone remembers this hub for good"
        assert pixel.state.settings["global"]["adb_allowed_connection_time"] == "0"


async def test_a_phone_nobody_paired_says_that_it_must_be(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, phone(wireless=True, trust=Trust.ASK) as pixel:
        assert pixel.wireless is not None
        address = {
            "tls": pixel.wireless.guid,
            "tls_host": "127.0.0.1",
            "tls_port": str(pixel.tls_port),
        }
        identity = f"adb-{pixel.state.serial}"
        await _until(lambda: any(d.id == identity for d in hub.registry.proposed))
        found = next(d for d in hub.registry.proposed if d.id == identity)
        only = {**address, "serial": pixel.state.serial}
        hub.registry._proposed[identity] = found.model_copy(update={"address": only})
        device = await hub.registry.approve(identity)
        standing = hub.registry.standing(device)
        assert standing.state is DeviceState.NEEDS_PAIRING
        assert "octopus pair" in standing.todo


async def test_without_an_adb_that_can_pair_nobody_scans_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def missing(*_: object, **__: object) -> str:
        raise DeviceUnavailable(MISSING)

    async with site(tmp_path) as hub:
        monkeypatch.setattr(hub.server, "ask", missing)
        told = await hub.end(await hub.begin("qr", name="octopus-1", password=SECRET))
        assert told["error"] == MISSING
        assert hub.heard == []


async def test_time_runs_out_with_the_next_thing_to_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meeting_module, "SCANNED_WITHIN", 0.05)
    async with site(tmp_path) as hub:
        told = await hub.end(await hub.begin("qr", name=unique("octopus-"), password=SECRET))
        assert "octopus pair --code" in told["error"]
    async with site(tmp_path, network=False) as hub:
        told = await hub.end(await hub.begin("code", code="123456"))
        assert told["error"] == "discovery.zeroconf is off in hub.toml: give HOST:PORT"


async def test_where_nothing_answers_that_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    async with site(tmp_path, network=False) as hub:
        told = await hub.end(await hub.begin("code", code="123456", host="127.0.0.1", port=port))
        assert told["error"].startswith(f"nothing answers at 127.0.0.1:{port}: is the phone on")
        hub.heard.clear()
        told = await hub.end(await hub.begin("tcp", host="127.0.0.1", port=port))
        assert told["error"].endswith("It listens after octopus pair --usb --tcpip")


async def test_whoever_stops_or_walks_away_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(tmp_path) as hub:
        work = await hub.begin("qr", name=unique("octopus-"), password=SECRET)
        await hub.until(work, "waiting")
        assert (await hub.news(work, stop=True))["error"] == "stopped"

        first = await hub.begin("qr", name=unique("octopus-"), password=SECRET)
        await hub.begin("qr", name=unique("octopus-"), password=SECRET)
        with pytest.raises(NotFollowed):
            await hub.news(first)

    two = followed_module.Followed()

    async def wait(_: followed_module.Say) -> None:
        await asyncio.Event().wait()

    await two.start("local", wait)
    await asyncio.gather(two.start("local", wait), two.start("local", wait))
    await two.close()
    assert not any(task.get_name() == "followed" for task in asyncio.all_tasks())

    early = followed_module.Followed()

    async def never(_: followed_module.Say) -> None:
        raise AssertionError("it was stopped before it began")

    begun = await early.start("local", never)
    told = await early.news("local", {"work": begun["id"], "stop": True})
    assert (told["over"], told["error"]) == (True, "stopped")

    alone = followed_module.Followed(news_within=0.01, followed=0.02)
    over = asyncio.Event()

    async def work_on(_: followed_module.Say) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            over.set()

    await alone.start("local", work_on)
    await asyncio.wait_for(over.wait(), 10)


async def test_only_who_may_pair_does(tmp_path: Path) -> None:
    async with site(tmp_path, network=False) as hub:
        with pytest.raises(NotAllowed, match=r"hub\.managers"):
            await hub.pairing.start("ann", {"by": "usb"})
        work = await hub.begin("usb")
        with pytest.raises(NotFollowed):
            await hub.pairing.follow("ann", {"work": work})


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"by": "tcp"},
        {"by": "magic", "host": "h"},
        {"by": "code"},
        {"by": "code", "code": "12345"},
        {"by": "code", "code": "123456", "host": "h"},
        {"by": "code", "code": "１２３４５６"},
        {"by": "code", "code": "123456:evil", "host": "h", "port": 1},
        {"by": "qr", "name": "a;b", "password": SECRET},
        {"by": "qr", "name": "octopus-1", "password": "x:y"},
        {"by": "tcp", "host": "h:1\nhost:kill"},
        {"by": "tcp", "host": 7},
        {"by": "tcp", "host": "h", "port": 70_000},
        {"by": "tcp", "host": "h", "port": "5555"},
    ],
)
async def test_what_is_no_request_is_refused_without_repeating_it(
    tmp_path: Path, request_: dict[str, Any]
) -> None:
    async with site(tmp_path, network=False) as hub:
        with pytest.raises(BadPairing) as caught:
            await hub.pairing.start("local", request_)
        assert "123456" not in str(caught.value)
        assert SECRET not in str(caught.value)
