"""How fast a lock is seen to be locked, over a real Mosquitto on loopback.

    python -m benchmarks.home [--json] [--commands 500]

The lock is the simulated home's, in this process and on this loop, so its own work is in the
figures too; what Zigbee and a real lock's motor add is not. Run it where nothing else runs.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from device_adapters.ha import HaClient
from device_adapters.home import HomeAdapter
from device_adapters.mqtt import MqttClient
from device_adapters.simulated.home import SimulatedHome
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.outcome import Evidence
from tests.broker import running_broker

BAR = 50.0
"""Milliseconds that a lock may take to be confirmed."""
_WARM_UP = 20


async def measured(commands: int) -> list[float]:
    """Milliseconds of each order, lock and unlock in turn, until the state topic confirmed it."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            running_broker(Path(folder)) as broker,
            MqttClient(broker.host, broker.port, client_id="hub") as mqtt,
            HaClient(mqtt) as ha,
            SimulatedHome(broker.host, broker.port) as home,
        ):
            await home.announced()
            identifier = home.identifier("Front Door")
            await ha.until(lambda: ha.settled(identifier), 10)
            door = HomeAdapter(_device(identifier), ha)
            await door.connect()
            times = [await _timed(door, number) for number in range(commands + _WARM_UP)]
            await door.close()
    return times[_WARM_UP:]


async def _timed(door: HomeAdapter, number: int) -> float:
    call = Invocation(
        function="open_or_lock_door",
        arguments={"status": "lock" if number % 2 else "open"},
        key=f"bench-{number}",
        timeout=15,
    )
    started = time.perf_counter()
    done = await door.call(call)
    took = (time.perf_counter() - started) * 1000
    if done.evidence is not Evidence.VERIFIED:
        raise SystemExit(f"order {number} was not confirmed: {done.detail}")
    return took


def _device(identifier: str) -> Device:
    return Device(
        id="door", kind=Kind.HOME, name="Front Door", protocol="homeassistant",
        address={"ha": identifier},
    )  # fmt: skip


def figures(times: list[float]) -> dict[str, float]:
    """The median, the 99th percentile and the slowest, in milliseconds."""
    ordered = sorted(times)
    return {
        "commands": len(ordered),
        "lock_p50_ms": round(ordered[len(ordered) // 2], 2),
        "lock_p99_ms": round(ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], 2),
        "lock_slowest_ms": round(ordered[-1], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--commands", type=int, default=500)
    options = parser.parse_args()
    found = figures(asyncio.run(measured(options.commands)))
    if options.json:
        sys.stdout.write(f"{json.dumps(found)}\n")
        return
    table = Table("a lock confirmed by its state topic", "ms", "bar")
    for key, what in (("p50", "median"), ("p99", "99th percentile"), ("slowest", "slowest")):
        table.add_row(what, f"{found[f'lock_{key}_ms']:.1f}", f"{BAR:.0f}" if key == "p99" else "")
    Console().print(table)


if __name__ == "__main__":
    main()
