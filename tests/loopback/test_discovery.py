"""What announces itself is proposed, and nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from zeroconf import DNSIncoming

from device_adapters.driver import Site
from device_adapters.homeassistant import HomeAssistant
from device_adapters.simulated.car import SimulatedCar
from device_adapters.simulated.pc import SimulatedPc
from device_adapters.simulated.phone.adbd import announce
from device_adapters.simulated.phone.adbd.server import SimulatedPhone
from orchestrator.discovery import Announced
from schemas.device import Kind
from schemas.errors import DeviceUnavailable
from tests.broker import Broker, hub_on, invocation
from tests.discoverykit import (
    CONNECT,
    PAIRING,
    PLAIN,
    Found,
    announced,
    looking,
    pointer,
    service,
    unique,
)  # fmt: skip


def ids(registry: Found) -> set[str]:
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
        announce.announced(phone),
        looking(registry),
    ):
        await registry.until(lambda: f"adb-{serial}" in ids(registry))
        found = registry.found(f"adb-{serial}")
        assert found is not None
        assert (found.name, found.kind) == (serial, Kind.PHONE)
        assert found.address == {"host": "127.0.0.1", "port": str(phone.port), "serial": serial}
        await _is_not_usable(registry, found.id)


async def test_a_phone_with_wireless_debugging_is_one_device_as_well(registry: Found) -> None:
    serial = unique("SIM")
    async with (
        SimulatedPhone(serial=serial, wireless=True) as phone,
        announce.announced(phone),
        looking(registry),
    ):
        await registry.until(lambda: len(registry.address(serial)) == 6)
        assert registry.address(serial)["tls_port"] == str(phone.tls_port)
        assert registry.address(serial)["port"] == str(phone.port)
        await phone.unplug()
        await registry.until(lambda: "tls" not in registry.address(serial))
        await phone.plug()
        await registry.until(lambda: "tls" in registry.address(serial))
        assert registry.address(serial)["tls_port"] == str(phone.tls_port)


async def test_a_phone_that_leaves_is_proposed_no_more(registry: Found) -> None:
    name = unique("adb-SIM")
    async with looking(registry):
        async with announced(service(name, 5_000)):
            await registry.until(lambda: name in ids(registry))
        await registry.until(lambda: name not in ids(registry))


async def test_one_phone_that_is_announced_in_two_ways_is_one_device(registry: Found) -> None:
    serial = unique("R5-CR1-")  # a serial number may hold dashes
    plain = service(f"adb-{serial}", 5555)
    wireless = service(f"adb-{serial}-aB3xY9", 40_001, CONNECT)
    async with looking(registry), announced(plain, wireless) as phone:
        await registry.until(lambda: len(registry.address(serial)) == 6)
        assert registry.address(serial) == {
            "host": "127.0.0.1", "port": "5555", "serial": serial,
            "tls": f"adb-{serial}-aB3xY9", "tls_host": "127.0.0.1", "tls_port": "40001",
        }  # fmt: skip
        assert [d.id for d in registry.proposed if serial in d.id] == [f"adb-{serial}"]

        await (await phone.async_unregister_service(plain))
        await registry.until(lambda: "host" not in registry.address(serial))
        assert registry.address(serial)["tls_port"] == "40001"
        await (await phone.async_unregister_service(wireless))
        await registry.until(lambda: f"adb-{serial}" not in ids(registry))


async def test_a_port_that_changes_is_followed(registry: Found) -> None:
    serial = unique("SIM")
    first = service(f"adb-{serial}-abcdef", 40_001, CONNECT)
    async with looking(registry), announced(first) as phone:
        await registry.until(lambda: f"adb-{serial}" in ids(registry))
        await registry.approve(serial)
        again = service(f"adb-{serial}-abcdef", 40_002, CONNECT)
        again.server = first.server
        await (await phone.async_update_service(again))
        await registry.until(lambda: registry.approved[0].address["tls_port"] == "40002")


async def test_a_phone_that_met_its_own_name_is_the_same_phone(registry: Found) -> None:
    serial = unique("SIM")
    name = f"adb-{serial}-abcdef (2)"
    async with looking(registry), announced(service(name, 40_001, CONNECT)):
        await registry.until(lambda: f"adb-{serial}" in ids(registry))


async def test_an_address_of_the_network_is_preferred(registry: Found) -> None:
    both, linked = unique("adb-both"), unique("adb-linked")
    async with (
        looking(registry),
        announced(
            service(linked, 5_000, PLAIN, "fe80::1"),
            service(both, 5_001, PLAIN, "2001:db8::1", "fe80::1", "192.0.2.7"),
        ),
    ):
        await registry.until(lambda: both in ids(registry))
        found = registry.found(both)
        assert found is not None
        assert found.address["host"] == "192.0.2.7"
        assert registry.found(linked) is None


async def test_what_waits_to_be_paired_is_no_phone_yet(registry: Found) -> None:
    name, after = unique("adb-pairing"), unique("adb-after")
    async with looking(registry) as announcements:
        seen = asyncio.create_task(announcements.first(lambda one: one.name == name))
        async with announced(service(name, 37_000, PAIRING), service(after, 5_000)):
            assert (await asyncio.wait_for(seen, 15)).port == 37_000
            await registry.until(lambda: after in ids(registry))
            assert [one.name for one in announcements.known(PAIRING) if one.name == name] == [name]
            assert not any(name in device for device in ids(registry))


async def test_a_hostile_name_is_not_shown_to_anybody(registry: Found) -> None:
    hostile, after = unique("[red]$(reboot) {{ 7 * 7 }}"), unique("adb-after")
    async with announced(service(hostile, 5_000), service(after, 5_001)), looking(registry):
        await registry.until(lambda: after in ids(registry))
        assert not any("reboot" in device for device in ids(registry))


@pytest.mark.parametrize("label", [b"\xff" * 63, b"\x1b[31m", b"[x]", b""], ids=str)
async def test_a_name_that_nobody_can_ask_for_disturbs_nothing(
    registry: Found, label: bytes
) -> None:
    """zeroconf reads more names than it is willing to say."""
    broke: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: broke.append(context))
    after = unique("adb-after")
    async with looking(registry) as announcements:
        _hear(announcements, pointer(label))
        async with announced(service(after, 5_000)):
            async with asyncio.timeout(15):
                await announcements.first(lambda one: one.name == after)
            await registry.until(lambda: after in ids(registry))
    assert broke == []


def _hear(announcements: Announced, packet: bytes) -> None:
    """As if it had come from the network, where it would reach other tests too."""
    zeroconf = announcements._zeroconf.zeroconf
    zeroconf.record_manager.async_updates_from_response(DNSIncoming(packet))


async def test_pc_and_car_are_proposed_by_their_announcements(
    registry: Found, broker: Broker, tmp_path: Path
) -> None:
    async with hub_on(broker) as ha:
        driver = HomeAssistant(Site(ha.mqtt, ha, tmp_path))
        async with (
            driver.finding(registry.propose, registry.withdraw),
            SimulatedPc(broker.host, broker.port) as pc,
            SimulatedCar(broker.host, broker.port),
        ):
            await registry.until(lambda: {d.kind for d in registry.proposed} == {Kind.PC, Kind.CAR})
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
