"""The daemon under systemd's watchdog: what stops its signs of life, and what does not."""

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.broker import Broker, running_broker
from tests.drills.kill9 import Hub
from tests.e2e.daemon import eventually
from tests.e2e.notified import PING, Notified

LIMIT = 1.0


@pytest.fixture
def systemd() -> Iterator[Notified]:
    made = Notified(LIMIT)
    yield made
    made.close()


@asynccontextmanager
async def started(folder: Path, systemd: Notified, fault: str) -> AsyncIterator[tuple[Hub, Broker]]:
    """A daemon that is ready and gives signs of life, on a broker that can be taken away."""
    async with running_broker(folder) as broker:
        hub = Hub(folder, broker)
        file = hub.config / "hub.toml"
        file.write_text(f"{file.read_text()}[model]\ndeadline = 1\n")
        hub.environment = systemd.environment
        hub.program = ("-m", "tests.e2e.faulty", fault)
        try:
            await hub.spawn()
            await systemd.until("EXTEND_TIMEOUT_USEC=30000000")
            await systemd.until("READY=1")
            await systemd.until(PING)
            yield hub, broker
        finally:
            await hub.clean_up()


async def test_a_blocked_loop_gives_no_sign_of_life(tmp_path: Path, systemd: Notified) -> None:
    async with started(tmp_path, systemd, "loop") as (hub, _):
        hub.kill(signal.SIGUSR1)
        await systemd.gives_up()
        assert await hub.stop(signal.SIGABRT) == -signal.SIGABRT, "as systemd ends it"
        assert "block_the_loop" in hub.log, "it says where it stood"


@pytest.mark.parametrize(
    ("fault", "part"),
    [("mqtt", "the MQTT client"), ("journal", "the journal's writer"), ("model", "the model")],
)
async def test_one_dead_part_ends_the_signs_of_life(
    tmp_path: Path, systemd: Notified, fault: str, part: str
) -> None:
    async with started(tmp_path, systemd, fault) as (hub, _):
        hub.kill(signal.SIGUSR1)
        await eventually(lambda: f"no sign of life from {part}" in hub.log, 30, hub)
        await systemd.gives_up()


async def test_a_model_that_hangs_is_started_anew_and_the_hub_goes_on(
    tmp_path: Path, systemd: Notified
) -> None:
    async with started(tmp_path, systemd, "hanging model") as (hub, _):
        before = hub.worker
        hub.kill(signal.SIGUSR1)
        await eventually(lambda: hub.worker not in (before, None), 30, hub)
        systemd.forget()
        await systemd.until(PING)
        assert "no sign of life from the model" not in hub.log


async def test_a_broker_that_is_away_ends_no_sign_of_life(
    tmp_path: Path, systemd: Notified
) -> None:
    async with started(tmp_path, systemd, "loop") as (hub, broker):
        await broker.stop()
        await systemd.until("STATUS=ready; no MQTT broker answers")
        for _ in range(3):
            await systemd.until(PING)
        await broker.start()
        while systemd.statuses[-1] != "ready":
            await systemd.hear()
        assert "no sign of life from the MQTT" not in hub.log
        hub.kill(signal.SIGTERM)
        await systemd.until("STOPPING=1")
        assert await hub.ended() == 0
        assert systemd.statuses[-1] == "ends what is under way"
