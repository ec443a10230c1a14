"""Looking for devices on purpose, where somebody does not want to wait for them to say a word."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from orchestrator.service import Service
from schemas.errors import HubError

log = logging.getLogger(__name__)

LOOK_FOR = 3.0
"""Seconds in which whatever hears a question answers it; a cable is looked at every two."""

MOST = 8
"""Who may wait for one look together: each keeps a request open, and a door has some dozens."""

Way = Callable[[], Awaitable[None]]
"""Asks everything that can be found in one way to say that it is there."""


class AlreadyLooking(HubError):
    """Devices are being looked for already: see `device/list` in a few seconds."""

    code = "busy"


class Search:
    """The operation `discover`: asks in every way, and says what came of it. Who asks while
    somebody else does gets the same answer."""

    def __init__(
        self, service: Service, proposed: Callable[[], Iterable[str]], ways: Mapping[str, Way]
    ) -> None:
        """`proposed`: the ids of what was found and nobody has approved."""
        self._service = service
        self._proposed = proposed
        self._ways = ways
        self._under_way: asyncio.Task[dict[str, Any]] | None = None
        self._waiting = 0

    async def look(self, _: str, __: Mapping[str, Any]) -> dict[str, Any]:
        """What was found that was not known before, how many wait for a person now, and in which
        ways was looked; AlreadyLooking where many wait for that."""
        if self._waiting >= MOST:
            raise AlreadyLooking
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(self._look(), name="discover")
        self._waiting += 1
        try:
            return await asyncio.shield(self._under_way)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Look no more."""
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.gather(self._under_way, return_exceptions=True)

    async def _look(self) -> dict[str, Any]:
        before = frozenset(self._proposed())
        looked = [name for name, ask in self._ways.items() if await self._asked(name, ask)]
        await asyncio.sleep(LOOK_FOR)
        now = frozenset(self._proposed())
        listed = await self._service.request("device/list", "", {})
        found = [device for device in listed if device["id"] in now - before]
        return {"found": found, "proposed": len(now), "looked": looked}

    async def _asked(self, name: str, ask: Way) -> bool:
        try:
            await ask()
        except HubError as error:
            log.info("devices are not looked for by %s: %s", name, error)
            return False
        return True
