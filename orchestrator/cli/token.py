"""`octopus token`: who may come in by HTTP."""

import time
from typing import Annotated, Any

import typer

from orchestrator import settings, tables
from orchestrator.cli.connection import Config
from orchestrator.cli.output import Json, done, tell
from orchestrator.cli.users import known
from orchestrator.doors.http.access import Token, Tokens
from orchestrator.people import LOCAL

app = typer.Typer(no_args_is_help=True, help="Who may come in by HTTP: the page, the API, MCP.")

DAY = 86400.0


@app.command()
def new(
    user: Annotated[str, typer.Argument(help=f"A user of people.toml, or {LOCAL}")],
    days: Annotated[
        float | None, typer.Option(min=0.001, help="How long it lets in; default: for ever")
    ] = None,
    label: Annotated[str, typer.Option(help="What it is for, for the list")] = "",
    config: Config = settings.PACKAGED,
    as_json: Json = False,
) -> None:
    """Make a token for a user, and print it: this once, for the hub keeps only a hash."""
    loaded, _ = settings.load(config)
    known(user, loaded)
    expires = None if days is None else time.time() + days * DAY
    made = Tokens(loaded.state).issue(user, expires=expires, label=label)
    done({"user": user, "token": made, "expires": expires, "label": label}, as_json, made)


@app.command("list")
def show(config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """Every token there is, without what lets in."""
    found = Tokens(settings.hub_of(config).state).all()
    tell([_plain(token) for token in found], as_json, tables.tokens)


@app.command()
def revoke(
    identity: Annotated[str, typer.Argument(help="The token's id, from the list")],
    config: Config = settings.PACKAGED,
    as_json: Json = False,
) -> None:
    """Take a token back; whoever came in with it is out at once."""
    gone = Tokens(settings.hub_of(config).state).revoke(identity)
    done(_plain(gone), as_json, f"revoked: {gone.id} of {gone.user}")


def _plain(token: Token) -> dict[str, Any]:
    """A token without its digest."""
    return {
        "id": token.id, "user": token.user, "created": token.created, "expires": token.expires,
        "label": token.label,
    }  # fmt: skip
