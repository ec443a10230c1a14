"""`devices.toml`: devices that a person wrote down."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set

from pydantic import Field, field_validator

from orchestrator import drivers
from orchestrator.nearest import hint
from orchestrator.settings.section import Section
from schemas.device import Device, Kind
from schemas.errors import InvalidSettings

PHONE: Mapping[str, str] = {
    "host": "its name or IP address, for plain adb",
    "port": "of plain adb, usually 5555",
    "tls_host": "its name or IP address, for wireless debugging",
    "tls_port": "of wireless debugging, as the phone shows it",
    "usb": "its serial number, for a cable to this machine",
    "serial": "its serial number: looked for by mDNS and on USB",
}
"""What an address of a phone (protocol adb) may hold."""
_PHONE_NEEDS = ({"host", "port"}, {"usb"}, {"tls_host", "tls_port"}, {"serial"})


class DeviceEntry(Section):
    """One `[[device]]`; standing here approves it."""

    id: str = Field(min_length=1)
    kind: Kind
    name: str = Field(min_length=1)
    protocol: str
    address: dict[str, str] = {}
    aliases: tuple[str, ...] = ()
    room: str | None = None
    default: bool = False
    functions: tuple[str, ...] = ()
    at_once: int = Field(0, ge=0, le=64)


class DeviceFile(Section):
    """`devices.toml`."""

    device: tuple[DeviceEntry, ...] = ()

    def devices(self) -> tuple[Device, ...]:
        """The devices, as the hub knows them."""
        return tuple(Device(**dict(entry)) for entry in self.device)

    @field_validator("device")
    @classmethod
    def _can_be_reached(cls, entries: tuple[DeviceEntry, ...]) -> tuple[DeviceEntry, ...]:
        for entry in entries:
            if wrong := _wrong(entry):
                raise ValueError(f"{entry.id}: {wrong}")
        return entries

    @field_validator("device")
    @classmethod
    def _one_of_each(cls, entries: tuple[DeviceEntry, ...]) -> tuple[DeviceEntry, ...]:
        if kind := _twice(entry.kind for entry in entries if entry.default):
            raise ValueError(f"two devices are the default {kind}")
        if identity := _twice(entry.id for entry in entries):
            raise ValueError(f"two devices have the id {identity}")
        return entries


def _twice(names: Iterable[str]) -> str | None:
    return next((name for name, times in Counter(names).items() if times > 1), None)


def _wrong(entry: DeviceEntry) -> str | None:
    """What is wrong with how a device is reached."""
    try:
        known, needs = address_of(entry.protocol)
    except InvalidSettings as error:
        return str(error)
    missing = [way - set(entry.address) for way in needs]
    if missing and all(missing):
        return f"address has no {min(missing[0])}"
    for key, value in entry.address.items():
        if known and key not in known:
            return f"unknown key address.{key}{hint(key, known)}"
        if key in ("port", "tls_port") and not value.isdecimal():
            return f"the address's {key} is a number"
    return None


def address_of(protocol: str) -> tuple[Mapping[str, str], Sequence[Set[str]]]:
    """What an address of a protocol may hold, and must: all of one of these sets. InvalidSettings
    where there is no such protocol."""
    if protocol == "adb":
        return PHONE, _PHONE_NEEDS
    driver = drivers.load(protocol)
    return driver.address, driver.needs
