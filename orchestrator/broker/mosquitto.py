"""A mosquitto as this process's child, started again whenever it ends."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

from schemas.errors import HubError

log = logging.getLogger(__name__)

START_WITHIN = 10.0
STOP_WITHIN = 5.0
RESTART_AFTER, RESTART_AT_MOST = 0.2, 10.0


class NoBroker(HubError):
    """No MQTT broker: install mosquitto (`apt install mosquitto`) or set broker.url in hub.toml."""

    code = "no_broker"


class Mosquitto:
    """One mosquitto; `port` on loopback is where it answers."""

    def __init__(self, program: str, config: Path, port: int) -> None:
        self._program, self._config, self._port = program, config, port
        self._child: asyncio.subprocess.Process | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run it while the block lasts."""
        self._child = await start(self._program, self._config, self._port)
        keeper = asyncio.create_task(self._keep(), name="broker")
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            await stop(self._child)

    def reload(self) -> None:
        """Have it read its logins and rules again; one that is being started reads them anyway."""
        if self._child and self._child.returncode is None:
            self._child.send_signal(signal.SIGHUP)

    async def _keep(self) -> None:
        """Start it again whenever it ends."""
        delay = RESTART_AFTER
        while True:
            assert self._child is not None
            code = await self._child.wait()
            log.warning("the broker ended with status %s; starting it again", code)
            await asyncio.sleep(delay)
            try:
                self._child = await start(self._program, self._config, self._port)
                delay = RESTART_AFTER
            except (HubError, OSError) as error:
                delay = min(2 * delay, RESTART_AT_MOST)
                log.error("the broker did not start, trying again in %.1f s: %s", delay, error)


async def start(program: str, config: Path, port: int) -> asyncio.subprocess.Process:
    """Start one, and wait until it answers; NoBroker where it does not."""
    child = await asyncio.create_subprocess_exec(
        program,
        "-c",
        str(config),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C is for the hub, which says goodbye over this broker
    )
    _pid_file(config).write_text(str(child.pid), encoding="utf-8")
    try:
        async with asyncio.timeout(START_WITHIN):
            while not await answers(port):
                if child.returncode is not None:
                    raise NoBroker(
                        f"mosquitto ended with status {child.returncode}: "
                        f"run `mosquitto -c {config}` to see why"
                    )
                await asyncio.sleep(0.02)
    except BaseException as error:
        await stop(child)
        if isinstance(error, TimeoutError):
            raise NoBroker(f"mosquitto did not answer on port {port}") from error
        raise
    return child


async def stop(child: asyncio.subprocess.Process) -> None:
    """End it, by force if need be; safe to call twice."""
    if child.returncode is not None:
        return
    child.terminate()
    try:
        async with asyncio.timeout(STOP_WITHIN):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()


async def answers(port: int) -> bool:
    """Whether something listens on this port of this machine."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def end_orphan(config: Path) -> None:
    """End the broker of a hub that was killed; the state folder is this hub's alone by now."""
    with contextlib.suppress(OSError, ValueError, TimeoutError):
        pid = int(_pid_file(config).read_text(encoding="utf-8"))
        process = Path(f"/proc/{pid}/cmdline")
        ours = f"-c\0{config}\0".encode()
        if process.read_bytes().endswith(ours):
            log.warning("ending the broker that a killed hub left behind")
            os.kill(pid, signal.SIGTERM)
            async with asyncio.timeout(STOP_WITHIN):
                # Not our child, so there is nothing to wait on; a zombie's cmdline is empty.
                while process.read_bytes().endswith(ours):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)


def _pid_file(config: Path) -> Path:
    return config.with_name("pid")
