"""What of npm's the tests use: `tests/clients` pins it, and it is installed once."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parent / "clients"
needed = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


def install() -> None:
    """`npm ci`, unless what the lock file says is there already."""
    stamp = CLIENTS / "node_modules/.installed"
    lock = hashlib.sha256((CLIENTS / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == lock:
        return
    words = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    subprocess.run(words, cwd=CLIENTS, check=True, capture_output=True, timeout=240)
    stamp.write_text(lock)


def file(path: str) -> Path:
    """A file of what is installed."""
    install()
    return CLIENTS / "node_modules" / path
