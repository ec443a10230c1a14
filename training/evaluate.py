"""How often a set of weights is right, and whether it knows: `octopus evaluate`."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from orchestrator.canonical import Context, Unreadable, canonical
from orchestrator.catalogue import IRRELEVANT, Catalogue
from orchestrator.named import named
from orchestrator.octopus.embedded import EmbeddedModel
from orchestrator.octopus.engine import Engine
from orchestrator.octopus.manifest import WEIGHTS
from orchestrator.policy import Policy
from orchestrator.understanding import Understander, Understanding
from training import rows
from training.marks import Marked, mark_all, widened
from training.rows import BadRows, Row

BINS = 10
"""Bins of equal width that confidences are sorted into."""
THRESHOLDS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
NOW = datetime(2026, 6, 1, 9, 0)
"""When every sentence is said, so that words for times always mean the same."""


def own_sets() -> list[Path]:
    """The held-out sets of the project; BadRows outside a checkout."""
    found = sorted((Path(__file__).parent.parent / "tests/heldout").glob("*.jsonl"))
    if not found:
        raise BadRows("no held-out sets beside this installation: name files of rows")
    return found


def report(
    files: Sequence[Path], catalogue: Catalogue, console: Console, *,
    weights: Path = WEIGHTS, out: Path | None = None, wrong: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Print a table for every file and give the figures by its name; with `out`, write them to
    `evaluation.json` there, and the pictures of each file."""
    # All are read before anything is written.
    stems = [file.stem for file in files]
    sets = {
        stem if stems.count(stem) == 1 else f"{file.parent.name}-{stem}": load(file, catalogue)
        for file, stem in zip(files, stems, strict=True)
    }
    answer = reader(catalogue, weights)
    figures: dict[str, Any] = {}
    for name, some in sets.items():
        marked = mark_all(track(some, name, console=console, transient=True), answer)
        figures[name] = summary(marked)
        console.print(table(name, figures[name]))
        for line in errors(marked, wrong):
            console.print(f"  {line}", markup=False, highlight=False)
        if out is not None:
            _draw(marked, figures[name], out, name)
    if out is not None:
        text = json.dumps(figures, indent=1)
        (out / "evaluation.json").write_text(text + "\n", encoding="utf-8")
    return figures


def _draw(marked: Sequence[Marked], figures: dict[str, Any], out: Path, name: str) -> None:
    from training import plots  # matplotlib is an extra, and slow to import

    out.mkdir(parents=True, exist_ok=True)
    if any(one.shape in ("single", "irrelevant") for one in marked):
        plots.confusion(marked, out / f"{name}-confusion.png")
    curve = figures["calibration"]
    plots.reliability(curve["curve"], curve["ece"], out / f"{name}-reliability.png")


def load(file: Path, catalogue: Catalogue) -> list[Row]:
    """The rows of one file, widened by what their words mean; BadRows names a bad line."""
    return [widened(row, partial(_meaning, catalogue)) for row in rows.load(file)]


def _meaning(catalogue: Catalogue, function: str, name: str, said: Any) -> Any:
    if function not in catalogue:
        return None
    found = [p for p in catalogue[function].parameters if p.name == name]
    context = Context(sentence=str(said), now=NOW)
    try:
        return canonical(found[0], said, context) if found else None
    except Unreadable:
        return None


def reader(
    catalogue: Catalogue, folder: Path = WEIGHTS, *, temperature: float | None = None
) -> Callable[[str], Row]:
    """What `octopus decode` says of a sentence, with the weights in `folder`."""
    engine = Engine(EmbeddedModel(catalogue, folder, temperature=temperature))
    understander = Understander(catalogue, Policy(), threshold=0.0, region="US", now=lambda: NOW)

    def understood(sentence: str) -> Understanding:
        readings = understander.readings(sentence)
        return understander(sentence, engine.decode_all(readings), "local")

    return lambda sentence: named(sentence, understood, catalogue)


