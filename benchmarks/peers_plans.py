"""The plans that benchmarks/peers.py gives to every system alike, the stub devices that they reach,
and what is measured. Each system runs in a process of its own, which says it as JSON."""

import argparse
import asyncio
import itertools
import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from schemas.errors import DeviceRefused

HUNG = 10.0
"""Seconds within which a plan must have ended; within which all must have after a restart."""
IN_FLIGHT = 8
"""Plans under way at once when the process is killed."""
MANY = 64
"""Plans under way at once when the most are counted."""
LINGER = 0.5
"""Seconds after a cancellation in which nothing more may happen."""
FIFTH = 5
"""The call in whose middle a chain is cancelled."""
STEP = 0.1
"""Seconds that a slow step takes."""


@dataclass(frozen=True)
class Task:
    """One step: one call on a device."""

    name: str
    seconds: float = 0.0
    fails: bool = False


Chains = tuple[tuple[Task, ...], ...]
"""A plan: chains that do not need each other, whose steps need the one before."""

TEN_AT_ONCE: Chains = tuple((Task(f"s{n}", STEP),) for n in range(10))
TEN_IN_TURN: Chains = (tuple(Task(f"s{n}") for n in range(10)),)
SLOW_CHAIN: Chains = (tuple(Task(f"s{n}", STEP) for n in range(10)),)
BRANCHES: Chains = ((Task("a", fails=True), Task("b")), (Task("c"), Task("d")))


def single(name: str) -> Chains:
    """The plan of one call that is answered at once."""
    return ((Task(name),),)


@dataclass(frozen=True)
class Row:
    """What came of one plan, or of many like it. A median of no values is None."""

    plan: str
    seconds: float | None
    plans: int
    completed: int
    lost: int = 0
    repeated: int = 0
    unknown: int = 0
    hung: int = 0
    began_after: int | None = None
    ended_after: int | None = None
    account: str = ""


class Devices:
    """Stub devices: they do what a step says and note when; with a ledger, what they do is a line
    in it that is on the disk before they answer."""

    def __init__(self) -> None:
        self.ledger: Path | None = None
        self.began: list[tuple[str, float]] = []
        self.done: list[tuple[str, float]] = []
        self.midway = asyncio.Event()

    async def act(self, task: Task) -> str:
        """Do one step; its name is what it gives the next."""
        self.began.append((task.name, time.perf_counter()))
        if len(self.began) == FIFTH:
            self.midway.set()
        if task.seconds:
            await asyncio.sleep(task.seconds)
        if task.fails:
            raise DeviceRefused("the device said no")
        if self.ledger:
            await asyncio.to_thread(_append, self.ledger, task.name)
        self.done.append((task.name, time.perf_counter()))
        return task.name

    def forget(self) -> None:
        """Begin anew with what is noted."""
        self.began.clear()
        self.done.clear()
        self.midway.clear()


def _append(ledger: Path, line: str) -> None:
    descriptor = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{line}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


Run = Callable[[str, Chains], Awaitable[None]]


class System(Protocol):
    """What runs plans durably, over the stub devices."""

    devices: Devices

    @property
    def by_a_queue(self) -> Run | None:
        """As `run`, where there is a second way for steps that do not need each other."""

    async def run(
        self, identity: str, chains: Chains, accepted: Callable[[], None] = lambda: None
    ) -> None:
        """See a plan to its end, however it ends; `accepted` is called once it is durable."""

    async def cancel(self, identity: str) -> None:
        """Cancel a plan; returns what the system holds for its answer."""

    async def account(self, identity: str) -> str:
        """What the system says of an ended plan, in its own words."""

    async def recovered(self, within: float) -> dict[str, str]:
        """What became of every plan once those that were cut off have ended: `done`, `unknown`,
        `open` where it has not within so many seconds, or the system's own word."""


Open = Callable[[Path], AbstractAsyncContextManager[System]]


