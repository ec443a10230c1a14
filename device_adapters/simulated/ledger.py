"""A computer and a car that write down every effect, so that effects can be counted from outside.

python -m device_adapters.simulated.ledger --broker 127.0.0.1:1883 --file effects.jsonl
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from device_adapters.simulated.car import SimulatedCar
from device_adapters.simulated.pc import SimulatedPc


class Ledger:
    """A file of effects, a JSON object a line, each on the disk before it is reported."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def add(self, topic: str, payload: str) -> None:
        """Write one effect down: the order that a device carries out, and when."""
        line = json.dumps({"at": time.time(), "topic": topic, "payload": payload})
        os.write(self._descriptor, f"{line}\n".encode())
        os.fsync(self._descriptor)


@contextmanager
def opened(file: Path) -> Iterator[Ledger]:
    """The ledger in a file; one that is there is added to."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield Ledger(descriptor)
    finally:
        os.close(descriptor)


async def serve(host: str, port: int, file: Path) -> None:
    """A computer and a car on a broker until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    pc, car = SimulatedPc(host, port), SimulatedCar(host, port)
    with opened(file) as ledger:
        pc.on_effect = car.on_effect = ledger.add
        async with pc, car:
            await stop.wait()


def main() -> None:
    """Run the two devices as a process of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", required=True, help="host:port")
    parser.add_argument("--file", type=Path, required=True, help="where effects are written")
    chosen = parser.parse_args()
    host, _, port = chosen.broker.rpartition(":")
    asyncio.run(serve(host, int(port), chosen.file))


if __name__ == "__main__":
    main()
