"""Teach five invented functions, each to the packaged weights.

    python -m benchmarks.teach [--json]

For each: why it was refused; or seconds, the share of other people's sentences of it that are right
(function, and whole call leniently), of near misses that are declined, and what the old functions
lost (points) on the sentences shipped for this and on the held-out sets. The functions, their
examples and the sentences are in tests/teach.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from orchestrator import settings, taught
from orchestrator.catalogue import Catalogue
from orchestrator.octopus.manifest import WEIGHTS
from training import evaluate
from training.export import REPLAY
from training.lesson import CannotTeach
from training.marks import mark_all
from training.rows import Row
from training.teach import teach

LESSONS = Path(__file__).parent.parent / "tests/teach"
COLUMNS = (
    "name", "seconds", "function", "lenient", "declined", "lost_points", "lost_heldout", "refused",
)  # fmt: skip
OLD = {"lost_points": [WEIGHTS / REPLAY], "lost_heldout": evaluate.own_sets()}
"""Sentences of the old functions, by the column that says what they lost."""


def taught_one(
    file: Path, catalogue: Catalogue, console: Console, before: dict[str, float]
) -> dict[str, float | str]:
    """Teach one function and measure it, or say why it was refused; `before`: see `known`."""
    with tempfile.TemporaryDirectory(prefix="octopus-teach-") as state:
        began = time.monotonic()
        try:
            folder = teach(file, file.with_suffix(".txt"), Path(state), catalogue, console)
        except CannotTeach as error:
            seconds = round(time.monotonic() - began, 1)
            return {"name": file.stem, "seconds": seconds, "refused": str(error)}
        seconds = time.monotonic() - began
        wider = Catalogue.load(settings.PACKAGED / "functions", folder / taught.FUNCTIONS)
        answer = evaluate.reader(wider, folder)
        own = mark_all(evaluate.load(file.with_suffix(".jsonl"), wider), answer)
        near = mark_all(evaluate.load(LESSONS / "near_misses.jsonl", wider), answer)
        after = known(catalogue, answer)
    share = {
        "function": [one.function for one in own],
        "lenient": [one.lenient for one in own],
        "declined": [one.function for one in near],
    }
    return {
        "name": file.stem, "seconds": round(seconds, 1),
        **{name: round(sum(marks) / len(marks), 4) for name, marks in share.items()},
        **{name: round(100 * (before[name] - after[name]), 2) for name in OLD},
    }  # fmt: skip


def known(catalogue: Catalogue, answer: Callable[[str], Row]) -> dict[str, float]:
    """Share of the old functions' sentences whose functions are right, by column."""
    shares = {}
    for name, files in OLD.items():
        rows = [row for file in files for row in evaluate.load(file, catalogue)]
        marked = mark_all(rows, answer)
        shares[name] = sum(one.function for one in marked) / len(rows)
    return shares


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", nargs="*", help="names of functions")
    chosen = parser.parse_args()
    errors = Console(stderr=True)
    catalogue = Catalogue.load(settings.PACKAGED / "functions")
    files = sorted(LESSONS.glob("*.toml"))
    if chosen.only:
        files = [LESSONS / f"{name}.toml" for name in chosen.only]
    before = known(catalogue, evaluate.reader(catalogue, WEIGHTS))
    results = [taught_one(file, catalogue, errors, before) for file in files]
    if chosen.json:
        print(json.dumps(results))
        return
    table = Table(*COLUMNS)
    for result in results:
        table.add_row(*(str(result.get(column, "")) for column in COLUMNS))
    Console().print(table)


if __name__ == "__main__":
    main()
