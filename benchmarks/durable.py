"""What durable execution holds: calls a second, how soon a command is taken in, ten steps at once.

    python -m benchmarks.durable [--url postgresql://…] [--json] [--seconds 3] [--folder DIR]

The whole hub but the door, a scripted model and a device that answers at once; the journal on,
every commit on the disk. Beside the figures stand the limits behind them, measured in the same run:
how often this disk syncs, and how many commits the journal makes of that one after the other. A
database at `--url` must be empty; what was measured stays there.
"""

import argparse
import asyncio
import itertools
import json
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.inside import Inside, at, inside, phone
from schemas.command import Command
from schemas.device import Device, Kind
from schemas.event import Event
from schemas.execution import Decision
from schemas.plan import Plan, Step

SELFIE = "take a selfie"
CITIES = ("Seoul", "Paris", "Rome", "Oslo", "Lima", "Cairo", "Delhi", "Tokyo", "Dublin", "Madrid")
TEN = f"what is the weather in {', '.join(CITIES)}"
SENTENCES = {
    SELFIE: "<nexa_0>('front')<nexa_end>",
    TEN: ";".join(f"<nexa_2>('{city}')" for city in CITIES) + "<nexa_end>",
}
PLAN = Plan(
    steps=(Step(index=0, function="take_a_photo", arguments={"camera": "front"}, device="phone"),)
)
STEP = 0.1
"""Seconds that each of the ten steps takes."""
MANY, GROUPED = 64, 256
"""Calls, and intents, under way at once."""
RATE, FOR = 100, 10.0
"""Commands a second, and for how many seconds, where it is measured how soon they are taken in."""
RUNS = 3
DEVICES = 1_000
PAGE = bytes(4096)

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Figure:
    """One measured value; `bar` is what it must keep, in words."""

    key: str
    what: str
    value: float
    unit: str = "a second"
    bar: str = ""


class Caller:
    """Sends commands, and waits for their ends as a door does."""

    def __init__(self, hub: Inside) -> None:
        self.hub = hub
        self._ended: dict[str, asyncio.Future[None]] = {}
        self._numbers = itertools.count()

    def command(self, text: str = SELFIE) -> Command:
        """One that nobody sent before."""
        return Command(id=f"c{next(self._numbers)}", text=text, user="ann", door="bench")

    async def call(self, text: str = SELFIE) -> None:
        """A command from its coming in to its end."""
        command = self.command(text)
        ended = asyncio.get_running_loop().create_future()
        self._ended[command.id] = ended
        await self.hub.pipeline.submit(command)
        await ended

    async def accept(self) -> None:
        """A command that is only taken in."""
        await self.hub.journal.accept(self.command())

    async def intend(self) -> None:
        """A command that is taken in, and decided: one call is dispatched."""
        command = self.command()
        await self.hub.journal.accept(command)
        await self.hub.journal.decide(
            command.id, Decision.ACT, reason="", model_text=SENTENCES[SELFIE], confidence=1.0,
            plan=PLAN, start=frozenset({0}),
        )  # fmt: skip

    async def hear(self, events: AsyncIterator[Event]) -> None:
        """Note every end, until cancelled."""
        async for event in events:
            if event.record is not None and (ended := self._ended.pop(event.id, None)):
                assert event.state == "succeeded", event.text
                ended.set_result(None)


@asynccontextmanager
async def calling(folder: Path, url: str) -> AsyncIterator[Caller]:
    """A hub, and who calls it."""
    async with inside(folder, SENTENCES, url) as hub:
        caller = Caller(hub)
        with hub.bus.subscribe() as events:
            hearing = asyncio.create_task(caller.hear(events))
            try:
                yield caller
            finally:
                hearing.cancel()
                await asyncio.gather(hearing, return_exceptions=True)


async def a_second(work: Work, flight: int, seconds: float) -> float:
    """How often something is done in a second with so many under way, the median of windows."""

    async def one_after_another(until: float) -> int:
        count = 0
        while time.perf_counter() < until:
            await work()
            count += 1
        return count

    rates = []
    for _ in range(RUNS):
        began = time.perf_counter()
        counts = await asyncio.gather(*(one_after_another(began + seconds) for _ in range(flight)))
        rates.append(sum(counts) / (time.perf_counter() - began))
    return statistics.median(rates)


