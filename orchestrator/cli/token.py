"""`octopus token`: who may come in by the web page."""

import json
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from orchestrator import settings
from orchestrator.cli.own_hub import Config, Json
from orchestrator.doors.http.access import Token, Tokens
from orchestrator.nearest import hint
from orchestrator.people import LOCAL
from schemas.errors import HubError

app = typer.Typer(no_args_is_help=True, help="Who may come in by the web page.")
console = Console()


@app.command()
def new(
    user: Annotated[str, typer.Argument(help=f"A user of people.toml, or {LOCAL}")],
    config: Config = settings.PACKAGED,
    as_json: Json = False,
) -> None:
    """Make a token for a user, and print it: this once, for the hub keeps only a hash."""
    loaded, _ = settings.load(config)
    users = {*loaded.people.users, LOCAL}
    if user not in users:
        raise HubError(f"no user {user} in people.toml{hint(user, users)}")
    made = Tokens(loaded.state).issue(user)
    print(json.dumps({"user": user, "token": made}) if as_json else made)  # noqa: T201


@app.command("list")
def show(config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """Every token there is, without what lets in."""
    found = Tokens(settings.hub_of(config).state).all()
    if as_json:
        print(json.dumps([_plain(token) for token in found]))  # noqa: T201
        return
    table = Table("id", "user", "made")
    for token in found:
        table.add_row(token.id, token.user, f"{datetime.fromtimestamp(token.created):%Y-%m-%d}")
    console.print(table)


@app.command()
def revoke(
    identity: Annotated[str, typer.Argument(help="The token's id, from the list")],
    config: Config = settings.PACKAGED,
) -> None:
    """Take a token back; whoever came in with it is out at once."""
    gone = Tokens(settings.hub_of(config).state).revoke(identity)
    console.print(f"revoked: {gone.id} of {gone.user}", markup=False, highlight=False)


def _plain(token: Token) -> dict[str, object]:
    return {"id": token.id, "user": token.user, "created": token.created}
