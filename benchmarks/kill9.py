"""What is lost, repeated or untold where the daemon is killed with SIGKILL again and again.

    python -m benchmarks.kill9 [--rounds 200] [--clients 5] [--seed 1] [--json]

The exit status is 1 where a promise was broken; what was wrong is told with the journal's rows.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.drills.kill9 import Figures, drill

console = Console(stderr=True)


async def rounds(count: int, clients: int, seed: int) -> Figures:
    """So many rounds on one hub."""
    with tempfile.TemporaryDirectory(prefix="octopus-kill9-") as folder:
        async with drill(Path(folder), clients=clients, seed=seed) as running:
            with Progress(console=console) as progress:
                for _ in progress.track(range(count), description="kill -9"):
                    await running.round()
            return await running.reckon()


def main() -> None:
    """Run the drill, print what was counted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--clients", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures = asyncio.run(rounds(chosen.rounds, chosen.clients, chosen.seed))
    for finding in figures.findings:
        console.print(finding, markup=False, highlight=False, soft_wrap=True)
    if chosen.json:
        print(json.dumps(figures.plain()))
    else:
        table = Table("figure", "counted")
        for name, value in figures.plain().items():
            table.add_row(name, str(value))
        Console().print(table)
    sys.exit(0 if figures.good else 1)


if __name__ == "__main__":
    main()
