"""`octopus devices`: what is there, what was found, and what people say of it."""

from typing import Annotated, Any

import typer
from rich.console import Console

from orchestrator import settings, tables, view
from orchestrator.cli.connection import Config, with_hub
from orchestrator.cli.output import Json, done, say, tell
from orchestrator.client import HubClient

app = typer.Typer(no_args_is_help=False, help="Devices: what is there, what was found.")

LOOK_WITHIN = 60.0
"""Seconds to wait for a hub that looks for devices."""
Device = Annotated[str, typer.Argument(help="Its name or id")]


@app.callback(invoke_without_command=True)
def devices(
    context: typer.Context, config: Config = settings.PACKAGED, as_json: Json = False
) -> None:
    """List devices."""
    if context.invoked_subcommand is None:
        found = with_hub(config, lambda client: client.request("device/list"))
        tell(found, as_json, tables.devices)


@app.command()
def discover(config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """Look for devices now, and list what is there then."""
    tell(with_hub(config, _looked), as_json, _found)


async def _looked(client: HubClient) -> Any:
    told = await client.request("discover", within=LOOK_WITHIN)
    return told | {"devices": await client.request("device/list")}


def _found(console: Console, told: dict[str, Any]) -> None:
    tables.devices(console, told["devices"])
    say(f"looked by {', '.join(told['looked']) or 'nothing'}; new: {len(told['found'])}")


@app.command()
def approve(device: Device, config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """Let the hub use a device it found."""
    told = with_hub(config, lambda client: client.request("device/approve", device=device))
    done(told, as_json, view.approved(told))


@app.command()
def rename(
    device: Device,
    name: Annotated[str, typer.Argument(help="What it is called from now on")],
    config: Config = settings.PACKAGED,
    as_json: Json = False,
) -> None:
    """Give a device another name."""
    told = with_hub(
        config, lambda client: client.request("device/rename", device=device, name=name)
    )
    done(told, as_json, view.described(told))


@app.command()
def describe(
    device: Device,
    room: Annotated[str | None, typer.Option(help='The room it is in; "" for none')] = None,
    alias: Annotated[list[str] | None, typer.Option(help="What else it is called")] = None,
    no_alias: Annotated[list[str] | None, typer.Option(help="What it is called no more")] = None,
    default: Annotated[
        bool | None,
        typer.Option("--default/--no-default", help="Meant where several of its kind would do"),
    ] = None,
    config: Config = settings.PACKAGED,
    as_json: Json = False,
) -> None:
    """Say where a device is, what else it is called, whether it is the default of its kind."""

    async def work(client: HubClient) -> Any:
        said = {"room": room, "default": default}
        changes: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
        if alias or no_alias:
            found = await client.request("device/describe", device=device)
            kept = [*found["aliases"], *(alias or [])]
            changes["aliases"] = [one for one in kept if one not in (no_alias or [])]
        return await client.request("device/describe", device=device, **changes)

    told = with_hub(config, work)
    done(told, as_json, view.described(told))


@app.command()
def remove(device: Device, config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """Forget a device."""
    told = with_hub(config, lambda client: client.request("device/remove", device=device))
    done(told, as_json, f"forgotten: {told['name']}")
