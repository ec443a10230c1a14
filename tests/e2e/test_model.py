"""The model's process under a running daemon: killed, hung, told to stop, left behind."""

from __future__ import annotations

import json
import os
import signal

from orchestrator.broker import LOCAL, Login, passwords
from orchestrator.client import connected
from tests.e2e.daemon import READY_WITHIN, Site, eventually, parent

WEATHER = "What is the weather in Seoul?"


def worker_of(site: Site) -> int:
    worker = site.worker
    assert worker is not None, site.children
    return worker


async def answered(site: Site) -> None:
    ran = await site.octopus("send", WEATHER)
    assert (ran.status, ran.err) == (0, ""), site.log


async def test_a_killed_model_comes_back(site: Site) -> None:
    await site.start()
    for _ in range(2):
        killed = worker_of(site)
        os.kill(killed, signal.SIGKILL)
        await answered(site)
        assert worker_of(site) != killed
        assert parent(killed) is None
    assert await site.stop() == 0
    assert "Traceback" not in site.log


async def test_a_model_that_hangs_is_started_anew(site: Site) -> None:
    with (site.config / "hub.toml").open("a") as settings:
        settings.write("[model]\ndeadline = 2\n")
    await site.start()
    hung = worker_of(site)
    os.kill(hung, signal.SIGSTOP)
    ran = await site.octopus("send", WEATHER)
    assert ran.status == 1
    assert "the model did not answer within 2 s" in ran.out
    await eventually(lambda: site.worker not in (hung, None), 10, site)
    await answered(site)
    assert parent(hung) is None
    assert await site.stop() == 0


async def test_a_sigterm_for_all_processes_lets_the_hub_finish(site: Site) -> None:
    await site.start()
    worker = worker_of(site)
    os.kill(worker, signal.SIGSTOP)
    login = Login("127.0.0.1", site.port, LOCAL, passwords(site.state)[LOCAL])
    async with connected(login, "octopus", LOCAL) as client:
        await client.send(WEATHER, "weather")
    site.kill(signal.SIGTERM, *site.children)
    await eventually(lambda: "stopping" in site.log, 10, site)
    os.kill(worker, signal.SIGCONT)
    assert await site.ended() == 0
    assert parent(worker) is None
    assert "Traceback" not in site.log
    assert await site.start() <= READY_WITHIN
    ran = await site.octopus("executions", "list", "--json")
    (record,) = json.loads(ran.out)
    assert record["state"] == "succeeded"
    assert await site.stop() == 0


async def test_a_killed_daemon_takes_its_model_along(site: Site) -> None:
    await site.start()
    hung = worker_of(site)
    os.kill(hung, signal.SIGSTOP)
    assert await site.stop(signal.SIGKILL) == -signal.SIGKILL
    await eventually(lambda: parent(hung) is None, 5, site)
