"""`octopus users`: who speaks to this hub, and how they log in at its own broker."""

from collections import Counter
from typing import Annotated, Any

import typer
from rich.console import Console

from orchestrator import broker, settings, tables
from orchestrator.broker import DEVICES, HOME_ASSISTANT
from orchestrator.cli.connection import Config
from orchestrator.cli.output import Json, say, tell
from orchestrator.doors.http.access import Tokens
from orchestrator.nearest import hint
from orchestrator.people import LOCAL, Speaker
from schemas.errors import InvalidSettings, NotKnown

app = typer.Typer(no_args_is_help=False, help="Who speaks to the hub, and how they log in.")


@app.callback(invoke_without_command=True)
def users(
    context: typer.Context, config: Config = settings.PACKAGED, as_json: Json = False
) -> None:
    """List the users of people.toml, and this machine's own command line."""
    if context.invoked_subcommand is not None:
        return
    loaded, _ = settings.load(config)
    tokens = Counter(token.user for token in Tokens(loaded.state).all())
    found = [
        {
            "user": name,
            "devices": {str(kind): device for kind, device in speaker.devices.items()},
            "manager": name in loaded.managers,
            "tokens": tokens[name],
        }
        for name, speaker in speakers(loaded).items()
    ]
    tell(found, as_json, tables.users)


@app.command()
def login(
    user: Annotated[
        str,
        typer.Argument(help=f"A user of people.toml, or {LOCAL}, {DEVICES} or {HOME_ASSISTANT}"),
    ],
    config: Config = settings.PACKAGED,
    as_json: Json = False,
) -> None:
    """Say how a user logs in at the hub's own broker: what it prints is secret."""
    loaded, _ = settings.load(config)
    if loaded.broker.address() is not None:
        raise InvalidSettings("hub.toml: broker.url names another broker, which has its own logins")
    password = broker.password_of(loaded.state, user, tuple(loaded.people.users))
    told = {"host": "127.0.0.1", "port": loaded.broker.port, "user": user, "password": password}
    if listen := loaded.broker.listening():
        told["network"] = {"host": listen.host, "port": listen.port, "tls": bool(listen.cert_file)}
    tell(told, as_json, _login)


def _login(console: Console, told: dict[str, Any]) -> None:
    for name in ("host", "port", "user", "password"):
        console.print(f"{name}: {told[name]}", markup=False, highlight=False, soft_wrap=True)
    if network := told.get("network"):
        how = "with TLS" if network["tls"] else "in the clear"
        say(f"from other machines: port {network['port']}, {how}")


def speakers(loaded: settings.Settings) -> dict[str, Speaker]:
    """Everybody who may speak to the hub."""
    return {LOCAL: Speaker()} | dict(loaded.people.users)


def known(user: str, loaded: settings.Settings) -> None:
    """NotKnown where nobody is called so."""
    names = speakers(loaded)
    if user not in names:
        raise NotKnown(f"no user {user} in people.toml{hint(user, names)}")
