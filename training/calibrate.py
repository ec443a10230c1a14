"""Make the confidence honest: `python -m training.calibrate FILE.jsonl … [--weights DIR]`.

The temperature (Guo et al. 2017, section 4.2) with which the confidences of these sentences lose
least, in log loss against whether their functions are right, goes into the weights' manifest. It
changes no decision of the model, only how sure it says it is.
"""

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.progress import track

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.manifest import WEIGHTS
from orchestrator.settings import PACKAGED
from training.command import command
from training.evaluate import calibration, load, reader
from training.marks import Marked, mark_all
from training.rows import Row

GRID = tuple(round(0.8 + 0.2 * step, 1) for step in range(10))
"""Temperatures that are tried: 0.8 to 2.6. One is among them: it is how confidences were before."""
SURE = 1e-6


def log_loss(marked: Sequence[Marked]) -> float:
    """Mean negative log likelihood of what was right under the confidences."""
    total = 0.0
    for one in marked:
        sure = min(max(one.answer["confidence"], SURE), 1 - SURE)
        total -= math.log(sure if one.function else 1 - sure)
    return total / len(marked)


def tried(
    rows: Sequence[Row], catalogue: Catalogue, folder: Path, grid: Sequence[float] = GRID
) -> dict[float, list[Marked]]:
    """The rows as marked with each temperature of the grid."""
    return {
        t: mark_all(track(rows, f"temperature {t}"), reader(catalogue, folder, temperature=t))
        for t in grid
    }


def best(marked: Mapping[float, Sequence[Marked]]) -> float:
    """The temperature that loses least."""
    return min(marked, key=lambda temperature: log_loss(marked[temperature]))


def main() -> None:
    """Fit and write the temperature, and say what it changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    chosen = parser.parse_args()
    catalogue = Catalogue.load(PACKAGED / "functions")
    rows = [row for file in chosen.files for row in load(file, catalogue)]
    marked = tried(rows, catalogue, chosen.weights)
    temperature = best(marked)
    before, after = marked[1.0], marked[temperature]
    file = chosen.weights / "manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8")) | {"temperature": temperature}
    file.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    print(
        f"temperature {temperature}: log loss {log_loss(before):.4f} -> {log_loss(after):.4f}, "
        f"calibration error {calibration(before)['ece']:.4f} -> {calibration(after)['ece']:.4f}"
    )


if __name__ == "__main__":
    command(main)
