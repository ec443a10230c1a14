"""Phones on a USB cable, as the kernel lists them: nothing is opened, and no adb is needed."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

from device_adapters.beat import beat
from orchestrator.discovery.phones import Phones

SYSFS = Path("/sys/bus/usb/devices")
LOOK_EVERY = 2.0
"""Seconds; reading a few small files of the kernel."""
_ADB = {"bInterfaceClass": "ff", "bInterfaceSubClass": "42", "bInterfaceProtocol": "01"}
_SERIAL = re.compile(r"[\w .:'()+-]{1,50}")


@contextlib.asynccontextmanager
async def phones_by_usb(
    phones: Phones, folder: Path = SYSFS, every: float = LOOK_EVERY
) -> AsyncIterator[None]:
    """Tell `phones` of everything plugged in that offers adb, while the block lasts."""
    task = asyncio.create_task(_look(phones, folder, every), name="phones by usb")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _look(phones: Phones, folder: Path, every: float) -> None:
    before: frozenset[str] = frozenset()
    while True:
        now = await asyncio.to_thread(plugged_in, folder)
        for serial in now - before:
            phones.seen(serial, "usb", {"usb": serial})
        for serial in before - now:
            phones.gone(serial, "usb")
        before = now
        await beat(every)


def plugged_in(folder: Path = SYSFS) -> frozenset[str]:
    """The serial numbers of what is plugged in and offers adb."""
    found = set()
    for interface in folder.glob("*:*"):
        if all(_read(interface / name) == value for name, value in _ADB.items()):
            serial = _read(folder / interface.name.partition(":")[0] / "serial")
            if _SERIAL.fullmatch(serial):
                found.add(serial)
    return frozenset(found)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # unplugged just now
        return ""
