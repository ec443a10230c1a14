"""A real Mosquitto on a free loopback port, the hub's client on it, and calls, for tests."""

from __future__ import annotations

import asyncio
import getpass
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from device_adapters.ha import HaClient
from device_adapters.mqtt import Message, MqttClient
from schemas.call import Invocation

Connect = Callable[..., Awaitable[MqttClient]]
"""Gives one more connected client; `will` may be given."""

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


class Broker:
    """A Mosquitto process that can be stopped and started again on the same port."""

    host = "127.0.0.1"

    def __init__(self, folder: Path, extra: str = "allow_anonymous true") -> None:
        with socket.create_server((self.host, 0)) as server:
            self.port: int = server.getsockname()[1]
        self._configuration = folder / "mosquitto.conf"
        self._configuration.write_text(
            f"listener {self.port} {self.host}\nset_tcp_nodelay true\n"
            f"user {getpass.getuser()}\n{extra}\n"
        )
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start, and wait until the port answers."""
        assert MOSQUITTO, "these tests need mosquitto on the PATH"
        self._process = await asyncio.create_subprocess_exec(
            MOSQUITTO,
            "-c",
            str(self._configuration),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(10):
            while not await self._answers():  # noqa: ASYNC110 (a foreign process)
                await asyncio.sleep(0.01)

    async def _answers(self) -> bool:
        assert self._process
        assert self._process.returncode is None, "mosquitto ended"
        with suppress(ConnectionRefusedError):
            _, writer = await asyncio.open_connection(self.host, self.port)
            writer.close()
            await writer.wait_closed()
            return True
        return False

    async def stop(self) -> None:
        """Kill it; safe to call twice."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def running_broker(
    folder: Path, extra: str = "allow_anonymous true"
) -> AsyncIterator[Broker]:
    """A broker for the length of a block."""
    broker = Broker(folder, extra)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


@asynccontextmanager
async def hub_on(broker: Broker, client_id: str = "hub") -> AsyncIterator[HaClient]:
    """A Home Assistant client of the hub's, connected to a broker."""
    async with (
        MqttClient(broker.host, broker.port, client_id=client_id) as mqtt,
        HaClient(mqtt, settle=0.05) as ha,
    ):
        await mqtt.wait_connected(10)
        await heard_so_far(ha)  # its birth message is out: nobody announces twice because of it
        yield ha


async def heard_so_far(ha: HaClient) -> None:
    """Wait until the hub has handled all that reached the broker before, and the broker all that
    the hub did because of it.
    """
    heard: asyncio.Queue[Message] = asyncio.Queue()
    stop = ha.mqtt.subscribe("barrier", heard.put, retained=False)
    async with asyncio.timeout(10):
        for _ in range(2):
            await ha.mqtt.publish("barrier", b"")
            await heard.get()
    stop()


def invocation(function: str, *, timeout: float = 3.0, **arguments: Any) -> Invocation:
    """A call as the executor hands it to an adapter."""
    return Invocation(function=function, arguments=arguments, key="run-1-0", timeout=timeout)
