"""Can phones be reached: the hub's key, adb, and the cable?"""

import os
from collections.abc import Iterator
from pathlib import Path

from device_adapters.adb.adbprocess import OLDEST, find_adb
from orchestrator.devices import KEY
from orchestrator.discovery.usb import SYSFS, plugged_in
from orchestrator.doctor.checks import Check, good, warning, wrong
from orchestrator.settings import Settings

DEVICES = Path("/dev/bus/usb")
_RULES = "apt install android-sdk-platform-tools-common, or be in the group that owns it"


def phone_checks(settings: Settings, sysfs: Path = SYSFS, nodes: Path = DEVICES) -> Iterator[Check]:
    """The key that phones know this hub by, what pairs them, and those on a cable."""
    key = settings.state / KEY
    if key.exists():
        yield good("phones' key", f"made: {key}")
    else:
        yield good("phones' key", "none yet: made with the first phone")
    adb = find_adb()
    if adb is None:
        said = (
            f"no adb {OLDEST} or newer: no pairing, no wireless debugging; plain adb and USB work"
        )
        yield warning("adb", said, "pip install 'octopus-hub[adb-server]'")
    else:
        yield good("adb", f"for pairing and wireless debugging: {adb}")
    if settings.discovery.usb:
        yield from _cables(sysfs, nodes)


def _cables(sysfs: Path, nodes: Path) -> Iterator[Check]:
    serials = plugged_in(sysfs)
    if not serials:
        yield good("phones by USB", "none is plugged in with debugging on: nothing to look at")
    for serial in sorted(serials):
        node = _node(serial, sysfs, nodes)
        if node is None or os.access(node, os.R_OK | os.W_OK):
            yield good("phones by USB", f"{serial} is plugged in")
        else:
            yield wrong("phones by USB", f"{serial}: this user may not use {node}", _RULES)


def _node(serial: str, sysfs: Path, nodes: Path) -> Path | None:
    """The device file of what is plugged in; None where there is none any more."""
    for file in sysfs.glob("*/serial"):
        try:
            if file.read_text(encoding="utf-8", errors="replace").strip() == serial:
                bus, number = (
                    int((file.parent / name).read_text()) for name in ("busnum", "devnum")
                )
                return nodes / f"{bus:03}" / f"{number:03}"
        except (OSError, ValueError):
            continue
    return None
