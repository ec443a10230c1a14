"""How many of the things that anybody may announce are kept; pure.

In a flood, what was there first keeps its place, and one newcomer in a while still gets one."""

from collections.abc import Iterator
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K")

PAUSE = 1.0
"""Seconds between two newcomers that something else gives way to."""


class Entered(NamedTuple, Generic[K]):
    """Whether a thing has a place now, and what gave way to it."""

    there: bool
    gone: K | None = None


class Quota(Generic[K]):
    """Places for `most` things. Once they are taken, one newcomer each PAUSE seconds takes that of
    the oldest in the newer half; `turned_away` counts the others."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._there: dict[K, None] = {}
        self._next = float("-inf")
        self.turned_away = 0

    def __contains__(self, thing: object) -> bool:
        return thing in self._there

    def __len__(self) -> int:
        return len(self._there)

    def __iter__(self) -> Iterator[K]:
        return iter(self._there)

    def enter(self, thing: K, now: float) -> Entered[K]:
        """Take a place, or keep it; `now`: seconds that only go forward."""
        gone = None
        if thing not in self._there and len(self._there) >= self._most:
            if now < self._next:
                self.turned_away += 1
                return Entered(False)
            self._next = now + PAUSE
            gone = next(islice(self._there, self._most // 2, None))
            del self._there[gone]
        self._there[thing] = None
        return Entered(True, gone)

    def leave(self, thing: K) -> bool:
        """Give the place back; whether there was one."""
        return self._there.pop(thing, self) is None
