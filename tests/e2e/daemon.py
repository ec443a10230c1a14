"""The daemon and the command line as processes, with simulated devices beside them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from device_adapters.mqtt import MqttClient
from device_adapters.simulated.car import SimulatedCar
from device_adapters.simulated.pc import SimulatedPc
from device_adapters.simulated.phone.adbd.announce import announced
from device_adapters.simulated.phone.adbd.server import SimulatedPhone
from device_adapters.simulated.weather import SimulatedWeb
from orchestrator.broker import DEVICES, LOCAL, passwords
from tests.ran import Ran

ROOT = Path(__file__).parents[2]
READY_WITHIN = 10.0
CLI = ("-m", "orchestrator.cli")
"""What Python runs; the command line comes after it."""


class Site:
    """A configuration folder with a state folder and a free port, and a daemon on them."""

    def __init__(self, folder: Path, web: SimulatedWeb | None = None) -> None:
        self.config, self.state = folder / "config", folder / "state"
        self.config.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port: int = server.getsockname()[1]
        home = ""
        if web:
            home = (
                f'[home]\nlocation = "Seoul"\nforecast_url = "{web.url}"\n'
                f'geocoding_url = "{web.url}"\n'
            )
        (self.config / "hub.toml").write_text(
            f'[hub]\nstate = "{self.state}"\n[broker]\nport = {self.port}\n'
            f"[discovery]\nloopback_only = true\n{home}"
        )
        (self.config / "policy.toml").write_text(
            '[[rule]]\nfunction = "send_text_message"\nverdict = "allow"\n'
        )
        self.program: tuple[str, ...] = CLI
        self.environment: dict[str, str] = {}
        self._log = folder / "log"
        self._daemon: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> str:
        """What the daemon wrote."""
        return self._log.read_text(encoding="utf-8")

    @property
    def pid(self) -> int:
        """The process id of the daemon."""
        assert self._daemon
        return self._daemon.pid

    @property
    def broker(self) -> int:
        """The process id of the hub's broker."""
        return int((self.state / "broker" / "pid").read_text())

    @property
    def children(self) -> dict[int, str]:
        """The processes that the daemon started, with their command lines."""
        pids = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
        return {pid: _command(pid) for pid in pids if parent(pid) == self.pid}

    @property
    def worker(self) -> int | None:
        """The process id of the daemon's model."""
        named = [pid for pid, line in self.children.items() if "octopus.worker" in line]
        return named[0] if named else None

    async def spawn(self) -> None:
        """Start the daemon, which is not ready yet."""
        with self._log.open("w") as log:
            run = ("run", "--config", str(self.config))
            own = self.environment
            self._daemon = await _process(*self.program, *run, out=log.fileno(), environment=own)

    async def start(self) -> float:
        """Start the daemon; the seconds until it was ready."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self.spawn()
        await eventually(lambda: "ready after" in self.log, READY_WITHIN, self)
        return loop.time() - began

    def kill(self, how: signal.Signals, *children: int) -> None:
        """To the daemon, and to these of its children."""
        assert self._daemon
        with contextlib.suppress(ProcessLookupError):
            self._daemon.send_signal(how)
        for pid in children:
            os.kill(pid, how)

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End the daemon; its status."""
        self.kill(how)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for the end of the daemon; its status."""
        assert self._daemon
        async with asyncio.timeout(30):
            return await self._daemon.wait()

    async def octopus(self, *arguments: str, typed: str | None = None) -> Ran:
        """Run the command line on this site; `typed` comes from a file."""
        return await octopus(*arguments, "--config", str(self.config), typed=typed)

    def client(self, user: str = LOCAL) -> MqttClient:
        """A client of the hub's broker."""
        login = {"username": user, "password": passwords(self.state)[user]}
        return MqttClient("127.0.0.1", self.port, client_id=f"test-{user}", **login)

    async def clean_up(self) -> None:
        """Leave no process behind, whatever a test did."""
        if self._daemon and self._daemon.returncode is None:
            await self.stop(signal.SIGKILL)
        with contextlib.suppress(OSError, ValueError):
            os.kill(self.broker, signal.SIGKILL)


@dataclass(frozen=True)
class Devices:
    """The simulated devices beside a daemon."""

    phone: SimulatedPhone
    pc: SimulatedPc
    car: SimulatedCar

    @property
    def names(self) -> tuple[str, ...]:
        """What they announce themselves as."""
        return f"adb-{self.phone.state.serial}", self.pc.name, self.car.name


@asynccontextmanager
async def devices(site: Site) -> AsyncIterator[Devices]:
    """A phone, a PC and a car for a running daemon."""
    login = (DEVICES, passwords(site.state)[DEVICES])
    async with AsyncExitStack() as stack:
        # Loopback is shared with whatever else is tested on this machine.
        serial = f"SIM{uuid.uuid4().hex[:8]}"
        phone = await stack.enter_async_context(SimulatedPhone(name="Pixel 8", serial=serial))
        phone.state.provider.add_contact("John", "+15550100")
        await stack.enter_async_context(announced(phone))
        pc = await stack.enter_async_context(SimulatedPc("127.0.0.1", site.port, login=login))
        car = await stack.enter_async_context(SimulatedCar("127.0.0.1", site.port, login=login))
        yield Devices(phone, pc, car)


async def octopus(*arguments: str, typed: str | None = None) -> Ran:
    """Run the command line to its end; `typed` is what it reads."""
    source = asyncio.subprocess.DEVNULL if typed is None else asyncio.subprocess.PIPE
    process = await _process(*CLI, *arguments, out=asyncio.subprocess.PIPE, source=source)
    try:
        async with asyncio.timeout(40):
            out, err = await process.communicate(None if typed is None else typed.encode())
    except BaseException:
        process.kill()
        await process.wait()
        raise
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


async def _process(
    *arguments: str,
    out: int,
    environment: dict[str, str] | None = None,
    source: int = asyncio.subprocess.DEVNULL,
) -> asyncio.subprocess.Process:
    own = os.environ | {"COLUMNS": "200"} | (environment or {})
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments,
        cwd=ROOT, env=own, stdin=source, stdout=out, stderr=out,
    )  # fmt: skip


def parent(pid: int) -> int | None:
    """Whose child a process is; None once it has ended."""
    try:
        state, above = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return int(above) if state != "Z" else None


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


async def eventually(holds: Callable[[], bool], within: float, site: Site) -> None:
    """Wait for something in another process."""
    try:
        async with asyncio.timeout(within):
            while not holds():  # noqa: ASYNC110 (a foreign process)
                await asyncio.sleep(0.02)
    except TimeoutError as error:
        raise AssertionError(f"not within {within:g} s; the daemon said:\n{site.log}") from error
