"""Pictures of an evaluation: what is taken for what, and whether confidence is earned."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import pyplot

from training.marks import Marked


def confusion(marked: Sequence[Marked], file: Path) -> None:
    """A PNG: rows are the functions that were wanted, columns those that were called, the shade is
    the share of the row. Sentences with one call, and those nothing fits."""
    counts = Counter(
        (one.row["call"][0]["name"], one.answer["calls"][0]["name"])
        for one in marked
        if one.shape in ("single", "irrelevant")
    )
    names = sorted({name for pair in counts for name in pair})
    totals = Counter({name: sum(counts[name, other] for other in names) for name in names})
    shares = [[counts[row, column] / max(1, totals[row]) for column in names] for row in names]
    size = 2 + 0.22 * len(names)
    figure, axes = pyplot.subplots(figsize=(size, size))
    image = axes.imshow(shares, cmap="viridis", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_xlabel("called")
    axes.set_ylabel("wanted")
    figure.colorbar(image, shrink=0.7, label="share of the wanted function's sentences")
    _save(figure, file)


def reliability(curve: Sequence[dict[str, Any]], ece: float, file: Path) -> None:
    """A PNG: how often what is called with a confidence is right; honest is the diagonal."""
    figure, axes = pyplot.subplots(figsize=(5, 5))
    axes.plot([0, 1], [0, 1], linestyle="--", color="grey", label="honest")
    axes.plot([b["confidence"] for b in curve], [b["right"] for b in curve], marker="o",
              label=f"measured, calibration error {ece:.3f}")  # fmt: skip
    for one in curve:
        axes.annotate(str(one["rows"]), (one["confidence"], one["right"]), fontsize=7,
                      textcoords="offset points", xytext=(4, -8))  # fmt: skip
    axes.set_xlabel("confidence")
    axes.set_ylabel("right function")
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    axes.legend()
    _save(figure, file)


def _save(figure: Any, file: Path) -> None:
    figure.savefig(file, dpi=120, bbox_inches="tight")
    pyplot.close(figure)
