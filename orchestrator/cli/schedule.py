"""`octopus schedule`: what is to be done later."""

from typing import Annotated

import typer

from orchestrator import settings, tables
from orchestrator.cli.connection import Config, with_hub
from orchestrator.cli.output import Json, done, tell

app = typer.Typer(no_args_is_help=False, help="What is to be done later.")


@app.callback(invoke_without_command=True)
def schedule(
    context: typer.Context, config: Config = settings.PACKAGED, as_json: Json = False
) -> None:
    """List what is scheduled."""
    if context.invoked_subcommand is None:
        found = with_hub(config, lambda client: client.request("schedule/list"))
        tell(found, as_json, tables.schedules)


@app.command()
def cancel(
    identity: Annotated[str, typer.Argument(help="Its id, from the list")],
    config: Config = settings.PACKAGED,
    as_json: Json = False,
) -> None:
    """Cancel what is scheduled."""
    gone = with_hub(config, lambda client: client.request("schedule/cancel", schedule=identity))
    done(gone, as_json, f"cancelled: {gone['text']}")
