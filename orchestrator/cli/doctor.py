"""`octopus doctor`: what would keep this hub from working, and what to do about it."""

from collections.abc import Iterator
from dataclasses import asdict

import typer

from orchestrator import settings, tables
from orchestrator.cli.connection import Config
from orchestrator.cli.output import Json, Status, console, emit


def doctor(config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """Look at everything a hub needs, and say what to do.

    Exits 1 where something is wrong.
    """
    from orchestrator.doctor import Check, Level, examine

    loaded, catalogue = settings.load(config)
    looked_at = []

    def seen(found: Iterator[Check]) -> Iterator[dict[str, str]]:
        for check in found:
            looked_at.append(check)
            yield asdict(check)

    checks = seen(examine(loaded, catalogue))
    if as_json:
        emit(list(checks))
    else:
        tables.checks(console, checks)
    wrong = any(check.level is Level.WRONG for check in looked_at)
    raise typer.Exit(Status.NOT_DONE if wrong else Status.DONE)
