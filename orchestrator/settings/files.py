"""The configuration folder: hub.toml, devices.toml, people.toml, policy.toml and the functions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator import drivers, people, policy, taught
from orchestrator.catalogue import Catalogue
from orchestrator.nearest import hint
from orchestrator.people import People
from orchestrator.policy import Policy
from orchestrator.settings.checking import checked, of_file
from orchestrator.settings.whole import DeviceFile, PeopleFile, PolicyFile, Settings
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
        "devices": of_file(DeviceFile, folder / "devices.toml").device,
        "people": known,
        "recipes": recipes if recipes.is_dir() else None,
        "policy": _policy(folder / "policy.toml", catalogue, known),
    }
    return hub.model_copy(update=update), catalogue


def hub_of(folder: Path) -> Settings:
    """What hub.toml says, alone; InvalidSettings where there is none."""
    if not folder.is_dir():
        raise InvalidSettings(f"{folder} is no folder: --config names the one with hub.toml")
    if not (folder / "hub.toml").exists():
        raise InvalidSettings(f"{folder} has no hub.toml: --config names the folder with one")
    return of_file(Settings, folder / "hub.toml")


def _adapters(said: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """What `[adapters.PROTOCOL]` says to each driver, as its own options."""
    read = {}
    for protocol, table in said.items():
        try:
            kind = drivers.load(protocol).options
        except InvalidSettings as error:
            raise InvalidSettings(f"{file}: adapters.{protocol}: {error}") from error
        if not isinstance(table, dict):
            raise InvalidSettings(f"{file}: write [adapters.{protocol}]")
        read[protocol] = checked(kind, table, file, ("adapters", protocol))
    return read


def _check_users(hub: Settings, known: People, file: Path) -> None:
    """InvalidSettings where somebody is named whom nobody knows."""
    users = {*known.users, people.LOCAL}
    named = [(f"console {n}: user", one.user) for n, one in enumerate(hub.console, 1)]
    for key, user in [*named, *(("hub.managers", user) for user in hub.hub.managers)]:
        if user not in users:
            raise InvalidSettings(
                f"{file}: {key}: no user {user} in people.toml{hint(user, users)}"
            )


def _people(file: Path, region: str) -> People:
    said = of_file(PeopleFile, file)
    known = People(users=said.users, contacts=said.contact)
    if wrong := people.mistake(known, region):
        raise InvalidSettings(f"{file}: {wrong}")
    return known


def _policy(file: Path, catalogue: Catalogue, known: People) -> Policy:
    rules = Policy(rules=of_file(PolicyFile, file).rule)
    if wrong := policy.mistake(rules, catalogue, {*known.users, people.LOCAL}):
        raise InvalidSettings(f"{file}: {wrong}")
    return rules
