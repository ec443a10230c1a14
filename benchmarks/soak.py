"""Whether a hub can run for years: what it holds does not grow, and nothing is lost.

    python -m benchmarks.soak [--minutes 10] [--devices 50] [--rate 5] [--json]

A real daemon with the embedded model, a Mosquitto that is killed and started again once a minute,
simulated devices of all kinds in a process of their own, and people who send sentences at a steady
rate. At first they do so four times as often, until what the hub keeps a bounded number of is there
(SQLite's pages, pydantic's strings); from then on the memory of the daemon and of its model is
looked at every two seconds. Then all is quiet, and it is counted how much the hub works all the
same; beside it, what a Python process costs here that wakes once a second and does nothing. A day:
--minutes 1440.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.fleet import OURS
from benchmarks.fleet_devices import devices
from benchmarks.processes import Sample, an_hour, family, more, sample, worked
from device_adapters.simulated.fleet import sort_of
from orchestrator.broker import Login
from orchestrator.client import HubClient, NoHub, Refused, connected
from orchestrator.watch import ENDED
from tests.broker import Broker

ROOT = Path(__file__).parent.parent
USER, BASE = "bench", "octopus"
SAID = {
    "Door": ("lock {}",),
    "Meter": ("get the state of {}",),
    "Socket": ("turn on {}", "turn off {}"),
    "Blind": ("close {}", "open {}"),
    "Thermostat": ("set {} to 70 degrees",),
    "PC": ("lock the screen of {}",),
    "Car": ("lock {}", "unlock {}"),
    "Phone": ("set the screen brightness to 5 on {}", "set the volume of {} to 3"),
}
"""What is said to each sort of device."""
CALLED = {"Lamp": ("turn_on", "turn_off")}
"""What programs call on the others, by name."""
WARMING = 4
"""How many times as much is commanded until the hub counts as warm."""
LOOK, AWAY, EACH_MINUTE = 2.0, 1.0, 60.0
"""Seconds between two looks at the processes; that the broker is away; and between two times."""
WITHIN = 180.0
"""Seconds for the devices to be usable, and for the last commands to end: two minutes of them may
be a question that nobody answers."""
NOTHING = """
import asyncio
async def wake():
    while True:
        await asyncio.sleep(1)
asyncio.run(wake())
"""
TOGETHER = 16
UNANSWERED = "unanswered"
"""What is counted of a command that nobody told of just then."""


@dataclass
class Run:
    """What is told at the end: samples by process, and what became of the commands."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    not_taken: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    idle: dict[str, float] = field(default_factory=dict)
    nothing: float = 0.0


@asynccontextmanager
async def daemon(folder: Path, port: int, more: str = "") -> AsyncIterator[int]:
    """`octopus run` on that broker, `more` in its hub.toml; its process id, once it is ready."""
    (folder / "hub.toml").write_text(
        f'[hub]\nstate = "{folder / "state"}"\nmanagers = ["{USER}"]\n'
        f'[broker]\nurl = "mqtt://127.0.0.1:{port}"\n'
        "[discovery]\nloopback_only = true\nusb = false\n"
        f"[limits]\ncommands_per_minute = 100000\nburst = 100000\n{more}"
    )
    (folder / "people.toml").write_text(f"[users.{USER}]\n")
    (folder / "policy.toml").write_text('[[rule]]\nverdict = "allow"\n')
    log = folder / "log"
    with log.open("w") as stream:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "orchestrator.cli", "run", "--config", str(folder),
            cwd=ROOT, stdout=stream, stderr=stream, stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    try:
        await until(lambda: _says(process, log, "ready after"))
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def _says(process: asyncio.subprocess.Process, log: Path, words: str) -> bool:
    told = log.read_text(encoding="utf-8")
    if process.returncode is not None:
        raise SystemExit(f"the hub ended:\n{told[-3000:]}")
    return words in told


async def until(holds: Callable[[], Awaitable[bool]], within: float = WITHIN) -> None:
    """Wait for something in other processes."""
    async with asyncio.timeout(within):
        while not await holds():  # noqa: ASYNC110 (foreign processes)
            await asyncio.sleep(0.2)


