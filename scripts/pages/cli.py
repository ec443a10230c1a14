"""Every command of the command line."""

from pathlib import Path

import typer
import typer.cli

from orchestrator import settings
from orchestrator.cli.commands import cli as app
from orchestrator.cli.output import STATUSES

HEAD = """# The command line

Made by `scripts/reference` from `orchestrator/cli`; edit that, not this page.

Every command that shows something has `--json`. What goes wrong is one line on the standard error,
with `--json` also an object with `error` and `code`.
"""


def page(root: Path) -> str:
    """The whole page."""
    statuses = [
        "| exit status | |",
        "|---|---|",
        *(f"| {int(s)} | {STATUSES[s]} |" for s in STATUSES),
    ]
    command = typer.main.get_command(app)
    said = typer.cli.get_docs_for_click(obj=command, ctx=typer.Context(command), name="octopus")
    said = said.replace(str(settings.PACKAGED), "the packaged one")
    body = "\n".join(line.rstrip() for line in said.partition("\n")[2].splitlines())
    return "\n".join([HEAD, *statuses, body.rstrip(), ""])
