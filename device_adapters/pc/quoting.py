"""The one boundary where words become a text that a shell reads."""

import base64
import re
import shlex

from device_adapters.pc.runner import Argv, Environment, sendable
from schemas.errors import DeviceRefused

SHELL = "/bin/sh -s"
"""What the account's own shell is told, whichever it is: fish and csh do not quote as sh does, so
the script goes to standard input, past them."""
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,40}")
_PLAIN = re.compile(r"[A-Za-z0-9/+_.-]+")


def script(argv: Argv, environment: Environment) -> bytes:
    """A script for a POSIX shell that becomes this program, with nothing to read."""
    sendable(argv)
    sendable(tuple(environment.values()))
    names = [name for name in environment if _NAME.fullmatch(name)]
    exports = [f"export {name}={shlex.quote(environment[name])}\n" for name in names]
    command = " ".join(map(shlex.quote, argv))
    return f"{''.join(exports)}exec {command} </dev/null\n".encode()


def windows_line(argv: Argv) -> str:
    """A line that cmd.exe and PowerShell read alike; `DeviceRefused` for words that need quotes."""
    if not all(_PLAIN.fullmatch(word) for word in argv):
        raise DeviceRefused("this cannot be said to Windows over SSH")
    return " ".join(argv)


def powershell(program: str) -> Argv:
    """PowerShell with a program of the hub's own, in letters that no shell takes for its own."""
    whole = program + " " * (-len(program) % 3)  # so that no "=" ends it
    encoded = base64.b64encode(whole.encode("utf-16-le")).decode()
    return ("powershell", "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded)
