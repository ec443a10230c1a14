"""How long a sentence takes to be accepted over HTTP, and where that time goes.

    python -m benchmarks.http [--json] [--commands 300] [--rate 10] [--folder FOLDER]

A real daemon with the embedded model and its journal in `--folder`, a Mosquitto, and a socket in a
process of its own that is switched on and off; asked over one connection that stays open, at so
many a second. Beside it, at the same rate: a route that does nothing (the server, its guard), one
that needs a token and the API but no journal, and a bare fsync in the same folder. Run it where
nothing else runs.
"""

import argparse
import asyncio
import http.client
import json
import os
import socket
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.fleet_devices import devices
from benchmarks.soak import BASE, USER, daemon, usable
from benchmarks.timing import Figure, show
from device_adapters.simulated.fleet import sort_of
from orchestrator.broker import Login
from orchestrator.client import connected
from orchestrator.doors.http.access import Tokens
from tests.broker import running_broker

BAR = 10.0
"""Milliseconds from a sentence sent to its acceptance heard, at the median."""
SENTENCES = ("turn on {}", "turn off {}")
DEVICE = next(number for number in range(100) if sort_of(number) == "Socket")
WARM = 20
WITHIN = 30.0


class Asker:
    """One connection to the hub."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WITHIN)
        self._head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The body of an answer that is a success."""
        self._connection.request(method, path, body, self._head)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {said.decode()}")
        return said

    def say(self, number: int) -> None:
        """Send a sentence, and hear that it is accepted."""
        text = SENTENCES[number % len(SENTENCES)].format(f"Socket {DEVICE}")
        body = json.dumps({"text": text, "id": f"bench-{number}"}).encode()
        self.ask("POST", "/api/v1/commands", body)


def paced(work: Callable[[int], object], count: int, rate: float) -> list[float]:
    """Milliseconds that each of so many took, `rate` a second."""
    taken = []
    for number in range(-WARM, count):
        began = time.perf_counter()
        work(number)
        taken.append((time.perf_counter() - began) * 1000)
        time.sleep(max(0.0, 1 / rate - taken[-1] / 1000))
    return taken[WARM:]


def synced(folder: Path) -> Callable[[int], object]:
    """What a disk needs to keep a page."""
    file = (folder / "fsync").open("wb", buffering=0)

    def keep(_: int) -> None:
        file.write(bytes(4096))
        os.fsync(file.fileno())

    return keep


def traced(asker: Asker) -> list[float]:
    """Milliseconds from a command's coming in to its being in the journal, as the hub says."""
    records = json.loads(asker.ask("GET", "/api/v1/executions?limit=200"))
    records = [one for one in records if one["ended"] is not None]
    if failed := Counter(one["answer"] for one in records if one["state"] != "succeeded"):
        raise SystemExit(f"not every command succeeded: {failed}")
    stages = [stage for record in records for stage in record["trace"]]
    return [stage["seconds"] * 1000 for stage in stages if stage["name"] == "accept"]


async def measured(folder: Path, count: int, rate: float) -> dict[str, list[float]]:
    """Every sample, by what was measured."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        broker = await enter(running_broker(folder))
        await enter(daemon(folder, broker.port, f"[http]\nport = {port}\n"))
        await (await enter(devices(broker.port))).start(DEVICE, DEVICE + 1)
        hub = await enter(connected(Login("127.0.0.1", broker.port, None, None), BASE, USER))
        await usable(hub, 1)
        asker = Asker(port, Tokens(folder / "state").issue(USER))
        return await asyncio.to_thread(_samples, asker, folder, count, rate)


def _samples(asker: Asker, state: Path, count: int, rate: float) -> dict[str, list[float]]:
    return {
        "bare": paced(lambda _: asker.ask("GET", "/healthz"), count, rate),
        "api": paced(lambda _: asker.ask("GET", "/api/v1/questions"), count, rate),
        "accepted": paced(asker.say, count, rate),
        "accept": traced(asker),
        "fsync": paced(synced(state), count, rate),
    }


def figures(samples: dict[str, list[float]]) -> list[Figure]:
    """Medians and ninety-ninth percentiles."""
    said = {
        "accepted": "a sentence until it is accepted", "bare": "a route that does nothing",
        "api": "with token and API, without journal", "fsync": "a bare fsync in that folder",
        "accept": "of it the journal, as the hub's trace says",
    }  # fmt: skip
    made = []
    for key, what in said.items():
        taken = samples[key]
        if len(taken) < 2:
            continue
        tail = statistics.quantiles(taken, n=100)[98]
        bar = f"≤ {BAR:g}" if key == "accepted" else ""
        made.append(Figure(f"{key}_p50_ms", f"{what}, p50", statistics.median(taken), "ms", bar))
        made.append(Figure(f"{key}_p99_ms", f"{what}, p99", tail, "ms"))
    return made


def main() -> None:
    """Measure, print a table, and with --json one line of figures at the end."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--commands", type=int, default=300)
    parser.add_argument("--rate", type=float, default=10.0)
    parser.add_argument(
        "--folder", type=Path, help="where the journal is; default: a temporary one"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        made = figures(asyncio.run(measured(Path(folder), asked.commands, asked.rate)))
    show(made, as_json=asked.json)


if __name__ == "__main__":
    main()
