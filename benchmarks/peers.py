"""The same plans here and on another system that runs plans durably.

    python -m benchmarks.peers [--json] [--runs 5] [--kills 20] [--folder DIR]

Here: executor, journal and recovery of this project, its devices stubs, no model. There: dbos
(`pip install -e '.[bench]'`), with SQLite as its system database: async workflows and steps,
gathered where they do not need each other, child workflows for branches of several steps, a queue
with a concurrency of ten once more for the ten, recovery by launch, `cancel_workflow` with its
children; `enable_otlp` off, no Conductor. Left as it comes: the polling of its queue once a second,
which is how recovered plans come to run too, and steps that are not `preemptible` (it looks for
those once a second, when a step of 100 ms is long over). Its authors advise PostgreSQL in
production, and say that steps run at least once: an effect that must not be repeated needs a key of
its own there. As it comes it keeps SQLite's rollback journal; "dbos, WAL" is the same with the
write-ahead log that the journal here uses. All three wait for the disk at every commit.

Killed: single calls, eight under way, whose effect is a line in a file and on the disk, killed with
SIGKILL within half a second and started again. Lost is what was accepted and neither done nor
reported as unknown; repeated, effects done again; hung, not ended 10 s after. A system's process
runs alone; run it where nothing else runs.
"""

import argparse
import contextlib
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.peers_plans import MANY, Row

ROOT = Path(__file__).parent.parent
WITHIN = 0.5
"""Seconds from the first accepted plan within which a process is killed."""
LONGEST = 300
"""Seconds that a system's process may take for one job."""


@dataclass(frozen=True)
class Peer:
    """One column of the comparison."""

    name: str
    module: str
    distribution: str
    wal: bool = False

    def command(self, job: str, folder: Path, runs: int = 1) -> list[str]:
        """What starts its process."""
        return [sys.executable, "-m", self.module, job, str(folder), "--runs", str(runs)]


PEERS = (
    Peer("here", "benchmarks.peers_hub", "octopus-hub"),
    Peer("dbos", "benchmarks.peers_dbos", "dbos"),
    Peer("dbos, WAL", "benchmarks.peers_dbos", "dbos", wal=True),
)


class Measurer:
    """Starts the systems' processes, each in a folder of its own."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def asked(self, peer: Peer, job: str, runs: int) -> Any:
        """What a system's process says when it is done."""
        with self._prepared(peer) as folder:
            return _said(peer, job, folder, runs)

    def killed(self, peer: Peer, kills: int, chance: random.Random) -> Row:
        """Rounds of a process that is killed and started again."""
        rounds = []
        for n in range(kills):
            _progress(f"{peer.name}: kill {n + 1} of {kills}")
            with self._prepared(peer) as folder:
                rounds.append(_killed(peer, folder, chance.uniform(0, WITHIN)))
        total = sum((counts for _, counts in rounds), Counter[str]())
        words = ("plans", "completed", "lost", "repeated", "unknown", "hung")
        return Row(
            "killed midway", statistics.median(seconds for seconds, _ in rounds),
            account=f"{kills} kills; of the unknown {total['unknown_done']} had happened",
            **{word: total[word] for word in words},
        )  # fmt: skip

    @contextlib.contextmanager
    def _prepared(self, peer: Peer) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="octopus-peers-") as name:
            if peer.wal:  # a file keeps its mode
                with contextlib.closing(sqlite3.connect(Path(name) / "dbos.db")) as database:
                    database.execute("PRAGMA journal_mode=WAL")
            yield Path(name)


def _said(peer: Peer, job: str, folder: Path, runs: int = 1) -> Any:
    done = subprocess.run(
        peer.command(job, folder, runs), cwd=ROOT, stdout=subprocess.PIPE, check=True,
        timeout=LONGEST,
    )  # fmt: skip
    return json.loads(done.stdout)


def _killed(peer: Peer, folder: Path, after: float) -> tuple[float, Counter[str]]:
    """One round: how long the start after it took to end every plan, and what became of them."""
    with subprocess.Popen(
        peer.command("live", folder), cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        accepted = process.stdout.readline().split()  # the first
        time.sleep(after)
        process.kill()
        accepted += process.stdout.read().split()
    said = _said(peer, "recover", folder)
    ledger = folder / "ledger"
    done = Counter(ledger.read_text().split() if ledger.exists() else [])
    states: dict[str, str] = said["states"]
    counts: Counter[str] = Counter()
    for name in {*accepted, *states}:
        state = states.get(name, "gone")
        counts["plans"] += 1
        counts["completed"] += state == "done" and done[name] > 0
        counts["lost"] += state not in ("unknown", "open") and not done[name]
        counts["repeated"] += max(0, done[name] - 1)
        counts["unknown"] += state == "unknown"
        counts["unknown_done"] += state == "unknown" and done[name] > 0
        counts["hung"] += state == "open"
    return said["seconds"], counts


def shown(rows: list[tuple[str, Row]], rates: dict[str, dict[str, float]]) -> list[Table]:
    """The figures for people."""
    counts = ("plans", "completed", "lost", "repeated", "unknown", "hung")
    plans, words = Table("plan", "system", "ms", *counts), Table("plan", "system", "what it says")
    for name, row in sorted(rows, key=lambda pair: _ORDER.index(pair[1].plan)):
        took = "–" if row.seconds is None else f"{row.seconds * 1000:.1f}"
        plans.add_row(row.plan, name, took, *(str(getattr(row, count)) for count in counts))
        account = row.account
        if row.ended_after is not None:
            account += f"; calls begun after its answer {row.began_after}, ended {row.ended_after}"
        if not row.plan.startswith("ten"):
            words.add_row(row.plan, name, account)
    throughput = Table("single-call plans a second", "one at a time", f"{MANY} under way")
    for name, rate in rates.items():
        throughput.add_row(name, *(f"{value:.0f}" for value in rate.values()))
    return [plans, words, throughput]


_ORDER = ("ten at once", "ten at once, by a queue", "ten in turn", "a branch fails",
          "cancelled midway", "killed midway")  # fmt: skip


def _progress(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print tables, and with --json one line of figures at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--runs", type=int, default=5, help="runs of each plan")
    parser.add_argument("--kills", type=int, default=20, help="kills of each system; 0: none")
    parser.add_argument("--seed", type=int, default=1, help="of the moments of the kills")
    parser.add_argument("--folder", type=Path, help="where the databases are; default: /tmp")
    parser.add_argument("--systems", nargs="+", choices=[p.name for p in PEERS],
                        default=[p.name for p in PEERS])  # fmt: skip
    chosen = parser.parse_args()
    peers = [peer for peer in PEERS if peer.name in chosen.systems]
    load, measurer = os.getloadavg()[0], Measurer(chosen.folder)
    rows: list[tuple[str, Row]] = []
    rates: dict[str, dict[str, float]] = {}
    for peer in peers:
        _progress(f"{peer.name}: plans")
        rows += [(peer.name, Row(**row)) for row in measurer.asked(peer, "plans", chosen.runs)]
        _progress(f"{peer.name}: throughput")
        rates[peer.name] = measurer.asked(peer, "throughput", chosen.runs)
        if chosen.kills:
            moments = random.Random(chosen.seed)
            rows.append((peer.name, measurer.killed(peer, chosen.kills, moments)))
    for table in shown(rows, rates):
        Console().print(table)
    if chosen.json:
        figures = {
            "plans": [{"system": name} | asdict(row) for name, row in rows],
            "plans_a_second": rates,
            "versions": {p.distribution: metadata.version(p.distribution) for p in peers},
            "sqlite": sqlite3.sqlite_version,
            "load_before": load,
        }
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
