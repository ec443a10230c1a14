"""The hub's own adb server: what to ask it, and a server that is there when it is asked."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path

from device_adapters.adb import hostwire
from device_adapters.adb.adbprocess import OLDEST, AdbProcess, find_adb
from device_adapters.adb.hostwire import HostWireError, ServerSaidNoError
from schemas.errors import DeviceNeedsPerson, DeviceRefused, DeviceUnavailable

log = logging.getLogger(__name__)

MISSING = f"this needs adb {OLDEST} or newer: pip install 'octopus-hub[adb-server]'"
AT_THE_DOOR = 3
"""Connections that adb has not taken yet: it lets four wait, and turns a fifth away."""

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_PAIRED = re.compile(r"Successfully paired to .*\[guid=([^\]]+)\]")


class AdbServer:
    """Starts on the first use and again after its death; ends with `close`, or with the hub.

    Every method raises `DeviceUnavailable` where there is no adb, or it does not answer in time.
    """

    def __init__(self, key_path: Path) -> None:
        self._key_path = key_path
        self._starting = asyncio.Lock()
        self._entering = asyncio.Semaphore(AT_THE_DOOR)
        self._process: AdbProcess | None = None
        self._doubted = False

    @cached_property
    def _adb(self) -> Path | None:
        return find_adb()

    @property
    def available(self) -> bool:
        """Whether there is an adb that can be started."""
        return self._adb is not None

    @property
    def running(self) -> bool:
        """Whether it was started, and has not died."""
        return self._process is not None and self._process.running

    async def ask(self, service: str, *, within: float) -> str:
        """What a host service (`host:devices-l`) answers; `DeviceRefused` where it says no."""
        try:
            async with asyncio.timeout(within), self.opened(service) as (reader, _):
                return await hostwire.text(reader)
        except ServerSaidNoError as exc:
            raise DeviceRefused(f"adb said: {exc}") from exc
        except (OSError, EOFError, HostWireError) as exc:
            raise DeviceUnavailable("the hub's adb server did not answer in time") from exc

    async def pair(self, host: str, port: int, code: str, *, within: float) -> str:
        """Make the hub known to the phone that shows `code`; returns adb's name for the phone."""
        if not code or ":" in code:
            raise DeviceRefused("that is no pairing code")
        where = address(host, port)
        try:
            said = await self.ask(f"host:pair:{code}:{where}", within=within)
        except DeviceRefused as exc:
            said = str(exc)
        paired = _PAIRED.search(said)
        if paired is None:
            raise DeviceNeedsPerson(f"{where} was not paired: let the phone show a new code")
        return paired[1]

    @asynccontextmanager
    async def opened(self, service: str) -> AsyncIterator[Pair]:
        """A connection on which a service was asked for; more may be."""
        reader, writer = await self._asked(service)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def close(self) -> None:
        """End the server; the next use starts another."""
        async with self._starting:
            await self._stop()

    async def _asked(self, service: str) -> Pair:
        try:
            return await self._entered(service)
        except (ConnectionError, FileNotFoundError, EOFError):
            return await self._entered(service)  # it had just died, and nobody knew

    async def _entered(self, service: str) -> Pair:
        """A new connection, on which adb took the request."""
        try:
            async with self._entering:
                reader, writer = await asyncio.open_unix_connection(await self._socket())
                try:
                    await hostwire.request(reader, writer, service)
                except BaseException:
                    writer.transport.abort()
                    raise
                return reader, writer
        except (asyncio.CancelledError, OSError, EOFError):
            self._doubted = True
            raise

    async def _socket(self) -> Path:
        """The socket of a server that is alive; one that hangs is replaced."""
        async with self._starting:
            if self._process and self.running and self._doubted:
                self._doubted = not await self._process.answers()
            if self._process is None or not self.running or self._doubted:
                await self._stop()
                self._process = await self._started()
                self._doubted = False
            return self._process.socket

    async def _started(self) -> AdbProcess:
        if self._adb is None:
            raise DeviceUnavailable(MISSING)
        process = AdbProcess(self._adb, self._key_path)
        try:
            await process.start()
        except BaseException:
            await process.stop()
            raise
        log.info("adb server started: %s", self._adb)
        return process

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.stop()


def address(host: str, port: int | str) -> str:
    """A host and a port as adb writes them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
