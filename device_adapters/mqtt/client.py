"""The hardened MQTT client: a connection that keeps itself up, and its subscriptions.

Each connection is a fresh `Link`, so nothing stale survives a reconnect.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import logging
import random
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Self

from device_adapters.mqtt.link import FIRST_ERROR, Link, Message, Will, topic_matches
from schemas.errors import DeviceRefused, DeviceUnavailable, HubError

log = logging.getLogger(__name__)

Handler = Callable[["Message"], Awaitable[None]]
Callback = Callable[[], Awaitable[None]]

_FIRST_DELAY, _LAST_DELAY = 0.5, 30.0  # seconds between two attempts to connect
_SLOTS = 32  # messages of one filter in handlers at once
_EXACT = 1  # the number of every filter without wildcards: a topic matches at most one of them
_NO_LISTENER = 16  # an MQTT 5 reason code
_WRONG_LOGIN = {4, 5, 134, 135}  # of MQTT 3.1.1 and of MQTT 5


class _LoginRefused(Exception):
    """The broker does not know the name, or not with this password."""


class MqttClient:
    """An MQTT connection that keeps itself up; an `async with` block is its life."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        client_id: str,
        username: str | None = None,
        password: str | None = None,
        will: Will | None = None,
        keepalive: int = 20,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`tls`: how the broker's certificate is checked; None: no TLS."""
        self._address = (host, port, keepalive)
        self._where = f"{host}:{port}"
        self._client_id, self._login, self._will = client_id, (username, password), will
        self._tls = tls
        self._complaint = ""
        self._v5 = True
        self._link: Link | None = None
        self._up = asyncio.Event()
        self._entries: dict[str, _Subscription] = {}
        self._wide: dict[int, _Subscription] = {}  # those with wildcards, by number
        self._unasked: dict[str, _Subscription] = {}
        self._numbers = itertools.count(_EXACT + 1)
        self._callbacks: list[Callback] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._keeping = self._spawn(self._keep_connected())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def address(self) -> tuple[str, int]:
        """The broker's host and port."""
        return self._address[:2]

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted this client."""
        return self._link is not None

    @property
    def alive(self) -> bool:
        """Whether it is at work, be there a broker or none: it connects, or looks after the
        connection that there is."""
        at_work = self._keeping is not None and not self._keeping.done()
        return at_work and (self._link is None or self._link.attended)

    @property
    def problem(self) -> str:
        """Why nothing can be sent; empty while connected."""
        return "" if self.connected else self._silent()

    @property
    def secure(self) -> bool:
        """Whether nobody between here and the broker can read along: TLS, and the certificate is
        the host's and somebody's who is trusted."""
        return self._tls is not None and self._tls.check_hostname

    async def wait_connected(self, within: float) -> None:
        """Wait until connected; `DeviceUnavailable` after `within` seconds."""
        try:
            async with asyncio.timeout(within):
                await self._up.wait()
        except TimeoutError as exc:
            raise DeviceUnavailable(self._silent()) from exc

    def on_connect(self, callback: Callback) -> Callable[[], None]:
        """Call back on every (re)connect, after subscribing, and now if connected."""
        self._callbacks.append(callback)
        if self._link:
            self._spawn(_logged(callback))
        return functools.partial(self._callbacks.remove, callback)

    def subscribe(
        self, topic_filter: str, handler: Handler, *, qos: int = 1, retained: bool = True
    ) -> Callable[[], None]:
        """Send every matching message to `handler`, started in order; gives what undoes it.

        Kept over reconnects. `retained=False` leaves out what the broker had stored. Handlers of
        one filter share its broadest options; a new one makes the broker send the retained
        messages again.
        """
        entry = self._entries.get(topic_filter)
        if entry is None:
            entry = self._entries[topic_filter] = self._entry(topic_filter)
        entry.qos = max(entry.qos, qos)
        entry.retained = entry.retained or retained
        entry.handlers = (*entry.handlers, handler)
        self._ask_soon(entry)
        return functools.partial(self._unsubscribe, entry, handler)

    def ask_again(self, topic_filter: str) -> None:
        """Have the broker send once more what it stored for a filter that is subscribed to."""
        if entry := self._entries.get(topic_filter):
            self._ask_soon(entry)

    def _ask_soon(self, entry: _Subscription) -> None:
        """Ask the broker together with whatever else is subscribed to in this moment."""
        if self._link:
            if not self._unasked:
                asyncio.get_running_loop().call_soon(self._ask)
            self._unasked[entry.filter] = entry

    def _entry(self, topic_filter: str) -> _Subscription:
        if not set("#+") & set(topic_filter):
            return _Subscription(_EXACT, topic_filter)
        entry = _Subscription(next(self._numbers), topic_filter)
        self._wide[entry.number] = entry
        return entry

    def _ask(self) -> None:
        """Ask the broker for what was subscribed to lately, in few packets."""
        entries, self._unasked = self._unasked.values(), {}
        if self._link is None:
            return
        for entry in entries:
            if entry.number != _EXACT:
                self._link.subscribe(entry.number, [entry.options])
        exact = [entry.options for entry in entries if entry.number == _EXACT]
        if exact:
            self._link.subscribe(_EXACT, exact)

    def unsubscribe(self, topic_filter: str, handler: Handler) -> None:
        """Undo one subscription of a handler, if there is one."""
        if entry := self._entries.get(topic_filter):
            self._unsubscribe(entry, handler)

    def _unsubscribe(self, entry: _Subscription, handler: Handler) -> None:
        left = list(entry.handlers)
        if handler in left:
            left.remove(handler)
            entry.handlers = tuple(left)
        if not entry.handlers and self._entries.get(entry.filter) is entry:
            del self._entries[entry.filter]
            self._wide.pop(entry.number, None)
            self._unasked.pop(entry.filter, None)
            if self._link:
                self._link.unsubscribe(entry.filter)

    async def publish(
        self,
        topic: str,
        payload: bytes | str,
        *,
        qos: int = 1,
        retain: bool = False,
        response_topic: str | None = None,
        correlation_data: bytes | None = None,
        expiry: int | None = None,
        within: float = 10,
    ) -> bool:
        """Publish, and wait for the PUBACK (QoS 1) or until it is on its way (QoS 0); False where
        the broker knows no listener.

        `DeviceUnavailable`: not sent; `DeviceUncertain`: sent, no PUBACK; `DeviceRefused`: denied.
        """
        if self._link is None:
            raise DeviceUnavailable(self._silent())
        self._ask()  # first, so that an answer is heard
        code = await self._link.publish(
            topic,
            payload,
            qos,
            retain,
            within,
            ResponseTopic=response_topic,
            CorrelationData=correlation_data,
            MessageExpiryInterval=expiry,
        )
        if code >= FIRST_ERROR:
            raise DeviceRefused(f"the MQTT broker refused {topic}: code {code}")
        return code != _NO_LISTENER

    def _silent(self) -> str:
        """Why nothing is sent."""
        return self._complaint or f"no MQTT broker answers at {self._where}"

    def _complain(self, what: str) -> None:
        """The broker is there and of no use; a person must do something about it."""
        said = f"the MQTT broker at {self._where} {what}"
        if said != self._complaint:
            log.warning("%s", said)
        self._complaint = said

    async def _keep_connected(self) -> None:
        """Connect, stay, and connect again, waiting longer each time it fails at once."""
        loop, delay = asyncio.get_running_loop(), _FIRST_DELAY
        while True:
            started = loop.time()
            try:
                await self._one_connection()
            except ssl.SSLCertVerificationError as exc:
                self._complain(f"is not trusted: {exc.verify_message}")
            except _LoginRefused:
                self._complain("refuses the login: wrong name or password")
            except OSError as exc:
                log.info("MQTT %s: %s", self._where, exc)
            except Exception:
                log.exception("MQTT %s: the connection failed", self._where)
            if loop.time() - started > delay:
                delay = _FIRST_DELAY
            await asyncio.sleep(delay * random.uniform(0.5, 1))
            delay = min(delay * 2, _LAST_DELAY)

    async def _one_connection(self) -> None:
        """Live one connection to its end, as MQTT 3.1.1 where the broker knows no better."""
        link = Link(self._client_id, self._login, self._will, self._v5, self._receive, self._tls)
        try:
            code = await link.open(*self._address)
            if code in _WRONG_LOGIN:
                raise _LoginRefused
            if code:
                raise ConnectionRefusedError(f"refused with code {code}")
            self._connected(link)
            raise ConnectionResetError(f"connection lost: {await link.closed}")
        finally:
            self._link = None
            self._up.clear()
            await link.close()
            if link.unsupported:
                self._v5 = False

    def _connected(self, link: Link) -> None:
        self._link = link
        self._complaint = ""
        self._up.set()
        self._unasked = dict(self._entries)
        self._ask()
        for callback in self._callbacks:
            self._spawn(_logged(callback))

    def _receive(self, message: Message, numbers: list[int], done: Callable[[], None]) -> None:
        """Start the handlers of one message; MQTT 5 numbers the filters that matched."""
        exact = self._entries.get(message.topic)
        if numbers:
            found = [exact if n == _EXACT else self._wide.get(n) for n in numbers]
            matched = [entry for entry in found if entry]
        else:
            found = [exact, *self._wide.values()]
            matched = [entry for entry in found if entry and entry.wants(message)]
        self._spawn(self._handle(matched, message, done))

    async def _handle(
        self, matched: list[_Subscription], message: Message, done: Callable[[], None]
    ) -> None:
        await _together([entry.handle(message) for entry in matched])
        done()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"mqtt {self._where}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class _Subscription:
    """One filter at the broker, and who wants its messages. There may be many thousands."""

    __slots__ = ("_slots", "_under_way", "filter", "handlers", "number", "qos", "retained")

    def __init__(self, number: int, topic_filter: str) -> None:
        self.number = number
        self.filter = topic_filter
        self.qos = 0
        self.retained = False
        self.handlers: tuple[Handler, ...] = ()
        self._under_way = 0
        self._slots: asyncio.Semaphore | None = None  # while there is any message

    @property
    def options(self) -> tuple[str, int, bool]:
        """What the broker is told."""
        return self.filter, self.qos, self.retained

    def wants(self, message: Message) -> bool:
        """Whether a message is for this filter, by its topic."""
        matches = topic_matches(self.filter, message.topic)
        return matches and (self.retained or not message.retain)

    async def handle(self, message: Message) -> None:
        """Run the handlers, for so many messages at once."""
        slots = self._slots = self._slots or asyncio.Semaphore(_SLOTS)
        self._under_way += 1
        try:
            async with slots:
                await _together([_logged(handler, message) for handler in self.handlers])
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._slots = None


async def _together(work: list[Coroutine[Any, Any, None]]) -> None:
    """Run all of it at once; what is alone needs no task of its own."""
    if len(work) == 1:
        await work[0]
    else:
        await asyncio.gather(*work)


async def _logged(function: Callable[..., Awaitable[None]], *arguments: Message) -> None:
    """Run foreign code; its exception is logged and goes no further."""
    try:
        await function(*arguments)
    except HubError as exc:
        log.warning("an MQTT handler could not finish: %s", exc)
    except Exception:
        log.exception("an MQTT handler raised")
