"""The hub's own key, which a person allows once on each phone."""

import contextlib
import os
import tempfile
from functools import lru_cache
from pathlib import Path

from adb_shell.auth.keygen import keygen, write_public_keyfile
from adb_shell.auth.sign_cryptography import CryptographySigner

from schemas.errors import DeviceUnavailable

OWNER_ONLY = 0o600


def load(path: Path) -> CryptographySigner:
    """The key at `path`, made there first if there is none; only its owner may read it."""
    ensure(path)
    try:
        return _read(path, path.stat().st_mtime_ns)
    except ValueError as exc:
        raise DeviceUnavailable(f"the hub's adb key {path} is damaged: restore it") from exc


@lru_cache(maxsize=8)
def _read(path: Path, _: int) -> CryptographySigner:
    """The key, which is checked for 30 ms; read again once its file changed."""
    return CryptographySigner(str(path))


def ensure(path: Path) -> None:
    """Make the key if there is none, and see that only its owner may read it."""
    if not path.exists():
        _create(path)
    if path.stat().st_mode & 0o077:
        path.chmod(OWNER_ONLY)
    if not Path(f"{path}.pub").exists():
        _publish(path)


def _create(path: Path) -> None:
    """Make it where nobody else looks, then let it appear: whole, and never over another one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".key-") as folder:
        fresh = Path(folder) / "key"
        os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY))
        keygen(str(fresh))
        with contextlib.suppress(FileExistsError):  # another phone's connection was faster
            os.link(fresh, path)


def _publish(path: Path) -> None:
    """Write the public half, which follows from the other one."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".key-") as folder:
        fresh = Path(folder) / "key.pub"
        try:
            write_public_keyfile(str(path), str(fresh))
        except ValueError as exc:
            raise DeviceUnavailable(f"the hub's adb key {path} is damaged: restore it") from exc
        fresh.replace(f"{path}.pub")
