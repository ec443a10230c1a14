"""How often the shipped weights are right: `python -m training.evaluate FILE.jsonl …`.

A row is `q` and `call`, a list of `{name, args, accept?}`; an argument may itself be such a call.
A function is right where the calls' names are, in any order, inner ones included; a row is whole
where every argument its author marked is right too.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from orchestrator.catalogue import IRRELEVANT, Catalogue
from orchestrator.named import named
from orchestrator.octopus.engine import WEIGHTS, Engine
from orchestrator.policy import Policy
from orchestrator.understanding import Understander
from training.dataset.verify import key
from training.train import ROOT

Row = dict[str, Any]


@dataclass(frozen=True)
class Marked:
    """One row, what was predicted for it, and what of that is right."""

    row: Row
    calls: list[dict[str, Any]]
    function: bool
    whole: bool
    milliseconds: float

    @property
    def shape(self) -> str:
        """single | parallel | nested | irrelevant."""
        kind: str = self.row["kind"]
        return kind


def mark(row: Row, answer: dict[str, Any]) -> Marked:
    """Compare one answer of `octopus decode` with its row."""
    calls = answer["calls"]
    pairs = _paired(row["call"], calls)
    function = pairs is not None
    whole = function and all(_whole(gold, said) for gold, said in pairs or ())
    return Marked(row, calls, function, whole, answer["ms"])


def _paired(gold: Sequence[Row], said: Sequence[Row]) -> list[tuple[Row, Row]] | None:
    """Each wanted call with a predicted one of the same functions; None where one is left over."""
    left = list(said)
    pairs = []
    for wanted in gold:
        fitting = [call for call in left if _same_function(wanted, call)]
        if not fitting:
            return None
        best = max(fitting, key=lambda call: _whole(wanted, call))
        left.remove(best)
        pairs.append((wanted, best))
    return None if left else pairs


def _same_function(gold: Row, said: Row) -> bool:
    if said["name"] not in (gold["name"], *gold.get("accept", ())):
        return False
    inner = {name: value for name, value in gold["args"].items() if isinstance(value, dict)}
    nested = {name: value for name, value in said["args"].items() if isinstance(value, dict)}
    return inner.keys() == nested.keys() and all(
        _same_function(value, nested[name]) for name, value in inner.items()
    )


def _whole(gold: Row, said: Row) -> bool:
    if said["name"] != gold["name"]:
        return True  # another function that is right as well; its arguments have no marks
    return all(_right(value, said["args"].get(name)) for name, value in gold["args"].items())


def _right(gold: Any, said: Any) -> bool:
    if gold is None:
        return True
    if isinstance(gold, dict):
        return isinstance(said, dict) and _whole(gold, said)
    accepted = gold if isinstance(gold, list) else [gold]
    return any(_plain(one) == _plain(said) for one in accepted)


def _plain(value: Any) -> object:
    """A value without what does not matter: case, articles, punctuation, 7 or 7.0."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return float(value)
    text = str(value)
    if text.startswith("PT") and text.endswith("S"):
        text = text[2:].lower()
    words = key(text).split()
    return " ".join(word for word in words if word not in ("the", "my", "a", "an"))


def mark_all(rows: Iterable[Row], answer: Callable[[str], dict[str, Any]]) -> list[Marked]:
    """Mark every row with what `answer` makes of its sentence."""
    return [mark(row, answer(row["q"])) for row in rows]


def summary(marked: Sequence[Marked]) -> dict[str, Any]:
    """Shares of right functions and whole rows, by shape and by function, and the p50 latency."""
    by_shape: dict[str, list[Marked]] = defaultdict(list)
    by_function: dict[str, Counter[bool]] = defaultdict(Counter)
    for one in marked:
        by_shape[one.shape].append(one)
        for call in one.row["call"]:
            by_function[call["name"]][one.function] += 1
    times = sorted(one.milliseconds for one in marked)
    return {
        "rows": len(marked),
        "function": _share(one.function for one in marked),
        "whole": _share(one.whole for one in marked),
        "ms_p50": times[len(times) // 2],
        "shapes": {
            shape: {"rows": len(some), "function": _share(one.function for one in some),
                    "whole": _share(one.whole for one in some)}
            for shape, some in sorted(by_shape.items())
        },
        "functions": {
            name: {"rows": counts.total(), "function": round(counts[True] / counts.total(), 4)}
            for name, counts in sorted(by_function.items())
        },
    }  # fmt: skip


def _share(right: Iterable[bool]) -> float:
    marks = list(right)
    return round(sum(marks) / len(marks), 4)


def reader(catalogue: Catalogue, folder: Path = WEIGHTS) -> Callable[[str], dict[str, Any]]:
    """What `octopus decode` says of a sentence, with the weights in `folder`."""
    understander = Understander(
        Engine(catalogue, folder).decode, catalogue, Policy(), threshold=0.0, region="US",
        now=lambda: datetime(2026, 6, 1, 9, 0),
    )  # fmt: skip
    return lambda sentence: named(sentence, understander, "local", catalogue)


def load(file: Path) -> list[Row]:
    """The rows of one file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def main() -> None:
    """Print a table for every file, and with --json the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--errors", type=int, default=0, help="print this many wrong rows a file")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    arguments = parser.parse_args()
    catalogue = Catalogue.load(ROOT / "config/functions")
    answer = reader(catalogue, arguments.weights)
    console = Console()
    figures = {}
    for file in arguments.files:
        marked = mark_all(load(file), answer)
        figures[file.stem] = summary(marked)
        console.print(_table(file.stem, figures[file.stem]))
        wrong = [one for one in marked if not one.function][: arguments.errors]
        for one in wrong:
            wanted = ", ".join(call["name"] for call in one.row["call"])
            said = ", ".join(call["name"] for call in one.calls)
            console.print(f"  {one.row['q']!r}: {wanted} / {said}", markup=False, highlight=False)
    if arguments.json:
        print(json.dumps(figures))


def _table(name: str, figures: dict[str, Any]) -> Table:
    table = Table("shape or function", "rows", "function %", "whole %", title=name)

    def add(label: str, part: dict[str, Any]) -> None:
        whole = f"{part['whole']:.1%}" if "whole" in part else ""
        table.add_row(label, str(part["rows"]), f"{part['function']:.1%}", whole)

    add("all", figures)
    for label, part in figures["shapes"].items():
        add(label, part)
    worst = sorted(figures["functions"].items(), key=lambda item: item[1]["function"])
    for label, part in worst:
        if label != IRRELEVANT and part["function"] < 0.9:
            add(label, part)
    return table


if __name__ == "__main__":
    main()
