"""adb-shell over TCP, hardened: one command at a time, a deadline on everything, honest errors."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from adb_shell import constants, exceptions
from adb_shell.adb_device_async import AdbDeviceAsync
from adb_shell.adb_message import AdbMessage
from adb_shell.hidden_helpers import _AdbTransactionInfo
from adb_shell.transport.tcp_transport_async import (
    TcpTransportAsync,
)

from device_adapters.android import keys, quoting
from device_adapters.android.answer import Answer, MalformedAnswerError, read_packets
from schemas.errors import (
    DeviceNeedsPerson,
    DeviceRefused,
    DeviceUnavailable,
    DeviceUncertain,
    HubError,
)

T = TypeVar("T")

CONNECT_TIMEOUT = 10.0
LARGEST_ANSWER = 64 * 1024 * 1024
BANNER = "octopus-hub"

_REFUSALS = (exceptions.AdbCommandFailureException, exceptions.PushFailedError)
"""The phone answered, and said no."""

_BREAKS = (
    OSError,  # and with it every TimeoutError
    MalformedAnswerError,
    KeyError,  # a sync answer that is none
    exceptions.AdbConnectionError,
    exceptions.AdbTimeoutError,
    exceptions.InvalidChecksumError,
    exceptions.InvalidCommandError,
    exceptions.InvalidResponseError,
    exceptions.TcpTimeoutException,
)
"""The connection is of no more use."""


class AdbTransport:
    """One phone at `host:port`; connects on the first use and again after every break.

    Every method ends `within` so many seconds. It raises `DeviceUnavailable` where nothing was
    sent, `DeviceUncertain` where something was, `DeviceRefused` where the phone said no, and
    `DeviceNeedsPerson` where it asks its owner first.
    """

    def __init__(self, host: str, port: int, key_path: Path) -> None:
        self._host = host
        self._port = port
        self._key_path = key_path
        self._lock = asyncio.Lock()
        self._socket: _Socket | None = None
        self._device: _Device | None = None
        self._asked = False

    async def connect(self, within: float = CONNECT_TIMEOUT) -> None:
        """Be connected, or say why not."""
        await self._run(_nothing, within)

    async def shell(self, *words: str, within: float) -> Answer:
        """Run one command and wait for its end."""
        return await self._service(b"shell,v2,raw", words, within, read_packets)

    async def exec_out(self, *words: str, within: float) -> bytes:
        """Run one command; its raw standard output."""
        return await self._service(b"exec", words, within, bytes)

    async def pull(self, path: str, *, within: float) -> bytes:
        """A file's bytes."""

        async def operation(device: "_Device") -> bytes:
            into = BytesIO()
            await device.pull(path, into, transport_timeout_s=within, read_timeout_s=within)
            return into.getvalue()

        return await self._run(operation, within)

    async def push(self, data: bytes, path: str, *, within: float) -> None:
        """Put a file on the phone."""

        async def operation(device: "_Device") -> None:
            source = BytesIO(data)
            await device.push(source, path, transport_timeout_s=within, read_timeout_s=within)

        await self._run(operation, within)

    async def close(self) -> None:
        """Let go of the connection; the next use connects again."""
        self._drop()

    async def _service(
        self, name: bytes, words: tuple[str, ...], within: float, read: Callable[[bytes], T]
    ) -> T:
        """What `read` makes of everything a service says."""
        command = quoting.line(*words).encode()

        async def operation(device: "_Device") -> T:
            return read(await device.everything(name, command, within))

        return await self._run(operation, within)

    async def _run(self, operation: Callable[["_Device"], Awaitable[T]], within: float) -> T:
        """Do one thing on the connected phone; after any failure the connection is dropped."""
        sent = False
        try:
            async with asyncio.timeout(within), self._lock:
                try:
                    device = await self._connected(within)
                    sent = True
                    return await operation(device)
                except BaseException:
                    self._drop()  # half an answer may still be on its way
                    raise
        except (*_REFUSALS, *_BREAKS) as exc:
            raise self._mapped(exc, sent) from exc

    async def _connected(self, within: float) -> "_Device":
        """The live connection, made new if the old one ended."""
        if self._device is not None and self._socket is not None and self._socket.alive:
            return self._device
        self._drop()
        signer = await asyncio.to_thread(keys.load, self._key_path)
        self._asked = False
        self._socket = _Socket(self._host, self._port)
        device = _Device(self._socket, banner=BANNER)
        await device.connect(
            rsa_keys=[signer],
            transport_timeout_s=within,
            auth_timeout_s=within,
            read_timeout_s=within,
            auth_callback=self._note_question,
        )
        self._device, self._asked = device, False
        return device

    def _note_question(self, _: object) -> None:
        """The phone does not know the hub's key: a person is asked now."""
        self._asked = True

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.abort()
        self._socket = self._device = None

    def _mapped(self, exc: BaseException, sent: bool) -> HubError:
        """An outside error in the hub's words."""
        where = f"{self._host}:{self._port}"
        if isinstance(exc, _REFUSALS):
            return DeviceRefused(f"the phone said: {exc}")
        if self._asked and not sent:
            return DeviceNeedsPerson(f"allow debugging from this hub on the phone at {where}")
        reason = str(exc) or "no answer in time"
        if sent:
            return DeviceUncertain(f"the phone at {where} stopped answering: {reason}")
        return DeviceUnavailable(f"no connection to the phone at {where}: {reason}")


async def _nothing(device: "_Device") -> None:
    """Being connected is enough."""


class _Socket(TcpTransportAsync):  # type: ignore[misc]
    """adb-shell's socket: without Nagle's delay, and with an end that is noticed."""

    _reader: Any
    _writer: Any

    async def connect(self, transport_timeout_s: float | None) -> None:
        await super().connect(transport_timeout_s)
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def bulk_read(self, numbytes: int, transport_timeout_s: float | None) -> bytes:
        data: bytes = await super().bulk_read(numbytes, transport_timeout_s)
        if not data:
            raise ConnectionResetError("the connection ended")
        return data

    @property
    def alive(self) -> bool:
        """Whether nothing is known against the connection."""
        return bool(self._writer) and not self._writer.is_closing() and not self._reader.at_eof()

    async def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        """Close at once, without waiting for what is still to be written."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None


class _Device(AdbDeviceAsync):  # type: ignore[misc]
    """adb-shell's device: with `shell,v2`, and a refused service that does not hang."""

    _local_id: int

    async def everything(self, service: bytes, command: bytes, within: float) -> bytes:
        """All that a service says until it closes."""
        data = bytearray()
        async for piece in self._streaming_command(service, command, within, within, within):
            data += piece
            if len(data) > LARGEST_ANSWER:
                raise MalformedAnswerError("the answer does not end")
        return bytes(data)

    async def _open(
        self, destination: bytes, transport: float | None, read: float, total: float | None
    ) -> Any:
        """As adb-shell does, but CLSE is an answer too."""
        async with self._local_id_lock:
            self._local_id = self._local_id % (2**32 - 1) + 1
            info = _AdbTransactionInfo(self._local_id, None, transport, read, total)
        opening = AdbMessage(constants.OPEN, info.local_id, 0, destination + b"\0")
        await self._io_manager.send(opening, info)
        command, info.remote_id, _, _ = await self._io_manager.read(
            [constants.OKAY, constants.CLSE], info
        )
        if command == constants.CLSE:
            raise exceptions.AdbCommandFailureException("it does not offer that")
        return info
