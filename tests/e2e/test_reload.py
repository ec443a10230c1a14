"""SIGHUP: what of the configuration counts at once, and what a restart is needed for."""

import contextlib
import signal
from pathlib import Path

import pytest

from orchestrator.broker import LOCAL, Login, passwords
from orchestrator.client import BrokerAway, Refused, connected
from tests.e2e.daemon import Site, eventually

TABLET = """
[[device]]
id = "{id}"
kind = "phone"
name = "{name}"
protocol = "adb"
address = {{ host = "127.0.0.1", port = "{port}" }}
"""


async def reload(site: Site, **files: str) -> str:
    """Write files of the configuration, have them read, and give the line that is logged of it."""
    for name, text in files.items():
        (site.config / f"{name}.toml").write_text(text)
    seen = site.log.count("orchestrator.reloading")
    site.kill(signal.SIGHUP)
    await eventually(lambda: site.log.count("orchestrator.reloading") > seen, 20, site)
    return [line for line in site.log.splitlines() if "orchestrator.reloading" in line][-1]


def login(site: Site, user: str) -> Login:
    """At the hub's own broker."""
    return Login("127.0.0.1", site.port, user, passwords(site.state, ("ann",))[user])


async def test_what_counts_at_once_and_what_waits_for_a_restart(site: Site) -> None:
    hub = (site.config / "hub.toml").read_text()
    await site.spawn()
    await eventually(lambda: "ready after" in site.log, 30, site)
    async with connected(login(site, LOCAL), "octopus", LOCAL) as local:
        # People come, may log in and manage, and devices come with them.
        line = await reload(
            site,
            people="[users.ann]\n",
            hub=hub.replace("[hub]\n", '[hub]\nmanagers = ["ann"]\n'),
            devices=TABLET.format(id="tablet", name="Tablet", port=1),
        )
        assert line.endswith('event="configuration taken"')
        async with connected(login(site, "ann"), "octopus", "ann") as ann:
            listed = {one["id"]: one for one in await ann.request("device/list")}
            assert listed["tablet"]["name"] == "Tablet"
            await ann.request("device/approve", device="tablet")

            # A device is called otherwise, another one comes; who may manage changes.
            both = TABLET.format(id="tablet", name="Slate", port=1) + TABLET.format(
                id="phone", name="Phone", port=1
            )
            await reload(site, devices=both, hub=hub)
            listed = {one["id"]: one["name"] for one in await local.request("device/list")}
            assert listed.items() >= {"tablet": "Slate", "phone": "Phone"}.items()
            with pytest.raises(Refused, match="may not"):
                await ann.request("device/approve", device="tablet")
        assert await reload(site, devices="")
        assert "tablet" not in {one["id"] for one in await local.request("device/list")}

        # Limits count for the next command; what cannot change is named, and nothing else.
        limited = hub.replace("[hub]", '[hub]\nname = "other"').replace(
            "[discovery]", "[limits]\nburst = 1\n[discovery]\nusb = false"
        )
        line = await reload(site, hub=limited)
        assert line.endswith('event="configuration taken; restart for: hub.name, discovery.usb"')
        await local.send("what is the meaning of life", "one")
        with pytest.raises(Refused, match="commands a minute"):
            await local.send("what is the meaning of life", "two")

        # Who is gone from people.toml may not log in any more.
        await reload(site, people="", hub=hub)
        with pytest.raises(BrokerAway):
            async with connected(login(site, "ann"), "octopus", "ann"):
                pass

        # The log's level.
        assert "debug" not in site.log
        await reload(site, hub=f'{hub}[log]\nlevel = "warning"\n')
    assert await site.stop() == 0
    assert "event=stopping" not in site.log, "which is of no concern from then on"


async def test_a_hang_up_before_the_hub_is_ready_waits(site: Site) -> None:
    await site.spawn()
    await eventually(lambda: (Path(f"/proc/{site.pid}/cmdline")).exists(), 5, site)
    await eventually(lambda: _handles(site.pid, signal.SIGHUP), 20, site)
    site.kill(signal.SIGHUP)
    await eventually(lambda: "configuration taken" in site.log, 30, site)
    assert site.log.index("ready after") < site.log.index("configuration taken")
    assert await site.stop() == 0


def _handles(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False
