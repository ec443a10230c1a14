"""What the hub adds to a command: everything but the model and the device, over a real broker.

    python -m benchmarks.overhead [--json] [--commands 300]

The model and the adapter answer at once; the journal writes to `--folder` as it always does. The
figures are from one process on one machine: run it where nothing else runs.
"""

import argparse
import asyncio
import json
import os
import socket
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.inside import Instant, at, inside
from benchmarks.processes import family, sample
from device_adapters.mqtt import Message, MqttClient
from device_adapters.mqtt import link as mqtt_link
from orchestrator.broker import HUB, LOCAL, own_broker, passwords
from orchestrator.catalogue import Catalogue
from orchestrator.doors.mqtt import MqttDoor
from orchestrator.octopus.embedded import EmbeddedModel
from orchestrator.octopus.engine import Engine
from orchestrator.settings import PACKAGED

ROOT = Path(__file__).parent.parent
BASE = "octopus"
SELFIE = "take a selfie"
SENTENCES = {SELFIE: "<nexa_0>('front')<nexa_end>"}


@dataclass(frozen=True)
class Figure:
    """One measured value and the most it may be."""

    key: str
    what: str
    bar: float
    unit: str
    value: float


class Person:
    """Sends commands from a process of its own, as people do, and waits for their records."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def send(self, text: str) -> tuple[str, float]:
        """The command's id, and the seconds from its publishing to its record."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{text}\n".encode())
        async with asyncio.timeout(60):
            identity, seconds = (await self._process.stdout.readline()).decode().split()
        return identity, float(seconds)

    async def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        self._process.stdin.close()
        await self._process.wait()


async def person(port: int, password: str) -> None:
    """The person's process: a sentence a line in, an id and seconds a line out."""
    records: asyncio.Queue[tuple[float, str]] = asyncio.Queue()

    async def on_record(message: Message) -> None:
        records.put_nowait((time.perf_counter(), message.topic.rpartition("/")[2]))

    login = {"username": LOCAL, "password": password}
    async with MqttClient("127.0.0.1", port, client_id="person", **login) as client:
        client.subscribe(f"{BASE}/execution/+", on_record, retained=False)
        await client.wait_connected(10)
        while text := (await asyncio.to_thread(sys.stdin.readline)).strip():
            identity = uuid.uuid4().hex
            payload = json.dumps({"text": text, "id": identity})
            began = time.perf_counter()
            # The hub's first subscription may still be on its way.
            while not await client.publish(f"{BASE}/command/{LOCAL}", payload):
                await asyncio.sleep(0.05)
                began = time.perf_counter()
            topic = ""
            while topic != identity:
                ended, topic = await records.get()
            print(identity, ended - began, flush=True)


@asynccontextmanager
async def hub(folder: Path) -> AsyncIterator[tuple[Person, Instant]]:
    """A hub with its broker, an instant model and an instant phone, and a person outside."""
    async with AsyncExitStack() as stack:
        login = (await stack.enter_async_context(own_broker(folder, 0, BASE))).login
        client = MqttClient(
            login.host, login.port, client_id=HUB, username=HUB, password=login.password
        )
        await stack.enter_async_context(client)
        await client.wait_connected(10)
        parts = await stack.enter_async_context(inside(folder, SENTENCES))
        door = MqttDoor(client, parts.service, parts.bus, BASE, {})
        await stack.enter_async_context(door.telling())
        stack.callback(parts.bus.close)
        stack.push_async_callback(parts.pipeline.drain, 5)
        stack.enter_context(door.listening())
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.overhead", "--person", str(login.port),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
            env=os.environ | {"OCTOPUS_PERSON": passwords(folder)[LOCAL]},
        )  # fmt: skip
        outside = Person(process)
        stack.push_async_callback(outside.close)
        yield outside, parts.adapter


def receipts() -> dict[str, float]:
    """When each command's packet was read from the socket, by its id, from now on."""
    times: dict[str, float] = {}
    read = mqtt_link._read

    def stamped(raw: Any) -> tuple[Message, list[int]]:
        at = time.perf_counter()
        message, numbers = read(raw)
        if message.topic.startswith(f"{BASE}/command/"):
            times.setdefault(json.loads(message.payload)["id"], at)
        return message, numbers

    mqtt_link._read = stamped
    return times


