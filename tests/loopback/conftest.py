"""What the loopback tests share: a real broker, and clients on it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from device_adapters.mqtt import MqttClient, Will
from tests.broker import Broker, Connect, running_broker


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    async with running_broker(tmp_path) as running:
        yield running


@pytest.fixture
async def connect(broker: Broker) -> AsyncIterator[Connect]:
    numbers = itertools.count()
    async with AsyncExitStack() as stack:

        async def one(*, will: Will | None = None) -> MqttClient:
            client = MqttClient(
                broker.host, broker.port, client_id=f"test-{next(numbers)}", will=will
            )
            await stack.enter_async_context(client)
            await client.wait_connected(10)
            return client

        yield one
