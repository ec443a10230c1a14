"""Everything a person may configure: hub.toml, and what the other files add."""

import os
from pathlib import Path
from typing import Any, Self

from pydantic import field_validator, model_validator

from device_adapters.hub import Sources
from orchestrator import people
from orchestrator.people import Contact, People, Speaker
from orchestrator.policy import Policy, Rule
from orchestrator.settings.broker import BrokerSettings
from orchestrator.settings.doors import ConsoleSettings, HomeAssistantSettings, Http, Mcp, Wyoming
from orchestrator.settings.email import Email
from orchestrator.settings.hub import Discovery, Hub, LimitSettings, Log, Store
from orchestrator.settings.model import Model
from orchestrator.settings.section import Section
from schemas.device import Device


class HubFile(Section):
    """`hub.toml`."""

    hub: Hub = Hub()
    broker: BrokerSettings = BrokerSettings()
    store: Store = Store()
    model: Model = Model()
    discovery: Discovery = Discovery()
    http: Http = Http()
    console: tuple[ConsoleSettings, ...] = ()
    mcp: Mcp = Mcp()
    wyoming: Wyoming = Wyoming()
    limits: LimitSettings = LimitSettings()
    log: Log = Log()
    home: Sources = Sources()
    email: Email = Email()
    home_assistant: HomeAssistantSettings = HomeAssistantSettings()
    adapters: dict[str, Any] = {}

    @field_validator("console")
    @classmethod
    def _one_each(cls, consoles: tuple[ConsoleSettings, ...]) -> tuple[ConsoleSettings, ...]:
        """A phone is one user's console: whoever holds it is that user."""
        devices = [console.device.casefold() for console in consoles]
        if twice := next((name for name in devices if devices.count(name) > 1), None):
            raise ValueError(f"{twice} is a console twice")
        return consoles

    @model_validator(mode="after")
    def _is_served_somewhere(self) -> Self:
        if self.mcp.http and not self.http.port:
            raise ValueError("mcp.http: assistants come in by the page's port: set http.port")
        return self


class Settings(HubFile):
    """Everything a person may configure."""

    policy: Policy = Policy()
    people: People = People()
    devices: tuple[Device, ...] = ()
    recipes: Path | None = None

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
        fallback = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state") / "octopus-hub"
        return Path(configured or fallback).expanduser()


class PolicyFile(Section):
    """`policy.toml`."""

    rule: tuple[Rule, ...] = ()


class PeopleFile(Section):
    """`people.toml`."""

    users: dict[str, Speaker] = {}
    contact: tuple[Contact, ...] = ()
