"""A phone's connection through its life: over the best way, and again after every break."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from device_adapters.adb.linkstate import Event, State, after
from device_adapters.adb.stream import Stream
from device_adapters.adb.transport import CONNECT_TIMEOUT, Transport
from device_adapters.adb.ways import Way
from device_adapters.beat import beat
from schemas.errors import (
    DeviceNeedsPairing,
    DeviceNeedsPerson,
    DeviceRefused,
    DeviceUnauthorized,
    DeviceUnavailable,
    HubError,
)

T = TypeVar("T")

log = logging.getLogger(__name__)

LOOK_EVERY = 2.0
"""Seconds between two looks whether a connection is still there; the phone is not asked."""

RETRY_FIRST, RETRY_AT_MOST, RETRY_WITHIN = 0.25, 2.0, 2.0
"""Seconds before a lost phone is tried, between two tries, and for one."""

TRUSTED_FOR, PROVED_WITHIN = 5.0, 2.0
"""Seconds of silence after which a connection must prove itself, and for the proof."""

_ASKED = (DeviceUnauthorized, DeviceNeedsPairing)
"""A person is asked already."""


class Link(Transport):
    """One phone over the first of its `ways` that connects; `serial` is who must answer there.

    `changed` is told of every new state. While the phone is lost it is tried again in the
    background, but not where a person must do something: each try would ask anew, or be one of
    many that are in vain. What closes stays closed.
    """

    def __init__(
        self,
        ways: Sequence[Way],
        serial: str | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._ways = tuple(ways)
        self._serial = serial
        self._changed = changed
        self._lock = asyncio.Lock()
        self._transport: Transport | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._used = 0.0
        self._closed = False
        self.state = State.IDLE
        self.problem: HubError | None = None

    def lead(self, ways: Sequence[Way]) -> None:
        """Other ways lead to the phone from now on; one that is in use is kept while it lasts."""
        self._ways = tuple(ways)
        self.problem = None

    async def connect(self, within: float = CONNECT_TIMEOUT) -> None:
        await self._ready(_now() + within)

    async def serve(self, service: str, use: Callable[[Stream], Awaitable[T]], within: float) -> T:
        return await self._use(lambda way, left: way.serve(service, use, left), within)

    async def reverse(self, remote: int, local: int, *, within: float) -> None:
        await self._use(lambda way, left: way.reverse(remote, local, within=left), within)

    async def alive(self) -> bool:
        return self.state is State.READY

    async def close(self) -> None:
        self._closed = True
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        async with self._lock:
            self._move(Event.CLOSE)
            await self._drop()

    async def _use(self, work: Callable[[Transport, float], Awaitable[T]], within: float) -> T:
        deadline = _now() + within
        transport = await self._ready(deadline)
        if (left := deadline - _now()) <= 0:
            raise DeviceUnavailable("no time is left to ask the phone")
        try:
            return await work(transport, left)
        except (DeviceRefused, asyncio.CancelledError):  # which may leave the connection whole
            raise
        except BaseException as exc:
            self._lose(transport, exc)
            raise
        finally:
            self._used = _now()

    async def _ready(self, deadline: float) -> Transport:
        """The transport of a connection that is there, as far as one can know."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._lock.acquire()
        except TimeoutError as exc:
            raise DeviceUnavailable("the phone is still being connected") from exc
        try:
            if self._closed:
                raise DeviceUnavailable("the hub let go of the phone meanwhile")
            if self._transport is not None and await self._proved(self._transport, deadline):
                return self._transport
            return await self._reconnected(deadline)
        finally:
            self._lock.release()

    async def _proved(self, transport: Transport, deadline: float) -> bool:
        """Whether a connection still holds. After a silence only an answer shows that: a phone
        that restarted meanwhile has told nobody."""
        if not await transport.alive():
            self._lose(transport, None)
        elif _now() - self._used > TRUSTED_FOR:
            within = min(PROVED_WITHIN, (deadline - _now()) / 2)
            try:
                await transport.shell("true", within=within)
            except HubError as exc:
                self._lose(transport, exc)
        return self.state is State.READY

    async def _reconnected(self, deadline: float) -> Transport:
        """A transport over the first way that leads to the phone; each gets its share of time."""
        await self._drop()
        self._move(Event.TRY)
        failed: list[tuple[str, HubError]] = []
        try:
            ways = self._ways
            for count, way in enumerate(ways):
                share = (deadline - _now()) / (len(ways) - count)
                try:
                    transport = await self._over(way, share)
                except HubError as exc:
                    failed.append((way.name, exc))
                    continue
                self._arrived(way.name, transport)
                return transport
            self.problem = _why(failed)
            raise self.problem
        finally:
            if self.state is State.CONNECTING:
                self._move(Event.DOWN)

    async def _over(self, way: Way, within: float) -> Transport:
        """Connect over one way, and see that it is this phone which answers."""
        if way.transport is None:
            raise DeviceUnavailable(way.missing)
        deadline = _now() + within
        try:
            await way.transport.connect(within)
            await self._recognize(way.transport, deadline - _now())
        except BaseException:
            await way.transport.close()
            raise
        return way.transport

    async def _recognize(self, transport: Transport, within: float) -> None:
        """An address is anybody's: `DeviceUnavailable` where another phone answers."""
        if self._serial is None:
            return
        answer = await transport.shell("getprop", "ro.serialno", within=within)
        if (found := answer.stdout.strip()) != self._serial:
            raise DeviceUnavailable(f"phone {found} answers instead of {self._serial}")

    def _arrived(self, name: str, transport: Transport) -> None:
        self._transport, self._used = transport, _now()
        self.problem = None
        self._move(Event.UP)
        log.debug("phone %s connected over %s", self._serial or "", name)
        if self._keeper is None and not self._closed:
            self._keeper = asyncio.create_task(self._keep(), name="phone connection")

    def _lose(self, transport: Transport, why: BaseException | None) -> None:
        """A connection broke; whoever noticed may be late, when there is another one."""
        if transport is self._transport and self.state is State.READY:
            self.problem = why if isinstance(why, HubError) else None
            self._move(Event.DOWN)
            log.debug("phone %s lost", self._serial or "")

    async def _keep(self) -> None:
        """Notice a break, and bring a lost phone back."""
        pause = RETRY_FIRST
        while True:
            await beat(pause)
            transport = self._transport
            if self.state is State.READY and transport is not None:
                pause = LOOK_EVERY
                if not await transport.alive():
                    self._lose(transport, None)
                    pause = RETRY_FIRST
            elif self.state is State.LOST and not isinstance(self.problem, _ASKED):
                pause = min(2 * pause, RETRY_AT_MOST)
                await self._retry()
            else:  # a person is asked already: a try would ask anew
                pause = LOOK_EVERY

    async def _retry(self) -> None:
        try:
            await self.connect(RETRY_WITHIN)
        except HubError as exc:
            log.debug("phone %s: %s", self._serial or "", exc)
        except Exception:
            log.exception("connecting to phone %s broke", self._serial or "")

    async def _drop(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()

    def _move(self, event: Event) -> None:
        before, self.state = self.state, after(self.state, event)
        if self.state is not before:
            self._changed()


def _why(failed: Sequence[tuple[str, HubError]]) -> HubError:
    """What to tell of several ways: what a person can do, else why each one failed. Whatever was
    sent to find that out, nothing was of what the phone is wanted for."""
    for _, problem in failed:
        if isinstance(problem, DeviceNeedsPerson):
            return problem
    if len(failed) == 1:
        return DeviceUnavailable(str(failed[0][1]))
    told = "; ".join(f"{name}: {problem}" for name, problem in failed)
    return DeviceUnavailable(told or "no way to the phone is known yet")


def _now() -> float:
    return asyncio.get_running_loop().time()
