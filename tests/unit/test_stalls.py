"""What the whole machine lost counts against no test."""

from __future__ import annotations

from pathlib import Path

from tests.stalls import Stalls


def test_only_what_lies_between_two_moments_counts(tmp_path: Path) -> None:
    watching = Stalls(tmp_path / "stalls")
    watching.close()
    (tmp_path / "stalls").write_text("1.0 3.0\n10.0 10.5\n")
    assert watching.within(0.0, 20.0) == 2.5
    assert watching.within(2.0, 10.25) == 1.25
    assert watching.within(4.0, 9.0) == 0.0
