"""What the hub knows of one Home Assistant: kept up to date over one connection that is made again
and again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Mapping
from typing import Any

from device_adapters.hass import link
from device_adapters.hass.access import Access
from device_adapters.hass.home import (
    MOST_ENTITIES,
    HassDevice,
    Registries,
    State,
    line,
    read_home,
    read_state,
)
from schemas.errors import (
    DeviceNeedsPerson,
    DeviceRefused,
    DeviceUnavailable,
    DeviceUncertain,
    HubError,
)

log = logging.getLogger(__name__)

_LISTS = ("device_registry", "entity_registry", "area_registry")
_CHANGED = frozenset(f"{name}_updated" for name in _LISTS)
_EVENTS = ("state_changed", "core_config_updated", *sorted(_CHANGED))
_SETTLE = 0.3  # seconds in which changes of the registries are read once


class HassClient:
    """One Home Assistant; an `async with` block is its life."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.devices: dict[str, HassDevice] = {}
        self.states: dict[str, State] = {}
        self.celsius = True
        self.trouble: HubError | None = DeviceUnavailable("Home Assistant was not asked yet")
        """Why it cannot be used now; None while it can."""
        self._listeners: list[Callable[[], None]] = []
        self._watchers: dict[str, list[Callable[[], None]]] = {}
        self._woken = asyncio.Event()
        self._stale = asyncio.Event()
        self._hint = asyncio.Event()
        self._reload = True
        self._registries = Registries()
        self._link: link.Link | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> HassClient:
        self._task = asyncio.create_task(self._stay_connected(), name="home assistant")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._gone(DeviceUnavailable("the hub no longer asks Home Assistant"))

    async def ready(self, within: float) -> None:
        """Wait until everything is known, trying at once; raises what keeps it."""
        if self.trouble is not None:
            self._hint.set()
        await self.until(self._decided, within)
        if self.trouble is not None:
            raise self.trouble

    def _decided(self) -> bool:
        """Whether it can be used, or a person must do something first."""
        return self.trouble is None or isinstance(self.trouble, DeviceNeedsPerson)

    async def until(self, holds: Callable[[], bool], within: float) -> bool:
        """Wait until something holds, looking after every change; False after `within` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not holds():
                    await self._woken.wait()
        return holds()

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Tell `listener` when devices, or the connection, changed; gives what stops it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def watch(self, entity: str, watcher: Callable[[], None]) -> Callable[[], None]:
        """Tell `watcher` of an entity's every new state; gives what stops it."""
        self._watchers.setdefault(entity, []).append(watcher)

        def stop() -> None:
            self._watchers[entity].remove(watcher)
            if not self._watchers[entity]:
                del self._watchers[entity]

        return stop

    async def ask(self, kind: str, **fields: Any) -> Any:
        """A command that only reads. `DeviceUnavailable`, `DeviceRefused`."""
        try:
            return await self._linked().ask(kind, **fields)
        except link.Lost as error:
            raise DeviceUnavailable(f"Home Assistant at {self.access.url} is gone") from error
        except link.Refused as error:
            raise DeviceRefused(f"Home Assistant says: {line(str(error))}") from error

    async def order(
        self, service: str, entity: str, data: Mapping[str, Any], *, response: bool = False
    ) -> Any:
        """Let it run a service ("light.turn_on") on an entity, until it says that it is done.

        `DeviceUnavailable`: it was not sent; `DeviceRefused`: it said no; `DeviceUncertain`.
        """
        domain, _, name = service.partition(".")
        asked = {"domain": domain, "service": name, "target": {"entity_id": entity},
                 "service_data": dict(data)}  # fmt: skip
        at = self._linked()
        try:
            return await at.ask("call_service", **asked, **({"return_response": True} if response
                                                            else {}))  # fmt: skip
        except link.Lost as error:
            raise DeviceUncertain(
                f"Home Assistant at {self.access.url} was gone before it answered"
            ) from error
        except link.Refused as error:
            says = f"Home Assistant says: {line(str(error))}"
            if error.code in ("unknown_error", "timeout"):
                raise DeviceUncertain(says) from error
            raise DeviceRefused(says) from error

    def _linked(self) -> link.Link:
        if self._link is None or self.trouble is not None:
            raise self.trouble or DeviceUnavailable()
        return self._link

    async def _stay_connected(self) -> None:
        pause, refused = self.access.pause, ""
        while True:
            try:
                token = await asyncio.to_thread(self.access.token)
                if token != refused:
                    await self._use(token)
            except link.TokenRefused:
                refused = token
                self._gone(DeviceNeedsPerson(self.access.not_let_in))
                log.error("%s", self.trouble)
            except DeviceNeedsPerson as error:
                if str(error) != str(self.trouble):
                    log.error("%s", error)
                self._gone(error)
            except link.Unreachable as error:
                if self.trouble is None:
                    pause = self.access.pause
                why = f"Home Assistant at {self.access.url} cannot be reached: {error}"
                if str(self.trouble) != why:
                    log.warning("%s", why)
                self._gone(DeviceUnavailable(why))
            except Exception:  # what it sends must not end this for good
                log.exception("what Home Assistant at %s sent was not understood", self.access.url)
                self._gone(DeviceUnavailable("Home Assistant was not understood; see the log"))
            with contextlib.suppress(TimeoutError):
                # Not all at the same time, where several hubs wait.
                async with asyncio.timeout(pause * random.uniform(0.5, 1)):
                    await self._hint.wait()
            self._hint.clear()
            pause = min(pause * 2, self.access.longest)

    async def _use(self, token: str) -> None:
        """Stay connected as long as it goes; ends with `Unreachable` or `TokenRefused`."""
        at = self.access
        async with link.opened(at.socket, token, at.tls, self._event, at.ping) as self._link:
            following = self._link.listen(), self._follow(self._link)
            tasks = [asyncio.create_task(work, name="home assistant") for work in following]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    if task in done:
                        task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                self._link = None

    async def _follow(self, at: link.Link) -> None:
        """Read everything, then what changes."""
        try:
            for event in _EVENTS:
                await at.ask("subscribe_events", event_type=event)
            self._reload = True
            self._stale.set()
            self._all_states(await at.ask("get_states"))
            while True:
                await self._stale.wait()
                self._stale.clear()
                if self._reload:
                    self._reload = False
                    await self._read_lists(at)
                self.devices = read_home(self._registries, self.states)
                if self.trouble is not None:
                    self.trouble = None
                    log.info("Home Assistant at %s: connected", self.access.url)
                self._tell()
                await asyncio.sleep(_SETTLE)
        except (link.Lost, link.Refused) as error:
            raise link.Unreachable(line(str(error))) from error

    async def _read_lists(self, at: link.Link) -> None:
        config = await at.ask("get_config")
        units = config.get("unit_system") if isinstance(config, dict) else None
        self.celsius = not (isinstance(units, dict) and "F" in str(units.get("temperature")))
        lists = [await at.ask(f"config/{name}/list") for name in _LISTS]
        self._registries = Registries(*(x if isinstance(x, list) else [] for x in lists))

    def _all_states(self, listed: object) -> None:
        read = (read_state(raw) for raw in (listed if isinstance(listed, list) else []))
        known = [found for found in read if found is not None]
        if len(known) > MOST_ENTITIES:
            log.warning("Home Assistant has %d entities: %d are used", len(known), MOST_ENTITIES)
        self.states = dict(known[:MOST_ENTITIES])
        for entity in self._watchers:
            self._seen(entity)

    def _event(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind == "state_changed":
            self._state_changed(data)
        else:
            self._reload = True
            self._stale.set()

    def _state_changed(self, data: Mapping[str, Any]) -> None:
        entity = data.get("entity_id")
        if not isinstance(entity, str):
            return
        found, before = read_state(data.get("new_state")), self.states.get(entity)
        if found is None:
            if self.states.pop(entity, None) is None:
                return
        elif found[0] != entity or (before is None and len(self.states) >= MOST_ENTITIES):
            return
        else:
            self.states[entity] = found[1]
        if found is None or before is None or _sort(before) != _sort(found[1]):
            self._stale.set()
        self._seen(entity)
        self._wake()

    def _gone(self, why: HubError) -> None:
        """What is known is old now."""
        self.trouble = why
        self._tell()

    def _seen(self, entity: str) -> None:
        for watcher in list(self._watchers.get(entity, ())):
            watcher()

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()
        self._wake()

    def _wake(self) -> None:
        self._woken.set()
        self._woken = asyncio.Event()


def _sort(state: State) -> tuple[object, ...]:
    """What of a state says which functions its entity serves."""
    told = state.attributes
    return tuple(str(told.get(name)) for name in ("device_class", "supported_color_modes",
                                                  "supported_features"))  # fmt: skip
