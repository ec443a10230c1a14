"""What announces itself is proposed, and nothing more."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from zeroconf import IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from device_adapters.simulated.car import SimulatedCar
from device_adapters.simulated.pc import SimulatedPc
from device_adapters.simulated.phone.announce import TYPE, announced
from device_adapters.simulated.phone.server import SimulatedPhone
from orchestrator import registry as registry_module
from orchestrator.discovery import announced_by_mqtt, zeroconf_phones
from orchestrator.registry import NoSuchDevice, Registry
from schemas.device import Device, Kind
from schemas.errors import DeviceNeedsPerson, DeviceUnavailable, HubError, InvalidSettings
from tests.broker import Broker, hub_on, invocation
from tests.hubkit import ScriptedAdapter

PHONE = Device(
    id="adb-1", kind=Kind.PHONE, name="1", protocol="adb", address={"host": "h", "port": "1"}
)


class Found(Registry):
    """A registry that can be waited for."""

    def __init__(self, folder: Path) -> None:
        self.adapter = ScriptedAdapter(frozenset({"take_a_photo"}))
        factories = {protocol: lambda _: self.adapter for protocol in ("adb", "homeassistant")}
        super().__init__(folder / "devices.json", factories)
        self._news = asyncio.Event()
        self.on_change(self._news.set)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(15):
            while not holds():
                self._news.clear()
                await self._news.wait()


def unique(name: str) -> str:
    """Loopback is shared with whatever else is tested on this machine."""
    return f"{name}{uuid.uuid4().hex[:8]}"


def ids(registry: Registry) -> set[str]:
    return {device.id for device in registry.proposed}


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Found]:
    found = Found(tmp_path)
    yield found
    await found.close()


async def test_a_phone_on_the_network_is_proposed_with_its_address(registry: Found) -> None:
    serial = unique("SIM")
    async with (
        SimulatedPhone(serial=serial) as phone,
        announced(phone),
        zeroconf_phones(registry.propose, registry.withdraw, loopback_only=True),
    ):
        await registry.until(lambda: f"adb-{serial}" in ids(registry))
        (found,) = [device for device in registry.proposed if device.id == f"adb-{serial}"]
        assert (found.name, found.kind) == (serial, Kind.PHONE)
        assert found.address == {"host": "127.0.0.1", "port": str(phone.port), "serial": serial}
        await _is_not_usable(registry, found.id)


async def test_a_phone_that_leaves_is_proposed_no_more(registry: Found) -> None:
    name = unique("adb-SIM")
    async with zeroconf_phones(registry.propose, registry.withdraw, loopback_only=True):
        async with service(name, 5_000):
            await registry.until(lambda: name in ids(registry))
        await registry.until(lambda: name not in ids(registry))


@asynccontextmanager
async def service(name: str, port: int) -> AsyncIterator[None]:
    """An announcement of anybody's making."""
    host = socket.inet_aton("127.0.0.1")
    info = ServiceInfo(TYPE, f"{name}.{TYPE}", addresses=[host], port=port, server="x.local.")
    zeroconf = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
    try:
        await (await zeroconf.async_register_service(info))
        yield
    finally:
        await zeroconf.async_unregister_all_services()
        await zeroconf.async_close()


async def test_a_hostile_name_is_not_shown_to_anybody(registry: Found) -> None:
    hostile, after = unique("[red]$(reboot) {{ 7 * 7 }}"), unique("adb-after")
    async with (
        service(hostile, 5_000),
        service(after, 5_001),
        zeroconf_phones(registry.propose, registry.withdraw, loopback_only=True),
    ):
        await registry.until(lambda: after in ids(registry))
        assert not any("reboot" in device for device in ids(registry))


async def test_pc_and_car_are_proposed_by_their_announcements(
    registry: Found, broker: Broker
) -> None:
    async with hub_on(broker) as ha:
        with announced_by_mqtt(ha, registry.propose, registry.withdraw):
            async with (
                SimulatedPc(broker.host, broker.port) as pc,
                SimulatedCar(broker.host, broker.port),
            ):
                await registry.until(
                    lambda: {d.kind for d in registry.proposed} == {Kind.PC, Kind.CAR}
                )
                await registry.until(
                    lambda: (
                        {"lock_screen", "lock_doors"}
                        <= {f for d in registry.proposed for f in d.functions}
                    )
                )
                assert {d.protocol for d in registry.proposed} == {"homeassistant"}
                for found in registry.proposed:
                    await _is_not_usable(registry, found.id)
                await pc.withdraw()
                await registry.until(lambda: [d.kind for d in registry.proposed] == [Kind.CAR])


