"""The connections to approved devices: made when one is needed, kept, and made again."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping

from device_adapters.base import Adapter
from orchestrator.standing import not_connected
from schemas.call import Invocation, Restore
from schemas.device import Device
from schemas.errors import DeviceLocked, DeviceNeedsPerson, DeviceUnavailable, HubError
from schemas.outcome import Done
from schemas.state import DeviceState, Standing

log = logging.getLogger(__name__)

CONNECT_WITHIN = 5.0
"""Seconds a call waits for a connection; approving a device waits as long as its adapter does."""
KEEP_TRYING = 30.0
"""Seconds between two attempts to reach approved devices that are not connected."""
MOST_PATIENCE = 5
"""How often that is doubled where each attempt asks a person; a call tries at once all the same."""
HINTED_AFTER = 2.0
"""Seconds between two attempts where announcements say that the device is there."""
TOGETHER = 100
"""Devices that are tried at once in the background; with a thousand of them the hub has more to do
than to connect."""

_GONE = (
    DeviceState.OFFLINE,
    DeviceState.UNAUTHORIZED,
    DeviceState.NEEDS_PAIRING,
    DeviceState.NEEDS_PERSON,
)
"""What an adapter says once its connection is gone."""

Factory = Callable[[Device], Adapter]
Learned = Callable[[str, Adapter, frozenset[str]], None]
"""What is told of a device that is connected now: its id, its adapter and what it serves."""


class Connections:
    """One adapter for each device of `approved` that was reached; `learned` and `changed` tell."""

    def __init__(
        self,
        factories: Mapping[str, Factory],
        approved: Mapping[str, Device],
        learned: Learned,
        changed: Callable[[], None],
    ) -> None:
        self._factories = factories
        self._approved = approved
        self._learned = learned
        self._changed = changed
        self._adapters: dict[str, Adapter] = {}
        self._troubles: dict[str, HubError] = {}
        self._locked: dict[str, dict[str, DeviceLocked]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(TOGETHER)
        self._trying: dict[str, bool] = {}  # and whether it was announced meanwhile
        self._tried: dict[str, float] = {}
        self._asked: dict[str, int] = {}
        self._keeping = False

    def connected(self, device: str) -> bool:
        """Whether the hub holds a connection to the device."""
        adapter = self._adapters.get(device)
        return adapter is not None and not _broken(adapter)

    def problem(self, device: str) -> str:
        """Why the last attempt to connect failed; empty where the device is connected."""
        trouble = None if self.connected(device) else self._troubles.get(device)
        return str(trouble) if trouble else ""

    def standing(self, device: Device) -> Standing:
        """How an approved device is, and what a person must do about it."""
        adapter, trouble = self._adapters.get(device.id), self._troubles.get(device.id)
        if adapter is None:
            return not_connected(device, trouble)
        if _broken(adapter):
            told = adapter.notice
            if told and told.todo and not isinstance(trouble, DeviceNeedsPerson):
                return told
            return not_connected(device, trouble or DeviceUnavailable())
        if locked := self._locked.get(device.id):
            return Standing(state=DeviceState.LOCKED, todo=str(next(iter(locked.values()))))
        return adapter.notice or Standing(state=DeviceState.CONNECTED)

    async def connect(self, device: str) -> None:
        """Be connected to a device; DeviceUnavailable where it cannot be reached."""
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                await self.adapter(device)
        except TimeoutError as error:
            known = self._approved.get(device)
            name = known.name if known else device
            raise DeviceUnavailable(f"{name} cannot be reached; nothing was sent") from error

    async def reach(self, device: str, invocation: Invocation) -> Done:
        """Run one call on a device that is connected, or gets so at once."""
        await self.connect(device)
        adapter = self._adapters.get(device)
        if adapter is None:
            raise DeviceUnavailable(f"the device {device} was removed; nothing was sent")
        try:
            done = await adapter.call(invocation)
        except DeviceLocked as error:
            self._locked.setdefault(device, {})[invocation.function] = error
            self._changed()
            raise
        if invocation.function in self._locked.get(device, ()):
            self._unlocked(device)
        return done

    async def probe(self, device: str, invocation: Invocation) -> Done | None:
        """Whether an earlier call of a probeable function happened; None where it did not."""
        async with asyncio.timeout(CONNECT_WITHIN + invocation.timeout):
            return await (await self.adapter(device)).probe(invocation)

    async def present(self, device: str, invocation: Invocation) -> Restore | None:
        """The call that would leave a device as it is now; None where it does not tell."""
        return await (await self.adapter(device)).present(invocation)

    async def adapter(self, device: str) -> Adapter:
        """The device's adapter, connected. What keeps it from that is remembered."""
        async with self._locks.setdefault(device, asyncio.Lock()):
            adapter = self._adapters.get(device)
            if adapter is not None and not _broken(adapter):
                return adapter
            self._tried[device] = asyncio.get_running_loop().time()
            known = self._approved.get(device)
            if known is None:
                raise DeviceUnavailable(f"the device {device} was removed")
            try:
                adapter, functions = await self._opened(known)
            except Exception as error:
                broke = HubError("its adapter broke; see the log")
                self._note(device, error if isinstance(error, HubError) else broke)
                raise
            now = self._approved.get(device)
            if now is None or not _follows(adapter, known, now):
                self._adapters.pop(device, None)
                await adapter.close()
                raise DeviceUnavailable(f"{known.name} was removed or moved while connecting")
            self._adapters[device] = adapter
            adapter.noticed = self._changed
            self._unlocked(device)
            self._note(device, None)
            self._learned(device, adapter, functions)
            return adapter

    async def _opened(self, known: Device) -> tuple[Adapter, frozenset[str]]:
        """An adapter that has just connected: the one there was, or a new one."""
        if (earlier := self._adapters.get(known.id)) is not None:
            return earlier, await earlier.connect()
        if known.protocol not in self._factories:
            raise DeviceUnavailable(f"{known.name}: no adapter for protocol {known.protocol}")
        adapter = self._factories[known.protocol](known)
        try:
            return adapter, await adapter.connect()
        except BaseException:
            await adapter.close()
            raise

    def moved(self, device: Device) -> None:
        """The device has another address now; what is under way at the old one may end there."""
        adapter = self._adapters.get(device.id)
        if adapter is not None and not adapter.moved(device):
            self._spawn(self.drop(device.id), f"{device.id} moved")

    def renew(self, device: Device) -> None:
        """The device has another name now; an adapter that cannot take it in is made anew."""
        adapter = self._adapters.get(device.id)
        if adapter is None or not adapter.moved(device):
            self._spawn(self.drop(device.id), f"{device.id} renewed")

    def let_go(self, device: str) -> None:
        """Let go of a device soon, and connect anew where it is still the hub's."""
        if device in self._adapters:
            self._spawn(self._let_go(device), f"{device} let go")

    async def _let_go(self, device: str) -> None:
        await self.drop(device)
        if device in self._approved:
            self.seen(device)

    def seen(self, device: str) -> None:
        """The device was announced: try as soon as may be, not when it is its turn."""
        if device in self._trying:
            self._trying[device] = True
        elif self._keeping and not self.connected(device):
            left = self._left(device, HINTED_AFTER)
            if left <= HINTED_AFTER:
                self._start(device, max(0.0, left))

    def keep_trying(self) -> None:
        """Connect to every approved device in the background, again and again until it answers."""
        self._keeping = True
        self._spawn(self._keep_trying(), "keep connecting")

    async def drop(self, device: str) -> None:
        """Let go of a device."""
        async with self._locks.setdefault(device, asyncio.Lock()):
            adapter = self._adapters.pop(device, None)
            if adapter is not None:
                await adapter.close()
                self._changed()

    def forget(self, device: str) -> None:
        """What went wrong with a device that is no longer the hub's is of no interest."""
        for kept in (self._troubles, self._locked, self._tried, self._asked):
            kept.pop(device, None)

    async def close(self) -> None:
        """Let go of every device."""
        self._keeping = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for device in list(self._adapters):
            await self.drop(device)

    def _note(self, device: str, trouble: HubError | None) -> None:
        """Remember why a device is not connected, and tell it where that is news."""
        before = self._troubles.pop(device, None)
        if trouble is not None:
            self._troubles[device] = trouble
        asked = isinstance(trouble, DeviceNeedsPerson)
        self._asked[device] = self._asked.get(device, 0) + 1 if asked else 0
        if (str(before), type(before)) != (str(trouble), type(trouble)):
            self._changed()

    def _unlocked(self, device: str) -> None:
        if self._locked.pop(device, None):
            self._changed()

    async def _keep_trying(self) -> None:
        while True:
            away = [device for device in self._approved if not self.connected(device)]
            for device in away:
                if device not in self._trying and self._left(device, 0) <= 0:
                    self._start(device, 0)
            await asyncio.sleep(KEEP_TRYING)

    def _left(self, device: str, pause: float) -> float:
        """Seconds until it may be tried again by itself: a person who was asked is not asked all
        the time."""
        asked = self._asked.get(device, 0)
        pause = KEEP_TRYING * 2 ** min(asked, MOST_PATIENCE) if asked else pause
        tried = self._tried.get(device)
        return 0.0 if tried is None else tried + pause - asyncio.get_running_loop().time()

    def _start(self, device: str, after: float) -> None:
        self._trying[device] = False
        self._spawn(self._try(device, after), f"connect to {device}")

    async def _try(self, device: str, after: float) -> None:
        try:
            await asyncio.sleep(after)
            async with self._turns:
                await self.adapter(device)
        except HubError as error:
            log.debug("%s: %s", device, error)
        except Exception:
            log.exception("the adapter of %s broke while connecting", device)
        finally:
            hinted = self._trying.pop(device)
            if hinted and self._keeping and not self.connected(device):
                self._start(device, HINTED_AFTER)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _broken(adapter: Adapter) -> bool:
    """Whether the adapter says that its connection is gone."""
    return adapter.notice is not None and adapter.notice.state in _GONE


def _follows(adapter: Adapter, known: Device, now: Device) -> bool:
    """Whether an adapter made for `known` is right for what the device has become meanwhile."""
    if now.protocol != known.protocol:
        return False
    return now.address == known.address or adapter.moved(now)
