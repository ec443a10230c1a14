"""Real mksh, Android's shell, as the judge of the simulated one."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from device_adapters.simulated.phone.files import Files
from device_adapters.simulated.phone.mksh import SHELL, Shell
from device_adapters.simulated.phone.result import Result, Words, complain

MKSH = shutil.which("mksh")
needs_mksh = pytest.mark.skipif(MKSH is None, reason="mksh is not installed")

_STUBS = r"""
args() { typeset word; for word; do print -nr -- "$word"; print -n '\0'; done; print; }
both() { print out; print -u2 err; return 3; }
"""
_END = re.compile(rb"\x01(\d+)\x02")


@dataclass(frozen=True)
class Ran:
    """What a line said on its standard output, and its code."""

    stdout: bytes
    code: int


def judged(lines: Iterable[str], folder: Path, stubs: str = "", path: str = "") -> list[Ran]:
    """Run every line in a subshell of one mksh; it knows `stubs`, and the programs in `path`."""
    assert MKSH
    script = [f"PATH={path or '/nonexistent'}; HOME=/", _STUBS, stubs]
    script += [
        f"(eval {shlex.quote(line)}) </dev/null; print -n '\\x01'$?'\\x02'" for line in lines
    ]
    text = "\n".join(script).encode(errors="surrogateescape")
    # Android's mksh takes texts for UTF-8, and its complaints begin with its path.
    ended = subprocess.run(
        [SHELL, "-U"],
        executable=MKSH,
        input=text,
        capture_output=True,
        cwd=folder,
        env={"LC_ALL": "C.UTF-8"},
        check=False,
    )
    pieces = _END.split(ended.stdout)
    return [Ran(*pair) for pair in zip(pieces[::2], map(int, pieces[1::2]), strict=False)]


def stub(words: Words, stdin: bytes) -> Result:
    """The commands that the lines of both shells know."""
    match words:
        case ["args", *rest]:
            said = b"".join(word.encode(errors="surrogateescape") + b"\0" for word in rest)
            return Result(said + b"\n")
        case ["both", *_]:
            return Result(b"out\n", b"err\n", 3)
    return complain(f"{SHELL}: {words[0]}: inaccessible or not found", 127)


def simulated(line: str) -> Result:
    """Run a line in the simulated shell, on a phone without files."""
    return Shell(stub, Files({}, {"/"}), {"HOME": "/"}).run(line)


def ran(result: Result) -> Ran:
    """What is compared with mksh."""
    return Ran(result.stdout, result.code)


def split(lines: Sequence[bytes]) -> list[list[str]]:
    """The words that `args` said it got."""
    return [
        [word.decode(errors="surrogateescape") for word in line[:-1].split(b"\0")[:-1]]
        for line in lines
    ]
