"""Keys of SSH: the hub's own, and those that computers were first seen with."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import asyncssh

from schemas.errors import DeviceNeedsPerson

_OWNER_ONLY = 0o600


def own_key(path: Path) -> asyncssh.SSHKey:
    """The private key in a file; `DeviceNeedsPerson` where there is none that can be used."""
    try:
        return asyncssh.read_private_key(path)
    except OSError as exc:
        raise DeviceNeedsPerson(f"put an SSH key at {path}: {exc.strerror}") from exc
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as exc:
        raise DeviceNeedsPerson(f"put an SSH key without a passphrase at {path}: {exc}") from exc


def made_key(path: Path) -> asyncssh.SSHKey:
    """The hub's own key at `path`, made where there is none; only its owner may read it."""
    if not path.exists():
        key = asyncssh.generate_private_key("ssh-ed25519", comment="octopus-hub")
        _appear(path, key.export_private_key())
        path.with_suffix(".pub").write_bytes(key.export_public_key())
    if path.stat().st_mode & 0o077:
        path.chmod(_OWNER_ONLY)
    return own_key(path)


def line(key: asyncssh.SSHKey) -> str:
    """What lets the hub in, as one line of `authorized_keys`: it may run programs, no more."""
    return f"restrict {public(key)} octopus-hub"


def public(key: asyncssh.SSHKey) -> str:
    """A public key's algorithm and base64."""
    return " ".join(key.export_public_key().decode().split()[:2])


class HostKeys:
    """Which key each computer had when it was first reached: one line each, the id and the key.

    `DeviceNeedsPerson` where the file is damaged: what was known is never taken for unknown.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def known(self, device: str) -> asyncssh.SSHKey | None:
        """The key of a computer; None where it was never reached."""
        for name, key in self._lines():
            if name == _name(device):
                return key
        return None

    def learn(self, device: str, key: asyncssh.SSHKey) -> None:
        """Keep the key of a computer that was reached for the first time."""
        lines = [f"{name} {public(known)}\n" for name, known in self._lines()]
        lines.append(f"{_name(device)} {public(key)}\n")
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.file.parent, delete=False) as fresh:
            fresh.write("".join(lines).encode())
            fresh.flush()
            os.fsync(fresh.fileno())
        Path(fresh.name).replace(self.file)

    def _lines(self) -> Iterator[tuple[str, asyncssh.SSHKey]]:
        if not self.file.exists():
            return
        try:
            for said in filter(str.strip, self.file.read_text().splitlines()):
                name, _, key = said.partition(" ")
                yield name, asyncssh.import_public_key(key)
        except (OSError, ValueError, asyncssh.KeyImportError) as exc:
            raise DeviceNeedsPerson(
                f"{self.file} is damaged: restore it, or delete it and compare each computer's "
                f"host key anew"
            ) from exc


def _name(device: str) -> str:
    return quote(device, safe="")


def _appear(path: Path, data: bytes) -> None:
    """Write a secret where nobody else looks, then let it appear: whole, never over another one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".key-") as folder:
        fresh = Path(folder) / "key"
        with os.fdopen(
            os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY), "wb"
        ) as file:
            file.write(data)
        fresh.rename(path)
