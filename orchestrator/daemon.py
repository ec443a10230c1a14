"""The hub as a service of the system: signals, and what systemd is told."""

import asyncio
import contextlib
import faulthandler
import logging
import os
import signal
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from device_adapters.beat import beat
from orchestrator import logs
from orchestrator.app import Hub, running
from orchestrator.reloading import Load, Reloading, said
from orchestrator.systemd import Systemd
from orchestrator.watchdog import Watchdog

log = logging.getLogger(__name__)

PATIENCE = 30.0
"""Seconds that systemd is asked to wait on, time and again, while a hub starts: a journal of years
on a slow disk, or a model of gigabytes, takes longer than anybody can know before."""
STATUS_EVERY = 2.0
"""Seconds between two looks at what `systemctl status` is to show."""


async def serve(load: Load) -> None:
    """Run a hub until SIGTERM or SIGINT; SIGHUP reads its configuration anew. Tells systemd how it
    is. InvalidSettings where the first configuration is wrong."""
    os.umask(0o077)  # what people said, and their photos, are for the hub's own user
    systemd = Systemd(os.environ)
    faulthandler.enable()  # a watchdog that ends the hub leaves behind where it stood
    settings, catalogue = load()
    logs.start(settings.log.level, settings.log.format)
    stop, reload = asyncio.Event(), asyncio.Event()
    opening = asyncio.current_task()
    assert opening is not None

    def end() -> None:
        if not ready and not stop.is_set():
            opening.cancel()  # a model of gigabytes is not waited for
        stop.set()

    async def take_time() -> None:
        while not ready:
            systemd.tell_start(PATIENCE)
            await asyncio.sleep(PATIENCE / 3)

    ready, loop = False, asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    try:
        async with (
            _guarded(systemd) as guard,
            _together(take_time()),
            running(settings, catalogue) as hub,
        ):
            ready = True
            systemd.tell("READY=1", status=said(hub))
            guard.parts = hub.parts
            reloading = Reloading(hub, load, reload, systemd)
            async with _together(_tell_status(hub, systemd), reloading.keep()):
                await stop.wait()
            guard.parts = {}  # they end one by one; that the loop turns is all there is to say
            systemd.tell("STOPPING=1", status="ends what is under way")
            log.info("stopping")
    except asyncio.CancelledError:
        if ready or not stop.is_set():
            raise
        opening.uncancel()
        log.info("stopped before it was ready")


@contextlib.asynccontextmanager
async def _guarded(systemd: Systemd) -> AsyncIterator[Watchdog]:
    """Give systemd the sign of life that it wants, if it wants one, while the block lasts."""
    guard = Watchdog({}, systemd.limit, systemd.live)
    async with _together(*([guard.keep()] if systemd.limit else [])):
        yield guard


@contextlib.asynccontextmanager
async def _together(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Have endless work done while the block lasts."""
    tasks = [asyncio.create_task(work, name="service") for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tell_status(hub: Hub, systemd: Systemd) -> None:
    """Tell what has changed."""
    told = said(hub)
    while True:
        await beat(STATUS_EVERY)
        if (now := said(hub)) != told:
            told = now
            systemd.tell(status=now)
