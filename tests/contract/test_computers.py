"""Computers without an agent, and the hub's own machine, keep the contract of every adapter."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from device_adapters.pc.hostkeys import line, made_key
from device_adapters.pc.machine import MachineDriver
from device_adapters.pc.ssh import SshDriver, SshOptions
from device_adapters.testing import AdapterContract, Bench, bare_site
from schemas.device import Device, Kind
from tests.sshd import Desktop, running_sshd

CALLS = {
    "type_text": {"text": "hello"},
    "media_control": {"action": "play"},
    "set_volume": {"level": 3, "volume_type": "media"},
    "lock_screen": {},
    "get_pc_status": {"item": "disk"},
    "open_application": {"name": "calculator"},
}


@pytest.fixture(autouse=True)
def no_tasks_left_and_loop_free() -> None:
    """The contract looks at its own loops."""


def furnished(folder: Path, home: Path) -> Desktop:
    """A desktop with a screen, sound, a player and an application."""
    desktop = Desktop(folder)
    desktop.screen("x11")
    for name in ("xdotool", "gtk-launch", "sleep"):  # nothing here needs a real pause
        desktop.has(name)
    now = folder / "volume"
    desktop.has(
        "wpctl", f'[ "$3" ] && printf %02d "${{3%\\%}}" >{now} || echo "Volume: 0.$(cat {now})"'
    )
    desktop.has("playerctl", "echo Playing")
    applications = home / ".local/share/applications"
    applications.mkdir(parents=True)
    (applications / "calc.desktop").write_text("[Desktop Entry]\nName=Calculator\n")
    return desktop


class TestSsh(AdapterContract):
    driver, protocol, calls = SshDriver, "ssh", CALLS

    @asynccontextmanager
    async def bench(self, folder: Path) -> AsyncIterator[Bench]:
        server = folder / "sshd"
        async with running_sshd(server, furnished(folder, server).bin) as sshd:
            sshd.authorized.write_text(line(made_key(folder / "ssh" / "id_ed25519")))
            device = Device(
                id="pc", kind=Kind.PC, name="Office PC", protocol="ssh", address=sshd.address
            )
            site = replace(bare_site(folder), state=folder, options=SshOptions(keepalive=1))
            yield Bench(device, site, leave=sshd.stop, come_back=sshd.start)


class TestMachine(AdapterContract):
    driver, protocol, calls, finds = MachineDriver, "machine", CALLS, True
    # This machine is never away from itself.
    test_a_device_that_is_away_is_told_and_comes_back = None  # type: ignore[assignment]

    @asynccontextmanager
    async def bench(self, folder: Path) -> AsyncIterator[Bench]:
        desktop = furnished(folder, folder)
        with patch.dict(os.environ, {"PATH": str(desktop.bin), "HOME": str(folder)}):
            device = Device(id="machine", kind=Kind.PC, name="hub", protocol="machine")
            yield Bench(device, bare_site(folder))
