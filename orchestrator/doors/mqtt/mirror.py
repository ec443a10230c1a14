"""Every approved device on topics of its own, for whoever wants one and not the whole list.

    <base>/device/<id>/availability  retained: online | offline
    <base>/device/<id>/state         retained: {state, todo, functions, kind, room, name}

A device that speaks under these topics itself says so itself: the hub writes nothing there. Such
names hold no dash, so what the hub writes always does; but for the hub's own device, `hub`.
"""

import asyncio
import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from device_adapters.mqtt import Message, MqttClient
from device_adapters.native.payloads import IDENTIFIER
from schemas.errors import HubError

log = logging.getLogger(__name__)

NATIVE = "octopus"
"""The protocol of devices that speak under these topics themselves."""
AT_ONCE = 50
"""Messages on their way to the broker together."""
LISTEN = 1.0
"""Seconds in which a broker says what is still there of devices of before."""
_SAID = ("state", "todo", "functions", "kind", "room", "name")

Shown = Mapping[str, Any]
"""A device as `device/list` shows it."""


class Mirror:
    """What the broker was told of each device, and tells it what has changed since."""

    def __init__(self, client: MqttClient, base: str) -> None:
        self._client = client
        self._base = f"{base}/device"
        self._told: dict[str, str] = {}
        self._fresh = True

    def forget(self) -> None:
        """The broker may have lost everything: tell it all again."""
        self._told.clear()
        self._fresh = True

    async def tell(self, devices: Iterable[Shown]) -> None:
        """Tell what changed of these devices, and clear what is left of any other."""
        wanted = said(devices)
        if self._fresh:
            self._fresh = False
            self._told |= dict.fromkeys(await self._left_over(), "of before")
        news = [(topic, text) for topic, text in wanted.items() if self._told.get(topic) != text]
        news += [(topic, "") for topic in self._told.keys() - wanted.keys()]
        for first in range(0, len(news), AT_ONCE):
            part = news[first : first + AT_ONCE]
            await asyncio.gather(*(self._publish(*one) for one in part))

    async def _publish(self, topic: str, text: str) -> None:
        try:
            await self._client.publish(f"{self._base}/{topic}", text, retain=True)
        except HubError as error:  # told again once the broker is back
            log.debug("%s: not published: %s", topic, error)
            self._told.pop(topic, None)
            return
        if text:
            self._told[topic] = text
        else:
            self._told.pop(topic, None)

    async def _left_over(self) -> set[str]:
        """Topics that a hub of before wrote, whose devices may be gone."""
        found: set[str] = set()

        async def heard(message: Message) -> None:
            segment = message.topic.removeprefix(f"{self._base}/").partition("/")[0]
            if message.payload and not IDENTIFIER.fullmatch(segment):
                found.update((f"{segment}/availability", f"{segment}/state"))

        stop = self._client.subscribe(f"{self._base}/+/availability", heard)
        try:
            await asyncio.sleep(LISTEN)
        finally:
            stop()
        return found


def said(devices: Iterable[Shown]) -> dict[str, str]:
    """What there is to say of each approved device, by topic."""
    told = {}
    for device in devices:
        if device["approved"] and device["protocol"] != NATIVE:
            segment = segment_of(device["id"], device["protocol"])
            told[f"{segment}/availability"] = "online" if device["connected"] else "offline"
            told[f"{segment}/state"] = json.dumps({key: device[key] for key in _SAID})
    return told


def segment_of(identity: str, protocol: str) -> str:
    """A device's segment of the topics, which no device that speaks for itself can have."""
    own = quote(identity, safe="%:@ ()'.,;=")
    return f"{protocol}-{own}" if IDENTIFIER.fullmatch(own) else own
