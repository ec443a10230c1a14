"""What was looked up, for a while: told again while it is fresh, and with its age where nothing
newer can be had."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

from schemas.errors import DeviceRefused, DeviceUnavailable

Clock = Callable[[], float]
"""Seconds since the epoch."""
V = TypeVar("V")


class Told(NamedTuple, Generic[V]):
    """What is known, and why it could not be looked up anew; "" where it was, or is fresh."""

    value: V
    age: float
    trouble: str = ""

    @property
    def ago(self) -> str:
        """How old it is, like `2 hours ago`."""
        minutes = max(1, round(self.age / 60))
        count, unit = (minutes, "minute") if minutes < 100 else (round(self.age / 3600), "hour")
        return f"{count} {unit}{'s' if count > 1 else ''} ago"


class Remembered(Generic[V]):
    """The last `most` things that were looked up, each `fresh` and at the most `kept` for so many
    seconds."""

    def __init__(
        self, fresh: float, kept: float, most: int = 100, clock: Clock = time.time
    ) -> None:
        self._fresh, self._kept, self._most, self._clock = fresh, kept, most, clock
        self._known: dict[Hashable, tuple[V, float]] = {}

    async def get(
        self, key: Hashable, look_up: Callable[[], Awaitable[V]], until: float
    ) -> Told[V]:
        """What is known under the key, looked up anew where it is not fresh, until the loop's time
        `until`. DeviceUnavailable or DeviceRefused where that fails and nothing is known."""
        told = self._told(key)
        if told and told.age <= self._fresh:
            return told
        try:
            async with asyncio.timeout_at(until):
                value = await look_up()
        except TimeoutError:
            trouble: Exception = DeviceUnavailable("no answer came in time")
        except (DeviceUnavailable, DeviceRefused) as error:
            trouble = error
        else:
            self._keep(key, value)
            return Told(value, 0.0)
        if told is None or told.age > self._kept:
            raise trouble
        return told._replace(trouble=str(trouble))

    def _told(self, key: Hashable) -> Told[V] | None:
        known = self._known.get(key)
        if known is None:
            return None
        age = self._clock() - known[1]
        return Told(known[0], age) if age >= 0 else None  # the clock was set back

    def _keep(self, key: Hashable, value: V) -> None:
        self._known.pop(key, None)
        self._known[key] = value, self._clock()
        while len(self._known) > self._most:
            del self._known[next(iter(self._known))]
