"""The first connection to a phone that nobody approved yet, while its owner stands beside it."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

from device_adapters.adb.server import AdbServer
from device_adapters.adb.stream import Stream
from device_adapters.adb.transport import Transport
from device_adapters.adb.ways import ways
from schemas.errors import DeviceRefused, DeviceUnavailable

PORT = 5555
ANSWER_WITHIN = 10.0
_LISTENS = f"restarting in TCP mode port: {PORT}"


class Introduction:
    """Connects with the hub's key, which the phone's owner is asked about, and lets go again."""

    def __init__(self, server: AdbServer | None, key_path: Path) -> None:
        self._server = server
        self._key_path = key_path

    async def by_tcp(self, host: str, port: int, *, within: float) -> str:
        """The serial number of a phone that listens on plain TCP, once its owner allows it."""
        return await self._met({"host": host, "port": str(port)}, False, within)

    async def by_usb(self, serial: str, *, tcpip: bool, within: float) -> str:
        """The same of a phone on a cable; with `tcpip` it listens on port 5555 from then on."""
        return await self._met({"usb": serial}, tcpip, within)

    async def _met(self, where: Mapping[str, str], tcpip: bool, within: float) -> str:
        (way,) = ways(where, self._key_path, self._server)
        if way.transport is None:
            raise DeviceUnavailable(way.missing)
        try:
            await way.transport.connect(within)
            answer = await way.transport.shell("getprop", "ro.serialno", within=ANSWER_WITHIN)
            serial = answer.accepted().strip()
            if not serial:
                raise DeviceRefused("the phone does not tell its serial number")
            if tcpip:
                await _switch(way.transport)
        finally:
            await way.transport.close()
        return serial


async def _switch(transport: Transport) -> None:
    """Have adbd listen on TCP; it restarts and so ends this connection."""
    said = await transport.serve(f"tcpip:{PORT}", _all, ANSWER_WITHIN)
    if _LISTENS not in said:
        raise DeviceRefused(f"the phone said: {said.strip() or 'nothing'}")


async def _all(stream: Stream) -> str:
    """What a service says until it ends."""
    said = bytearray()
    with contextlib.suppress(EOFError, ConnectionError):
        while len(said) < 1024:
            said += await stream.read(1)
    return said.decode(errors="replace")
