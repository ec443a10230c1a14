"""A real hub among many devices whose broker comes and goes: nothing is lost, nothing piles up, and
it says how it is. `benchmarks/soak.py` does the same for hours, with figures."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from benchmarks import soak
from benchmarks.fleet_devices import devices
from benchmarks.processes import Sample, family, sample
from orchestrator.broker import Login
from orchestrator.client import HubClient, connected
from orchestrator.doors.http.access import Tokens
from orchestrator.octopus.process import STOP_WITHIN
from tests.broker import Broker, running_broker

MANY, RATE = 10, 20
"""Devices, and commands a second."""
MOST = 40.0
"""MiB that a warm hub may take for some hundred commands; a leak of one record each is no more
than a few, one of a connection's buffers is."""


@dataclass
class Soaked:
    """A running hub with its devices, and somebody who commands them."""

    broker: Broker
    client: HubClient
    pids: dict[str, int]
    web: httpx.AsyncClient

    async def health(self) -> dict[str, Any]:
        told: dict[str, Any] = await self.client.request("health")
        return told

    def now(self) -> dict[str, Sample]:
        """What each process of the hub holds."""
        return {name: sample(pid, 0) for name, pid in self.pids.items()}

    async def metrics(self) -> dict[tuple[str, ...], float]:
        """Every sample, by its name and its labels' values."""
        answer = await self.web.get("/metrics")
        assert answer.status_code == 200, answer.text
        return {
            (one.name, *one.labels.values()): one.value
            for family in text_string_to_metric_families(answer.text)
            for one in family.samples
        }


@asynccontextmanager
async def soaked(folder: Path) -> AsyncIterator[Soaked]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    async with (
        running_broker(folder) as broker,
        soak.daemon(folder, broker.port, f"[http]\nport = {port}\n") as pid,
        devices(broker.port) as fleet,
        connected(Login("127.0.0.1", broker.port, None, None), soak.BASE, soak.USER) as client,
    ):
        await fleet.start(0, MANY)
        await soak.usable(client, MANY)
        headers = {"authorization": f"Bearer {Tokens(folder / 'state').issue(soak.USER)}"}
        at = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=at, headers=headers, trust_env=False) as web:
            yield Soaked(broker, client, family(pid), web)


@pytest.mark.timeout(120)  # a daemon with its model starts
async def test_a_hub_whose_broker_comes_and_goes_loses_nothing_and_holds_no_more_than_before(
    tmp_path: Path,
) -> None:
    async with soaked(tmp_path) as hub:
        warm, run = soak.Run(), soak.Run()
        await soak.load(hub.client, warm, 1.5, RATE, MANY)
        await soak.ends(hub.client, warm)
        before, tasks = hub.now(), (await hub.metrics())[("octopus_commands_under_way",)]
        shaking = asyncio.create_task(_shaken_once(hub.broker))
        await soak.load(hub.client, run, 3, RATE, MANY)
        await shaking
        await soak.ends(hub.client, run)
        await _holds(lambda: _no_more(hub, before))
        after, found = hub.now(), await hub.metrics()

        assert (run.not_taken, run.lost, len(run.sent)) == ({}, 0, 3 * RATE)
        assert run.ends["succeeded"] > len(run.sent) / 2
        for name in hub.pids:
            assert after[name].resident - before[name].resident < MOST
        assert found["octopus_commands_under_way",] == tasks == 0
        assert found["octopus_commands_total", "mqtt", "succeeded"] > run.ends["succeeded"]
        assert found["octopus_waiting", "journal"] == found["octopus_waiting", "model"] == 0
        assert found["octopus_model_process_resident_memory_bytes",] > 1 << 20

        told = await hub.health()
        assert (told["ready"], told["model"]["restarts"]) == (True, 0)
        os.kill(hub.pids["model"], signal.SIGKILL)
        await _holds(lambda: _started_anew(hub), STOP_WITHIN + 20)
        assert (await hub.web.get("/readyz")).status_code == 200


async def _shaken_once(broker: Broker) -> None:
    await asyncio.sleep(1)
    await broker.stop()
    await asyncio.sleep(0.3)
    await broker.start()


async def _no_more(hub: Soaked, before: dict[str, Sample]) -> bool:
    """Whether no process has more files open, or more threads, than before."""
    now = hub.now()
    return all(
        now[name].descriptors <= before[name].descriptors
        and now[name].threads <= before[name].threads
        for name in hub.pids
    )


async def _started_anew(hub: Soaked) -> bool:
    """Whether a model that was killed is back; a command finds that it is gone."""
    with suppress(soak.Refused, soak.NoHub):
        await hub.client.request("plan", text="lock Door 1")
    told = await hub.health()
    return bool(told["ready"] and told["model"]["restarts"] == 1)


async def _holds(what: Callable[[], Awaitable[bool]], within: float = 10.0) -> None:
    """Wait for something in other processes."""
    await soak.until(what, within)
