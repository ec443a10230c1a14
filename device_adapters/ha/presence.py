"""Whether an announced device is there, and news of it."""

from __future__ import annotations

from collections.abc import Callable

from device_adapters.ha.announcement import HaDevice
from device_adapters.ha.client import HaClient


def away(ha: HaClient, device: HaDevice) -> bool | None:
    """Whether all entities of a device that tell say that they are gone; None before the first
    word, False where none tells."""
    said = [ha.entity(entity).available for entity in device.telling]
    if not said or any(said):
        return False
    return None if None in said else True


class Presence:
    """Follows the topics that tell whether a device is there, and tells `told` after every word."""

    def __init__(self, ha: HaClient, told: Callable[[], None]) -> None:
        self._ha = ha
        self._told = told
        self.topics: frozenset[str] = frozenset()
        """Which topics are followed."""
        self._stops: list[Callable[[], None]] = []

    def follow(self, device: HaDevice) -> None:
        """Follow what a device announces now, and nothing else."""
        topics = frozenset(item.topic for e in device.entities for item in e.availability)
        if topics != self.topics:
            before, self.topics = self._stops, topics
            self._stops = [self._ha.follow(topic, self._told) for topic in topics]
            for stop in before:
                stop()

    def close(self) -> None:
        """Follow nothing; safe to call twice."""
        for stop in self._stops:
            stop()
        self._stops, self.topics = [], frozenset()
