"""A connection that is there and says nothing: the other end is gone, and no packet tells of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from device_adapters.mqtt import Message, MqttClient, link
from device_adapters.mqtt import client as mqtt
from tests.broker import Broker, running_broker

KEEPALIVE = 1


class Swallower:
    """A proxy before a broker, which from some moment on swallows every byte of those who are
    connected, both ways, and closes nothing."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._tasks: set[asyncio.Task[None]] = set()
        self._swallows: list[bool] = []
        self.connections = 0
        self.port = 0

    def swallow(self) -> None:
        """From now on, of whoever is connected; whoever connects later is served."""
        self._swallows[:] = [True] * len(self._swallows)

    async def _pass_on(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while piece := await reader.read(65_536):
                if not self._swallows[number]:
                    writer.write(piece)
                    await writer.drain()
        except OSError:
            return  # the other way ended it
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        there, back = await asyncio.open_connection(self._broker.host, self._broker.port)
        number, self.connections = self.connections, self.connections + 1
        self._swallows.append(False)
        for one in (self._pass_on(number, reader, back), self._pass_on(number, there, writer)):
            task = asyncio.create_task(one)
            self._tasks.add(task)

    async def close(self) -> None:
        """Let go of everybody."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def swallower(broker: Broker) -> AsyncIterator[Swallower]:
    proxy = Swallower(broker)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    async with server:
        yield proxy
        await proxy.close()


@pytest.mark.parametrize("talking", [False, True], ids=["idle", "publishing"])
async def test_it_is_noticed_within_twice_the_keepalive_and_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, talking: bool
) -> None:
    monkeypatch.setattr(link, "_TICK", 0.1)
    monkeypatch.setattr(mqtt, "_FIRST_DELAY", 0.05)
    heard: asyncio.Queue[Message] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    async with running_broker(tmp_path) as broker, swallower(broker) as proxy:
        client = MqttClient("127.0.0.1", proxy.port, client_id="hub", keepalive=KEEPALIVE)
        async with client:
            await client.wait_connected(10)
            client.subscribe("word", heard.put)
            await client.publish("word", b"before")
            async with asyncio.timeout(10):
                await heard.get()
            proxy.swallow()
            began = loop.time()
            async with asyncio.timeout(10):
                while client.connected:
                    if talking:
                        with suppress(Exception):
                            await client.publish("word", b"lost", qos=0, within=0.1)
                    await asyncio.sleep(0.02)
            assert loop.time() - began <= 2 * KEEPALIVE + 0.5
            await client.wait_connected(10)
            await client.publish("word", b"after")
            async with asyncio.timeout(10):
                assert (await heard.get()).payload == b"after"
            assert proxy.connections == 2
