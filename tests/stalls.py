"""When this machine as a whole stood still: on shared ones everything does, for seconds at times.

A process of its own that only sleeps: whatever holds an interpreter up does not hold that one up.
"""

import subprocess
import sys
from pathlib import Path

_EVERY, _LATE = 0.05, 0.2
_WATCH = f"""
import time
while True:
    due = time.monotonic() + {_EVERY}
    time.sleep({_EVERY})
    now = time.monotonic()
    if now > due + {_LATE}:
        print(due, now, flush=True)
"""


class Stalls:
    """The process, from when it is made until it is closed; it writes to `file`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with file.open("w") as out:
            self._process = subprocess.Popen([sys.executable, "-c", _WATCH], stdout=out)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def within(self, since: float, until: float) -> float:
        """Seconds between two moments of `time.monotonic` in which nothing ran here."""
        lines = self._file.read_text(encoding="ascii").splitlines()
        stalls = (map(float, line.split()) for line in lines)
        return sum(max(0.0, min(until, now) - max(since, due)) for due, now in stalls)
