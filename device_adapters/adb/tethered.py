"""Becomes another program that is killed when its parent is: `tethered.py PARENT PROGRAM …`.

A file of its own, run as a script: code between fork and exec is not safe where there are threads.
"""

import ctypes
import os
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, then become the program."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    with suppress(AttributeError):  # Linux only
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == parent:  # else it was gone before the tie held
        os.execv(program[0], program)


if __name__ == "__main__":
    main()
