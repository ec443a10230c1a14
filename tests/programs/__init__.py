"""Programs of other people's, as processes; `scripts/test` installs them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parents[2] / ".venv-programs" / "bin"


def program(name: str) -> str:
    """The path of an installed program, such as "lnxlink" or "python"; skips where there is none,
    but on a machine that must have all of them."""
    path = _FOLDER / name
    if path.exists():
        return str(path)
    return missing(f"{name}: ./scripts/test installs it into .venv-programs")


def system(name: str) -> str:
    """The path of a program of the system, such as "sshd"; skips where there is none."""
    folders = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return shutil.which(name, path=folders) or missing(f"{name}: apt install it")


def missing(what: str) -> str:
    """Skip for want of a program; fail where the machine must have it."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"missing {what}")
    pytest.skip(f"missing {what}")
