"""Make the confidence honest: `python -m training.calibrate FILE.jsonl … [--weights DIR]`.

The temperature (Guo et al. 2017, section 4.2) with which the confidences of these sentences lose
least, in log loss against whether their functions are right, goes into the weights' manifest. It
changes no decision of the model, only how sure it says it is.
"""

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.engine import WEIGHTS
from training.evaluate import calibration, load, reader
from training.marks import Marked, Row, mark_all

GRID = tuple(round(0.7 + 0.1 * step, 1) for step in range(19))
"""Temperatures that are tried: 0.7 to 2.5."""
SURE = 1e-6


def log_loss(marked: Sequence[Marked]) -> float:
    """Mean negative log likelihood of what was right under the confidences."""
    total = 0.0
    for one in marked:
        sure = min(max(one.answer["confidence"], SURE), 1 - SURE)
        total -= math.log(sure if one.function else 1 - sure)
    return total / len(marked)


def fitted(
    rows: Sequence[Row], catalogue: Catalogue, folder: Path, grid: Sequence[float] = GRID
) -> tuple[float, list[Marked]]:
    """The temperature of the grid that loses least, and the rows as marked with it."""
    tried = {t: mark_all(rows, reader(catalogue, folder, temperature=t)) for t in grid}
    best = min(tried, key=lambda t: log_loss(tried[t]))
    return best, tried[best]


def main() -> None:
    """Fit and write the temperature, and say what it changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    chosen = parser.parse_args()
    catalogue = Catalogue.load(Path(__file__).parent.parent / "config/functions")
    rows = [row for file in chosen.files for row in load(file, catalogue)]
    before = mark_all(rows, reader(catalogue, chosen.weights, temperature=1.0))
    temperature, after = fitted(rows, catalogue, chosen.weights)
    file = chosen.weights / "manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8")) | {"temperature": temperature}
    file.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    print(
        f"temperature {temperature}: log loss {log_loss(before):.4f} -> {log_loss(after):.4f}, "
        f"calibration error {calibration(before)['ece']:.4f} -> {calibration(after)['ece']:.4f}"
    )


if __name__ == "__main__":
    main()
