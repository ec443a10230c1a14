"""`octopus bench`: what is measured of this hub, one program a figure."""

import ast
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from orchestrator import settings, tables
from orchestrator.cli.output import Json, Status, tell
from orchestrator.nearest import hint
from schemas.errors import HubError

ROOT = settings.PACKAGED.parent
"""The checkout, where this runs in one."""
ANY = {"allow_extra_args": True, "ignore_unknown_options": True}
"""How this command is added: a benchmark has options of its own."""


class NoBenchmark(HubError):
    """There is no such benchmark."""

    code = "no_benchmark"


def bench(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="Which to run; default: say which there are")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the benchmarks of a checkout, or run one.

    What follows its name is the benchmark's own.
    """
    found = benchmarks(ROOT / "benchmarks")
    if not found:
        raise NoBenchmark("the benchmarks are in a checkout of the source, and not in the package")
    if name is None:
        rows = [{"name": one, "what": what} for one, what in found.items()]
        tell(rows, as_json, _draw)
        return
    if name not in found:
        raise NoBenchmark(f"no benchmark {name!r}{hint(name, found)}: `octopus bench` lists them")
    asked = [*context.args, *(["--json"] if as_json else [])]
    ran = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *asked], cwd=ROOT)
    raise typer.Exit(Status.NOT_DONE if ran.returncode else Status.DONE)


def benchmarks(folder: Path) -> Mapping[str, str]:
    """The programs of a folder, and the first sentence that each says of itself; those that only
    work for another one say no command."""
    texts = {file.stem: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.py"))}
    return {
        name: " ".join((ast.get_docstring(ast.parse(text)) or "").split()).partition(". ")[0]
        for name, text in texts.items()
        if f"python -m benchmarks.{name}" in text
    }


def _draw(console: Console, found: list[dict[str, str]]) -> None:
    rows = ((one["name"], one["what"]) for one in found)
    tables.table(console, ("name", "what it measures"), rows)