async def measured(
    system: System, name: str, chains: Chains, runs: int, run: Run | None = None
) -> Row:
    """A plan run so many times, after a first run that is not counted."""
    run = run or system.run
    wanted = [t.name for chain in chains for t in itertools.takewhile(_succeeds, chain)]
    seconds, lost, repeated, completed = [], 0, 0, 0
    await run(f"{name}-warm", chains)
    for n in range(runs):
        system.devices.forget()
        began = time.perf_counter()
        try:
            async with asyncio.timeout(HUNG):
                await run(f"{name}-{n}", chains)
        except TimeoutError:
            continue
        seconds.append(time.perf_counter() - began)
        done = Counter(step for step, _ in system.devices.done)
        lost += len(set(wanted) - set(done))
        repeated += done.total() - len(done)
        completed += done == Counter(wanted)
    account = await system.account(f"{name}-{runs - 1}")
    return Row(name, _median(seconds), runs, completed, lost, repeated,
               hung=runs - len(seconds), account=account)  # fmt: skip


def _succeeds(task: Task) -> bool:
    return not task.fails


async def cancelled(system: System, name: str, runs: int) -> Row:
    """A chain of slow steps that is cancelled in the middle of its fifth."""
    seconds, hung, began_after, ended_after, repeated = [], 0, 0, 0, 0
    for n in range(runs):
        system.devices.forget()
        running = asyncio.create_task(system.run(f"{name}-{n}", SLOW_CHAIN))
        await system.devices.midway.wait()
        await asyncio.sleep(STEP / 2)
        asked = time.perf_counter()
        await system.cancel(f"{name}-{n}")
        answered = time.perf_counter()
        seconds.append(answered - asked)
        await asyncio.sleep(LINGER)
        began_after += sum(at > answered for _, at in system.devices.began)
        ended_after += sum(at > answered for _, at in system.devices.done)
        repeated += len(system.devices.began) - len(dict(system.devices.began))
        await asyncio.wait([running], timeout=HUNG)
        hung += not running.done()
        running.cancel()
    account = await system.account(f"{name}-{runs - 1}")
    return Row(name, _median(seconds), runs, runs - hung, 0, repeated, hung=hung,
               began_after=began_after, ended_after=ended_after, account=account)  # fmt: skip


async def plans(system: System, runs: int) -> list[Row]:
    """Every plan but the one that is killed."""
    rows = [await measured(system, "ten at once", TEN_AT_ONCE, runs)]
    if queue := system.by_a_queue:
        rows.append(await measured(system, "ten at once, by a queue", TEN_AT_ONCE, runs, queue))
    rows.append(await measured(system, "ten in turn", TEN_IN_TURN, runs))
    rows.append(await measured(system, "a branch fails", BRANCHES, runs))
    rows.append(await cancelled(system, "cancelled midway", runs))
    return rows


async def a_second(system: System, flight: int, runs: int, window: float = 1.0) -> float:
    """Single-call plans that end in a second with so many under way, the median of `runs`."""
    numbers = itertools.count()

    async def one_after_another(until: float) -> int:
        count = 0
        while time.perf_counter() < until:
            await system.run(f"{flight}-{next(numbers)}", single("s"))
            count += 1
        return count

    rates = []
    for _ in range(runs):
        began = time.perf_counter()
        workers = (one_after_another(began + window) for _ in range(flight))
        counts = await asyncio.gather(*workers)
        rates.append(sum(counts) / (time.perf_counter() - began))
    return statistics.median(rates)


async def live(system: System) -> None:
    """Run single-call plans until killed; says the name of each that is accepted."""
    names = (f"k{n}" for n in itertools.count())

    async def one_after_another() -> None:
        for name in names:
            await system.run(name, single(name), lambda name=name: print(name, flush=True))

    await asyncio.gather(*(one_after_another() for _ in range(IN_FLIGHT)))


async def _work(open_system: Open, job: str, folder: Path, runs: int) -> None:
    """One job in a process of its own."""
    began = time.perf_counter()
    async with open_system(folder) as system:
        if job == "live":
            system.devices.ledger = folder / "ledger"
            await live(system)
        elif job == "recover":
            system.devices.ledger = folder / "ledger"
            states = await system.recovered(HUNG)
            seconds = time.perf_counter() - began
            print(json.dumps({"seconds": seconds, "states": states}))
        elif job == "throughput":
            rates = {str(flight): await a_second(system, flight, runs) for flight in (1, MANY)}
            print(json.dumps(rates))
        else:
            print(json.dumps([asdict(row) for row in await plans(system, runs)]))


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


def main(open_system: Open) -> None:
    """The command line of a system's process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("job", choices=["plans", "throughput", "live", "recover"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    asyncio.run(_work(open_system, chosen.job, chosen.folder, chosen.runs))