def summary(marked: Sequence[Marked]) -> dict[str, Any]:
    """Shares of right functions and whole calls, in all, by shape and by function; what was called
    though nothing fits; calibration, coverage and latency (ms)."""
    by_shape: dict[str, list[Marked]] = defaultdict(list)
    by_function: dict[str, Counter[bool]] = defaultdict(Counter)
    for one in marked:
        by_shape[one.shape].append(one)
        for call in one.row["call"]:
            by_function[call["name"]][one.function] += 1
    times = sorted(one.answer["ms"] for one in marked)
    return {
        **_shares(marked),
        "false_calls": round(1 - _share(m.function for m in by_shape["irrelevant"]), 4)
        if by_shape.get("irrelevant")
        else None,
        "ms_p50": times[len(times) // 2],
        "ms_p95": times[len(times) * 95 // 100],
        "shapes": {shape: _shares(some) for shape, some in sorted(by_shape.items())},
        "functions": {
            name: {"rows": counts.total(), "function": round(counts[True] / counts.total(), 4)}
            for name, counts in sorted(by_function.items())
        },
        "calibration": calibration(marked),
        "coverage": [_covered(marked, threshold) for threshold in THRESHOLDS],
    }


def calibration(marked: Sequence[Marked]) -> dict[str, Any]:
    """The reliability curve of the confidence that the functions are right, and the expected
    calibration error (Guo et al. 2017, equation 5), over bins of equal width."""
    bins: dict[int, list[Marked]] = defaultdict(list)
    for one in marked:
        bins[min(BINS - 1, int(one.answer["confidence"] * BINS))].append(one)
    curve = [
        {
            "from": at / BINS,
            "rows": len(some),
            "confidence": round(sum(one.answer["confidence"] for one in some) / len(some), 4),
            "right": _share(one.function for one in some),
        }
        for at, some in sorted(bins.items())
    ]
    error = sum(b["rows"] * abs(b["confidence"] - b["right"]) for b in curve) / len(marked)
    return {"ece": round(error, 4), "curve": curve}


def _covered(marked: Sequence[Marked], threshold: float) -> dict[str, float]:
    """How many sentences a threshold lets pass, and how many of those are right."""
    kept = [one for one in marked if one.answer["confidence"] >= threshold]
    return {
        "threshold": threshold,
        "coverage": round(len(kept) / len(marked), 4),
        "function": _share(one.function for one in kept),
    }


def _shares(marked: Sequence[Marked]) -> dict[str, Any]:
    return {
        "rows": len(marked),
        "function": _share(one.function for one in marked),
        "strict": _share(one.strict for one in marked),
        "lenient": _share(one.lenient for one in marked),
    }


def _share(right: Iterable[bool]) -> float:
    marks = list(right)
    return round(sum(marks) / len(marks), 4) if marks else 0.0


def table(name: str, figures: dict[str, Any]) -> Table:
    """The figures of one file, with the functions that are right less than 90 % of the time."""
    kept = figures["coverage"][THRESHOLDS.index(0.8)]
    shown = Table(
        *("shape or function", "rows", "function %", "whole, strict %", "lenient %"),
        title=name,
        caption=f"calibration error {figures['calibration']['ece']:.3f}, decode p50 "
        f"{figures['ms_p50']:.1f} ms; {kept['coverage']:.1%} are surer than 0.8, of these "
        f"{kept['function']:.1%} right",
    )

    def add(label: str, part: dict[str, Any]) -> None:
        shares = [part.get(share) for share in ("function", "strict", "lenient")]
        shown.add_row(label, str(part["rows"]), *("" if s is None else f"{s:.1%}" for s in shares))

    add("all", figures)
    for label, part in figures["shapes"].items():
        add(label, part)
    worst = sorted(figures["functions"].items(), key=lambda item: item[1]["function"])
    for label, part in worst:
        if label != IRRELEVANT and part["function"] < 0.9:
            add(label, part)
    return shown


def errors(marked: Sequence[Marked], most: int) -> list[str]:
    """A line for each row that is wrong, at most so many: the sentence, wanted / said."""
    lines: list[str] = []
    for one in marked:
        if not one.lenient and len(lines) < most:
            wanted = json.dumps(one.row["call"], ensure_ascii=False)
            lines.append(f"{one.row['q']!r}: {wanted} / {one.answer['text']}")
    return lines
