"""Configuration: `hub.toml`, `devices.toml`, `people.toml`, `policy.toml` and the environment,
refused early."""

from orchestrator.settings.broker import BrokerSettings
from orchestrator.settings.doors import ConsoleSettings, Http, Mcp, Wyoming
from orchestrator.settings.email import Email
from orchestrator.settings.files import PACKAGED, hub_of, load
from orchestrator.settings.hub import Discovery, Hub, LimitSettings, Log, Store
from orchestrator.settings.model import Model
from orchestrator.settings.whole import Settings

__all__ = [
    "PACKAGED",
    "BrokerSettings",
    "ConsoleSettings",
    "Discovery",
    "Email",
    "Http",
    "Hub",
    "LimitSettings",
    "Log",
    "Mcp",
    "Model",
    "Settings",
    "Store",
    "Wyoming",
    "hub_of",
    "load",
]
