"""How many calls a device gets at once: the rest waits in line, and the line has an end."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable

from schemas.errors import HubError

LONGEST = 100
"""Calls that wait for one device; the next is refused rather than left waiting unseen."""


class LineFull(HubError):
    """Too many calls wait for this device; try again in a moment."""

    code = "busy"


class Lanes:
    """Turns on devices, in the order they were asked for. Every turn taken is given back."""

    def __init__(self, at_once: Callable[[str], int]) -> None:
        """`at_once`: how many calls the device with an id takes together."""
        self._at_once = at_once
        self._busy: Counter[str] = Counter()
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}

    @property
    def waiting(self) -> int:
        """Calls that wait for their turn."""
        return sum(map(len, self._lines.values()))

    def take(self, device: str) -> bool:
        """Take a turn where one is free now."""
        if self._lines.get(device) or self._busy[device] >= self._at_once(device):
            return False
        self._busy[device] += 1
        return True

    async def turn(self, device: str) -> None:
        """Wait for a turn; LineFull where too many wait already."""
        if self.take(device):
            return
        line = self._lines.setdefault(device, deque())
        if len(line) >= LONGEST:
            raise LineFull
        mine = asyncio.get_running_loop().create_future()
        line.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.give_back(device)  # the turn came in the same moment
            elif mine in line:  # unless it was passed over in the same moment
                line.remove(mine)
            raise

    def give_back(self, device: str) -> None:
        """End a turn: whoever waits longest has it now."""
        line = self._lines.get(device)
        while line:
            following = line.popleft()
            if not following.done():
                following.set_result(None)
                return
        self._lines.pop(device, None)
        self._busy[device] -= 1
        if not self._busy[device]:
            del self._busy[device]
