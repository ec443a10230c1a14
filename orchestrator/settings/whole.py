"""Everything a person may configure: hub.toml, and what the other files add."""

import os
from pathlib import Path
from typing import Any

from pydantic import field_validator

from device_adapters.hub import Sources
from orchestrator import drivers, people
from orchestrator.people import Contact, People, Speaker
from orchestrator.policy import Policy, Rule
from orchestrator.settings.broker import BrokerSettings
from orchestrator.settings.doors import ConsoleSettings, Http
from orchestrator.settings.email import Email
from orchestrator.settings.hub import Discovery, Hub, LimitSettings, Store
from orchestrator.settings.model import Model
from orchestrator.settings.section import Section
from schemas.device import Device
from schemas.errors import InvalidSettings


class Settings(Section):
    """Everything a person may configure."""

    hub: Hub = Hub()
    broker: BrokerSettings = BrokerSettings()
    store: Store = Store()
    model: Model = Model()
    discovery: Discovery = Discovery()
    http: Http = Http()
    console: tuple[ConsoleSettings, ...] = ()
    limits: LimitSettings = LimitSettings()
    home: Sources = Sources()
    email: Email = Email()
    policy: Policy = Policy()
    people: People = People()
    adapters: dict[str, Any] = {}
    devices: tuple[Device, ...] = ()
    recipes: Path | None = None

    @field_validator("console")
    @classmethod
    def _one_each(cls, consoles: tuple[ConsoleSettings, ...]) -> tuple[ConsoleSettings, ...]:
        """A phone is one user's console: whoever holds it is that user."""
        devices = [console.device.casefold() for console in consoles]
        if twice := next((name for name in devices if devices.count(name) > 1), None):
            raise ValueError(f"{twice} is a console twice")
        return consoles

    @property
    def managers(self) -> frozenset[str]:
        """Who may change devices and manage phones. On another broker anybody may go by the name
        of this machine's own command line, so there it must be named too."""
        local = () if self.broker.url else (people.LOCAL,)
        return frozenset((*local, *self.hub.managers))

    @property
    def state(self) -> Path:
        """Where the journal, keys and passwords are kept."""
        configured = self.hub.state or os.environ.get("STATE_DIRECTORY", "")
        fallback = Path(os.environ.get("XDG_STATE_HOME", "~/.local/state")) / "octopus-hub"
        return Path(configured or fallback).expanduser()


_PHONE = ({"host", "port"}, {"usb"}, {"tls_host", "tls_port"}, {"serial"})
"""What a phone's address must hold: one of these. With a serial number alone, it is looked for."""


class DeviceFile(Section):
    device: tuple[Device, ...] = ()

    @field_validator("device")
    @classmethod
    def _can_be_reached(cls, devices: tuple[Device, ...]) -> tuple[Device, ...]:
        for device in devices:
            try:
                ways = _PHONE if device.protocol == "adb" else drivers.load(device.protocol).needs
            except InvalidSettings as error:
                raise ValueError(f"{device.id}: {error}") from error
            missing = [way - set(device.address) for way in ways]
            if missing and all(missing):
                raise ValueError(f"{device.id}: address has no {min(missing[0])}")
            for port in ("port", "tls_port"):
                if not device.address.get(port, "1").isdecimal():
                    raise ValueError(f"{device.id}: the address's {port} is a number")
        return devices

    @field_validator("device")
    @classmethod
    def _one_default_each(cls, devices: tuple[Device, ...]) -> tuple[Device, ...]:
        kinds = [device.kind for device in devices if device.default]
        if twice := next((kind for kind in kinds if kinds.count(kind) > 1), None):
            raise ValueError(f"two devices are the default {twice}")
        return devices


class PolicyFile(Section):
    rule: tuple[Rule, ...] = ()


class PeopleFile(Section):
    users: dict[str, Speaker] = {}
    contact: tuple[Contact, ...] = ()
