"""What one user's flood costs another: 1,000 commands in 10 seconds, over a real Mosquitto.

    python -m benchmarks.neighbour [--json] [--commands 1000] [--seconds 10]

A hub with a scripted model and device, so that only the hub's own work is measured: how long the
calm user's commands take from being sent to being accepted, alone and beside the flood, and how
many of the flood are taken in. Who floods is a process of its own. Run it where nothing else runs.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.timing import Figure, show
from device_adapters.mqtt import MqttClient
from orchestrator.admission import Limits
from orchestrator.catalogue import Catalogue
from orchestrator.settings import PACKAGED
from tests.broker import running_broker
from tests.doorkit import User, door, people, told

TEXT = "Take a selfie with the front camera"
MODEL = {TEXT: "<nexa_0>('front')<nexa_end>"}
PAUSE = 0.1
"""Seconds between two commands of the calm user: as often as the limits let somebody go on."""


async def measured(commands: int, seconds: float) -> tuple[list[float], list[float], Counter[str]]:
    """The calm user's milliseconds, alone and beside the flood; what became of the flood."""
    catalogue = Catalogue.load(PACKAGED / "functions")
    with tempfile.TemporaryDirectory() as folder:
        async with (
            running_broker(
                Path(folder), "allow_anonymous true\nmax_queued_messages 10000"
            ) as broker,
            people(broker, "calm") as (calm,),
            door(broker, Path(folder), catalogue, MODEL),
        ):
            await told(calm, "octopus/status", b"online")
            await steady(calm, seconds / 2, "warm")
            alone = await steady(calm, seconds, "alone")
            loud = [sys.executable, "-m", "benchmarks.neighbour", "--flood", str(broker.port),
                    "--commands", str(commands), "--seconds", str(seconds)]  # fmt: skip
            flood = await asyncio.create_subprocess_exec(*loud, stdout=asyncio.subprocess.PIPE)
            assert flood.stdout
            await flood.stdout.readline()  # it is about to begin
            beside = await steady(calm, seconds, "beside")
            out, _ = await flood.communicate()
            return alone, beside, Counter(json.loads(out))


async def steady(user: User, seconds: float, name: str) -> list[float]:
    """Milliseconds of each command, one after another."""
    times, until, number = [], time.monotonic() + seconds, 0
    while time.monotonic() < until:
        began = time.perf_counter()
        answer = await user.command({"text": TEXT, "id": f"{name}-{number}"})
        times.append((time.perf_counter() - began) * 1000)
        assert answer["error"] is None, answer
        number += 1
        await asyncio.sleep(PAUSE)
    return times


async def flooded(port: int, commands: int, seconds: float) -> None:
    """Send them evenly over the seconds; prints a line first, then what came of them."""
    async with MqttClient("127.0.0.1", port, client_id="loud") as client:
        await client.wait_connected(10)
        user = User(client, "loud")
        answers = asyncio.create_task(_answers(user, commands))
        print(flush=True)
        began = time.monotonic()
        for number in range(commands):
            await asyncio.sleep(max(0.0, began + number * seconds / commands - time.monotonic()))
            payload = json.dumps({"text": TEXT, "id": f"loud-{number}"})
            await user.client.publish(f"octopus/command/{user.name}", payload)
        print(json.dumps(await answers))


async def _answers(user: User, count: int) -> Counter[str]:
    heard: list[dict[str, Any]] = [
        json.loads((await user.answers.get()).payload) for _ in range(count)
    ]
    return Counter("refused" if answer["error"] else "accepted" for answer in heard)


def figures(
    alone: list[float], beside: list[float], flood: Counter[str], seconds: float
) -> list[Figure]:
    """What is said of it."""
    quiet, noisy = (statistics.quantiles(times, n=20)[-1] for times in (alone, beside))
    limits = Limits()
    most = limits.burst + limits.a_minute / 60 * seconds
    return [
        Figure("alone_p95_ms", "calm user alone, accepted p95", quiet, "ms"),
        Figure("beside_p95_ms", "calm user beside the flood, accepted p95", noisy, "ms"),
        Figure("more", "beside to alone", noisy / quiet - 1, "", "0.20"),
        Figure("accepted", "of the flood accepted", flood["accepted"], "", f"{most:.0f}"),
        Figure("refused", "of the flood refused as busy", flood["refused"], ""),
    ]


def main() -> None:
    """Measure, print a table, and with --json one line of figures at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--commands", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--flood", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.flood:
        asyncio.run(flooded(chosen.flood, chosen.commands, chosen.seconds))
        return
    found = figures(*asyncio.run(measured(chosen.commands, chosen.seconds)), chosen.seconds)
    show(found, as_json=chosen.json)


if __name__ == "__main__":
    main()
