"""adb's own protocol by adb-shell, hardened: one service at a time, honest errors, no trust."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from adb_shell import constants, exceptions
from adb_shell.adb_device_async import AdbDeviceAsync
from adb_shell.adb_message import AdbMessage
from adb_shell.hidden_helpers import _AdbPacketStore, _AdbTransactionInfo

from device_adapters.adb import keys
from device_adapters.adb.bulk import Bulk
from device_adapters.adb.stream import Stream
from device_adapters.adb.transport import BREAKS, CONNECT_TIMEOUT, Transport, broken
from schemas.errors import DeviceRefused, DeviceUnauthorized, HubError

T = TypeVar("T")

BANNER = "octopus-hub"

_NO_ADB = (
    exceptions.InvalidChecksumError,
    exceptions.InvalidCommandError,
    exceptions.InvalidResponseError,
)
"""What came is no message of adb's."""


class AdbShell(Transport):
    """A phone behind a `bulk`: plain TCP, or USB. `reverse` is refused: it takes an adb server."""

    def __init__(self, bulk: Bulk, key_path: Path) -> None:
        self._bulk = bulk
        self._key_path = key_path
        self._lock = asyncio.Lock()
        self._device: _Device | None = None
        self._asked = False

    async def connect(self, within: float = CONNECT_TIMEOUT) -> None:
        await self._run(_nothing, within)

    async def serve(self, service: str, use: Callable[[Stream], Awaitable[T]], within: float) -> T:
        async def work(device: _Device) -> T:
            async with device.opened(service.encode(errors="surrogateescape")) as channel:
                return await use(channel)

        return await self._run(work, within)

    async def reverse(self, remote: int, local: int, *, within: float) -> None:
        raise DeviceRefused("a port of the phone is forwarded only with 'octopus-hub[adb-server]'")

    async def alive(self) -> bool:
        return self._device is not None and self._bulk.alive

    async def close(self) -> None:
        self._drop()

    async def _run(self, work: Callable[["_Device"], Awaitable[T]], within: float) -> T:
        """Do one thing on the connected phone; a connection that failed is dropped."""
        sent = False
        try:
            async with asyncio.timeout(within), self._lock:
                try:
                    device = await self._connected()
                    self._bulk.begin()
                    sent = True
                    return await work(device)
                except DeviceRefused:
                    raise
                except BaseException:
                    self._drop()  # half an answer may still be on its way
                    raise
        except (*BREAKS, *_NO_ADB) as exc:
            raise self._mapped(exc, sent) from exc

    async def _connected(self) -> "_Device":
        """The live connection, made new if the old one ended."""
        if self._device is not None and self._bulk.alive:
            return self._device
        self._drop()
        signer = await asyncio.to_thread(keys.load, self._key_path)
        self._asked = False
        self._bulk.begin()
        device = _Device(self._bulk)
        await device.connect(
            rsa_keys=[signer],
            read_timeout_s=math.inf,  # the deadline is set around all of it
            auth_timeout_s=math.inf,
            auth_callback=self._note_question,
        )
        self._device, self._asked = device, False
        return device

    def _note_question(self, _: object) -> None:
        """The phone does not know the hub's key: a person is asked now."""
        self._asked = True

    def _drop(self) -> None:
        self._bulk.abort()
        self._device = None

    def _mapped(self, exc: BaseException, sent: bool) -> HubError:
        """An outside error in the hub's words."""
        if self._asked and not sent:
            return DeviceUnauthorized()
        if isinstance(exc, _NO_ADB):
            exc = ConnectionError("what it says is not adb's protocol")
        return broken(exc, str(self._bulk), sent=sent)


async def _nothing(device: "_Device") -> None:
    """Being connected is enough."""


class _Device(AdbDeviceAsync):  # type: ignore[misc]
    """adb-shell's device, with services that are read and written as they come."""

    _local_id: int
    _maxdata: int

    def __init__(self, bulk: Bulk) -> None:
        super().__init__(bulk, banner=BANNER)
        self._io_manager._packet_store = _NoStore()

    @asynccontextmanager
    async def opened(self, service: bytes) -> AsyncIterator["_Channel"]:
        """Open a service; `DeviceRefused` where the phone does not offer it."""
        self._local_id = self._local_id % (2**32 - 1) + 1
        info = _AdbTransactionInfo(self._local_id, None, None, math.inf)
        channel = _Channel(self._io_manager, info, self._maxdata)
        await channel.open(service)
        try:
            yield channel
        except DeviceRefused:
            await channel.close()
            raise
        await channel.close()


class _NoStore(_AdbPacketStore):  # type: ignore[misc]
    """One stream at a time: what belongs to another one is of no use, and could fill the memory."""

    def put(self, *_: object) -> None:
        """Forget it."""


class _Channel(Stream):
    """One stream in a connection."""

    def __init__(self, manager: Any, info: Any, largest: int) -> None:
        self._manager = manager
        self._info = info
        self._piece = max(constants.MAX_LEGACY_ADB_DATA, min(largest, constants.MAX_CHUNK_SIZE))
        self._arrived = bytearray()
        self._closed = False

    async def open(self, service: bytes) -> None:
        await self._send(constants.OPEN, service + b"\0")
        command, self._info.remote_id, _ = await self._next(constants.OKAY, constants.CLSE)
        if command == constants.CLSE:
            raise DeviceRefused("the phone does not offer that")

    async def read(self, size: int) -> bytes:
        while len(self._arrived) < size:
            if self._closed:
                raise asyncio.IncompleteReadError(bytes(self._arrived), size)
            await self._take(constants.WRTE)
        data = bytes(self._arrived[:size])
        del self._arrived[:size]
        return data

    async def write(self, data: bytes) -> None:
        for start in range(0, len(data), self._piece):
            await self._send(constants.WRTE, data[start : start + self._piece])
            while await self._take(constants.OKAY, constants.WRTE) != constants.OKAY:
                """The phone may speak before it acknowledges."""

    async def close(self) -> None:
        """Say that this is over, unless the phone did."""
        if not self._closed:
            await self._send(constants.CLSE)

    async def _take(self, *wanted: bytes) -> bytes:
        """Take the next message in; which it was."""
        if self._closed:
            raise ConnectionResetError("the phone closed the service")
        command, _, data = await self._next(*wanted, constants.CLSE)
        if command == constants.WRTE:
            self._arrived += data
            await self._send(constants.OKAY)
        if command == constants.CLSE:
            self._closed = True
        return command

    async def _next(self, *wanted: bytes) -> tuple[bytes, int, bytes]:
        command, remote, _, data = await self._manager.read(list(wanted), self._info)
        return command, remote, data

    async def _send(self, command: bytes, data: bytes = b"") -> None:
        message = AdbMessage(command, self._info.local_id, self._info.remote_id or 0, data)
        await self._manager.send(message, self._info)
