"""`octopus backup`, `restore` and `audit`: the journal and whatever else a hub keeps."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator import settings, tables
from orchestrator.cli.connection import Config
from orchestrator.cli.output import Json, Status, done, tell

if TYPE_CHECKING:
    import sqlalchemy as sa


def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it: FILE.tar.gz")],
    config: Config = settings.PACKAGED,
    as_json: Json = False,
) -> None:
    """Write the journal, devices, keys and what was taught to a file.

    The file (.tar.gz) is secret. The hub may run.
    """
    from orchestrator.journal.backup import backup as make

    loaded = settings.hub_of(config)
    make(_journal(loaded), loaded.state, file)
    size = file.stat().st_size
    told = {"file": str(file), "bytes": size}
    done(told, as_json, f"backed up: {file} ({size / 1e6:,.1f} MB)")


def restore(
    file: Annotated[Path, typer.Argument(help="What `octopus backup` wrote")],
    config: Config = settings.PACKAGED,
    replace: Annotated[
        bool, typer.Option("--replace", help="Where there is a journal: move it aside")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put a backup in place, while no hub runs.

    What it replaces is moved aside.
    """
    from orchestrator.journal.restore import restore as put

    loaded = settings.hub_of(config)
    made = put(file, _journal(loaded), loaded.state, replace)
    passed = f"; what was due since the backup is not run again (schedules: {made.passed})"
    aside = f"; what was there before is in {made.aside}"
    line = f"restored: {loaded.state}{passed if made.passed else ''}{aside if made.aside else ''}"
    told = {
        "state": str(loaded.state),
        "passed": made.passed,
        "aside": str(made.aside) if made.aside else None,
    }
    done(told, as_json, line)


def audit(config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """Say whether the journal is as it was written.

    Exits 1 where it is not. The hub may run.
    """
    from orchestrator.journal.audit import look

    found = asdict(look(_journal(settings.hub_of(config))))
    tell(found, as_json, tables.audit)
    raise typer.Exit(Status.NOT_DONE if found["faults"] else Status.DONE)


def _journal(loaded: settings.Settings) -> "sa.URL":
    from orchestrator.journal import engine

    return engine.at(loaded.store.address(), loaded.state / "journal.db")
