"""How the command line reaches its hub: the configuration's login, one connection, one piece of
work."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator import settings
from orchestrator.broker import LOCAL, Login, passwords
from orchestrator.client import HubClient, connected
from schemas.errors import InvalidSettings

Config = Annotated[
    Path, typer.Option("--config", envvar="OCTOPUS_CONFIG", help="Folder with hub.toml")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON")]


def with_hub(config: Path, work: Callable[[HubClient], Awaitable[Any]]) -> Any:
    """What the work comes to, on a connection to the hub of this configuration."""
    loaded, _ = settings.load(config)
    login = _login(loaded)
    user = LOCAL if loaded.broker.address() is None else login.username or LOCAL

    async def connect_and_work() -> Any:
        async with connected(login, loaded.broker.topic, user) as client:
            return await work(client)

    return asyncio.run(connect_and_work())


def _login(loaded: settings.Settings) -> Login:
    address = loaded.broker.address()
    if address is None and not loaded.broker.port:
        raise InvalidSettings("hub.toml: broker.port is 0, so the hub's port is not known here")
    if address is None:
        return Login("127.0.0.1", loaded.broker.port, LOCAL, passwords(loaded.state)[LOCAL])
    user, password = loaded.broker.username or None, loaded.broker.password()
    return Login(*address, user, password, loaded.broker.tls())
