"""One MQTT connection over paho: the only file that imports it.

paho runs in the event loop, without a thread of its own: the loop says when the socket can be read
or written. Every callback is wrapped, so that no exception leaves paho with half a packet.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from device_adapters.beat import next_beat
from schemas.base import Value
from schemas.errors import DeviceRefused, DeviceUnavailable, DeviceUncertain

log = logging.getLogger(__name__)

_ANSWER = 10.0  # seconds a broker has to accept a connection
_ROOM = 2048  # messages held at once before those with QoS 0 are dropped
_UNACKNOWLEDGED = 64  # QoS 1 messages the broker may send before the first is acknowledged
_MAXIMUM_PACKET = 4 * 1024 * 1024
_FILTERS = 200  # asked for in one packet
_UNSUPPORTED_PROTOCOL = 132
FIRST_ERROR = 128  # MQTT 5 reason codes, and 3.1.1's one for a refused subscription
_TICK = 2.0  # seconds between two looks at the keepalive
_LATE = 10.0  # seconds without a look, after which nobody attends to a connection


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


class _Client(paho.Client):
    """paho, which would leave the socket open where the TLS handshake fails."""

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> ssl.SSLSocket:
        assert self._ssl_context is not None
        secured = self._ssl_context.wrap_socket(
            tcp_sock, server_hostname=self._host, do_handshake_on_connect=False
        )
        try:
            secured.settimeout(self._connect_timeout)
            secured.do_handshake()
        except BaseException:
            secured.close()
            raise
        return secured


class Link:
    """One connection: a paho client of its own, and who waits for the broker's answers."""

    def __init__(
        self,
        client_id: str,
        login: tuple[str | None, str | None],
        will: Will | None,
        v5: bool,
        receive: Receive,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self._v5 = v5
        self._accepted: asyncio.Future[int] = self._loop.create_future()
        self.closed: asyncio.Future[str] = self._loop.create_future()
        self._published: dict[int, asyncio.Future[int | None]] = {}
        self._asked: dict[int, list[str]] = {}
        self._held = 0
        self._full = False
        self._connecting: asyncio.Future[Any] | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._ticked = self._loop.time()
        self._client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=None if v5 else True,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._client.username_pw_set(*login)
        if tls:
            self._client.tls_set_context(tls)
        if will:
            self._client.will_set(will.topic, will.payload, will.qos, will.retain)
        self._client.max_queued_messages_set(_ROOM)
        self._client.on_socket_open = _guarded(_no_delay)
        self._client.on_connect = _guarded(self._on_connect)
        self._client.on_disconnect = _guarded(self._on_disconnect)
        self._client.on_subscribe = _guarded(self._on_subscribe)
        self._client.on_publish = _guarded(self._on_publish)
        self._client.on_message = _guarded(self._on_message)

    @property
    def unsupported(self) -> bool:
        """Whether the broker refused this version of the protocol."""
        done = self._accepted.done() and not self._accepted.cancelled()
        return done and self._accepted.result() == _UNSUPPORTED_PROTOCOL

    @property
    def attended(self) -> bool:
        """Whether its keepalive was looked at lately."""
        return self._loop.time() - self._ticked < _LATE

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
        connect = functools.partial(self._client.connect, host, port, keepalive, **options)
        # Finding the host and reaching it blocks; the thread cannot be stopped, only waited for.
        self._connecting = self._loop.run_in_executor(None, connect)
        await asyncio.shield(self._connecting)
        self._attend()
        first: set[asyncio.Future[Any]] = {self._accepted, self.closed}
        await asyncio.wait(first, timeout=_ANSWER, return_when=asyncio.FIRST_COMPLETED)
        if not self._accepted.done():
            why = self.closed.result() if self.closed.done() else f"no answer in {_ANSWER:g} s"
            raise ConnectionError(f"not accepted: {why}")
        return self._accepted.result()

    async def close(self) -> None:
        """Say goodbye, without waiting for an answer, and let go of the socket."""
        if self._connecting:
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._tick:
            self._tick.cancel()
        connection = self._client.socket()
        self._client.disconnect()
        self._drive(self._client.loop_write)
        self._ended("closed")
        if connection:
            self._leave(connection)
            connection.close()

    def subscribe(self, number: int, filters: list[tuple[str, int, bool]]) -> None:
        """Ask the broker for filters, each with its QoS and whether for what it stored too; does
        not wait for the answer, the log has a refusal."""
        properties = None
        if self._v5:
            properties = _properties(PacketTypes.SUBSCRIBE, SubscriptionIdentifier=number)
        for first in range(0, len(filters), _FILTERS):
            part = filters[first : first + _FILTERS]
            asked: list[Any] = [
                (name, _how(qos, kept) if self._v5 else qos) for name, qos, kept in part
            ]
            _, mid = self._client.subscribe(asked, properties=properties)
            if mid is not None:
                self._asked[mid] = [name for name, _, _ in part]

    def unsubscribe(self, topic_filter: str) -> None:
        """Tell the broker that a filter is over."""
        self._client.unsubscribe(topic_filter)

    async def publish(
        self, topic: str, payload: bytes | str, qos: int, retain: bool, within: float, **v5: object
    ) -> int:
        """Publish and give the broker's reason code, 0 for what is only sent (QoS 0); see
        `MqttClient.publish` for errors."""
        properties = None
        if self._v5 and any(value is not None for value in v5.values()):
            properties = _properties(PacketTypes.PUBLISH, **v5)
        try:
            info = self._client.publish(topic, payload, qos, retain, properties)
        except ValueError as exc:
            raise DeviceRefused(f"MQTT cannot publish to {topic!r}: {exc}") from exc
        if info.rc != paho.MQTT_ERR_SUCCESS:
            raise DeviceUnavailable(f"MQTT did not send {topic}: {paho.error_string(info.rc)}")
        acknowledged: asyncio.Future[int | None] = self._loop.create_future()
        self._published[info.mid] = acknowledged
        try:
            async with asyncio.timeout(within):
                code = await acknowledged
        except TimeoutError:
            code = None
        finally:
            del self._published[info.mid]
        if code is None:
            raise DeviceUncertain(f"the MQTT broker did not acknowledge {topic}")
        return code

    def _attend(self) -> None:
        """Let the event loop drive paho from here on."""
        connection = self._client.socket()
        if connection is None:
            raise ConnectionError("the connection ended at once")
        self._loop.add_reader(connection, self._read)
        self._client.on_socket_register_write = _guarded(self._on_register_write)
        self._client.on_socket_close = _guarded(lambda _c, _u, sock: self._leave(sock))
        self._keep_alive()

    def _read(self) -> None:
        """Read one packet; what TLS has deciphered already makes no socket readable again."""
        self._drive(self._client.loop_read)
        connection = self._client.socket()
        if isinstance(connection, ssl.SSLSocket) and connection.pending():
            self._loop.call_soon(self._read)

    def _leave(self, connection: Any) -> None:
        if connection.fileno() >= 0:
            self._loop.remove_reader(connection)
            self._loop.remove_writer(connection)

    def _write(self) -> None:
        """Send what waits; where the socket is full, go on once it is not."""
        connection = self._client.socket()
        if connection is None:
            return
        self._drive(self._client.loop_write)
        if self._client.socket() is not connection:
            return
        if self._client.want_write() != self._full:
            self._full = not self._full
            if self._full:
                self._loop.add_writer(connection, self._write)
            else:
                self._loop.remove_writer(connection)

    def _keep_alive(self) -> None:
        self._ticked = self._loop.time()
        self._drive(self._client.loop_misc)
        if not self.closed.done():
            self._tick = self._loop.call_at(next_beat(self._ticked, _TICK), self._keep_alive)

    def _drive(self, work: Callable[[], Any]) -> None:
        """Let paho work; an exception there ends the connection, never the hub."""
        try:
            work()
        except Exception as exc:
            log.exception("MQTT: the connection broke")
            self._ended(f"{type(exc).__name__} in paho")

    # From here on: called by paho.

    def _on_register_write(self, _c: object, _u: object, _s: object) -> None:
        self._loop.call_soon(self._write)

    def _on_connect(self, _c: object, _u: object, _f: object, reason: Any, _p: object) -> None:
        _settle(self._accepted, int(reason.value))

    def _on_disconnect(self, _c: object, _u: object, _f: object, reason: Any, _p: object) -> None:
        self._ended(str(reason))

    def _ended(self, reason: str) -> None:
        _settle(self.closed, reason)
        for waiting in self._published.values():
            _settle(waiting, None)

    def _on_subscribe(self, _c: object, _u: object, mid: int, reasons: Any, _p: object) -> None:
        for topic_filter, reason in zip(self._asked.pop(mid, ()), reasons, strict=False):
            if reason.value >= FIRST_ERROR:
                log.warning("MQTT: the broker refused to send %s: %s", topic_filter, reason)

    def _on_publish(self, _c: object, _u: object, mid: int, reason: Any, _p: object) -> None:
        if mid in self._published:
            _settle(self._published[mid], int(reason.value))

    def _on_message(self, _c: object, _u: object, raw: paho.MQTTMessage) -> None:
        try:
            message, numbers = _read(raw)
        except UnicodeDecodeError:
            log.warning("MQTT: a message whose topic is not UTF-8: ignored")
            self._client.ack(raw.mid, raw.qos)
            return
        # What is acknowledged is bounded by the window; one dropped would narrow it for good.
        if raw.qos == 0 and self._held >= _ROOM:
            log.error("MQTT: no room for a message on %s: dropped", message.topic)
            return
        self._held += 1
        self._receive(message, numbers, functools.partial(self._done, raw.mid, raw.qos))

    def _done(self, mid: int, qos: int) -> None:
        self._held -= 1
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


def _how(qos: int, retained: bool) -> SubscribeOptions:
    """What MQTT 5 is told of a filter."""
    stored = SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE
    if not retained:
        stored = SubscribeOptions.RETAIN_DO_NOT_SEND
    return SubscribeOptions(qos, retainAsPublished=True, retainHandling=stored)


def _guarded(callback: Callable[..., None]) -> Callable[..., None]:
    """A paho callback whose exception goes no further."""

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