async def commands(folder: Path, count: int) -> list[Figure]:
    """Receipt to call, and publish to result."""
    received = receipts()
    async with hub(folder) as (outsider, adapter):
        for _ in range(20):
            await outsider.send(SELFIE)
        sent = [await outsider.send(SELFIE) for _ in range(count)]
        within = [(adapter.asked[key] - received[key]) * 1000 for key, _ in sent]
        outside = [seconds * 1000 for _, seconds in sent]
    return [
        Figure("overhead_p50", "MQTT receipt to adapter call, p50", 2.5, "ms", at(within, 50)),
        Figure("overhead_p99", "MQTT receipt to adapter call, p99", 15, "ms", at(within, 99)),
        Figure("result_p50", "QoS 1 command to result, p50", 6, "ms", at(outside, 50)),
    ]


def decoding(count: int) -> list[Figure]:
    """The embedded model on short sentences, one at a time."""
    engine = Engine(EmbeddedModel(Catalogue.load(PACKAGED / "functions")))
    lines = (ROOT / "tests/sentences/short.jsonl").read_text(encoding="utf-8").splitlines()
    sentences = [json.loads(line)["q"] for line in lines]
    sentences = sentences[:: max(1, len(sentences) // count)]
    for sentence in sentences[:5]:
        engine.decode(sentence)
    times = [timed(lambda s=sentence: engine.decode(s)) * 1000 for sentence in sentences * 2]
    return [
        Figure("decode_p50", f"decode, {len(sentences)} sentences, p50", 60, "ms", at(times, 50)),
        Figure("decode_p99", "decode, p99", 100, "ms", at(times, 99)),
    ]


def daemon(folder: Path) -> list[Figure]:
    """The seconds until `octopus run` says it is ready, and what it then holds in memory."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (folder / "hub.toml").write_text(
        f'[hub]\nstate = "{folder / "state"}"\n[broker]\nport = {port}\n'
        "[discovery]\nloopback_only = true\n"
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(folder / "notify"))
        notify.settimeout(60)
        environment = os.environ | {"NOTIFY_SOCKET": str(folder / "notify")}
        program = [sys.executable, "-m", "orchestrator.cli", "run", "--config", str(folder)]
        quiet = [(os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)]
        began = time.perf_counter()
        pid = os.posix_spawn(sys.executable, program, environment, file_actions=quiet)
        try:
            assert notify.recv(256).startswith(b"READY=1\n")
            ready = time.perf_counter() - began
            resident = sum(sample(process, ready).resident for process in family(pid).values())
        finally:
            os.kill(pid, 15)
            os.waitpid(pid, 0)
    return [
        Figure("ready_s", "daemon ready", 5, "s", ready),
        Figure("resident_mib", "daemon, model and broker resident", 500, "MiB", resident),
    ]


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Measure, print a table, and with --json one line of figures at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--commands", type=int, default=300)
    parser.add_argument("--sentences", type=int, default=40)
    parser.add_argument("--folder", type=Path, help="where the journal is written; default: /tmp")
    parser.add_argument("--person", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.person:
        asyncio.run(person(chosen.person, os.environ["OCTOPUS_PERSON"]))
        return
    with tempfile.TemporaryDirectory(dir=chosen.folder, prefix="octopus-bench-") as name:
        figures = [
            *asyncio.run(commands(Path(name), chosen.commands)),
            *decoding(chosen.sentences),
            *daemon(Path(name)),
        ]
    table = Table("figure", "bar", "measured", "")
    for f in figures:
        kept = "ok" if f.value <= f.bar else "[red]missed"
        table.add_row(f.what, f"≤ {f.bar:g} {f.unit}", f"{f.value:.2f} {f.unit}", kept)
    Console().print(table)
    if chosen.json:
        print(json.dumps({f.key: round(f.value, 3) for f in figures}))


if __name__ == "__main__":
    main()
