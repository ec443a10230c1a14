"""One MQTT connection over paho: the only file that imports it.

paho's network thread only hands over: every callback is wrapped, so that no exception kills the
thread, and all else happens in the event loop.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from schemas.base import Value
from schemas.errors import DeviceRefused, DeviceUnavailable, DeviceUncertain

log = logging.getLogger(__name__)

_ANSWER = 10.0  # seconds a broker has to accept a connection
_ROOM = 2048  # messages held at once, waiting or in a handler
_UNACKNOWLEDGED = 64  # QoS 1 messages the broker may send before the first is acknowledged
_MAXIMUM_PACKET = 4 * 1024 * 1024
_UNSUPPORTED_PROTOCOL = 132


class Message(Value):
    """One message as it arrived; in MQTT 5, `retain` says how it was published."""

    topic: str
    payload: bytes
    retain: bool = False
    response_topic: str | None = None
    correlation_data: bytes | None = None
    message_expiry: int | None = None


class Will(Value):
    """What the broker publishes for a client that is gone."""

    topic: str
    payload: str
    qos: int = 1
    retain: bool = True


Receive = Callable[[Message, list[int], Callable[[], None]], None]
"""Takes a message, the numbers of the filters that matched it, and what acknowledges it."""


class Link:
    """One connection: a paho client of its own, and who waits for the broker's answers."""

    def __init__(
        self,
        client_id: str,
        login: tuple[str | None, str | None],
        will: Will | None,
        v5: bool,
        receive: Receive,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self._v5 = v5
        self._accepted: asyncio.Future[int] = self._loop.create_future()
        self.closed: asyncio.Future[str] = self._loop.create_future()
        self._published: dict[int, asyncio.Future[int]] = {}
        self._room = threading.BoundedSemaphore(_ROOM)
        self._thread: threading.Thread | None = None
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=None if v5 else True,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._client.username_pw_set(*login)
        if will:
            self._client.will_set(will.topic, will.payload, will.qos, will.retain)
        self._client.max_queued_messages_set(_ROOM)
        self._client.on_socket_open = _guarded(_no_delay)
        self._client.on_connect = _guarded(self._on_connect)
        self._client.on_disconnect = _guarded(self._on_disconnect)
        self._client.on_publish = _guarded(self._on_publish)
        self._client.on_message = _guarded(self._on_message)

    @property
    def thread_alive(self) -> bool:
        """Whether the network thread runs."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def unsupported(self) -> bool:
        """Whether the broker refused this version of the protocol."""
        done = self._accepted.done() and not self._accepted.cancelled()
        return done and self._accepted.result() == _UNSUPPORTED_PROTOCOL

    async def open(self, host: str, port: int, keepalive: int) -> int:
        """Connect; the broker's answer, 0 where it accepts. `OSError`: it does not answer."""
        options: dict[str, Any] = {}
        if self._v5:
            options["clean_start"] = True
            options["properties"] = _properties(
                PacketTypes.CONNECT,
                SessionExpiryInterval=0,
                ReceiveMaximum=_UNACKNOWLEDGED,
                MaximumPacketSize=_MAXIMUM_PACKET,
            )
        await asyncio.to_thread(self._client.connect, host, port, keepalive, **options)
        self._client.loop_start()
        code = await self._first(self._accepted, _ANSWER)
        if code is None:
            raise ConnectionError("the connection ended before it was accepted")
        return code

    async def close(self) -> None:
        """Say goodbye and wait for the network thread."""
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    def subscribe(self, topic_filter: str, number: int, qos: int, retained: bool) -> None:
        """Ask the broker for one filter, without waiting for its answer."""
        if not self._v5:
            self._client.subscribe(topic_filter, qos)
            return
        handling = (
            SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE
            if retained
            else SubscribeOptions.RETAIN_DO_NOT_SEND
        )
        options = SubscribeOptions(qos, retainAsPublished=True, retainHandling=handling)
        properties = _properties(PacketTypes.SUBSCRIBE, SubscriptionIdentifier=number)
        self._client.subscribe(topic_filter, options=options, properties=properties)

    def unsubscribe(self, topic_filter: str) -> None:
        """Tell the broker that a filter is over."""
        self._client.unsubscribe(topic_filter)

    async def publish(
        self, topic: str, payload: bytes | str, qos: int, retain: bool, within: float, **v5: object
    ) -> int:
        """Publish and give the broker's reason code; see `MqttClient.publish` for errors."""
        properties = _properties(PacketTypes.PUBLISH, **v5) if self._v5 else None
        try:
            info = self._client.publish(topic, payload, qos, retain, properties)
        except ValueError as exc:
            raise DeviceRefused(f"MQTT cannot publish to {topic!r}: {exc}") from exc
        if info.rc != paho.MQTT_ERR_SUCCESS:
            raise DeviceUnavailable(f"MQTT did not send {topic}: {paho.error_string(info.rc)}")
        if qos == 0:
            return 0
        acknowledged: asyncio.Future[int] = self._loop.create_future()
        self._published[info.mid] = acknowledged
        try:
            code = await self._first(acknowledged, within)
        finally:
            del self._published[info.mid]
        if code is None:
            raise DeviceUncertain(f"the MQTT broker did not acknowledge {topic}")
        return code

    async def _first(self, answer: asyncio.Future[int], within: float) -> int | None:
        """Wait for an answer; None where the connection or the time ended first."""
        first: set[asyncio.Future[Any]] = {answer, self.closed}
        await asyncio.wait(first, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        return answer.result() if answer.done() else None

    # From here on: in paho's thread.

    def _on_connect(self, _c: object, _u: object, _f: object, reason: Any, _p: object) -> None:
        self._thread = threading.current_thread()
        self._loop.call_soon_threadsafe(_settle, self._accepted, int(reason.value))

    def _on_disconnect(self, _c: object, _u: object, _f: object, reason: Any, _p: object) -> None:
        self._loop.call_soon_threadsafe(_settle, self.closed, str(reason))

    def _on_publish(self, _c: object, _u: object, mid: int, reason: Any, _p: object) -> None:
        self._loop.call_soon_threadsafe(self._settle_publish, mid, int(reason.value))

    def _settle_publish(self, mid: int, code: int) -> None:
        if mid in self._published:
            _settle(self._published[mid], code)

    def _on_message(self, _c: object, _u: object, raw: paho.MQTTMessage) -> None:
        if not self._room.acquire(blocking=False):
            log.error("MQTT: no room for a message on %s: dropped", raw.topic)
            return
        message, numbers = _read(raw)
        done = functools.partial(self._done, raw.mid, raw.qos)
        self._loop.call_soon_threadsafe(self._receive, message, numbers, done)

    def _done(self, mid: int, qos: int) -> None:
        self._room.release()
        self._client.ack(mid, qos)


def _read(raw: paho.MQTTMessage) -> tuple[Message, list[int]]:
    """A paho message as a value, and the numbers of the filters that matched (MQTT 5)."""
    properties = raw.properties
    message = Message(
        topic=raw.topic,
        payload=bytes(raw.payload),
        retain=bool(raw.retain),
        response_topic=getattr(properties, "ResponseTopic", None),
        correlation_data=getattr(properties, "CorrelationData", None),
        message_expiry=getattr(properties, "MessageExpiryInterval", None),
    )
    return message, list(getattr(properties, "SubscriptionIdentifier", ()))


def topic_matches(topic_filter: str, topic: str) -> bool:
    """Whether a topic is one that a filter means."""
    return bool(paho.topic_matches_sub(topic_filter, topic))


def _guarded(callback: Callable[..., None]) -> Callable[..., None]:
    """A paho callback that cannot kill the network thread."""

    def run(*arguments: Any) -> None:
        try:
            callback(*arguments)
        except Exception:
            log.exception("an MQTT callback raised")

    return run


def _settle(future: asyncio.Future[Any], value: object) -> None:
    if not future.done():
        future.set_result(value)


def _no_delay(_client: object, _userdata: object, connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _properties(packet: int, **values: object) -> Properties:
    """MQTT 5 properties out of those values that are given."""
    properties = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        if value is not None:
            setattr(properties, name, value)
    return properties
