"""One announced entity, alive: its state, whether it is there, and orders to it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import time
from collections.abc import Mapping
from typing import NamedTuple

from device_adapters.ha import order, reports
from device_adapters.ha.announcement import Availability, HaEntity
from device_adapters.ha.order import Wanted
from device_adapters.ha.states import States, Topic
from device_adapters.ha.template import BadTemplateError, read
from device_adapters.mqtt import Message
from schemas.errors import DeviceRefused, DeviceUnavailable, DeviceUncertain
from schemas.outcome import Evidence

GRACE = 1.0
"""Seconds for a report that changes nothing, or for the first word of a new entity."""
_MAXIMUM_WORD = 4096
"""Characters of what tells whether an entity is there."""


class _Goal(NamedTuple):
    """What one attribute must read, and what it reads where the order failed; `before`: the last
    word said before the order."""

    attribute: str
    reads: str
    topic: Topic
    before: int
    failure: str


class Entity:
    """One announced entity, alive: its state, whether it is there, and orders to it."""

    def __init__(self, states: States, description: HaEntity) -> None:
        self._states = states
        self.description = description

    @property
    def available(self) -> bool | None:
        """Whether it can be reached; None before its first word."""
        items = self.description.availability
        if not items:
            return self._states.mqtt.connected
        said = [(self._states.topic(item.topic), item) for item in items]
        words = {topic.version: _word(topic, item) for topic, item in said if topic.payload}
        if not words:
            return None
        mode = self.description.availability_mode
        if mode == "any":
            return any(words.values())
        if mode == "all" and all(words.values()):
            silent = any(topic.version not in words for topic, _ in said)
            return None if silent else True
        if mode == "all":
            return False
        return words[max(words)]

    def state(self, attribute: str = "state") -> str | None:
        """What its state topic last said; None where that is nothing, or holds no longer."""
        topic = self._topic(attribute)
        if topic.payload is None or time.monotonic() - topic.at > self._holds_for:
            return None
        return reports.state(self.description, attribute, topic.payload)

    async def known_state(self, attribute: str = "state") -> str | None:
        """Its state, waiting a moment for the first word of a new entity that reports it at all."""
        topic = reports.place(self.description, attribute).state_topic
        if not topic:
            return None
        await self._states.until(lambda: self.state(attribute) is not None, GRACE, [topic])
        return self.state(attribute)

    async def command(
        self,
        wanted: Wanted,
        *,
        attribute: str = "state",
        reached: Wanted | None = None,
        within: float = 5.0,
    ) -> Evidence:
        """Order one attribute, and look whether it gets there; `reached` where it reads differently
        (the order's limits are then the caller's business). Raises as `apply`."""
        ordered = order.orders(self.description, {attribute: wanted}, checked=reached is None)
        if reached is not None:
            told = {attribute: str(reached)}
            ordered = tuple(
                o.model_copy(update={"reached": told}) if o.reached else o for o in ordered
            )
        return await self._carry_out(ordered, within)

    async def apply(self, wanted: Mapping[str, Wanted], *, within: float = 5.0) -> Evidence:
        """Order attributes together, and look whether they all get there.

        `VERIFIED` where the entity said so after the order, or (but for a lock) had said it while
        the hub listened and did not take it back; an old word that the broker kept proves nothing.
        `DeviceUnavailable`: not there or not listening; `DeviceRefused`: takes no such order, or
        says that it failed; `DeviceUncertain`: the broker did not acknowledge it.
        """
        return await self._carry_out(order.orders(self.description, wanted), within)

    async def _carry_out(self, ordered: tuple[order.Order, ...], within: float) -> Evidence:
        await self.require_available()
        goals = [goal for one in ordered for goal in self._goals(one)]
        # A lock that is asked must answer: what one said hours ago is no word of a dead one's.
        asked = self.description.component == "lock"
        already = not asked and all(goal.topic.live and self._reads(goal) for goal in goals)
        for sent, one in enumerate(ordered):
            await self._publish(one, within, first=sent == 0)
        if not goals or not all(one.reached for one in ordered):
            return Evidence.UNVERIFIED
        for goal in goals:  # the broker sent what it had kept before it acknowledged the order
            goal.topic.heard = max(goal.topic.heard, 1)
        await self._states.until(
            lambda: self._failed(goals) or all(map(self._newly_reads, goals)),
            min(within, GRACE) if already else within,
            [reports.place(self.description, goal.attribute).state_topic for goal in goals],
        )
        if self._failed(goals):
            raise DeviceRefused(f"{self._name} says: {self.state(goals[0].attribute)}; look at it")
        reached = all(self._newly_reads(g) or (already and self._reads(g)) for g in goals)
        return Evidence.VERIFIED if reached else Evidence.UNVERIFIED

    async def _publish(self, one: order.Order, within: float, *, first: bool) -> None:
        """Send one order; what fails after others were sent leaves the entity half way."""
        try:
            heard = await self._states.mqtt.publish(one.topic, one.payload, within=within)
            if not heard:
                raise DeviceUnavailable(f"{self._name} is not listening")
        except (DeviceUnavailable, DeviceRefused) as exc:
            if first:
                raise
            raise DeviceUncertain(f"{self._name} got only part of the order") from exc

    def _goals(self, one: order.Order) -> list[_Goal]:
        goals = []
        for attribute, reads in one.reached.items():
            topic = self._topic(attribute)
            goals.append(
                _Goal(attribute, reads, topic, topic.version, one.failed.get(attribute, ""))
            )
        return goals

    async def require_available(self) -> None:
        """`DeviceUnavailable` where it is gone, or says nothing for a moment."""
        topics = [item.topic for item in self.description.availability]
        await self._states.until(lambda: self.available is not None, GRACE, topics)
        if not self.available:
            raise DeviceUnavailable(f"{self._name} is offline")

    async def picture(self, within: float) -> bytes | None:
        """The next picture of a camera or image entity as it comes; None where none does."""
        topic = reports.place(self.description, "state").state_topic
        pictures: asyncio.Queue[bytes] = asyncio.Queue(1)

        async def take(message: Message) -> None:
            if pictures.empty() and message.payload:
                pictures.put_nowait(message.payload)

        stop = self._states.mqtt.subscribe(topic, take, retained=False)
        try:
            async with asyncio.timeout(within):
                return await pictures.get()
        except TimeoutError:
            return None
        finally:
            stop()

    @property
    def _holds_for(self) -> float:
        """Seconds for which a word of its holds, where its publisher says so (`expire_after`)."""
        with contextlib.suppress(ValueError):
            return float(self.description.text("expire_after") or 0) or math.inf
        return math.inf

    @property
    def _name(self) -> str:
        return self.description.name or "the device"

    def _topic(self, attribute: str) -> Topic:
        return self._states.topic(reports.place(self.description, attribute).state_topic)

    def _reads(self, goal: _Goal) -> bool:
        measured = reports.is_measured(self.description, goal.attribute)
        alike = reports.agree if measured else reports.is_word
        return alike(goal.reads, self.state(goal.attribute))

    def _newly_reads(self, goal: _Goal) -> bool:
        return goal.topic.version > goal.before and goal.topic.live and self._reads(goal)

    def _failed(self, goals: list[_Goal]) -> bool:
        return any(
            goal.failure
            and goal.topic.version > goal.before
            and reports.is_word(goal.failure, self.state(goal.attribute))
            for goal in goals
        )


def _word(topic: Topic, item: Availability) -> bool:
    return _says(item.template, topic.payload or "", item.available)


@functools.lru_cache(maxsize=2048)
def _says(template: str | None, payload: str, available: str) -> bool:
    """Whether a word is the one for being there; many entities share it."""
    if len(payload) > _MAXIMUM_WORD:
        return False
    try:
        said = read(template, payload) if template else payload
    except BadTemplateError:
        return False
    return said.casefold() == available.casefold()
