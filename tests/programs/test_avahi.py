"""The hub and a real Avahi find each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device_adapters.driver import Service
from orchestrator.discovery import OWN, Announced
from tests.discoverykit import Found, announced, looking, service, unique
from tests.programs.avahi import Avahi, running_avahi

SSH = "_ssh._tcp.local."


@pytest.fixture
async def avahi(tmp_path: Path) -> AsyncIterator[Avahi]:
    async with running_avahi(tmp_path, unique("avahi")) as running:
        yield running


async def test_what_avahi_publishes_is_found_and_stays_when_avahi_dies(
    avahi: Avahi, tmp_path: Path
) -> None:
    serial, computer = unique("SIM"), unique("pc")
    registry = Found(tmp_path)
    async with (
        avahi.publishing(f"adb-{serial}-abcdef", "_adb-tls-connect._tcp", 40_001),
        avahi.publishing(computer, "_ssh._tcp", 22, "os=linux", "hostile=\x1b[31m"),
        Announced((SSH,), loopback_only=True) as computers,
        looking(registry),
    ):
        found = await asyncio.wait_for(computers.first(lambda one: one.name == computer), 10)
        assert found == Service(SSH, computer, "127.0.0.1", 22, {"os": "linux"})
        await registry.until(lambda: f"adb-{serial}" in {d.id for d in registry.proposed})
        told: list[Service] = []
        with computers.telling(told.append):
            await avahi.kill()
            after = unique("after")
            async with announced(service(after, 22, SSH)):
                await asyncio.wait_for(computers.first(lambda one: one.name == after), 10)
                assert all(one.there for one in told), "nobody says that Avahi is gone"
        assert registry.address(serial)["tls_port"] == "40001"


async def test_avahi_finds_the_hub_under_its_name_or_the_next(avahi: Avahi) -> None:
    name = unique("octopus-")
    said = {"topic": "octopus"}
    async with Announced((OWN,), loopback_only=True) as first:
        first.announce(OWN, name, 1883, said)
        await asyncio.wait_for(first.first(lambda one: one.name == name), 10)
        [found] = [f for f in await avahi.browse("_octopus-hub._tcp") if f[3] == name]
        assert (found[7:9], found[9]) == (["127.0.0.1", "1883"], '"topic=octopus"')
        async with Announced((OWN,), loopback_only=True) as second:
            # Whether a name is free is asked with answers to one address, and those go to any one
            # of the programs that listen on this machine: what is heard before needs no answer.
            await asyncio.wait_for(second.first(lambda one: one.name == name), 20)
            second.announce(OWN, name, 1884, said)
            other = await asyncio.wait_for(first.first(lambda one: one.port == 1884), 10)
            assert other.name == f"{name}-2"
    async with asyncio.timeout(10):  # Avahi keeps a second what was said goodbye to
        while any(f[3].startswith(name) for f in await avahi.browse("_octopus-hub._tcp")):
            pass
