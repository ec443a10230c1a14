"""What a power cut takes of the journal: its SQL again, on a disk that keeps only what was synced.

    python -m benchmarks.powercut [--commits 3000] [--seed 1] [--synchronous FULL] [--json]

The exit status is 1 where a commit that had returned was lost or the database was damaged.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tests.drills.powercut import Found, replay, told


def cuts(commits: int, seed: int, synchronous: str) -> Found:
    """So many commits of a real journal, then the same ones with power cuts."""
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="octopus-powercut-") as folder:
        with console.status("the journal keeps commands"):
            statements = asyncio.run(told(Path(folder) / "journal.db", commits))
        with console.status("the power fails"):
            return replay(statements, commits, seed, synchronous)


def main() -> None:
    """Cut the power, print what was left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--synchronous", choices=("FULL", "NORMAL", "OFF"), default="FULL")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    found = cuts(chosen.commits, chosen.seed, chosen.synchronous)
    names = ("commits", "cuts", "damaged", "lost")
    figures = {name: getattr(found, name) for name in names}
    print(json.dumps(figures) if chosen.json else figures)
    sys.exit(1 if found.damaged or found.lost else 0)


if __name__ == "__main__":
    main()
