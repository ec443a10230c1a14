"""The last word of every state topic that some entity needs."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Collection

from device_adapters.ha.template import MAXIMUM_PAYLOAD
from device_adapters.ha.waiting import Waiting
from device_adapters.mqtt import Message, MqttClient

_MOST_WILD = 256
"""Topics with wildcards that are listened to; each may be looked at with every message."""


class Topic:
    """The last word of one state topic."""

    __slots__ = ("at", "followers", "heard", "live", "payload", "users", "version")

    def __init__(self) -> None:
        self.payload: str | None = None
        self.version = 0
        self.at = 0.0  # when it was said, by the monotonic clock
        self.heard = 0  # messages since the broker was asked for it: the first may be a kept one
        self.live = False  # whether the last word was said while the hub listened
        self.users = 0
        self.followers: tuple[Callable[[], None], ...] = ()


class States:
    """State topics, subscribed to as long as somebody watches them."""

    def __init__(self, mqtt: MqttClient, own: str = "octopus") -> None:
        """`own`: the base of the hub's own topics, which no topic with wildcards reaches."""
        self.mqtt = mqtt
        self._own = f"{own}/"
        self._topics: dict[str, Topic] = {}
        self._versions = itertools.count(1)
        self.waiting = Waiting()
        self._hear = self._on_state  # one for all topics without wildcards
        self._wild: dict[str, Callable[[], None]] = {}
        self._deaf = mqtt.on_connect(self._ask_again)

    def topic(self, name: str) -> Topic:
        """What is known of a state topic."""
        return self._topics.get(name) or Topic()

    def watch(self, name: str) -> None:
        """One more needs the topic."""
        topic = self._topics.setdefault(name, Topic())
        if topic.users == 0:
            self._listen(name, topic)
        topic.users += 1

    def _listen(self, name: str, topic: Topic) -> None:
        if "+" not in name:
            self.mqtt.subscribe(name, self._hear, qos=0)
        elif len(self._wild) < _MOST_WILD:
            hear = functools.partial(self._on_wild, name, topic)
            self._wild[name] = self.mqtt.subscribe(name, hear, qos=0)

    def unwatch(self, name: str) -> None:
        """One less needs it."""
        topic = self._topics[name]
        topic.users -= 1
        if topic.users == 0:
            del self._topics[name]
            self._hear_no_more(name)

    def _hear_no_more(self, name: str) -> None:
        if (stop := self._wild.pop(name, None)) is not None:
            stop()
        elif "+" not in name:
            self.mqtt.unsubscribe(name, self._hear)

    def follow(self, name: str, told: Callable[[], None]) -> Callable[[], None]:
        """Call `told` after every message of a topic; gives what ends that."""
        self.watch(name)
        topic = self._topics[name]
        topic.followers = (*topic.followers, told)
        return functools.partial(self._unfollow, name, topic, told)

    def _unfollow(self, name: str, topic: Topic, told: Callable[[], None]) -> None:
        if told in topic.followers and self._topics.get(name) is topic:
            at = topic.followers.index(told)
            topic.followers = topic.followers[:at] + topic.followers[at + 1 :]
            self.unwatch(name)

    async def until(
        self, holds: Callable[[], bool], within: float, topics: Collection[str] = ()
    ) -> bool:
        """Wait until something holds, looking whenever a message came on one of the topics, or on
        any where none is named; False after `within` s."""
        return await self.waiting.until(holds, within, topics)

    def close(self) -> None:
        """Listen no more."""
        self._deaf()
        for name in self._topics:
            self._hear_no_more(name)
        self._topics.clear()

    async def _ask_again(self) -> None:
        """A new connection: the broker sends what it kept once more."""
        for topic in self._topics.values():
            topic.heard = 0

    async def _on_state(self, message: Message) -> None:
        topic = self._topics.get(message.topic)
        if topic is not None:
            self._heard(message.topic, topic, message)

    async def _on_wild(self, name: str, topic: Topic, message: Message) -> None:
        if not message.topic.startswith(self._own):
            self._heard(name, topic, message)

    def _heard(self, name: str, topic: Topic, message: Message) -> None:
        if len(message.payload) > MAXIMUM_PAYLOAD:
            return
        topic.payload = message.payload.decode(errors="replace")
        topic.version = next(self._versions)
        topic.at = time.monotonic()
        topic.heard += 1
        topic.live = topic.heard > 1 or not message.retain
        for told in topic.followers:
            told()
        self.waiting.wake(name)
