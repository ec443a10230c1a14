"""Phones that are found: on a cable, as the kernel lists them, and by what they call themselves."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from device_adapters.driver import Service
from orchestrator.discovery import (
    CONNECT,
    PAIRING,
    PLAIN,
    Phones,
    phones_by_usb,
    plugged_in,
    serial_of,
)
from schemas.device import Device

ADB = ("ff", "42", "01")


def plug(sysfs: Path, port: str, serial: str | None, *interfaces: tuple[str, str, str]) -> None:
    """What the kernel shows of a device on a port."""
    device = sysfs / port
    device.mkdir(parents=True)
    if serial is not None:
        (device / "serial").write_text(f"{serial}\n")
    for number, values in enumerate(interfaces):
        interface = sysfs / f"{port}:1.{number}"
        interface.mkdir()
        names = ("bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol")
        for name, value in zip(names, values, strict=True):
            (interface / name).write_text(f"{value}\n")


def unplug(sysfs: Path, port: str) -> None:
    for folder in sysfs.glob(f"{port}*"):
        shutil.rmtree(folder)


def test_what_offers_adb_is_a_phone(tmp_path: Path) -> None:
    plug(tmp_path, "1-2", "R5CR10", ("06", "01", "01"), ADB)  # photos, and adb
    plug(tmp_path, "1-3.1", "0123456789ABCDEF", ADB)
    plug(tmp_path, "2-1", "KEYBOARD", ("03", "01", "01"))
    plug(tmp_path, "2-2", "FASTBOOT", ("ff", "42", "03"))
    plug(tmp_path, "2-3", None, ADB)
    plug(tmp_path, "2-4", "evil\x1b[2J$(reboot)", ADB)
    plug(tmp_path, "2-5", "x" * 51, ADB)
    (tmp_path / "usb1").mkdir()
    assert plugged_in(tmp_path) == {"R5CR10", "0123456789ABCDEF"}


def test_a_machine_without_usb_has_none(tmp_path: Path) -> None:
    assert plugged_in(tmp_path / "nothing") == frozenset()


class Told:
    """What was proposed and withdrawn."""

    def __init__(self, *, takes: bool = True) -> None:
        self.there: dict[str, Device] = {}
        self.takes = takes
        self._news = asyncio.Event()

    def propose(self, device: Device) -> bool:
        self.there[device.id] = device
        self._news.set()
        return self.takes

    def withdraw(self, device: str) -> None:
        del self.there[device]
        self._news.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                self._news.clear()
                await self._news.wait()


async def test_a_cable_is_noticed_and_its_absence_too(tmp_path: Path) -> None:
    told = Told()
    plug(tmp_path, "1-1", "FIRST", ADB)
    async with phones_by_usb(Phones(told.propose, told.withdraw), tmp_path, every=0.01):
        await told.until(lambda: set(told.there) == {"adb-FIRST"})
        assert told.there["adb-FIRST"].address == {"usb": "FIRST", "serial": "FIRST"}
        plug(tmp_path, "1-2", "SECOND", ADB)
        await told.until(lambda: len(told.there) == 2)
        unplug(tmp_path, "1-1")
        await told.until(lambda: set(told.there) == {"adb-SECOND"})


def test_cable_and_network_are_ways_to_one_phone() -> None:
    told = Told()
    phones = Phones(told.propose, told.withdraw)
    phones.seen("S", "net", {"host": "h", "port": "1"})
    phones.seen("S", "usb", {"usb": "S"})
    assert told.there["adb-S"].address == {"host": "h", "port": "1", "usb": "S", "serial": "S"}
    phones.seen("S", "again", {"host": "h2", "port": "2"})
    assert told.there["adb-S"].address["host"] == "h2", "what was said last counts"
    phones.gone("S", "again")
    assert told.there["adb-S"].address["host"] == "h"
    phones.gone("S", "net")
    phones.gone("S", "net")
    assert told.there["adb-S"].address == {"usb": "S", "serial": "S"}
    phones.gone("S", "usb")
    assert told.there == {}
    phones.gone("S", "usb")
    phones.gone("never seen", "usb")


def test_what_the_registry_does_not_take_is_not_remembered() -> None:
    told = Told(takes=False)
    phones = Phones(told.propose, told.withdraw)
    for number in range(10_000):
        phones.seen(f"forged-{number}", "net", {"host": "h", "port": "1"})
    assert phones._ways == {}


@pytest.mark.parametrize(
    ("service_type", "name", "serial"),
    [
        (PLAIN, "adb-R5CR1", "R5CR1"),
        (PLAIN, "adb-a-b-abcdef", "a-b-abcdef"),
        (PLAIN, "phone", "phone"),
        (CONNECT, "adb-R5CR1-aB3xY9", "R5CR1"),
        (CONNECT, "adb-a-b-c-aB3xY9", "a-b-c"),
        (CONNECT, "adb-R5CR1-aB3xY9 (2)", "R5CR1"),
        (CONNECT, "adb-R5CR1", None),
        (CONNECT, "adb--aB3xY9", None),
        (CONNECT, "something-aB3xY9", None),
        (PAIRING, "adb-R5CR1-aB3xY9", None),
        ("_http._tcp.local.", "adb-R5CR1", None),
    ],
)
def test_a_phone_is_known_by_what_it_announces(
    service_type: str, name: str, serial: str | None
) -> None:
    assert serial_of(Service(service_type, name, "192.0.2.7", 5555)) == serial
