"""The hub as a service of the system: signals, and what systemd is told."""

import asyncio
import logging
import os
import signal
import socket

from orchestrator.app import running
from orchestrator.catalogue import Catalogue
from orchestrator.settings import Settings

log = logging.getLogger(__name__)


async def serve(settings: Settings, catalogue: Catalogue) -> None:
    """Run a hub until SIGTERM or SIGINT; tells systemd when it is ready and when it stops."""
    os.umask(0o077)  # what people said, and their photos, are for the hub's own user
    stop = asyncio.Event()
    opening = asyncio.current_task()
    assert opening is not None

    def end() -> None:
        if not ready and not stop.is_set():
            opening.cancel()  # a model of gigabytes is not waited for
        stop.set()

    ready, loop = False, asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    try:
        async with running(settings, catalogue):
            ready = True
            _tell_systemd("READY=1")
            await stop.wait()
            _tell_systemd("STOPPING=1")
            log.info("stopping")
    except asyncio.CancelledError:
        if ready or not stop.is_set():
            raise
        opening.uncancel()
        log.info("stopped before it was ready")


def _tell_systemd(message: str) -> None:
    """The ten lines of sd_notify that a service needs."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.connect(address)
        channel.send(message.encode())
