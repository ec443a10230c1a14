"""Which devices there are and how they are. Discovery proposes; a person approves, once."""

import asyncio
import contextlib
import logging
import operator
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from device_adapters.base import Adapter
from orchestrator import device_file, standing
from orchestrator.connections import Connections, Factory
from orchestrator.device_file import NotStored
from orchestrator.quota import Quota
from schemas.call import Invocation, Restore
from schemas.device import Device
from schemas.errors import HubError
from schemas.outcome import Done
from schemas.state import Standing

__all__ = ["Factory", "Registry"]

log = logging.getLogger(__name__)

MAX_PROPOSALS = 500
"""Devices that nobody approved are kept up to this number; a flood of announcements ends here."""
SURE = frozenset({"adb"})
"""Protocols whose adapters make sure themselves that they reached the device: only there does an
announcement move one that was approved."""
SOON = 0.5
"""Seconds in which what devices say of themselves is kept together, where no person waits."""
MANY = 4
"""Calls that a device is given together where nothing else is known."""
_AT_ONCE = {"adb": 1}
"""A phone's screen shows one thing at a time."""


class NoSuchDevice(HubError):
    """No device has this id or name."""

    code = "no_such_device"


class NameTaken(HubError):
    """Another device has the name."""

    code = "name_taken"


class InConfiguration(HubError):
    """The device comes with the configuration."""

    code = "in_configuration"


