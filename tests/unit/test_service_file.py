"""What systemd itself says of the unit."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.app import DRAIN_WITHIN
from orchestrator.journal.journal import CLOSE_WITHIN
from orchestrator.octopus.process import LOAD_WITHIN

ROOT = Path(__file__).parent.parent.parent
DROP_INS = sorted((ROOT / "config/systemd").glob("*.conf"))
FLUSH_WITHIN = 5.0
"""Seconds to tell the last events; the MQTT door's."""
EXPOSURE = 1.5
"""The most that `systemd-analyze security` may find, of 10."""

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is missing (apt install systemd)",
)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, pointed at the `octopus` of this environment."""
    octopus = Path(sys.executable).parent / "octopus"
    text = (ROOT / "orchestrator.service").read_text(encoding="utf-8")
    pointed, found = re.subn(r"(?m)^ExecStart=\S+", f"ExecStart={octopus}", text)
    assert found == 1
    copy = tmp_path / "octopus-hub.service"
    copy.write_text(pointed, encoding="utf-8")
    return copy


def test_the_unit_is_well_formed(unit: Path) -> None:
    done = _systemd("verify", str(unit))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_unit_is_confined(unit: Path) -> None:
    assert _exposure(unit) <= EXPOSURE


@pytest.mark.parametrize("drop_in", DROP_INS, ids=lambda file: file.stem)
def test_each_drop_in_is_well_formed_and_leaves_the_unit_confined(
    unit: Path, drop_in: Path
) -> None:
    folder = unit.with_name(f"{unit.name}.d")
    folder.mkdir()
    shutil.copy(drop_in, folder)
    done = _systemd("verify", str(unit))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert _exposure(unit) <= EXPOSURE


def test_there_is_a_drop_in_for_what_the_unit_forbids() -> None:
    assert {file.stem for file in DROP_INS} >= {"usb", "published-weights", "credentials"}


def test_the_unit_is_reloaded_watched_and_not_restarted_in_vain(unit: Path) -> None:
    said = dict(re.findall(r"(?m)^(\w+)=(.*)$", unit.read_text(encoding="utf-8")))
    assert (said["Type"], said["NotifyAccess"]) == ("notify", "main")
    assert said["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert int(said["WatchdogSec"]) > 0
    assert said["RestartPreventExitStatus"] == "2"
    assert float(said["TimeoutStopSec"]) > DRAIN_WITHIN + FLUSH_WITHIN + CLOSE_WITHIN
    assert float(said["TimeoutStartSec"]) > LOAD_WITHIN


def _exposure(unit: Path) -> float:
    done = _systemd("security", "--offline=true", "--no-pager", str(unit))
    found = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1])


def _systemd(*words: str) -> "subprocess.CompletedProcess[str]":
    # check is off: what it printed says more than its exit status.
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)
