"""Wireless debugging: TLS to a phone that was paired with the hub, or that refuses it."""

import asyncio
import contextlib

from device_adapters.adb.adbserver import AdbServerTransport
from device_adapters.adb.server import AdbServer, address
from device_adapters.adb.transport import CONNECT_TIMEOUT
from schemas.errors import DeviceNeedsPairing, DeviceUnavailable

LOOK_WITHIN = 1.0


class WirelessTransport(AdbServerTransport):
    """The phone whose wireless debugging listens at `host` and `port`.

    A phone that does not know the hub's key ends the handshake without a word: it is there, and
    yet no try connects.
    """

    def __init__(self, server: AdbServer, host: str, port: int) -> None:
        super().__init__(server, address(host, port), network=True)
        self._place = (host, port)

    async def connect(self, within: float = CONNECT_TIMEOUT) -> None:
        try:
            await super().connect(within)
        except DeviceUnavailable as exc:
            slow = isinstance(exc.__cause__, TimeoutError)  # which says nothing about the key
            if not slow and await listens(*self._place):
                raise DeviceNeedsPairing from exc
            raise


async def listens(host: str, port: int) -> bool:
    """Whether anybody takes a connection there."""
    with contextlib.suppress(OSError):  # and with it every TimeoutError
        async with asyncio.timeout(LOOK_WITHIN):
            _, writer = await asyncio.open_connection(host, port)
        writer.transport.abort()
        return True
    return False
