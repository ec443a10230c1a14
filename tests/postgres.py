"""A real PostgreSQL on a free loopback port, for tests; a fresh schema for every journal."""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

PROGRAMS = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
"""Where Debian keeps them; they are not on the PATH there."""


def program(name: str) -> str | None:
    """Where a program of PostgreSQL is."""
    return shutil.which(name) or (PROGRAMS and shutil.which(name, path=str(PROGRAMS)))


class Cluster:
    """One server with its data in a folder of its own; it can be killed and started again."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="octopus-postgres-"))
        # A server refuses to run as root; Debian's package brings a user for it.
        self._user: dict[str, Any] = {"user": "postgres"} if os.getuid() == 0 else {}
        if self._user:
            shutil.chown(self._folder, "postgres")
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port: int = server.getsockname()[1]
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-U", "octopus", "-A", "trust", "-E", "UTF8", "--no-sync")
        self._schemas: set[str] = set()

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = f"-h 127.0.0.1 -p {self.port} -k {self._folder} -c max_connections=50"
        self._control("start", "-w", "-o", options, "-l", str(self._folder / "log"))

    def kill(self) -> None:
        """As a machine that loses its power: no process says goodbye, and none is left."""
        self._signal(signal.SIGKILL)
        # Where nobody waits for orphans, the dead seem to run still.
        for left in (self._folder / "data/postmaster.pid", *self._folder.glob(".s.*")):
            left.unlink()

    def pause(self) -> None:
        """Hold every process of it, until `resume`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop it and remove its data."""
        if (self._folder / "data/postmaster.pid").exists():
            self._control("stop", "-m", "immediate")
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, journal: Path) -> str:
        """Where the journal of a file is instead: one schema for each."""
        schema = "s" + hashlib.sha256(str(journal).encode()).hexdigest()[:16]
        if schema not in self._schemas:
            self._sql(f"CREATE SCHEMA {schema}")
            self._schemas.add(schema)
        return (
            f"postgresql://octopus@127.0.0.1:{self.port}/postgres?options=-csearch_path%3D{schema}"
        )

    def _sql(self, statement: str) -> None:
        self._run("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "octopus", "-q", "-c",
                  statement, "postgres")  # fmt: skip

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), *arguments)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._pids():
            with suppress(ProcessLookupError):  # a worker that has ended meanwhile
                os.kill(pid, number)

    def _pids(self) -> list[int]:
        first = int((self._folder / "data/postmaster.pid").read_text().splitlines()[0])
        told = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(first)], capture_output=True, text=True, check=False
        )
        return [first, *map(int, told.stdout.split())]

    def _run(self, name: str, *arguments: str) -> None:
        found = program(name)
        assert found, f"these tests need PostgreSQL's {name}"
        # A server that outlives pg_ctl would hold a pipe open.
        with (self._folder / f"{name}.out").open("wb") as out:
            done = subprocess.run(
                [found, *arguments], stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                cwd=self._folder, check=False, **self._user,
            )  # fmt: skip
        assert done.returncode == 0, (self._folder / f"{name}.out").read_text()
