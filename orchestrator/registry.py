"""Which devices there are and how they are. Discovery proposes; a person approves, once."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from device_adapters.base import Adapter
from schemas.call import Invocation, Restore
from schemas.device import Device
from schemas.errors import DeviceUnavailable, HubError, InvalidSettings
from schemas.outcome import Done

log = logging.getLogger(__name__)

CONNECT_WITHIN = 5.0
"""Seconds a call waits for a connection; approving a device waits as long as its adapter does."""
KEEP_TRYING = 30.0
"""Seconds between two attempts to reach approved devices that are not connected."""
MAX_PROPOSALS = 500
"""Devices that nobody approved are kept up to this number; a flood of announcements ends here."""
MANY = 4
"""Calls that a device is given together where nothing else is known."""
_AT_ONCE = {"adb": 1}
"""A phone's screen shows one thing at a time."""
_devices: TypeAdapter[tuple[Device, ...]] = TypeAdapter(tuple[Device, ...])

Factory = Callable[[Device], Adapter]


class NoSuchDevice(HubError):
    """No device has this id or name."""

    code = "no_such_device"


class NotStored(HubError):
    """The devices cannot be written down; the change lasts until the hub stops."""

    code = "storage"


class NameTaken(HubError):
    """Another device has the name."""

    code = "name_taken"


class NotRemovable(HubError):
    """The device comes with the configuration."""

    code = "not_removable"


