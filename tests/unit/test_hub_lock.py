"""Whether a hub runs is seen by its lock, and looking keeps no hub from starting."""

import fcntl
from pathlib import Path

import pytest

from orchestrator import hub_lock
from schemas.errors import InvalidSettings


def test_a_lock_says_whether_a_hub_runs(tmp_path: Path) -> None:
    assert hub_lock.held(tmp_path) is False
    with hub_lock.alone(tmp_path):
        assert hub_lock.held(tmp_path) is True
    assert hub_lock.held(tmp_path) is False
    assert hub_lock.held(tmp_path / "lock") is None, "no folder: nobody can say"


def test_two_hubs_do_not_share_a_folder(tmp_path: Path) -> None:
    with (
        hub_lock.alone(tmp_path),
        pytest.raises(InvalidSettings, match="another hub runs with this folder"),
        hub_lock.alone(tmp_path),
    ):
        pass


def test_who_only_looks_keeps_no_hub_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "lock").open("w") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        monkeypatch.setattr(hub_lock.time, "sleep", lambda _: fcntl.flock(looking, fcntl.LOCK_UN))
        with hub_lock.alone(tmp_path):
            pass
