"""adb over USB by libusb, whose reads block: they run in a thread, in slices."""

import asyncio
import importlib
import importlib.util
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from adb_shell import constants, exceptions
from adb_shell.transport.base_transport import BaseTransport

from device_adapters.adb.bulk import Bulk

T = TypeVar("T")

SLICE = 0.5
"""Seconds; between two messages a phone may be silent, and a blocked read cannot be cut off."""

WHOLE = 2.0
"""Seconds for the rest of a message, which is on its way."""

_LIBUSB_TIMEOUT = -7
_MOST_EMPTY = 100
"""An empty read only ends a transfer; so many are no transfer's end."""

_TIMEOUTS = (exceptions.UsbReadFailedError, exceptions.TcpTimeoutException)

Find = Callable[[str], BaseTransport]


def installed() -> bool:
    """Whether libusb's Python binding is there; looking loads nothing."""
    return importlib.util.find_spec("usb1") is not None


def find(serial: str) -> BaseTransport:
    """The phone on USB with this serial number."""
    # Loading it opens libusb, which only who has a phone on USB should wait for.
    module = importlib.import_module("adb_shell.transport.usb_transport")
    return module.UsbTransport.find_adb(serial=serial)


class UsbBulk(Bulk):
    """A phone on USB; `find` gives adb-shell's blocking transport to it."""

    def __init__(self, serial: str, find: Find = find) -> None:
        super().__init__()
        self._serial = serial
        self._find = find
        self._thread: ThreadPoolExecutor | None = None
        self._cable: _Cable | None = None

    def __str__(self) -> str:
        return f"USB {self._serial}"

    async def connect(self, _: float | None = None) -> None:
        """Claim the phone's interface."""
        self._thread = ThreadPoolExecutor(1, "usb")
        self._cable = _Cable()
        await self._blocking(_Cable.claim, self._find, self._serial)

    async def receive(self, size: int) -> bytes:
        for _ in range(_MOST_EMPTY):
            if data := await self._slices(size):
                return data
        return b""

    async def send(self, data: bytes) -> None:
        while data:
            data = data[await self._blocking(_Cable.write, bytes(data)) :]

    @property
    def alive(self) -> bool:
        return self._cable is not None

    def abort(self) -> None:
        if self._thread is not None and self._cable is not None:
            self._thread.submit(self._cable.close)  # after what is still under way there
            self._thread.shutdown(wait=False)
        self._thread = self._cable = None

    async def _slices(self, size: int) -> bytes:
        if size != constants.MESSAGE_SIZE:
            return await self._blocking(_Cable.read, size, WHOLE)
        while True:
            try:
                return await self._blocking(_Cable.read, size, SLICE)
            except TimeoutError:
                """The phone has nothing to say yet."""

    async def _blocking(self, work: Callable[..., T], *arguments: Any) -> T:
        if self._thread is None:
            raise ConnectionError("not connected")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, work, self._cable, *arguments)


class _Cable:
    """One claimed interface. Everything it does runs in one thread, one after another."""

    def __init__(self) -> None:
        self._transport: BaseTransport | None = None

    def claim(self, find: Find, serial: str) -> None:
        try:
            self._transport = find(serial)
            self._transport.connect(WHOLE)
        except exceptions.UsbDeviceNotFoundError as exc:
            raise ConnectionError("it is not plugged in") from exc
        except _libusb_errors() as exc:
            raise ConnectionError(f"USB: {exc}") from exc

    def read(self, size: int, within: float) -> bytes:
        assert self._transport
        try:
            return bytes(self._transport.bulk_read(size, within))
        except _TIMEOUTS as exc:
            error = getattr(exc, "usb_error", None)
            if error is None or getattr(error, "value", None) == _LIBUSB_TIMEOUT:
                raise TimeoutError from exc
            raise ConnectionError(f"USB: {exc}") from exc

    def write(self, data: bytes) -> int:
        assert self._transport
        try:
            return int(self._transport.bulk_write(data, WHOLE))
        except (exceptions.UsbWriteFailedError, exceptions.TcpTimeoutException) as exc:
            raise ConnectionError(f"USB: {exc}") from exc

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _libusb_errors() -> tuple[type[Exception], ...]:
    """What libusb raises by itself, where it is installed."""
    return (importlib.import_module("usb1").USBError,) if installed() else ()
