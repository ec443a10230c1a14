"""What is announced now, by its topic and by device: pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from device_adapters.ha.announcement import HaDevice, merged
from device_adapters.ha.budget import Budget


class Kept:
    """Every announcement that there is room for. A device is made of all that name it, those that
    came first before the others, and put together only when it is asked for."""

    def __init__(self) -> None:
        self.budget = Budget()
        self._parts: defaultdict[str, dict[str, HaDevice]] = defaultdict(dict)
        self._whole: dict[str, HaDevice] = {}
        self._topics: dict[str, tuple[HaDevice, int]] = {}

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def device(self, identifier: str) -> HaDevice:
        """A device as a whole; without entities where nothing announces it."""
        whole, parts = self._whole.get(identifier), self._parts.get(identifier)
        if whole is None and parts:
            whole = self._whole[identifier] = merged(tuple(parts.values()))
        return whole or HaDevice(id=identifier, name=identifier)

    def stands(self, topic: str, payload: bytes) -> bool:
        """Whether the very same message is what a topic announces already: after a restart of the
        broker everything is announced once more."""
        known = self._topics.get(topic)
        return known is not None and known[1] == hash(payload)

    def on(self, topic: str) -> HaDevice | None:
        """What a topic announces."""
        known = self._topics.get(topic)
        return known[0] if known else None

    def put(self, topic: str, payload: bytes, new: HaDevice) -> bool:
        """Keep what a topic announces now, in its old place; False, and as before, where that is
        too much."""
        if not self.budget.take(topic, new.id, len(payload), len(new.entities)):
            return False
        old = self.on(topic)
        if old and old.id != new.id:
            self._part(topic, old)
        self._whole.pop(new.id, None)
        self._parts[new.id][topic] = new
        self._topics[topic] = new, hash(payload)
        return True

    def remove(self, topic: str) -> None:
        """A topic announces nothing any more."""
        if old := self.on(topic):
            self.budget.give_back(topic)
            self._part(topic, old)
            del self._topics[topic]

    def _part(self, topic: str, old: HaDevice) -> None:
        self._whole.pop(old.id, None)
        del self._parts[old.id][topic]
        if not self._parts[old.id]:
            del self._parts[old.id]
