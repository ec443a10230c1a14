"""The hub's own machine as a computer, by programs of the same allow-list."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator

from device_adapters.base import Adapter
from device_adapters.driver import Driver, Propose, Withdraw
from device_adapters.pc.commands import Where
from device_adapters.pc.engine import CommandAdapter
from device_adapters.pc.programs import Programs
from device_adapters.pc.runner import (
    MOST,
    NOTHING,
    Answer,
    Argv,
    Environment,
    Runner,
    printed,
    sendable,
)
from device_adapters.pc.session import Host, Session, host_of, session_of
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused, DeviceUnavailable, DeviceUncertain

ID = "machine"
_KEPT = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "DISPLAY", "WAYLAND_DISPLAY"),
    *("XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "XDG_CURRENT_DESKTOP"),
    *("XDG_DATA_DIRS", "XDG_CONFIG_DIRS"),
)
"""What programs are told of the hub's own environment; the rest is the hub's business."""


class MachineDriver(Driver):
    """The one machine that the hub runs on; it needs no address."""

    def adapter(self, device: Device) -> Adapter:
        return MachineAdapter(device, self.site.files)

    @contextlib.asynccontextmanager
    async def finding(self, propose: Propose, withdraw: Withdraw) -> AsyncIterator[None]:
        name = socket.gethostname().partition(".")[0] or ID
        propose(Device(id=ID, kind=Kind.PC, name=name, protocol=ID))
        yield


class MachineAdapter(CommandAdapter):
    """This machine. Without a session of the hub's own user only its status is served, without
    a screen nothing that needs one."""

    async def connect(self) -> frozenset[str]:
        runner = LocalRunner()
        try:
            host = await host_of(runner.run)
            session = await session_of(runner.run)
        except (DeviceRefused, DeviceUncertain) as exc:
            raise DeviceUnavailable(f"{self.device.name}: {exc}") from exc
        if host is None:
            raise DeviceUnavailable(f"{self.device.name} runs neither Linux nor macOS")
        self.programs = Programs(self.device.name, runner, host)
        functions = served(host, session)
        nobody = dict.fromkeys(host.served - functions, "the hub's user is not logged in there")
        self.lacking = {**host.lacking, **nobody}
        return functions

    async def close(self) -> None:
        self.programs = None


def served(host: Host, session: Session) -> frozenset[str]:
    """What of a computer's programs is of use where its account has no session, or no screen."""
    if session.screen:
        return host.served
    status = host.served & {"get_pc_status"}
    if not session.environment:
        return status
    return status | {
        function
        for function, ways in host.system.ways.items()
        if any(way.there(host.programs) and way.where is not Where.SCREEN for way in ways)
    }


class LocalRunner(Runner):
    """Programs of this machine, as the hub's own user."""

    async def run(self, argv: Argv, environment: Environment = NOTHING, most: int = MOST) -> Answer:
        sendable(argv)
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**{k: os.environ[k] for k in _KEPT if k in os.environ}, **environment},
                start_new_session=True,
            )
        except OSError as exc:
            raise DeviceRefused(f"{argv[0]} cannot be run: {exc.strerror}") from exc
        assert process.stdout
        assert process.stderr
        try:
            output, complaint = await printed(process.stdout, process.stderr, most)
            return Answer(await process.wait(), output, complaint)
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
