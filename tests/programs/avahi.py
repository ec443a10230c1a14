"""A real Avahi on loopback, on a D-Bus of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.programs import missing, system

_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>custom</type>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
  </policy>
</busconfig>
"""
_CONFIG = """[server]
host-name={host}
use-ipv4=yes
use-ipv6=no
allow-interfaces=lo
[wide-area]
enable-wide-area=no
[publish]
publish-workstation=no
publish-hinfo=no
"""
_OPTIONS = ("--no-drop-root", "--no-chroot", "--no-rlimits")
_RUN = "/run/avahi-daemon"
"""Where Avahi keeps its one process id, whatever it is told."""


class Avahi:
    """A running Avahi."""

    def __init__(self, environment: dict[str, str], daemon: asyncio.subprocess.Process) -> None:
        self._environment = environment
        self._daemon = daemon

    @asynccontextmanager
    async def publishing(
        self, name: str, service_type: str, port: int, *txt: str
    ) -> AsyncIterator[None]:
        """Publish a service, as `avahi-publish` does, while the block lasts."""
        arguments = ("avahi-publish", "-s", name, service_type, str(port), *txt)
        async with _running(arguments, self._environment) as process:
            assert process.stderr
            async with asyncio.timeout(10):
                said = await process.stderr.readline()
            assert b"Established" in said, said
            yield

    async def browse(self, service_type: str) -> list[list[str]]:
        """What `avahi-browse` finds and resolves: fields as it prints them."""
        process = await asyncio.create_subprocess_exec(
            system("avahi-browse"), "--resolve", "--parsable", "--terminate", service_type,
            env=self._environment, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(10):
            said, _ = await process.communicate()
        lines = said.decode().splitlines()
        return [line.split(";") for line in lines if line.startswith("=")]

    async def kill(self) -> None:
        """End it as a power cut would: it says goodbye to nobody."""
        self._daemon.kill()
        await self._daemon.wait()


@asynccontextmanager
async def running_avahi(folder: Path, host: str) -> AsyncIterator[Avahi]:
    """An Avahi on loopback while the block lasts; skips where none can be."""
    bus, config = folder / "bus.conf", folder / "avahi.conf"
    bus.write_text(_BUS.format(path=folder / "bus"))
    config.write_text(_CONFIG.format(host=host))
    environment = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={folder / 'bus'}"}
    async with AsyncExitStack() as stack:
        start = (
            "dbus-daemon",
            f"--config-file={bus}",
            "--nofork",
            "--nopidfile",
            "--print-address",
        )
        dbus = await stack.enter_async_context(_running(start, environment))
        await _says(dbus.stdout, b"unix:", "dbus-daemon")
        avahi = (system("avahi-daemon"), f"--file={config}", *_OPTIONS)
        daemon = await stack.enter_async_context(_running((*_alone(), *avahi), environment))
        await _says(daemon.stderr, b"Server startup complete", "avahi-daemon")
        yield Avahi(environment, daemon)


def _alone() -> tuple[str, ...]:
    """With a folder of its own for its process id: the machine may run another one."""
    keep = ("sh", "-c", f'mkdir -p {_RUN} && mount -t tmpfs tmpfs {_RUN} && exec "$@"', "sh")
    rights = () if os.geteuid() == 0 else ("--map-root-user",)
    return (system("unshare"), *rights, "--mount", *keep)


async def _says(stream: asyncio.StreamReader | None, what: bytes, name: str) -> None:
    assert stream
    said = b""
    async with asyncio.timeout(10):
        while line := await stream.readline():
            said += line
            if what in line:
                return
    missing(f"{name}: it does not run here: {said.decode(errors='replace')}")


@asynccontextmanager
async def _running(
    arguments: tuple[str, ...], environment: dict[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    program, *rest = arguments
    process = await asyncio.create_subprocess_exec(
        program if "/" in program else system(program), *rest, env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
