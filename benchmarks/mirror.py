"""What it costs to tell a broker of every device on topics of its own.

    python -m benchmarks.mirror [--json] [--devices 1000]

A real Mosquitto; devices that serve ten functions each. Measured at the start of a hub, where all
of it is told; when nothing changed; and when one device went. Bytes are payloads with their topics.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from device_adapters.mqtt import MqttClient
from orchestrator.doors.mqtt import mirror as module
from orchestrator.doors.mqtt.mirror import Mirror, said
from tests.broker import running_broker

FUNCTIONS = (
    "turn_on", "turn_off", "set_light", "get_state", "set_cover", "open_or_lock_door",
    "set_nest_temperature", "media_control", "set_volume", "play_music_on_nest_hub",
)  # fmt: skip


@dataclass
class Report:
    """Milliseconds, and what went to the broker."""

    devices: int
    messages: int
    bytes_at_start: int
    ms_at_start: float
    cpu_ms_at_start: float
    ms_unchanged: float
    ms_one_changed: float


def shown(count: int) -> list[dict[str, Any]]:
    """So many devices, as the service shows them."""
    return [
        {
            "id": f"ha-device-{number:04}", "protocol": "homeassistant", "approved": True,
            "connected": True, "state": "connected", "todo": "", "functions": FUNCTIONS,
            "kind": "home", "room": "living room", "name": f"Device number {number}",
        }
        for number in range(count)
    ]  # fmt: skip


async def measured(count: int) -> Report:
    """Tell of so many devices."""
    with tempfile.TemporaryDirectory(prefix="octopus-mirror-") as folder:
        async with (
            running_broker(Path(folder)) as broker,
            MqttClient(broker.host, broker.port, client_id="hub") as client,
        ):
            await client.wait_connected(10)
            module.LISTEN = 0.0
            mirror, devices = Mirror(client, "octopus"), shown(count)
            cpu = time.process_time()
            start = await _told(mirror, devices)
            cpu = 1000 * (time.process_time() - cpu)
            same = await _told(mirror, devices)
            devices[0] = devices[0] | {"connected": False, "state": "offline"}
            one = await _told(mirror, devices)
            texts = said(devices)
            size = sum(len(f"octopus/device/{t}".encode()) + len(v) for t, v in texts.items())
            return Report(count, len(texts), size, start, cpu, same, one)


async def _told(mirror: Mirror, devices: Iterable[dict[str, Any]]) -> float:
    began = time.perf_counter()
    await mirror.tell(devices)
    return 1000 * (time.perf_counter() - began)


def main() -> None:
    """Measure, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--devices", type=int, default=1000)
    arguments = parser.parse_args()
    report = asyncio.run(measured(arguments.devices))
    if arguments.json:
        print(json.dumps(asdict(report)))
    else:
        Console().print(report)


if __name__ == "__main__":
    main()
