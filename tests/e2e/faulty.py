"""A daemon in which one part breaks at SIGUSR1: `python -m tests.e2e.faulty PART run …`."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn

from orchestrator import app, cli, daemon
from orchestrator.octopus import process
from schemas.errors import HubError


def block_the_loop(_: app.Hub) -> None:
    """As an adapter of somebody's that sleeps."""
    time.sleep(60)


def end_the_mqtt_client(_: app.Hub) -> None:
    """What keeps it connected is gone."""
    for task in asyncio.all_tasks():
        if "MqttClient._keep_connected" in repr(task.get_coro()):
            task.cancel()


def hold_the_journal(hub: app.Hub) -> None:
    """Its writer hangs, as on a disk that does not answer."""
    hub.service._journal._do(lambda _: time.sleep(60))


def lose_the_model(_: app.Hub) -> None:
    """It dies, and no other can be started."""

    async def lost(_: process.ModelProcess) -> NoReturn:
        raise HubError("there is no memory for it")

    process.ModelProcess._load = lost  # type: ignore[method-assign]
    stop_the_model(_, signal.SIGKILL)


def stop_the_model(_: Any, how: signal.Signals = signal.SIGSTOP) -> None:
    """It hangs."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            mine = f"\nPPid:\t{os.getpid()}\n" in (folder / "status").read_text()
            if mine and "octopus.worker" in (folder / "cmdline").read_text():
                os.kill(int(folder.name), how)


FAULTS = {
    "loop": block_the_loop,
    "mqtt": end_the_mqtt_client,
    "journal": hold_the_journal,
    "model": lose_the_model,
    "hanging model": stop_the_model,
}
_running = app.running


@contextlib.asynccontextmanager
async def _breakable(*configuration: Any) -> AsyncIterator[app.Hub]:
    async with _running(*configuration) as hub:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, FAULTS[part], hub)
        yield hub


if __name__ == "__main__":
    part = sys.argv.pop(1)
    process.ALIVE_AFTER = 0.5
    daemon.running = _breakable
    cli.main()
