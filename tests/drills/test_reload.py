"""A daemon whose configuration is read anew, again and again, while people go on commanding."""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.test_stops import ENDED, NOTE, Home, home
from tests.e2e.notified import Notified

RELOADS = 100
ALLOW = '[[rule]]\nfunction = ["type_text", "show_notification"]\nverdict = "allow"\n'
DENY = '[[rule]]\nfunction = "show_notification"\nverdict = "deny"\n'
GOOD = (ALLOW, f"{ALLOW}{ALLOW}", "")
BAD = (
    (DENY.replace("deny", "perhaps"), "verdict"),
    (DENY.replace("show_", "shew_"), "no function shew_notification"),
    (f'{DENY}user = "nobody"\n', "no user nobody"),
    (f"{DENY}[[", "policy.toml"),
)
"""What would deny, if it were taken in spite of its mistake; and how that is said."""


@pytest.fixture
def systemd() -> Iterator[Notified]:
    made = Notified(60)
    yield made
    made.close()


async def reloaded(there: Home, systemd: Notified, policy: str) -> str:
    """Have a policy read; what `systemctl status` says then."""
    (there.hub.config / "policy.toml").write_text(policy)
    there.hub.kill(signal.SIGHUP)
    told = await systemd.until("RELOADING=1")
    assert any(line.startswith("MONOTONIC_USEC=") for line in told)
    await systemd.until("READY=1")
    return systemd.statuses[-1]


async def test_no_command_is_lost_over_a_hundred_reloads(tmp_path: Path, systemd: Notified) -> None:
    async with home(tmp_path, environment=systemd.environment) as there:
        there.pc.let_go.set()
        await systemd.until("READY=1")
        sent: list[str] = []
        done = asyncio.Event()

        async def command() -> None:
            while not done.is_set():
                identity = f"note{len(sent)}"
                assert await there.send(NOTE.format(identity), identity) == "accepted"
                sent.append(identity)

        commanding = asyncio.create_task(command())
        for number in range(RELOADS):
            good = number % 2 == 0
            policy, why = (GOOD[number % 3], "") if good else BAD[number // 2 % 4]
            status = await reloaded(there, systemd, policy)
            assert (status == "ready") is good, status
            assert why in status
        done.set()
        await commanding
        assert len(sent) >= 20
        await there.until(set(sent), ENDED)
        assert there.asked("SELECT DISTINCT state FROM runs") == [("succeeded",)]
        assert Counter(there.pc.notifications) == Counter(sent), "each once, and none that is not"
        assert there.hub.log.count("configuration taken") == RELOADS / 2
        assert there.hub.log.count("configuration not taken, the one before stays") == RELOADS / 2

        health = (await there.ann.request("health"))["data"]
        assert BAD[(RELOADS - 1) // 2 % 4][1] in json.dumps(health)
        assert await there.send(NOTE.format("still"), "still") == "accepted"
        await there.until({"still"}, {"succeeded"})
        assert await reloaded(there, systemd, DENY) == "ready"
        assert await there.send(NOTE.format("no more"), "denied") == "accepted"
        await there.until({"denied"}, {"refused"})
        assert await there.hub.stop() == 0