async def usable(client: HubClient, count: int) -> None:
    """Approve the devices of the fleet until so many are connected."""

    async def all_there() -> bool:
        nonlocal there
        found = [d for d in await client.request("device/list") if d["id"].startswith(OURS)]
        new = [device["id"] for device in found if not device["approved"]]
        approving = (client.request("device/approve", device=device) for device in new)
        await asyncio.gather(*approving, return_exceptions=True)
        there = sum(d["connected"] for d in found)
        return there >= count

    there = 0
    try:
        await until(all_there)
    except TimeoutError as error:
        raise SystemExit(f"only {there} of {count} devices became usable") from error


async def command(client: HubClient, run: Run, number: int, name: str) -> None:
    """Send one command until the hub has it, whatever becomes of the broker meanwhile."""
    identity, sort = uuid.uuid4().hex, name.split()[0]
    try:
        if sort in CALLED:
            function = CALLED[sort][number % len(CALLED[sort])]
            await client.begin("call", identity, function=function, arguments={"name": name})
        else:
            await client.send(SAID[sort][number % len(SAID[sort])].format(name), identity)
        run.sent.append(identity)
    except (NoHub, Refused) as error:
        run.not_taken[f"{error.code}: {error}"] += 1


async def load(client: HubClient, run: Run, seconds: float, rate: float, count: int) -> None:
    """People and programs that command one device after the other, at a steady rate."""
    began, under_way = time.monotonic(), set[asyncio.Task[None]]()
    for number in range(int(seconds * rate)):
        await asyncio.sleep(began + number / rate - time.monotonic())
        device = number % count
        name = f"{sort_of(device)} {device}"
        task = asyncio.create_task(command(client, run, number // count, name))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)


async def looked_at(pids: dict[str, int], run: Run, every: float = LOOK) -> None:
    """Look at the processes until cancelled."""
    while True:
        for name, pid in pids.items():
            run.samples.setdefault(name, []).append(sample(pid, time.monotonic()))
        await asyncio.sleep(every)


async def shaken(broker: Broker, every: float = EACH_MINUTE) -> None:
    """Kill the broker and start it again, until cancelled."""
    while True:
        await asyncio.sleep(every - AWAY)
        await broker.stop()
        await asyncio.sleep(AWAY)
        await broker.start()


async def unheard(client: HubClient) -> None:
    """Nobody listens to the events; they are asked for by their ids at the end."""
    while True:
        await client.events.get()


async def ends(client: HubClient, run: Run) -> None:
    """What became of every command that the hub said it had taken in."""
    turns = asyncio.Semaphore(TOGETHER)

    async def state(identity: str) -> str:
        async with turns:
            try:
                record: dict[str, Any] = await client.request("execution/get", execution=identity)
            except NoHub:  # the broker was killed just then: asked again
                return UNANSWERED
        return str(record["state"])

    async def all_ended() -> bool:
        run.ends = Counter(await asyncio.gather(*map(state, run.sent)))
        return not set(run.ends) - ENDED

    with contextlib.suppress(TimeoutError):
        await until(all_ended)
    run.lost = sum(count for state, count in run.ends.items() if state not in ENDED)


async def quiet(pids: dict[str, int], run: Run, seconds: float) -> None:
    """How much of a processor each process takes while nothing is asked of it, in per cent, and
    what one takes that has nothing to do."""
    nothing = await asyncio.create_subprocess_exec(sys.executable, "-c", NOTHING)
    await asyncio.sleep(seconds / 6)  # it has started, and the hub has come to rest
    looked = pids | {"nothing": nothing.pid}
    before, began = {name: worked(pid) for name, pid in looked.items()}, time.monotonic()
    await asyncio.sleep(seconds)
    lasted = time.monotonic() - began
    shares = {name: 100 * (worked(pid) - before[name]) / lasted for name, pid in looked.items()}
    run.nothing, run.idle = shares.pop("nothing"), shares
    nothing.kill()
    await nothing.wait()


async def soaked(chosen: argparse.Namespace, folder: Path) -> Run:
    """The whole of it."""
    run, broker, seconds = Run(), Broker(folder), chosen.minutes * 60
    await broker.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(broker.stop)
        pid = await stack.enter_async_context(daemon(folder, broker.port))
        fleet = await stack.enter_async_context(devices(broker.port))
        await fleet.start(0, chosen.devices)
        login = Login("127.0.0.1", broker.port, None, None)
        client = await stack.enter_async_context(connected(login, BASE, USER))
        await usable(client, chosen.devices)
        pids = family(pid)
        progress(f"{chosen.devices} devices are usable; {pids}")
        others = [asyncio.create_task(work) for work in (shaken(broker), unheard(client))]
        warming = Run()
        await load(client, warming, chosen.warm, chosen.rate * WARMING, chosen.devices)
        await ends(client, warming)
        progress(f"warm: {dict(warming.ends)} {dict(warming.not_taken)}")
        others.append(asyncio.create_task(looked_at(pids, run)))
        await load(client, run, seconds, chosen.rate, chosen.devices)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if not await _answers(broker):
            await broker.start()
        await ends(client, run)
        assert family(pid) == pids, "a process of the hub was started anew"
        await quiet(pids, run, chosen.idle)
    return run


async def _answers(broker: Broker) -> bool:
    try:
        _, writer = await asyncio.open_connection(broker.host, broker.port)
    except OSError:
        return False
    writer.close()
    return True


def figures(run: Run) -> dict[str, float]:
    """What is measured, by its key."""
    found: dict[str, float] = {
        "commands": len(run.sent),
        "not_taken": run.not_taken.total(),
        "lost": run.lost,
        "succeeded": run.ends["succeeded"],
    }
    for name, warm in run.samples.items():
        found |= {
            f"{name}_mib": warm[-1].resident,
            f"{name}_mib_an_hour": an_hour(warm),
            f"{name}_descriptors": warm[-1].descriptors,
            f"{name}_descriptors_more": more([s.descriptors for s in warm]),
            f"{name}_threads": warm[-1].threads,
            f"{name}_threads_more": more([s.threads for s in warm]),
            f"{name}_idle_percent": run.idle[name],
        }
    found["mib_an_hour"] = sum(v for k, v in found.items() if k.endswith("_mib_an_hour"))
    found["idle_percent"] = sum(run.idle.values())
    found["nothing_percent"] = run.nothing
    return found


BARS = {"mib_an_hour": 1.0, "lost": 0, "not_taken": 0, "idle_percent": 1.0}
"""The most that each may be; descriptors and threads may not grow at all."""


def progress(text: str) -> None:
    """For whoever waits."""
    Console(stderr=True).print(text, style="dim", highlight=False)


def main() -> None:
    """Measure, print a table, and with --json one line of figures at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--rate", type=float, default=5.0, help="commands a second")
    parser.add_argument("--warm", type=float, default=120.0, help="seconds until it is warm")
    parser.add_argument("--idle", type=float, default=60.0, help="seconds of quiet at the end")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--samples", type=Path, help="write every sample there, as JSON lines")
    chosen = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="octopus-soak-") as name:
        run = asyncio.run(soaked(chosen, Path(name)))
    found = figures(run)
    table = Table("figure", "bar", "measured")
    for key, value in found.items():
        bar = 0 if key.endswith("_more") else BARS.get(key)
        shown = f"{value:.4g}" if bar is None or value <= bar else f"[red]{value:.4g}"
        table.add_row(key, "" if bar is None else f"≤ {bar:g}", shown)
    Console().print(table)
    progress(f"{dict(run.ends)} {dict(run.not_taken)}")
    if chosen.samples:
        with chosen.samples.open("w") as out:
            for process, samples in run.samples.items():
                out.writelines(json.dumps([process, *vars(s).values()]) + "\n" for s in samples)
    if chosen.json:
        print(json.dumps({k: round(v, 3) for k, v in found.items()} | {"load_before": load}))


if __name__ == "__main__":
    main()
