"""How the command line reaches its hub: the configuration's login, one connection, one piece of
work; and what it says where there is none."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator import hub_lock, settings
from orchestrator.broker import Login
from orchestrator.client import BrokerAway, HubClient, NoHub, connected, login_of
from schemas.errors import InvalidSettings

Config = Annotated[
    Path, typer.Option("--config", envvar="OCTOPUS_CONFIG", help="Folder with hub.toml")
]
Work = Callable[[HubClient], Awaitable[Any]]

_START = "start one with `octopus run`"


def with_hub(config: Path, work: Work) -> Any:
    """What the work comes to, on a connection to the hub of this configuration."""
    return reaching(config)(work)


def reaching(config: Path) -> Callable[[Work], Any]:
    """What does work on the hub of this configuration, on a connection for each; NoHub says what
    is away."""
    hub = settings.hub_of(config)

    def reach(work: Work) -> Any:
        _running(hub)
        login, user = login_of(hub)
        try:
            return asyncio.run(_worked(login, hub.broker.topic, user, work))
        except NoHub as error:
            raise type(error)(_why(error, hub, login)) from error

    return reach


async def _worked(login: Login, base: str, user: str, work: Work) -> Any:
    async with connected(login, base, user) as client:
        return await work(client)


def _running(hub: settings.Settings) -> None:
    """NoHub where the broker would be a hub's that does not run."""
    if hub.broker.address() is not None:
        return
    if not hub.broker.port:
        raise InvalidSettings(
            "hub.toml: broker.port is 0, so the hub's port is not known here: the command line"
            " needs one that is set"
        )
    runs = hub_lock.held(hub.state)
    if runs is None:
        raise InvalidSettings(
            f"{hub.state}: {getpass.getuser()} may not read it, and so cannot log in: be the user"
            " whose hub it is, or root"
        )
    if not runs:
        raise NoHub(f"no hub runs with {hub.state}: {_START}")


def _why(error: NoHub, hub: settings.Settings, login: Login) -> str:
    """What is away, as far as it can be seen from here."""
    runs, own = hub_lock.held(hub.state), hub.broker.address() is None
    if isinstance(error, BrokerAway):
        if own:
            its = "and starts its broker again by itself: try again in a few seconds"
            return f"{error}; a hub runs ({hub.state} is locked) {its}"
        also = {True: "; a hub runs here, and waits for it", False: "; no hub runs here either"}
        return f"{error}{'' if runs is None else also[runs]}"
    at = f"no hub answers at the broker {login.host}:{login.port}"
    if runs:
        return f"{at}, though one runs here ({hub.state} is locked): its log says why"
    return f"{at}: none runs here, {_START}" if runs is False else f"{at}: {_START}"
