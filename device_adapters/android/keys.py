"""The hub's own key, which a person allows once on each phone."""

import os
import tempfile
from pathlib import Path

from adb_shell.auth.keygen import keygen
from adb_shell.auth.sign_cryptography import CryptographySigner

OWNER_ONLY = 0o600


def load(path: Path) -> CryptographySigner:
    """The key at `path`, made there first if there is none; only its owner may read it."""
    if not path.exists():
        _create(path)
    if path.stat().st_mode & 0o077:
        path.chmod(OWNER_ONLY)
    return CryptographySigner(str(path))


def _create(path: Path) -> None:
    """Make both halves where nobody else looks, then move them: never readable, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".key-") as folder:
        fresh = Path(folder) / "key"
        os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY))
        keygen(str(fresh))
        Path(f"{fresh}.pub").replace(f"{path}.pub")
        fresh.replace(path)
