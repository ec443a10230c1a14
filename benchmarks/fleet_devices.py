"""The fleet's own process: simulated devices of all kinds, and whoever forges announcements.

Orders come in as JSON lines, `{"devices": [from, to]}` or `{"forge": count, "seconds": within}`. A
line goes out when one is done: when it began, by the clock that all processes share.
"""

import asyncio
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from zeroconf import IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from device_adapters.mqtt import MqttClient
from device_adapters.simulated.fleet import fleet
from device_adapters.simulated.phone import SimulatedPhone

ROOT = Path(__file__).parent.parent
HOST = "127.0.0.1"
_ADB = "_adb._tcp.local."
_PADDING = "x" * 400
_TOGETHER = 50
"""Forged announcements that are sent at once."""


class Devices:
    """The process, for whoever gives it orders."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def start(self, first: int, end: int) -> float:
        """Start the devices of these numbers; when they began to announce themselves."""
        return await self._order({"devices": [first, end]})

    async def forge(self, count: int, seconds: float) -> float:
        """Announce devices that there are none of, spread over so many seconds."""
        return await self._order({"forge": count, "seconds": seconds})

    async def _order(self, order: dict[str, object]) -> float:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return float(await self._process.stdout.readline())


@asynccontextmanager
async def devices(port: int) -> AsyncIterator[Devices]:
    """The process, while the block lasts; `port`: the broker's."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.fleet_devices", str(port), cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Devices(process)
    finally:
        process.kill()
        await process.wait()


async def serve(port: int) -> None:
    """Do what is ordered, until nothing more comes."""
    async with AsyncExitStack() as stack:
        zeroconf = AsyncZeroconf(interfaces=[HOST], ip_version=IPVersion.V4Only)
        stack.push_async_callback(zeroconf.async_close)
        while line := await asyncio.to_thread(sys.stdin.readline):
            order, began = json.loads(line), time.perf_counter()
            if "devices" in order:
                numbers = range(*order["devices"])
                phones = await stack.enter_async_context(fleet(HOST, port, numbers))
                await announce(zeroconf, phones.values())
            else:
                await forge(port, order["forge"], order["seconds"])
            print(began, flush=True)


async def announce(zeroconf: AsyncZeroconf, phones: Iterable[SimulatedPhone]) -> None:
    """Tell the network about the phones, as adbd does."""
    infos = [
        ServiceInfo(
            _ADB, f"adb-{phone.state.serial}.{_ADB}", addresses=[socket.inet_aton(HOST)],
            port=phone.port, properties={"v": "1"}, server=f"{phone.state.serial}.local.",
        )
        for phone in phones
    ]  # fmt: skip
    told = await asyncio.gather(*map(zeroconf.async_register_service, infos))
    await asyncio.gather(*told)


async def forge(port: int, count: int, seconds: float) -> None:
    """Announce lamps that there are none of, each with topics of its own, at a steady rate."""
    async with MqttClient(HOST, port, client_id="forger") as client:
        await client.wait_connected(10)
        began = time.perf_counter()
        for first in range(0, count, _TOGETHER):
            await asyncio.sleep(began + seconds * first / count - time.perf_counter())
            part = range(first, min(first + _TOGETHER, count))
            await asyncio.gather(*(client.publish(*forged(n), retain=True) for n in part))


def forged(number: int) -> tuple[str, str]:
    """Topic and payload of an announcement."""
    lamp = {
        "unique_id": f"forged{number}",
        "device": {"identifiers": [f"forged{number}"], "name": f"Lamp {number}"},
        "state_topic": f"forged/{number}/state",
        "command_topic": f"forged/{number}/set",
        "availability_topic": f"forged/{number}/there",
        "padding": _PADDING,
    }
    return f"homeassistant/light/forged{number}/config", json.dumps(lamp)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
