"""The comparison with other systems measures what it says it does, on this project's side."""

from pathlib import Path

from benchmarks import peers_hub
from benchmarks.peers_plans import BRANCHES, measured


async def test_a_branch_that_fails_takes_no_other_with_it(tmp_path: Path) -> None:
    async with peers_hub.opened(tmp_path) as hub:
        row = await measured(hub, "a branch fails", BRANCHES, runs=1)
    assert (row.completed, row.lost, row.repeated, row.hung) == (1, 0, 0, 0)
    assert row.account == "partly: failed a, skipped b, succeeded c d"