async def taken_in(caller: Caller) -> list[float]:
    """Milliseconds from when each command was due until it was taken in, at a steady rate."""
    began = time.perf_counter()

    async def send(due: float) -> float:
        await asyncio.sleep(due - time.perf_counter())
        await caller.hub.pipeline.submit(caller.command())
        return (time.perf_counter() - due) * 1000

    return await asyncio.gather(*(send(began + n / RATE) for n in range(int(RATE * FOR))))


async def ten_at_once(caller: Caller) -> float:
    """Seconds that a plan of ten steps takes which do not need each other."""
    caller.hub.adapter.delay = STEP
    took = []
    for _ in range(RUNS):
        began = time.perf_counter()
        await caller.call(TEN)
        took.append(time.perf_counter() - began)
    caller.hub.adapter.delay = 0.0
    return statistics.median(took)


def syncs(folder: Path, seconds: float) -> float:
    """How often a second a page is appended to a file here and on the disk."""
    file = os.open(folder / "syncs", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    count, began = 0, time.perf_counter()
    while (now := time.perf_counter()) < began + seconds:
        os.write(file, PAGE)
        os.fdatasync(file)
        count += 1
    os.close(file)
    return count / (now - began)


async def figures(folder: Path, url: str, seconds: float) -> list[Figure]:
    """Every figure, the limits first."""
    disk = syncs(folder, seconds)
    async with calling(folder, url) as caller:
        await a_second(caller.call, 1, 0.2)
        commits = await a_second(caller.accept, 1, seconds)
        alone = await a_second(caller.call, 1, seconds)
        many = await a_second(caller.call, MANY, seconds)
        intents = await a_second(caller.intend, GROUPED, seconds)
        ten = await ten_at_once(caller)
        late = await taken_in(caller)
        lamps = (
            Device(id=f"lamp{n}", kind=Kind.HOME, name=f"Lamp {n}", protocol="instant",
                   functions=("turn_on", "turn_off"))
            for n in range(DEVICES - 1)
        )  # fmt: skip
        caller.hub.registry.load((phone(caller.hub.adapter), *lamps))
        crowded = await a_second(caller.call, MANY, seconds)
    later = syncs(folder, seconds)
    return [
        Figure("syncs", "limit: 4 KiB appended, and on this disk", disk),
        Figure("syncs_later", "the same after all this", later),
        Figure("commits", "limit: commits of the journal, one after the other", commits),
        Figure("calls_alone", "calls, one after the other (three commits each)", alone),
        Figure("calls_64", f"calls, {MANY} under way", many, bar="≥ 500"),
        Figure(
            "calls_devices", f"calls, {MANY} under way, {DEVICES} devices", crowded, bar="≥ 500"
        ),
        Figure("intents", f"accepted and dispatched, {GROUPED} under way", intents),
        Figure("accept_p50", f"taken in at {RATE} commands/s, p50", at(late, 50), "ms"),
        Figure("accept_p99", f"taken in at {RATE} commands/s, p99", at(late, 99), "ms", "≤ 20"),
        Figure("ten_at_once", f"ten parallel steps of {STEP:g} s", ten, "s", "≤ 0.13"),
    ]


def main() -> None:
    """Measure, print a table, and with --json one line of figures at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="", help="where the journal is; default: SQLite")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each of three windows")
    parser.add_argument("--folder", type=Path, help="where the journal is written; default: /tmp")
    chosen = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=chosen.folder, prefix="octopus-bench-") as name:
        found = asyncio.run(figures(Path(name), chosen.url, chosen.seconds))
    table = Table("figure", "bar", "measured")
    for f in found:
        table.add_row(f.what, f.bar, f"{f.value:.4g} {f.unit}")
    Console().print(table)
    if chosen.json:
        told = {f.key: round(f.value, 4) for f in found}
        print(json.dumps({**told, "load_before": load}))


if __name__ == "__main__":
    main()
