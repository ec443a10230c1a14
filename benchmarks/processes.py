"""What a process and its children hold and use, read from outside (Linux)."""

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_MIB = 1 << 20


@dataclass(frozen=True)
class Sample:
    """A process at one moment; `at` in seconds of any clock, memory in MiB."""

    at: float
    resident: float
    descriptors: int
    threads: int


def family(pid: int) -> dict[str, int]:
    """A process and its children, by what they are: the hub's are told by their command lines."""
    found = {"hub": pid}
    for child in _children(pid):
        line = Path(f"/proc/{child}/cmdline").read_bytes().decode(errors="replace")
        name = "model" if "octopus.worker" in line else Path(line.split("\0")[0]).name
        found[name] = child
    return found


def sample(pid: int, at: float) -> Sample:
    """A process as it is now."""
    folder = Path(f"/proc/{pid}")
    pages = int((folder / "statm").read_text(encoding="ascii").split()[1])
    return Sample(
        at=at, resident=pages * _PAGE / _MIB, descriptors=len([*(folder / "fd").iterdir()]),
        threads=len([*(folder / "task").iterdir()]),
    )  # fmt: skip


def worked(pid: int) -> float:
    """Seconds of processor time that the threads of a process have used, by the scheduler."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((one / "schedstat").read_text().split()[0]) for one in tasks) / 1e9


def an_hour(samples: Sequence[Sample]) -> float:
    """MiB that a process grows in an hour: the line of least squares through its samples."""
    line = statistics.linear_regression([s.at for s in samples], [s.resident for s in samples])
    return line.slope * 3600


def more(counts: Sequence[int]) -> float:
    """How much higher the last tenth of some counts is than the first, by their medians."""
    tenth = max(1, len(counts) // 10)
    return statistics.median(counts[-tenth:]) - statistics.median(counts[:tenth])


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(one) for task in tasks for one in (task / "children").read_text().split()]