async def _is_not_usable(registry: Found, device: str) -> None:
    assert registry.approved == ()
    assert not registry.connected(device)
    with pytest.raises(DeviceUnavailable):
        await registry.reach(device, invocation("take_a_photo"))
    assert registry.adapter.calls == []


async def test_approving_says_why_a_device_is_not_connected(registry: Found) -> None:
    why = "the phone asks its owner to allow this hub"
    registry.adapter.refuses = DeviceNeedsPerson(why)
    registry.propose(PHONE)
    await registry.approve(PHONE.id)
    assert not registry.connected(PHONE.id)
    assert registry.problem(PHONE.id) == why
    registry.adapter.refuses = None
    await registry.approve(PHONE.id)
    assert registry.connected(PHONE.id)
    assert not registry.problem(PHONE.id)


async def test_what_is_configured_stays_and_names_are_one_devices_own(registry: Found) -> None:
    registry.load((PHONE.model_copy(update={"id": "hub", "name": "Hub"}),))
    registry.propose(PHONE)
    await registry.approve(PHONE.id)
    with pytest.raises(HubError, match="stands in the configuration"):
        await registry.remove("hub")
    with pytest.raises(HubError, match="another device is called 'hub'"):
        registry.rename(PHONE.id, "hub")


async def test_a_flood_of_announcements_ends(registry: Found, tmp_path: Path) -> None:
    registry.propose(PHONE)
    await registry.approve(PHONE.id)
    for number in range(registry_module.MAX_PROPOSALS + 200):
        registry.propose(PHONE.model_copy(update={"id": f"forged-{number}"}))
    assert len(registry.proposed) == registry_module.MAX_PROPOSALS
    assert registry.refused_proposals == 200
    assert [device.id for device in registry.approved] == [PHONE.id]
    registry.propose(PHONE.model_copy(update={"address": {"host": "h", "port": "2"}}))
    assert registry.approved[0].address["port"] == "2", "what is approved still moves"


async def test_an_announcement_of_another_kind_changes_no_approved_device(registry: Found) -> None:
    registry.propose(PHONE)
    await registry.approve(PHONE.id)
    kept = registry.approved
    forged = PHONE.model_copy(update={"protocol": "homeassistant", "address": {"ha": "evil"}})
    registry.propose(forged)
    assert registry.approved == kept
    assert registry.proposed == ()


async def test_an_announcement_moves_no_device_of_the_configuration(registry: Found) -> None:
    registry.load((PHONE,))
    registry.propose(PHONE.model_copy(update={"address": {"host": "evil", "port": "1"}}))
    assert registry.approved[0].address == PHONE.address


async def test_approval_lasts_over_a_restart(registry: Found, tmp_path: Path) -> None:
    with pytest.raises(NoSuchDevice):
        await registry.approve("adb-1")
    registry.propose(PHONE)
    registry.propose(PHONE.model_copy(update={"id": "adb-2", "name": "2"}))
    await registry.approve("adb-1")
    registry.rename("adb-1", "Pixel")
    await registry.close()

    again = Found(tmp_path)
    again.load()
    assert [(d.id, d.name, d.approved) for d in again.approved] == [("adb-1", "Pixel", True)]
    assert again.proposed == ()
    await again.reach("adb-1", invocation("take_a_photo"))
    await again.remove("Pixel")
    last = Found(tmp_path)
    last.load()
    assert last.approved == ()


@pytest.mark.parametrize("content", [b"", b"{", b'[{"id": 1}]', b"\xff"])
async def test_a_damaged_file_is_named_in_one_line(
    registry: Found, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "devices.json").write_bytes(content)
    with pytest.raises(InvalidSettings, match=r"devices\.json is damaged: .*remove it") as caught:
        registry.load()
    assert "\n" not in str(caught.value)
