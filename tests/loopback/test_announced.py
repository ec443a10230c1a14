"""The hub on the network: what it says of itself, what it follows, and what a flood does to it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest
from zeroconf import DNSIncoming, DNSOutgoing, ServiceInfo

from device_adapters.driver import Service
from orchestrator import quota as quota_module
from orchestrator.discovery import CONNECT, OWN, Announced
from orchestrator.discovery import announced as announced_module
from schemas.device import Device, Kind
from tests.discoverykit import PLAIN, Found, announced, looking, pointer, service, unique

FLOOD = 5_000


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Found]:
    found = Found(tmp_path)
    yield found
    await found.close()


async def test_the_hub_says_that_it_is_there_until_it_goes() -> None:
    name = unique("octopus-")
    async with Announced((OWN,), loopback_only=True) as other:
        told: list[Service] = []
        with other.telling(told.append):
            async with Announced((), loopback_only=True) as hub:
                hub.announce(OWN, name, 1883, {"topic": "octopus"})
                found = await asyncio.wait_for(other.first(lambda one: one.name == name), 10)
            assert found == Service(OWN, name, "127.0.0.1", 1883, {"topic": "octopus"})
            async with asyncio.timeout(10):  # mDNS keeps a second what was said goodbye to
                while Service(OWN, name) not in told:  # noqa: ASYNC110 (told by zeroconf's timer)
                    await asyncio.sleep(0.05)
        assert not [one for one in other.known(OWN) if one.name == name]


async def test_the_hub_follows_its_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another address of loopback, as if an interface came."""
    there = ["127.0.0.1"]

    def adapters() -> list[SimpleNamespace]:
        ips = [
            SimpleNamespace(ip=ip, network_prefix=8, is_IPv4=True, is_IPv6=False) for ip in there
        ]
        return [SimpleNamespace(name="lo", nice_name="lo", index=1, ips=ips)]

    monkeypatch.setattr("ifaddr.get_adapters", adapters)
    monkeypatch.setattr(announced_module, "LOOK_EVERY", 0.05)
    name = unique("octopus-")
    async with (
        Announced((OWN,), loopback_only=True) as other,
        Announced((PLAIN,), loopback_only=False) as hub,
    ):
        hub.announce(OWN, name, 1883, {})
        found = await asyncio.wait_for(other.first(lambda one: one.name == name), 10)
        assert found.host == "127.0.0.1"
        senders = len(hub._zeroconf.zeroconf.engine.senders)
        there[:] = ["127.0.0.2"]
        moved = lambda one: one.name == name and one.host == "127.0.0.2"  # noqa: E731
        await asyncio.wait_for(other.first(moved), 10)
        assert len(hub._zeroconf.zeroconf.engine.senders) == senders
        phone = unique("adb-")
        async with announced(service(phone, 5_000)):
            await asyncio.wait_for(hub.first(lambda one: one.name == phone), 10)


def forged(number: int, service_type: str = PLAIN) -> Iterable[DNSIncoming]:
    """A whole announcement of a device that is not there, by a name that is meant to do harm."""
    hostile = (
        "{}",
        "$(reboot) {}",
        "[red]{}[/red]",
        "{{{{ 7*7 }}}} {}",
        "../../{}",
        "adb-{}-abcdef",
    )
    name = hostile[number % len(hostile)].format(f"forged{number}")
    info = ServiceInfo(
        service_type, f"{name}.{service_type}", port=5_555, server=f"forged{number}.local.",
        addresses=[socket.inet_aton(f"10.0.{number % 250}.7")],
        properties={"evil": "x" * 200, "\x1b[2J": "y"}, other_ttl=2**31 - 1, host_ttl=2**31 - 1,
    )  # fmt: skip
    out = DNSOutgoing(0x8400)
    for record in (info.dns_pointer(), info.dns_service(), info.dns_text(), *info.dns_addresses()):
        out.add_answer_at_time(record, 0)
    return [DNSIncoming(packet) for packet in out.packets()]


def hear(announcements: Announced, packets: Iterable[DNSIncoming]) -> None:
    """As if it had come from the network, where it would reach other tests too."""
    manager = announcements._zeroconf.zeroconf.record_manager
    for packet in packets:
        manager.async_updates_from_response(packet)


async def test_a_flood_changes_nothing_but_a_counter(
    registry: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Device(
        id="adb-mine", kind=Kind.PHONE, name="Mine", protocol="adb",
        address={"host": "192.0.2.1", "port": "5555", "serial": "mine"},
    )  # fmt: skip
    waiting, after = unique("adb-waiting"), unique("adb-after")
    async with looking(registry) as announcements, announced(service(waiting, 5_000)):
        await registry.until(lambda: registry.found(waiting) is not None)
        registry.propose(mine)
        await registry.approve("adb-mine")
        for number in range(FLOOD):
            hear(announcements, forged(number, PLAIN if number % 2 else CONNECT))
            if number % 50 == 0:
                await asyncio.sleep(0)
        assert announcements.turned_away > FLOOD / 4
        await announcements._sweep()
        cache = announcements._zeroconf.zeroconf.cache
        assert len(cache.names()) < 4 * announced_module.MAX_HEEDED
        scheduler = announcements._browser.query_scheduler
        assert len(scheduler._next_scheduled_for_alias) <= 2 * announced_module.MAX_HEEDED

        assert [d.id for d in registry.approved] == ["adb-mine"]
        assert registry.approved[0].address == mine.address
        assert len(registry.adapter.calls) == 0
        assert registry.found(waiting) is not None, "what was there first stays"
        assert len(registry.proposed) <= announced_module.MAX_HEEDED
        assert not [d for d in registry.proposed if set("\x1b[]{}$/") & set(d.id + d.name)]

        monkeypatch.setattr(quota_module, "PAUSE", 0.0)
        announcements._heeded._next = 0.0  # a moment later
        registry._quota._next = 0.0
        async with announced(service(after, 5_001)):
            await registry.until(lambda: registry.found(after) is not None)


async def test_names_alone_leave_nothing_behind() -> None:
    async with Announced((PLAIN,), loopback_only=True) as announcements:
        for number in range(2_000):
            name = f"name{number}" if number % 2 else f"\x1b[{number}"
            hear(announcements, [DNSIncoming(pointer(name.encode()))])
        await asyncio.sleep(0)
        assert len(announcements._pending) <= announced_module.MAX_HEEDED
        await announcements._sweep()
        kept = announcements._zeroconf.zeroconf.cache.async_entries_with_name(PLAIN)
        assert len(kept) <= announced_module.MAX_HEEDED
        scheduled = announcements._browser.query_scheduler._next_scheduled_for_alias
        assert len(scheduled) <= announced_module.MAX_HEEDED


async def test_after_a_long_flood_the_hub_looks_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announced_module, "MAX_FORGOTTEN", 100)
    name = unique("adb-")
    async with (
        Announced((PLAIN,), loopback_only=True) as announcements,
        announced(service(name, 5_000)),
    ):
        await asyncio.wait_for(announcements.first(lambda one: one.name == name), 10)
        before = announcements._browser
        for number in range(200):
            hear(announcements, [DNSIncoming(pointer(f"[{number}".encode()))])
        told: list[Service] = []
        with announcements.telling(told.append):
            told.clear()
            await announcements._sweep()
            assert announcements._browser is not before
            await asyncio.wait_for(announcements.first(lambda one: one.name == name), 10)
            assert all(one.there for one in told)
