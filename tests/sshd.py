"""A real OpenSSH server on a free loopback port, and a desktop of small programs that only log."""

from __future__ import annotations

import asyncio
import getpass
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path

from tests.programs import system

HOST = "127.0.0.1"
_REAL = ("sh", "cat", "mktemp", "rm", "find", "grep", "head", "sleep", "df", "id", "uname", "true")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server((HOST, 0)) as server:
        port: int = server.getsockname()[1]
    return port


@cache
def _first_key() -> dict[str, bytes]:
    """The host key of every sshd until it has a new one: making one takes its time."""
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "key"
        _make_key(key)
        return {end: Path(f"{key}{end}").read_bytes() for end in ("", ".pub")}


def _make_key(path: Path) -> None:
    subprocess.run(
        [system("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True
    )


class Desktop:
    """Programs in a folder: each logs the words it was given, and does as `says` says."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self._log = folder / "log"
        for name in _REAL:
            self.bin.joinpath(name).symlink_to(system(name))

    def has(self, name: str, says: str = "") -> None:
        """Put a program there; `says` is what it does besides, in sh."""
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f'#!/bin/sh\nprintf "%s\\0" {name} $# "$@" >>{self._log}\n{says}\n')
        path.chmod(0o755)

    def screen(self, kind: str = "x11") -> None:
        """Somebody is logged in, at a screen of this kind."""
        self.has(
            "loginctl",
            'case "$*" in\n'
            "*show-user*) echo 7;;\n"
            f"*LockedHint*) cat {self.bin.parent}/locked 2>/dev/null;;\n"
            f"*show-session*) printf 'Type={kind}\\nDisplay=:0\\nState=active\\n';;\n"
            f"*lock-session*) echo yes >{self.bin.parent}/locked;;\n"
            "esac",
        )

    def ran(self, program: str) -> list[list[str]]:
        """The words that a program was run with, each time."""
        words = self._log.read_bytes().decode().split("\0") if self._log.exists() else []
        runs, at = [], 0
        while at + 1 < len(words):
            name, end = words[at], at + 2 + int(words[at + 1])
            if name == program:
                runs.append(words[at + 2 : end])
            at = end
        return runs


class Sshd:
    """An sshd that knows one user, this one, by the keys in `authorized`."""

    def __init__(self, folder: Path, path: Path, extra: str = "") -> None:
        self.folder = folder
        self.port = free_port()
        self.authorized = folder / "authorized_keys"
        self.authorized.touch()
        self.key = folder / "host_key"
        for end, data in _first_key().items():
            self.key.with_name(f"host_key{end}").write_bytes(data)
        self.key.chmod(0o600)
        (folder / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress {HOST}\nHostKey {self.key}\n"
            f"AuthorizedKeysFile {self.authorized}\nStrictModes no\nUsePAM no\n"
            f"PasswordAuthentication no\nPidFile none\nPermitRootLogin yes\n"
            f"SetEnv PATH={path} HOME={folder}\n{extra}\n"
        )
        self.process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> dict[str, str]:
        """Where it is, as a device's address."""
        return {"host": HOST, "port": str(self.port), "user": getpass.getuser()}

    @property
    def fingerprint(self) -> str:
        """Of its host key, as ssh-keygen tells it."""
        said = subprocess.run(
            [system("ssh-keygen"), "-lf", f"{self.key}.pub"], capture_output=True, check=True
        )
        return said.stdout.decode().split()[1]

    def new_key(self) -> None:
        """Be another machine, for all that anybody can tell."""
        self.key.unlink(missing_ok=True)
        _make_key(self.key)

    async def start(self) -> None:
        """Start, and wait until it listens."""
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # Debian's own start script makes it
        self.process = await asyncio.create_subprocess_exec(
            system("sshd"), "-D", "-e", "-f", str(self.folder / "sshd_config"),
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with asyncio.timeout(10):
            while not await self._answers():  # noqa: ASYNC110 (a foreign process)
                await asyncio.sleep(0.01)

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(HOST, self.port)
        except ConnectionRefusedError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    def serving(self) -> list[int]:
        """The processes that serve connections, and what they have started."""
        assert self.process
        found, looking = [], [self.process.pid]
        while looking:
            pid = looking.pop()
            with suppress(FileNotFoundError, ProcessLookupError):
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                looking += map(int, children)
                found += map(int, children)
        return found

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all that serves connections."""
        for pid in self.serving():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    async def stop(self) -> None:
        """Kill it and all it started; safe to call twice."""
        if self.process and self.process.returncode is None:
            self.signal(signal.SIGKILL)
            self.process.kill()
            await self.process.wait()


@asynccontextmanager
async def running_sshd(folder: Path, path: Path, extra: str = "") -> AsyncIterator[Sshd]:
    """An sshd for the length of a block."""
    folder.mkdir(exist_ok=True)
    sshd = Sshd(folder, path, extra)
    await sshd.start()
    try:
        yield sshd
    finally:
        await sshd.stop()
