"""`octopus executions`: what happened to earlier commands, and what becomes of those under way."""

import contextlib
import time
from typing import Annotated, Any

import typer

from orchestrator import settings, tables, timeline, watch
from orchestrator.cli.connection import Config, with_hub
from orchestrator.cli.output import Json, console, emit, exit_of, tell
from orchestrator.cli.send import Id, cancel
from orchestrator.client import HubClient
from schemas.execution import RunState

app = typer.Typer(no_args_is_help=True, help="What happened to earlier commands.")
app.command()(cancel)

MOST = 500
"""Commands that the hub lists at once."""


@app.command("list")
def list_executions(
    config: Config = settings.PACKAGED,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="At most so many")] = 20,
    state: Annotated[RunState | None, typer.Option(help="Only those in this state")] = None,
    as_json: Json = False,
) -> None:
    """The newest commands."""
    states = [state] if state else []
    records = with_hub(
        config, lambda client: client.request("execution/list", limit=limit, states=states)
    )
    tell(records, as_json, lambda to, told: tables.executions(to, told, time.time()))


@app.command()
def show(execution: Id, config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """One command: its steps as a tree, and how each waited and ran."""

    async def work(client: HubClient) -> tuple[dict[str, Any], dict[str, str]]:
        return await client.find(execution), await watch.device_names(client)

    record, names = with_hub(config, work)
    tell(record, as_json, lambda to, told: to.print(timeline.drawing(to, told, names, time.time())))


@app.command("watch")
def watch_executions(
    execution: Annotated[
        str | None, typer.Argument(help="An id or its beginning; default: all your commands")
    ] = None,
    config: Config = settings.PACKAGED,
    as_json: Json = False,
) -> None:
    """Show a command until it has ended.

    Without an id, every command of yours until Ctrl-C.

    With --json, the command's record in the end, or a line for each event.
    """

    async def one(client: HubClient) -> RunState:
        found = await client.find(execution or "")
        if as_json:
            return await watch.watched(client, found["id"], emit)
        return await watch.watch(client, found["id"], console)

    async def everything(client: HubClient) -> None:
        if as_json:
            await watch.events(client, emit)
        else:
            await watch.watch_all(client, console)

    if execution is not None:
        raise exit_of(with_hub(config, one))
    with contextlib.suppress(KeyboardInterrupt):
        with_hub(config, everything)
