"""`octopus run` and `octopus demo`: what starts a hub."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator import settings
from orchestrator.cli.connection import Config
from orchestrator.cli.output import Json, Status, console, emit, errors

if TYPE_CHECKING:
    from orchestrator.catalogue import Catalogue


def run(
    config: Config = settings.PACKAGED,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more in the log")] = False,
) -> None:
    """Run the hub until it is stopped."""
    from orchestrator import daemon, logs

    logs.start("debug" if verbose else "info")
    asyncio.run(daemon.serve(lambda: _loaded(config, verbose)))


def _loaded(config: Path, verbose: bool) -> tuple[settings.Settings, "Catalogue"]:
    """The configuration; the command line's word on the log counts for more than its own."""
    loaded, catalogue = settings.load(config)
    if verbose:
        said = loaded.log.model_copy(update={"level": "debug"})
        loaded = loaded.model_copy(update={"log": said})
    return loaded, catalogue


def demo(
    sentence: Annotated[
        str | None, typer.Argument(help="What to say; default: three sentences")
    ] = None,
    as_json: Json = False,
) -> None:
    """Send sentences to a hub with simulated devices."""
    from orchestrator.demo import demonstrate

    shown, record = (errors, emit) if as_json else (console, None)
    good = asyncio.run(demonstrate(sentence, shown, record))
    raise typer.Exit(Status.DONE if good else Status.NOT_DONE)
