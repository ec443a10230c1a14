"""`octopus pair` against a running hub and a phone with wireless debugging."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from device_adapters.simulated.phone.adbd.announce import announced
from device_adapters.simulated.phone.adbd.server import SimulatedPhone
from tests.e2e.daemon import CLI, ROOT, Site


@asynccontextmanager
async def wireless() -> AsyncIterator[SimulatedPhone]:
    """A phone that nobody has paired."""
    serial = f"SIM{uuid.uuid4().hex[:8]}"
    async with (
        SimulatedPhone(name="Pixel 8", serial=serial, wireless=True) as phone,
        announced(phone),
    ):
        yield phone


async def test_a_phone_is_paired_from_the_command_line(site: Site) -> None:
    await site.start()
    async with wireless() as phone:
        shown = await phone.open_pairing()
        where = f"{shown.host}:{shown.port}"
        wrong = f"{(int(shown.code) + 1) % 10**6:06}"
        refused = await site.octopus("pair", "--code", wrong, where)
        assert refused.status == 1
        assert refused.err == f"octopus: {where} was not paired: let the phone show a new code\n"

        ran = await site.octopus("pair", "--code", shown.code, where)
        assert (ran.status, ran.err) == (0, "")
        assert "Pixel 8 may be used now" in ran.out

        listed = json.loads((await site.octopus("devices", "--json")).out)
        (ours,) = [one for one in listed if one["id"] == f"adb-{phone.state.serial}"]
        assert (ours["state"], ours["todo"]) == ("connected", "")
        assert "wireless debugging at 127.0.0.1" in ours["ways"]
        sent = await site.octopus("send", "set the media volume to 4")
        assert (sent.status, sent.err) == (0, "")
    assert shown.code not in site.log
    assert wrong not in site.log
    assert await site.stop() == 0
    assert site.children == {}, "its adb server went with it"


async def test_whoever_presses_ctrl_c_leaves_nothing_behind(site: Site) -> None:
    await site.start()
    command = [sys.executable, *CLI, "pair", "--config", str(site.config)]
    pairing = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert pairing.stdout is not None
    out = b""
    async with asyncio.timeout(30):
        while b"waiting for a phone" not in out:
            out += await pairing.stdout.readline()
        pairing.send_signal(signal.SIGINT)
        _, err = await pairing.communicate()
    assert "█".encode() in out
    assert (pairing.returncode, err) == (1, b"octopus: stopped; nothing was paired\n")
    assert await site.stop() == 0