class Registry:
    """Approved devices, kept in one file, and proposals, kept in memory.

    One phone is one device, whatever it is reached by: what is proposed under the serial number of
    an approved phone is that phone.
    """

    def __init__(
        self, file: Path, factories: Mapping[str, Factory], sure: Collection[str] = SURE
    ) -> None:
        self._file = file
        self._sure = sure
        self._approved: dict[str, Device] = {}
        self._proposed: dict[str, Device] = {}
        self._identities: dict[str, str] = {}
        self._announced: dict[str, Device] = {}
        self._elsewhere: dict[str, Device] = {}
        self._quota: Quota[str] = Quota(MAX_PROPOSALS)
        self._listeners: list[Callable[[], None]] = []
        self._written: dict[str, Device] = {}
        self._saving: asyncio.TimerHandle | None = None
        self._storing: asyncio.Task[None] | None = None
        self._listed: tuple[Device, ...] | None = None
        self.connections = Connections(factories, self._approved, self._learned, self._changed)

    @property
    def approved(self) -> tuple[Device, ...]:
        """Devices that may be used; the same tuple until one changes."""
        now = tuple(self._approved.values())
        if self._listed is None or not _same(now, self._listed):
            self._listed = now
        return self._listed

    def get(self, device: str) -> Device | None:
        """An approved device by its id."""
        return self._approved.get(device)

    @property
    def proposed(self) -> tuple[Device, ...]:
        """Devices that were found and wait for a person."""
        return tuple(self._proposed.values())

    @property
    def refused_proposals(self) -> int:
        """How often a device was found that there was no room for."""
        return self._quota.turned_away

    def names(self) -> dict[str, str]:
        """Every approved device's name by its id."""
        return {device.id: device.name for device in self._approved.values()}

    def called(self) -> tuple[str, ...]:
        """Every name and alias of an approved device."""
        return tuple(name for d in self._approved.values() for name in (d.name, *d.aliases))

    def connected(self, device: str) -> bool:
        """Whether the hub holds a connection to the device."""
        return self.connections.connected(device)

    def problem(self, device: str) -> str:
        """Why the last attempt to connect failed; empty where it did not."""
        return self.connections.problem(device)

    def standing(self, device: Device) -> Standing:
        """How a device is, and the one thing that a person must do about it."""
        if device.id not in self._approved:
            return standing.found(device)
        now = self.connections.standing(device)
        if device.id in self._elsewhere and not self.connected(device.id):
            return now.model_copy(update={"todo": standing.elsewhere(device)})
        return now

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever a device is added, changed or removed."""
        self._listeners.append(listener)

    def load(self, static: tuple[Device, ...] = ()) -> None:
        """Read the file and add the devices of the configuration; InvalidSettings if damaged."""
        self._approved.update({device.id: device for device in device_file.read(self._file)})
        for device in static:
            self._approved[device.id] = device.model_copy(update={"approved": True})
        self._written = {device.id: device for device in static}

    def reconfigure(self, static: tuple[Device, ...]) -> None:
        """Have these devices of the configuration from now on, instead of those before. One that is
        the same keeps its connection; one that is reached otherwise, or is gone, loses it."""
        before, self._written = self._written, {device.id: device for device in static}
        for gone in before.keys() - self._written.keys():
            self._forget(gone)
            self.connections.let_go(gone)
        for device in static:
            if before.get(device.id) != device:
                self._rewritten(device, before.get(device.id))
        for found in [found for found in self.proposed if self._same(found)]:
            self._no_longer_proposed(found.id)  # it waited for a person, who wrote it down
            self.propose(found)
        self._save()

    def _rewritten(self, device: Device, before: Device | None) -> None:
        """A device of the configuration is new, or stands there with other words."""
        known = self._approved.get(device.id)
        update: dict[str, object] = {"approved": True}
        if known and known.protocol == device.protocol and not device.functions:
            update |= {"functions": known.functions, "lacking": known.lacking}
        now = self._approved[device.id] = device.model_copy(update=update)
        if before is None or (before.protocol, before.address) != (now.protocol, now.address):
            self.connections.let_go(device.id)
            self.connections.seen(device.id)
        else:
            self.connections.renew(now)

    def propose(self, found: Device) -> bool:
        """A device was found; whether that was of use. An approved one only gets its new address,
        functions and parts."""
        known = self._same(found)
        if known is None:
            return self._wait(found)
        if known.protocol != found.protocol:
            log.warning("%s: an announcement by %s is not that device", found.id, found.protocol)
            return False
        self._announced[found.id] = found
        alike = found.kind is known.kind
        changes = {
            "address": self._address(known, found),
            "functions": (alike and found.functions) or known.functions,
            "parts": (alike and found.parts) or known.parts,
        }
        current = known.model_copy(update=changes)
        if current != known:
            self._approved[known.id] = current
            self._save()
            if current.address != known.address:
                self.connections.moved(current)
        self.connections.seen(known.id)
        return True

    def vouch(self, found: Device) -> str:
        """A person says that this device is theirs; the id under which it can be approved."""
        if (known := self._same(found)) is not None:
            self.propose(found)
            return known.id
        before = self._proposed.get(found.id)
        address = {**(before.address if before else {}), **found.address}
        self._proposed[found.id] = found.model_copy(update={"address": address})
        self._changed()
        return found.id

    def _wait(self, found: Device) -> bool:
        """Keep a device for a person to approve, where there are not too many."""
        if found.id not in self._proposed:
            entered = self._quota.enter(found.id, time.monotonic())
            if not entered.there:
                return False
            if entered.gone is not None:
                del self._proposed[entered.gone]
        if self._proposed.get(found.id) != found:
            self._proposed[found.id] = found
            self._changed()
        return True

    def _no_longer_proposed(self, device: str) -> Device | None:
        self._quota.leave(device)
        return self._proposed.pop(device, None)

    def _same(self, found: Device) -> Device | None:
        """The approved device that a found one is: by its id, or by its serial number."""
        serial = found.address.get("serial")
        if found.id in self._approved or serial is None:
            return self._approved.get(found.id)
        fitting = (d for d in self.approved if self._identity(d) == serial)
        return next(fitting, None)

    def _identity(self, device: Device) -> str | None:
        return self._identities.get(device.id) or device.address.get("serial")

    def _address(self, known: Device, found: Device) -> dict[str, str]:
        """Every way to a device. Where a person wrote one down, no announcement moves it; where
        somebody else could say that they are the device, a person approves the move."""
        written = self._written.get(known.id)
        address = {**known.address, **found.address, **(written.address if written else {})}
        if known.protocol in self._sure and (known.functions or "serial" in known.address):
            return address  # it was met once, or is known by a number: the adapter tells another
        if address == known.address or written:
            self._elsewhere.pop(known.id, None)
        elif self._elsewhere.get(known.id) != found:
            self._elsewhere[known.id] = found
            self._changed()
        return known.address

    def withdraw(self, device: str) -> None:
        """A device is no longer announced; one that was approved stays."""
        self._announced.pop(device, None)
        self._elsewhere.pop(device, None)
        if self._no_longer_proposed(device) is not None:
            self._changed()

    async def approve(self, wanted: str) -> Device:
        """Let the hub use a proposed device, by id or name, or follow one that moved; connects to
        learn what it serves."""
        device = self._find(wanted, self._proposed) or self._find(wanted, self._approved)
        if device is None:
            raise NoSuchDevice(f"no device was found that is called {wanted!r}")
        if (found := self._no_longer_proposed(device.id)) is not None:
            self._announced[device.id] = found
        if (moved := self._elsewhere.pop(device.id, None)) is not None:
            device = device.model_copy(update={"address": {**device.address, **moved.address}})
        self._approved[device.id] = device.model_copy(update={"approved": True})
        if moved is not None:
            self.connections.moved(device)
        await self._stored()
        with contextlib.suppress(HubError):
            await self.connections.adapter(device.id)
        return self._known(device.id)

    async def remove(self, wanted: str) -> Device:
        """Forget an approved device, by id or name."""
        device = self._known(wanted)
        if device.id in self._written:
            raise InConfiguration(f"{device.name} stands in the configuration: remove it there")
        self._forget(device.id)
        try:
            self._store()
        finally:
            await self.connections.drop(device.id)
        return device

    def _forget(self, device: str) -> None:
        del self._approved[device]
        self._elsewhere.pop(device, None)
        self._identities.pop(device, None)
        self.connections.forget(device)
        if (found := self._announced.pop(device, None)) is not None:
            self._wait(found)  # it is still there, and may be approved again

    def rename(self, wanted: str, name: str) -> Device:
        """Give an approved device another name; NameTaken where another one has it."""
        device = self._changeable(wanted)
        self._refuse_taken(device, (name,))
        # The old name stays an alias: a rule of the policy may say it.
        aliases = tuple(dict.fromkeys((*device.aliases, device.name)))
        update: dict[str, object] = {
            "name": name,
            "aliases": tuple(a for a in aliases if a != name),
        }
        return self._describe(device, update)

    def describe(
        self,
        wanted: str,
        *,
        aliases: tuple[str, ...] | None = None,
        room: str | None = None,
        default: bool | None = None,
    ) -> Device:
        """Say of an approved device what else it is called, which room it is in ("": none) and
        whether it is meant where several of its kind would do; None leaves as it is."""
        device = self._changeable(wanted)
        update: dict[str, object] = {}
        if aliases is not None:
            self._refuse_taken(device, aliases)
            update["aliases"] = tuple(a for a in dict.fromkeys(aliases) if a != device.name)
        if room is not None:
            update["room"] = room or None
        if default is not None:
            update["default"] = default
        if default:
            self._only_default(device)
        return self._describe(device, update)

    def _changeable(self, wanted: str) -> Device:
        device = self._known(wanted)
        if device.id in self._written:
            raise InConfiguration(f"{device.name} stands in the configuration: change it there")
        return device

    def _refuse_taken(self, device: Device, names: Collection[str]) -> None:
        others = {d.name.casefold() for d in self.approved if d.id != device.id}
        if taken := [name for name in names if name.casefold() in others]:
            raise NameTaken(f"another device is called {taken[0]!r}")

    def _only_default(self, device: Device) -> None:
        """No other of its kind is meant now."""
        kind = [d for d in self.approved if d.kind is device.kind and d.id != device.id]
        for other in (d for d in kind if d.default):
            if other.id in self._written:
                raise InConfiguration(
                    f"{other.name} is the default in the configuration: change it there"
                )
            self._approved[other.id] = other.model_copy(update={"default": False})

    def _describe(self, device: Device, update: dict[str, object]) -> Device:
        described = device.model_copy(update=update)
        if described == device:
            return device
        self._approved[device.id] = described
        self.connections.renew(described)
        self._store()
        return self._approved[device.id]

    def keep_connecting(self) -> None:
        """Connect to every approved device in the background, again and again until it answers."""
        self.connections.keep_trying()

    def at_once(self, device: str) -> int:
        """How many calls a device is given together."""
        known = self._approved.get(device)
        return (known.at_once or _AT_ONCE.get(known.protocol, MANY)) if known else 1

    async def connect(self, device: str) -> None:
        """Be connected to a device; DeviceUnavailable where it cannot be reached."""
        await self.connections.connect(device)

    async def reach(self, device: str, invocation: Invocation) -> Done:
        """Run one call on a device that is connected, or gets so at once."""
        return await self.connections.reach(device, invocation)

    async def probe(self, device: str, invocation: Invocation) -> Done | None:
        """Whether an earlier call of a probeable function happened; None where it did not."""
        return await self.connections.probe(device, invocation)

    async def present(self, device: str, invocation: Invocation) -> Restore | None:
        """The call that would leave a device as it is now; None where it does not tell."""
        return await self.connections.present(device, invocation)

    async def close(self) -> None:
        """Let go of every device."""
        await self.connections.close()
        if self._saving is not None:
            self._saved()

    def _learned(self, device: str, adapter: Adapter, functions: frozenset[str]) -> None:
        """What a device says of itself, once it is connected."""
        known = self._approved[device]
        update: dict[str, object] = {
            "functions": tuple(sorted(functions)),
            "lacking": dict(adapter.lacking),
        }
        # A name that is only a part of the id (a serial number) tells a person nothing.
        model = adapter.model
        if model and known.name in known.id and not self._find(model, self._approved):
            update["name"] = model
        self._approved[device] = known.model_copy(update=update)
        self._save()
        if adapter.identity is not None:
            self._recognized(device, adapter.identity)

    def _recognized(self, device: str, identity: str) -> None:
        """What was found of the same device joins it."""
        self._identities[device] = identity
        others = [d for d in self.approved if d.id != device and self._identity(d) == identity]
        for other in others:
            log.warning("%s and %s are the same device: remove one", device, other.id)
        same = [d for d in self._proposed.values() if d.address.get("serial") == identity]
        for found in same:
            self._no_longer_proposed(found.id)
            self.propose(found)
            self._changed()

    def _known(self, wanted: str) -> Device:
        device = self._find(wanted, self._approved)
        if device is None:
            raise NoSuchDevice(f"no approved device is called {wanted!r}")
        return device

    def _find(self, wanted: str, among: dict[str, Device]) -> Device | None:
        if wanted in among:
            return among[wanted]
        called = wanted.casefold()
        named = [d for d in among.values() if d.name.casefold() == called]
        named = named or [d for d in among.values() if called in map(str.casefold, d.aliases)]
        return named[0] if len(named) == 1 else None

    def _save(self) -> None:
        """As `_store` but soon, where no person waits: a thousand devices that come at once are
        kept together, and what is connected stays so on a full disk."""
        self._changed()
        if self._saving is None:
            self._saving = asyncio.get_running_loop().call_later(SOON, self._saved)

    def _saved(self) -> None:
        try:
            self._keep()
        except NotStored as error:
            log.error("%s", error)

    def _store(self) -> None:
        """Keep what does not stand in the configuration."""
        try:
            self._keep()
        finally:
            self._changed()

    async def _stored(self) -> None:
        """As `_store`, once for all that wait for it in the same moment."""
        self._changed()
        if self._storing is None:
            self._storing = asyncio.create_task(self._stored_now(), name="devices")
        await asyncio.shield(self._storing)

    async def _stored_now(self) -> None:
        self._storing = None  # whoever comes from now on has another
        self._keep()

    def _keep(self) -> None:
        if self._saving is not None:
            self._saving.cancel()
            self._saving = None
        device_file.write(self._file, (d for d in self.approved if d.id not in self._written))

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()


def _same(one: tuple[Device, ...], other: tuple[Device, ...]) -> bool:
    """Whether these are the very same values."""
    return len(one) == len(other) and all(map(operator.is_, one, other))
