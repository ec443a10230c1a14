"""A power cut takes nothing that the journal had said it has, and the check would notice."""

import asyncio
from pathlib import Path

import pytest

from orchestrator.journal import Journal
from schemas.execution import RunState
from tests.drills.powercut import COMMITS_EACH, replay, told


@pytest.mark.parametrize("commits", [1, 50])
async def test_a_power_cut_takes_no_commit_that_had_returned(tmp_path: Path, commits: int) -> None:
    statements = await told(tmp_path / "journal.db", commits)
    found = await asyncio.to_thread(replay, statements, commits, seed=commits)
    assert found.commits == commits
    assert found.cuts > commits, "some fell into a commit"
    assert (found.damaged, found.lost) == (0, 0)


async def test_the_hub_opens_what_a_power_cut_left(tmp_path: Path) -> None:
    statements = await told(tmp_path / "journal.db", 50)
    found = await asyncio.to_thread(replay, statements, 50, seed=3)
    folder = tmp_path / "left"
    folder.mkdir()
    for name, content in found.left.items():
        (folder / Path(name).name).write_bytes(content)
    async with Journal(folder / "journal.db") as journal:
        ended, under_way = divmod(50, COMMITS_EACH)
        states = [record.state for record in await journal.latest(50, "local")]
    assert states == [RunState.RUNNING] * (under_way > 0) + [RunState.SUCCEEDED] * ended


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
async def test_what_is_not_synced_would_be_missed(tmp_path: Path, synchronous: str) -> None:
    statements = await told(tmp_path / "journal.db", 50)
    found = await asyncio.to_thread(replay, statements, 50, seed=5, synchronous=synchronous)
    assert found.lost > 0