class Registry:
    """Approved devices, kept in one file, and proposals, kept in memory."""

    def __init__(self, file: Path, factories: Mapping[str, Factory]) -> None:
        self._file = file
        self._factories = factories
        self._approved: dict[str, Device] = {}
        self._proposed: dict[str, Device] = {}
        self._adapters: dict[str, Adapter] = {}
        self._problems: dict[str, str] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._listeners: list[Callable[[], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._static: frozenset[str] = frozenset()
        self.refused_proposals = 0

    @property
    def approved(self) -> tuple[Device, ...]:
        """Devices that may be used."""
        return tuple(self._approved.values())

    @property
    def proposed(self) -> tuple[Device, ...]:
        """Devices that were found and wait for a person."""
        return tuple(self._proposed.values())

    def names(self) -> dict[str, str]:
        """Every approved device's name by its id."""
        return {device.id: device.name for device in self.approved}

    def called(self) -> tuple[str, ...]:
        """Every name and alias of an approved device."""
        return tuple(name for d in self._approved.values() for name in (d.name, *d.aliases))

    def connected(self, device: str) -> bool:
        """Whether the hub holds a connection to the device."""
        return device in self._adapters

    def problem(self, device: str) -> str:
        """Why the last attempt to connect failed; empty where it did not."""
        return self._problems.get(device, "")

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever a device is added, changed or removed."""
        self._listeners.append(listener)

    def load(self, static: tuple[Device, ...] = ()) -> None:
        """Read the file and add the devices of the configuration; InvalidSettings if damaged."""
        if self._file.exists():
            try:
                stored = _devices.validate_json(self._file.read_bytes())
            except (OSError, ValidationError) as error:
                what = error if isinstance(error, OSError) else error.errors()[0]["msg"]
                raise InvalidSettings(
                    f"{self._file} is damaged: {what}; repair it, or remove it to start anew"
                ) from error
            self._approved = {device.id: device for device in stored}
        for device in static:
            self._approved[device.id] = device.model_copy(update={"approved": True})
        self._static = frozenset(device.id for device in static)

    def propose(self, found: Device) -> None:
        """A device was found. An approved one only gets its new address, functions and parts."""
        known = self._approved.get(found.id)
        if known is None:
            if found.id not in self._proposed and len(self._proposed) >= MAX_PROPOSALS:
                self.refused_proposals += 1
                return
            if self._proposed.get(found.id) != found:
                self._proposed[found.id] = found
                self._changed()
            return
        if known.protocol != found.protocol:
            log.warning("%s: an announcement by %s is not that device", found.id, found.protocol)
            return
        # Where a person wrote the address down, no announcement moves it.
        moved_to = {} if found.id in self._static else found.address
        changes = {
            "address": {**known.address, **moved_to},
            "functions": found.functions or known.functions,
            "parts": found.parts or known.parts,
        }
        current = known.model_copy(update=changes)
        if current != known:
            moved = current.address != known.address
            self._approved[found.id] = current
            self._save()
            if moved:
                self._spawn(self._disconnect(found.id), f"{found.id} moved")

    def withdraw(self, device: str) -> None:
        """A device nobody approved is no longer announced."""
        if self._proposed.pop(device, None) is not None:
            self._changed()

    async def approve(self, wanted: str) -> Device:
        """Let the hub use a proposed device, by id or name; connects to learn what it serves."""
        device = self._find(wanted, self._proposed) or self._find(wanted, self._approved)
        if device is None:
            raise NoSuchDevice(f"no device was found that is called {wanted!r}")
        self._proposed.pop(device.id, None)
        self._approved[device.id] = device.model_copy(update={"approved": True})
        self._store()
        with contextlib.suppress(HubError):
            await self._connected(device.id)
        return self._approved[device.id]

    async def remove(self, wanted: str) -> Device:
        """Forget an approved device, by id or name."""
        device = self._known(wanted)
        if device.id in self._static:
            raise NotRemovable(f"{device.name} stands in the configuration: remove it there")
        del self._approved[device.id]
        self._problems.pop(device.id, None)
        self._store()
        await self._disconnect(device.id)
        return device

    def rename(self, wanted: str, name: str) -> Device:
        """Give an approved device another name; NameTaken where another one has it."""
        device = self._known(wanted)
        if any(d.name.casefold() == name.casefold() and d.id != device.id for d in self.approved):
            raise NameTaken(f"another device is called {name!r}")
        # The old name stays an alias: a rule of the policy may say it.
        aliases = tuple(dict.fromkeys((*device.aliases, device.name)))
        update: dict[str, object] = {
            "name": name,
            "aliases": tuple(a for a in aliases if a != name),
        }
        self._approved[device.id] = device.model_copy(update=update)
        self._store()
        # Its adapter knows the old name.
        self._spawn(self._disconnect(device.id), f"{device.id} renamed")
        return self._approved[device.id]

    def keep_connecting(self) -> None:
        """Connect to every approved device in the background, again and again until it answers."""
        self._spawn(self._keep_connecting(), "keep connecting")

    def at_once(self, device: str) -> int:
        """How many calls a device is given together."""
        known = self._approved.get(device)
        return (known.at_once or _AT_ONCE.get(known.protocol, MANY)) if known else 1

    async def connect(self, device: str) -> None:
        """Be connected to a device; DeviceUnavailable where it cannot be reached."""
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                await self._connected(device)
        except TimeoutError as error:
            name = self.names().get(device, device)
            raise DeviceUnavailable(f"{name} cannot be reached; nothing was sent") from error

    async def reach(self, device: str, invocation: Invocation) -> Done:
        """Run one call on a device that is connected, or gets so at once."""
        await self.connect(device)
        adapter = self._adapters.get(device)
        if adapter is None:
            raise DeviceUnavailable(f"the device {device} was removed; nothing was sent")
        return await adapter.call(invocation)

    async def probe(self, device: str, invocation: Invocation) -> Done | None:
        """Whether an earlier call of a probeable function happened; None where it did not."""
        async with asyncio.timeout(CONNECT_WITHIN + invocation.timeout):
            return await (await self._connected(device)).probe(invocation)

    async def present(self, device: str, invocation: Invocation) -> Restore | None:
        """The call that would leave a device as it is now; None where it does not tell."""
        return await (await self._connected(device)).present(invocation)

    async def close(self) -> None:
        """Let go of every device."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for device in list(self._adapters):
            await self._disconnect(device)

    async def _connected(self, device: str) -> Adapter:
        async with self._locks.setdefault(device, asyncio.Lock()):
            if device in self._adapters:
                return self._adapters[device]
            known = self._approved.get(device)
            if known is None:
                raise DeviceUnavailable(f"the device {device} was removed")
            try:
                adapter, functions = await self._opened(known)
            except Exception as error:
                told = (
                    str(error) if isinstance(error, HubError) else "its adapter broke; see the log"
                )
                self._note(device, told)
                raise
            now = self._approved.get(device)
            if now is None or now.address != known.address:
                await adapter.close()
                raise DeviceUnavailable(f"{known.name} was removed or moved while connecting")
            self._adapters[device] = adapter
            self._note(device, "")
            update: dict[str, object] = {"functions": tuple(sorted(functions))}
            # A name that is only a part of the id (a serial number) tells a person nothing.
            model = adapter.model
            if model and now.name in now.id and not self._find(model, self._approved):
                update["name"] = model
            self._approved[device] = now.model_copy(update=update)
            self._save()
            return adapter

    async def _opened(self, known: Device) -> tuple[Adapter, frozenset[str]]:
        if known.protocol not in self._factories:
            raise DeviceUnavailable(f"{known.name}: no adapter for protocol {known.protocol}")
        adapter = self._factories[known.protocol](known)
        try:
            return adapter, await adapter.connect()
        except BaseException:
            await adapter.close()
            raise

    def _note(self, device: str, problem: str) -> None:
        """Remember why a device is not connected, and tell it where that is news."""
        if self._problems.get(device, "") != problem:
            self._problems[device] = problem
            self._changed()

    async def _keep_connecting(self) -> None:
        while True:
            waiting = [device.id for device in self.approved if not self.connected(device.id)]
            await asyncio.gather(*(self._try_connecting(device) for device in waiting))
            await asyncio.sleep(KEEP_TRYING)

    async def _try_connecting(self, device: str) -> None:
        try:
            await self._connected(device)
        except HubError as error:
            log.debug("%s: %s", device, error)
        except Exception:
            log.exception("the adapter of %s broke while connecting", device)

    async def _disconnect(self, device: str) -> None:
        async with self._locks.setdefault(device, asyncio.Lock()):
            adapter = self._adapters.pop(device, None)
            if adapter is not None:
                await adapter.close()
                self._changed()

    def _known(self, wanted: str) -> Device:
        device = self._find(wanted, self._approved)
        if device is None:
            raise NoSuchDevice(f"no approved device is called {wanted!r}")
        return device

    def _find(self, wanted: str, among: dict[str, Device]) -> Device | None:
        if wanted in among:
            return among[wanted]
        named = [d for d in among.values() if d.name.casefold() == wanted.casefold()]
        return named[0] if len(named) == 1 else None

    def _save(self) -> None:
        """As `_store`, where no person waits: what is connected stays so on a full disk."""
        try:
            self._store()
        except NotStored as error:
            log.error("%s", error)

    def _store(self) -> None:
        kept = [device for device in self.approved if device.id not in self._static]
        stored = [device.model_dump(mode="json") for device in kept]
        partial = self._file.with_suffix(".partial")
        try:
            partial.write_text(json.dumps(stored, indent=1), encoding="utf-8")
            partial.replace(self._file)
        except OSError as error:
            raise NotStored(f"{self._file}: cannot be written: {error.strerror}") from error
        finally:
            self._changed()

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
