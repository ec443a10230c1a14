"""How fast, how parallel and how steady phones are driven, over real adb on loopback.

    python -m benchmarks.phones [--json] [--commands 500]

The phones are simulated, in a process of their own, so that the loop which is watched is the hub's.
What a real phone and its Wi-Fi add is not in these figures. Run it where nothing else runs.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import tempfile
import time
from asyncio import events
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.inside import at
from device_adapters.adb.link import Link
from device_adapters.adb.linkstate import State
from device_adapters.adb.server import AdbServer
from device_adapters.adb.transport import Transport
from device_adapters.adb.ways import ways
from device_adapters.android import AndroidAdapter
from device_adapters.simulated.phone import Fault, Manner, SimulatedPhone
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.errors import HubError

ROOT = Path(__file__).parent.parent
PHONES = 8
SLOW = 0.1
"""Seconds that each command takes on a phone when several are driven at once."""

DEADLINE = 2.0
AWAY = 5.0
"""Seconds that a phone is away; by then it is tried as seldom as it ever is."""

LARGE = 30_000_000
"""Bytes of an answer that is read while the loop is watched."""


@dataclass(frozen=True)
class Figure:
    """One measured value and the most it may be; without a bar it is only told."""

    key: str
    what: str
    bar: float | None
    unit: str
    value: float


class Phones:
    """Simulated phones in another process."""

    def __init__(self, process: asyncio.subprocess.Process, ports: list[int]) -> None:
        self._process = process
        self.ports = ports

    async def tell(self, phone: int, what: str, **fault: Any) -> None:
        """`plug`, `unplug` or `inject` one of them; returns when it is done."""
        assert self._process.stdin
        assert self._process.stdout
        line = json.dumps({"phone": phone, "what": what, "fault": fault})
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdout.readline()

    def signal(self, number: signal.Signals) -> None:
        """Stop the whole process, or let it go on."""
        self._process.send_signal(number)


@asynccontextmanager
async def phones(count: int) -> AsyncIterator[Phones]:
    """So many phones that run while the block does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.phones", "--phones", str(count), cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    try:
        yield Phones(process, json.loads(await process.stdout.readline()))
    finally:
        process.stdin.close()
        await process.wait()


