"""A killed daemon loses nothing it accepted, repeats nothing, and says what it does not know."""

import time
from pathlib import Path

from tests.drills.kill9 import drill

ROUNDS, SECONDS = 20, 20.0


async def test_a_killed_daemon_loses_and_repeats_nothing(tmp_path: Path) -> None:
    async with drill(tmp_path, seed=9) as running:
        until = time.monotonic() + SECONDS
        while running.figures.rounds < ROUNDS and time.monotonic() < until:
            await running.round()
        figures = await running.reckon()
    found = "\n".join(figures.findings)
    assert (figures.lost, figures.repeated, figures.lied) == (0, 0, 0), found
    assert figures.unknown_reported == figures.unknown, found
    assert figures.ended.get("succeeded", 0) > figures.accepted / 2, figures.ended
