"""How the hub is as a service of the system, where it is installed as one."""

from collections.abc import Iterator
from pathlib import Path

from orchestrator.doctor.checks import Check, good, output, warning, wrong

UNIT = "orchestrator.service"
_SYSTEMD = Path("/run/systemd/system")


def service_checks(systemd: Path = _SYSTEMD) -> Iterator[Check]:
    """Whether the unit runs; nothing is said where the system knows none."""
    if not systemd.is_dir():
        return
    told = output("systemctl", "show", "-p", "LoadState,ActiveState,UnitFileState", UNIT) or ""
    state = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
    if state.get("LoadState") != "loaded":
        return
    active, enabled = state.get("ActiveState", "?"), state.get("UnitFileState", "?")
    if active == "failed":
        yield wrong("service", f"{UNIT} has failed", f"journalctl -u {UNIT} says why")
    elif active != "active":
        yield warning("service", f"{UNIT} is {active}", f"systemctl start {UNIT}")
    elif enabled not in ("enabled", "static"):
        said = f"{UNIT} runs, and does not start with the system"
        yield warning("service", said, f"systemctl enable {UNIT}")
    else:
        yield good("service", f"{UNIT} runs, and starts with the system")