async def serve(count: int) -> None:
    """The phones' process: orders in, one JSON line each, and a line out when one is done."""
    async with AsyncExitStack() as stack:
        there = [SimulatedPhone(serial=f"SIM{n}") for n in range(count)]
        for phone in there:
            await stack.enter_async_context(phone)
        print(json.dumps([phone.port for phone in there]), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            phone = there[order["phone"]]
            if order["what"] == "inject":
                fault = order["fault"]
                size = fault.pop("size", 0)
                phone.inject(
                    Fault(**fault | {"manner": Manner(fault["manner"])}, stdout="x" * size)
                )
            elif order["what"] == "plug":
                await phone.plug()
            else:
                await phone.unplug()
            print(flush=True)


class Hub:
    """The hub's side: its key, its adb server, and how to reach a phone by each of the two."""

    def __init__(self, key: Path, server: AdbServer) -> None:
        self._key = key
        self._server = server

    def link(self, port: int, by: str) -> Link:
        """A connection over plain TCP by adb-shell, or the same by the adb server."""
        return Link(ways(self._where(port, by), self._key, self._server))

    def adapter(self, port: int) -> AndroidAdapter:
        """An adapter over adb-shell that looks for an effect just once."""
        device = Device(
            id=str(port), kind=Kind.PHONE, name="", protocol="adb",
            address=self._where(port, "shell"),
        )  # fmt: skip
        return AndroidAdapter(device, self._key, server=self._server, patience=0.0)

    def _where(self, port: int, by: str) -> dict[str, str]:
        kind = "tls_" if by == "server" else ""
        return {f"{kind}host": "127.0.0.1", f"{kind}port": str(port)}


@asynccontextmanager
async def hub() -> AsyncIterator[Hub]:
    """A hub with a key of its own."""
    with tempfile.TemporaryDirectory(prefix="octopus-bench-") as folder:
        key = Path(folder) / "adbkey"
        server = AdbServer(key)
        try:
            await server.ask("host:version", within=10)
            yield Hub(key, server)
        finally:
            await server.close()


async def latency(there: Phones, mine: Hub, by: str, count: int) -> float:
    """Milliseconds for one command, p50."""
    link = mine.link(there.ports[0], by)
    try:
        times = [await timed(link.shell("true", within=5)) * 1000 for _ in range(count + 20)]
    finally:
        await link.close()
    return at(times[20:], 50)


async def at_once(there: Phones, mine: Hub) -> tuple[float, float]:
    """Seconds for one call on one phone, and for one on each of several at once."""
    adapters = [mine.adapter(port) for port in there.ports]
    try:
        await asyncio.gather(*(adapter.connect() for adapter in adapters))
        for number in range(len(adapters)):
            slow = {"match": "", "manner": Manner.DELAY, "times": 1000, "seconds": SLOW}
            await there.tell(number, "inject", **slow)
        one = await timed(bright(adapters[0]))
        all_of_them = await timed(asyncio.gather(*(bright(adapter) for adapter in adapters)))
    finally:
        for adapter in adapters:
            await adapter.close()
    return one, all_of_them


async def bright(adapter: AndroidAdapter) -> None:
    """One call that takes several commands."""
    wanted = Invocation(
        function="change_screen_brightness", arguments={"level": 5}, key="1", timeout=30
    )
    await adapter.call(wanted)


async def unplugged(there: Phones, mine: Hub, by: str) -> tuple[float, float, float]:
    """Seconds to the outcome of a command whose phone is unplugged; after it is plugged in again,
    seconds until the hub knows, and seconds that a command takes which comes at once."""
    link = mine.link(there.ports[0], by)
    back: list[float] = []
    try:
        for used in (False, True):
            await link.connect(10)
            await there.tell(0, "inject", match="true", manner=Manner.HANG)
            under_way = asyncio.create_task(ended(link))
            await asyncio.sleep(0.1)
            await there.tell(0, "unplug")
            outcome = await under_way
            await asyncio.sleep(AWAY)
            await there.tell(0, "plug")
            back.append(await timed(link.connect(10) if used else ready(link)))
    finally:
        await link.close()
    return outcome, back[0], back[1]


async def stopped(there: Phones, mine: Hub, by: str) -> tuple[float, float]:
    """Seconds past its deadline at which a command on a phone that hangs ends, and seconds that a
    command takes once the phone goes on."""
    link = mine.link(there.ports[0], by)
    try:
        await link.connect(10)
        there.signal(signal.SIGSTOP)
        over = await ended(link) - DEADLINE
        again = await ended(link) - DEADLINE
        await asyncio.sleep(AWAY)
        there.signal(signal.SIGCONT)
        began = time.perf_counter()
        while True:
            with contextlib.suppress(HubError):
                await link.shell("true", within=DEADLINE)
                return max(over, again), time.perf_counter() - began
    finally:
        there.signal(signal.SIGCONT)
        await link.close()


async def large(there: Phones, mine: Hub, by: str) -> float:
    """Seconds to read a large answer."""
    link = mine.link(there.ports[0], by)
    try:
        await link.connect(10)
        await there.tell(0, "inject", match="true", manner=Manner.ANSWER, size=LARGE)
        return await timed(link.exec_out("true", within=60))
    finally:
        await link.close()


async def ended(transport: Transport) -> float:
    """Seconds until a command that does not succeed has its outcome."""
    began = time.perf_counter()
    with contextlib.suppress(HubError):
        await transport.shell("true", within=DEADLINE)
    return time.perf_counter() - began


async def ready(link: Link) -> None:
    """Wait until the background has brought the phone back."""
    while link.state is not State.READY:  # noqa: ASYNC110
        await asyncio.sleep(0.005)


async def timed(work: Awaitable[Any]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


@contextmanager
def watched() -> Iterator[Callable[[], float]]:
    """How long the loop's longest step took, in milliseconds, while the block runs."""
    longest = 0.0
    run = events.Handle._run

    def measured(handle: events.Handle) -> None:
        nonlocal longest
        began = time.perf_counter()
        run(handle)
        longest = max(longest, time.perf_counter() - began)

    events.Handle._run = measured  # type: ignore[method-assign]
    try:
        yield lambda: longest * 1000
    finally:
        events.Handle._run = run  # type: ignore[method-assign]


async def measured(count: int) -> list[Figure]:
    """Every figure."""
    found: list[Figure] = []

    def note(key: str, what: str, bar: float | None, unit: str, value: float) -> None:
        found.append(Figure(key, what, bar, unit, value))

    async with hub() as mine:
        for by, bar in (("shell", 6.0), ("server", None)):
            name = f"adb-{by}" if by == "shell" else "adb server"
            async with phones(1) as there:
                took = await latency(there, mine, by, count)
                note(f"{by}_p50", f"{name}: one command, p50", bar, "ms", took)
                with watched() as block:
                    outcome, knows, used = await unplugged(there, mine, by)
                    over, again = await stopped(there, mine, by)
                    size = await large(there, mine, by)
                note(f"{by}_unplugged", f"{name}: unplugged, outcome", DEADLINE + 1, "s", outcome)
                note(f"{by}_over", f"{name}: hung, outcome past its deadline", 1, "s", over)
                note(f"{by}_back", f"{name}: plugged in, connected by itself", 5, "s", knows)
                note(f"{by}_used", f"{name}: plugged in, a command at once", 5, "s", used)
                note(f"{by}_again", f"{name}: hangs no more, a command", 5, "s", again)
                note(f"{by}_block", f"{name}: longest step of the loop", 50, "ms", block())
                note(f"{by}_large", f"{name}: an answer of {LARGE // 10**6} MB", None, "s", size)
        async with phones(PHONES) as there:
            one, many = await at_once(there, mine)
        note("ratio", f"{PHONES} phones at once ÷ one phone ({one:.2f} s)", 1.3, "x", many / one)
    return found


def main() -> None:
    """Measure, print a table, and with --json one line of figures at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--commands", type=int, default=500)
    parser.add_argument("--phones", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.phones:
        asyncio.run(serve(chosen.phones))
        return
    figures = asyncio.run(measured(chosen.commands))
    table = Table("figure", "bar", "measured", "")
    for f in figures:
        kept = "" if f.bar is None else "ok" if f.value <= f.bar else "[red]missed"
        bar = "" if f.bar is None else f"≤ {f.bar:g} {f.unit}"
        table.add_row(f.what, bar, f"{f.value:.2f} {f.unit}", kept)
    Console().print(table)
    if chosen.json:
        print(json.dumps({f.key: round(f.value, 3) for f in figures}))


if __name__ == "__main__":
    main()
