"""The model's process under a running daemon: killed, hung, told to stop, left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path

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


async def test_where_the_server_is_away_the_embedded_weights_answer(site: Site) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        with (site.config / "hub.toml").open("a") as settings:
            settings.write(f'[model]\nurl = "{url}"\n')
        await site.start()
        await answered(site)
        ran = await site.octopus("executions", "list", "--json")
        (record,) = json.loads(ran.out)
        assert record["state"] == "succeeded"
        assert record["model"].startswith(f"embedded, because: the model server {url} cannot be")
        ran = await site.octopus("doctor")
        assert ran.status == 1
        assert "ok    embedded weights" in ran.out
        assert "wrong model server" in ran.out
        assert await site.stop() == 0


async def test_the_doctor_names_what_is_wrong_with_a_folder(site: Site, tmp_path: Path) -> None:
    with (site.config / "hub.toml").open("a") as settings:
        settings.write(f'[model]\nurl = "{tmp_path}/none"\n')
    ran = await site.octopus("doctor", "--json")
    assert ran.status == 1
    checks = {check["name"]: check for check in json.loads(ran.out)}
    embedded, weights = checks["embedded weights"], checks["weights"]
    assert (embedded["level"], weights["level"]) == ("good", "wrong")
    assert f"{tmp_path}/none is no folder" in weights["said"]
    ran = await site.octopus("run")
    assert (ran.status, len(ran.err.splitlines())) == (2, 1)
    assert f"{tmp_path}/none is no folder" in ran.err


async def test_a_hub_that_loads_its_model_can_be_stopped(site: Site, tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    told = {"architectures": ["GemmaForCausalLM"], "model_type": "gemma"}
    (weights / "config.json").write_text(json.dumps(told))
    (weights / "model.safetensors").touch()
    os.mkfifo(weights / "SHA256SUMS")  # who reads it waits
    with (site.config / "hub.toml").open("a") as settings:
        settings.write(f'[model]\nurl = "{weights}"\n')
    await site.spawn()
    await eventually(lambda: site.worker is not None, READY_WITHIN, site)
    worker = worker_of(site)
    assert await site.stop() == 0
    assert parent(worker) is None
    assert "stopped before it was ready" in site.log
    assert "Traceback" not in site.log
