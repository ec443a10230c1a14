"""amqtt inside this process: the broker where there is no mosquitto. MQTT 3.1.1 only, nothing is
kept over a restart, and a silent client's will never fires: for a first try."""

import asyncio
import contextlib
import hmac
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from device_adapters.mqtt.link import topic_matches
from orchestrator.broker.rules import Rule

_ONLY_311 = b"\x20\x02\x00\x01"
"""CONNACK: unacceptable protocol version."""


class _Read(StreamReaderAdapter):  # type: ignore[misc]
    """A connection whose first bytes were read already."""

    def __init__(self, first: bytes, rest: asyncio.StreamReader) -> None:
        super().__init__(rest)
        self._first = first

    async def read(self, n: int = -1) -> bytes:
        if not self._first:
            return bytes(await super().read(n))
        taken, self._first = self._first[:n], self._first[n:]
        return taken + (bytes(await super().read(n - len(taken))) if len(taken) < n else b"")


class _Broker(Broker):  # type: ignore[misc]
    """amqtt, but an MQTT 5 client is told so instead of being misread."""

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            first = await reader.readexactly(2)
            while first[-1] & 0x80 and len(first) < 5:  # the packet's length
                first += await reader.readexactly(1)
            first += await reader.readexactly(7)  # "MQTT" with its length, and the version
            if first[-1] == 4:
                read, write = _Read(first, reader), StreamWriterAdapter(writer)
                await self.external_connected(read, write, listener_name)
            else:
                writer.write(_ONLY_311)
                await writer.drain()
        writer.close()


@dataclass
class Known:
    """Who may come in, and what they may do."""

    passwords: Mapping[str, str]
    rules: Mapping[str, tuple[Rule, ...]]


class Guard(BaseAuthPlugin, BaseTopicPlugin):  # type: ignore[misc]
    """Who may come in, and what they may publish and read: the same rules as mosquitto's."""

    @dataclass
    class Config:
        """What amqtt hands to the plugin."""

        known: Known

    async def authenticate(self, *, session: Session) -> bool | None:
        """Whether name and password are right; nobody comes in without."""
        known = self.config.known.passwords.get(session.username or "")
        given = session.password or ""
        return known is not None and hmac.compare_digest(known.encode(), given.encode())

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool | None:
        """Whether a user may publish to, or get a message of, a topic; all may subscribe."""
        if session is None or topic is None:
            return False
        if action is Action.SUBSCRIBE:
            return True
        rules = self.config.known.rules.get(session.username or "", ())
        matching = {rule.access for rule in rules if topic_matches(rule.topics, topic)}
        wanted = "read" if action is Action.RECEIVE else "write"
        return "deny" not in matching and not matching.isdisjoint({wanted, "readwrite"})


@asynccontextmanager
async def serving(port: int, known: Known) -> AsyncIterator[None]:
    """A broker on loopback while the block lasts; `known` may change meanwhile."""
    for noisy in ("amqtt", "transitions"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    config: dict[str, Any] = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {f"{__name__}.{Guard.__name__}": {"known": known}},
    }
    broker = _Broker(config)
    await broker.start()
    try:
        yield
    finally:
        await broker.shutdown()
