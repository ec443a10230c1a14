"""SIGHUP: the configuration is read anew, and counts at once where all of it is right."""

import asyncio
import logging
from collections.abc import Callable

from orchestrator import logs
from orchestrator.app import Hub
from orchestrator.catalogue import Catalogue
from orchestrator.settings import Settings
from orchestrator.systemd import Systemd
from schemas.errors import HubError

log = logging.getLogger(__name__)

Load = Callable[[], tuple[Settings, Catalogue]]
"""Reads the configuration; InvalidSettings where something is wrong with it. Blocks."""


class Reloading:
    """Reloads whenever `wanted` is set; however often that was meanwhile, once more will do."""

    def __init__(self, hub: Hub, load: Load, wanted: asyncio.Event, systemd: Systemd) -> None:
        self._hub = hub
        self._load = load
        self._wanted = wanted
        self._systemd = systemd

    async def keep(self) -> None:
        """Reload for as long as this runs."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            self._systemd.tell_reload("reads its configuration anew")
            await self._reload()
            self._systemd.tell("READY=1", status=said(self._hub))

    async def _reload(self) -> None:
        try:
            settings, catalogue = await asyncio.to_thread(self._load)
            left = await self._hub.reload(settings, catalogue)
        except HubError as error:
            self._not_taken(str(error))
        except Exception:
            log.exception("the reload broke")
            self._not_taken("the reload broke; see the log")
        else:
            self._hub.live.problem = ""
            log.info("configuration taken%s", f"; restart for: {', '.join(left)}" if left else "")
            logs.turn(settings.log.level)

    def _not_taken(self, why: str) -> None:
        self._hub.live.problem = why
        log.error("configuration not taken, the one before stays: %s", why)


def said(hub: Hub) -> str:
    """How a running hub is, in one line for `systemctl status`."""
    troubles = [] if hub.connected() else ["no MQTT broker answers"]
    if hub.live.problem:
        troubles.append(f"configuration not taken: {hub.live.problem}")
    return "; ".join(["ready", *troubles])
