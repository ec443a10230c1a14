"""How much of what announces itself is kept: pure."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

ENTITY = 2048
"""Bytes that an entity counts for, beside those of its announcement."""
OF_ONE = 1 << 20
"""Bytes for one device: hundreds of entities."""
OF_STRANGERS = 10 << 20
"""Bytes for all devices that nobody uses, together: thousands of entities."""


class Share(NamedTuple):
    """What one announcement takes."""

    device: str
    size: int


class Budget:
    """Counts what is kept of each announcement, by its topic.

    A device that is used is bounded by itself alone. All the others share what there is for
    strangers, so that however many are forged, no device of the household is crowded out.
    """

    def __init__(self) -> None:
        self._shares: dict[str, Share] = {}
        self._of: Counter[str] = Counter()
        self._used: Counter[str] = Counter()
        self._strangers = 0
        self.refused = 0

    def use(self, device: str) -> None:
        """One more uses a device, whether it has announced itself or not."""
        self._used[device] += 1
        if self._used[device] == 1:
            self._strangers -= self._of[device]

    def let_go(self, device: str) -> None:
        """One less uses it."""
        self._used[device] -= 1
        if not self._used[device]:
            del self._used[device]
            self._strangers += self._of[device]

    def take(self, topic: str, device: str, size: int, entities: int) -> bool:
        """Count an announcement in place of what stood on its topic; False, and nothing but a
        refusal is counted, where that is too much."""
        share, before = Share(device, size + ENTITY * entities), self._shares.get(topic)
        same = before.size if before and before.device == device else 0
        freed = before.size if before and before.device not in self._used else 0
        of_one = self._of[device] - same + share.size
        strange = device not in self._used
        if of_one > OF_ONE or (strange and self._strangers - freed + share.size > OF_STRANGERS):
            self.refused += 1
            return False
        self.give_back(topic)
        self._shares[topic] = share
        self._add(share.device, share.size)
        return True

    def give_back(self, topic: str) -> None:
        """Nothing is kept of a topic any more."""
        if (share := self._shares.pop(topic, None)) is not None:
            self._add(share.device, -share.size)

    def _add(self, device: str, size: int) -> None:
        self._of[device] += size
        if not self._of[device]:
            del self._of[device]
        if device not in self._used:
            self._strangers += size
