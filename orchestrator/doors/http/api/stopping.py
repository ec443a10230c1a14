"""What gives way when the hub stops, and how many may wait at once."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from orchestrator.doors.http.api.errors import Stopping
from orchestrator.doors.http.limits import TooOften, full

T = TypeVar("T")

MOST, EACH = 48, 24
"""Requests that may wait for something at once, and those of one user."""


class Waits:
    """Work that somebody waits for."""

    def __init__(self) -> None:
        self._under_way: dict[asyncio.Task[Any], str] = {}
        self._closed = False

    def close(self) -> None:
        """Wait for nothing any more."""
        self._closed = True
        for task in self._under_way:
            task.cancel()

    async def for_(self, work: Coroutine[Any, Any, T], user: str) -> T:
        """What comes of it for a user; Stopping where the hub stops first, TooOften where too many
        wait."""
        if self._closed or full(self._under_way.values(), user, MOST, EACH):
            work.close()
            if self._closed:
                raise Stopping
            raise TooOften("too many requests wait already: come again in a moment", 1.0)
        task = asyncio.create_task(work, name="http api: waits")
        self._under_way[task] = user
        try:
            await asyncio.wait([task])
        finally:
            self._under_way.pop(task, None)
            if not task.done():
                task.cancel()
                await asyncio.wait([task])
        if task.cancelled():
            raise Stopping
        return task.result()
