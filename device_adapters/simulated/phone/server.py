"""The simulated phone itself: a TCP server that speaks the adbd protocol."""

import asyncio
import contextlib
from typing import Self

from device_adapters.simulated.phone.auth import Keys, Trust
from device_adapters.simulated.phone.connection import Connection
from device_adapters.simulated.phone.faults import Fault, Faults
from device_adapters.simulated.phone.state import Phone

HOST = "127.0.0.1"


class SimulatedPhone:
    """`async with SimulatedPhone() as phone`: real adb clients reach it at 127.0.0.1:phone.port.

    `state` is what the phone is and did; `port=0` takes a free one.
    """

    def __init__(
        self,
        name: str = "Pixel 8",
        serial: str = "SIM0001",
        port: int = 0,
        *,
        trust: Trust = Trust.NONE,
        state: Phone | None = None,
    ) -> None:
        self.state = state or Phone(name=name, serial=serial)
        self.keys = Keys(trust)
        self.port = port
        self._faults = Faults()
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[object], Connection] = {}

    async def __aenter__(self) -> Self:
        await self.plug()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.unplug()
        self.state.provider.close()

    async def plug(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        """Drop every connection and stop listening."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for connection in self._connections.values():
            connection.abort()
        await asyncio.gather(*self._connections)
        if server is not None:
            await server.wait_closed()

    def inject(self, fault: Fault) -> None:
        """Misbehave at the next service that contains the fault's `match`."""
        self._faults.add(fault)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, self.state, self.keys, self._faults)
        handler = asyncio.current_task()
        if self._server is None or handler is None:  # unplugged while somebody connected
            connection.abort()
            return
        self._connections[handler] = connection
        try:
            await connection.serve()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        finally:
            del self._connections[handler]
