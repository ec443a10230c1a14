"""The configuration folder: hub.toml, devices.toml, people.toml, policy.toml and the functions."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator import drivers, people, policy, taught
from orchestrator.catalogue import Catalogue
from orchestrator.nearest import hint
from orchestrator.people import People
from orchestrator.policy import Policy
from orchestrator.settings.devices import DeviceFile
from orchestrator.settings.whole import HubFile, PeopleFile, PolicyFile, Settings
from orchestrator.tomlfile import checked, of_file, wrong
from schemas.errors import InvalidSettings

_HERE = Path(__file__).parent.parent
PACKAGED = next(f for f in (_HERE / "config", _HERE.parent / "config") if f.is_dir())
"""The configuration that comes with the hub: in the installed package, or in the checkout."""


def load(folder: Path) -> tuple[Settings, Catalogue]:
    """The folder's files, and the functions: its own or the packaged ones, and those that were
    taught. InvalidSettings names the file, the key and what is wrong."""
    hub = hub_of(folder)
    own, recipes = folder / "functions", folder / "recipes"
    using = taught.current(hub.state)
    catalogue = Catalogue.load(
        own if own.is_dir() else PACKAGED / "functions",
        *([using / taught.FUNCTIONS] if using else []),
    )
    known = _people(folder / "people.toml", hub.hub.region)
    _check_users(hub, known, folder / "hub.toml")
    update = {
        "adapters": _adapters(hub.adapters, folder / "hub.toml"),
        "devices": of_file(DeviceFile, folder / "devices.toml").devices(),
        "people": known,
        "recipes": recipes if recipes.is_dir() else None,
        "policy": _policy(folder / "policy.toml", catalogue, known),
    }
    return hub.model_copy(update=update), catalogue


def hub_of(folder: Path) -> Settings:
    """What hub.toml says, alone; InvalidSettings where there is none."""
    if not folder.is_dir():
        raise InvalidSettings(f"{folder} is no folder: --config names the one with hub.toml")
    if not os.path.lexists(folder / "hub.toml"):
        raise InvalidSettings(f"{folder} has no hub.toml: --config names the folder with one")
    said = of_file(HubFile, folder / "hub.toml", needed=True)
    return Settings.model_construct(**{key: getattr(said, key) for key in HubFile.model_fields})


def _adapters(said: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """What `[adapters.PROTOCOL]` says to each driver, as its own options."""
    read = {}
    for protocol, table in said.items():
        try:
            kind = drivers.load(protocol).options
        except InvalidSettings as error:
            raise wrong(file, f"adapters.{protocol}: {error}") from error
        if not isinstance(table, dict):
            raise wrong(file, f"write [adapters.{protocol}]")
        read[protocol] = checked(kind, table, file, ("adapters", protocol))
    return read


def _check_users(hub: Settings, known: People, file: Path) -> None:
    """InvalidSettings where somebody is named whom nobody knows."""
    users = {*known.users, people.LOCAL}
    named = [(f"console {n}: user", one.user) for n, one in enumerate(hub.console, 1)]
    named += [("hub.managers", user) for user in hub.hub.managers]
    if hub.home_assistant.user:
        named.append(("home_assistant.user", hub.home_assistant.user))
    if hub.wyoming.port:
        named.append(("wyoming.user", hub.wyoming.user))
    for key, user in named:
        if user not in users:
            raise wrong(file, f"{key}: no user {user} in people.toml{hint(user, users)}")
    if hub.wyoming.port and hub.wyoming.on_network and hub.wyoming.user in hub.managers:
        raise wrong(
            file,
            f"wyoming.user: who reaches the port on the network commands as"
            f" {hub.wyoming.user}, a manager: name a user of people.toml of its own",
        )


def _people(file: Path, region: str) -> People:
    said = of_file(PeopleFile, file)
    known = People(users=said.users, contacts=said.contact)
    if mistake := people.mistake(known, region):
        raise wrong(file, mistake)
    return known


def _policy(file: Path, catalogue: Catalogue, known: People) -> Policy:
    rules = Policy(rules=of_file(PolicyFile, file).rule)
    if mistake := policy.mistake(rules, catalogue, {*known.users, people.LOCAL}):
        raise wrong(file, mistake)
    return rules
