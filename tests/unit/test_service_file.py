"""What systemd itself says of the unit."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
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
    done = _systemd("security", "--offline=true", "--no-pager", str(unit))
    found = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= EXPOSURE


def _systemd(*words: str) -> "subprocess.CompletedProcess[str]":
    # check is off: what it printed says more than its exit status.
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)
