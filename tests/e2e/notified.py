"""What stands in for systemd: a socket that a daemon tells how it is."""

import asyncio
import socket
import uuid

PING = "WATCHDOG=1"


class Notified:
    """Hears what a service says; give `environment` to the one that is to be heard."""

    def __init__(self, limit: float) -> None:
        """`limit`: seconds within which it wants a sign of life."""
        self.limit = limit
        address = f"octopus-{uuid.uuid4().hex}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(f"\0{address}")
        self.environment = {
            "NOTIFY_SOCKET": f"@{address}", "WATCHDOG_USEC": str(int(limit * 1e6)),
        }  # fmt: skip
        self.statuses: list[str] = []

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()

    async def hear(self) -> list[str]:
        """The next lines that are said together."""
        said = await asyncio.get_running_loop().sock_recv(self._socket, 8192)
        lines = said.decode().splitlines()
        self.statuses += [line[7:] for line in lines if line.startswith("STATUS=")]
        return lines

    async def until(self, wanted: str, within: float = 40.0) -> list[str]:
        """Wait until a line is said; all that were said with it."""
        async with asyncio.timeout(within):
            while True:
                lines = await self.hear()
                if any(line.startswith(wanted) for line in lines):
                    return lines

    def forget(self) -> None:
        """Let what was said so far be forgotten."""
        while True:
            try:
                self._socket.recv(8192)
            except BlockingIOError:
                return

    async def gives_up(self, within: float = 40.0) -> None:
        """Wait until there was no sign of life for so long that systemd would end the service."""
        async with asyncio.timeout(within):
            while True:
                try:
                    await self.until(PING, self.limit)
                except TimeoutError:
                    return
