"""What systemd is told of the service, and how often it wants a sign of life."""

import contextlib
import os
import socket
import time
from collections.abc import MutableMapping


class Systemd:
    """Whoever started the service; without systemd nothing is told and nothing is wanted.

    What it said in the environment is taken out: it is for this process, not for those that the
    hub starts.
    """

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        self._address = environment.pop("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):
            self._address = "\0" + self._address[1:]
        pid, microseconds = (environment.pop(f"WATCHDOG_{name}", "") for name in ("PID", "USEC"))
        mine = pid in ("", str(os.getpid())) and microseconds.isdecimal()
        self.limit = int(microseconds) / 1e6 if mine else 0.0
        """Seconds without a sign of life after which it ends the service; 0: it does not."""

    def tell(self, *said: str, status: str = "") -> None:
        """Tell one thing or several at once, as in sd_notify(3), and what `systemctl status` is to
        show; never waits."""
        if not self._address:
            return
        lines = [*said, *([f"STATUS={' '.join(status.split())}"] if status else [])]
        with (
            contextlib.suppress(OSError),  # the hub goes on where nobody listens
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as channel,
        ):
            channel.connect(self._address)
            channel.send("\n".join(lines).encode())

    def tell_start(self, patience: float) -> None:
        """The start goes on, and may take so many seconds more until this is said again."""
        self.tell(f"EXTEND_TIMEOUT_USEC={int(patience * 1e6)}", status="starts")

    def tell_reload(self, status: str) -> None:
        """A reload begins; `READY=1` ends it."""
        self.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}", status=status)

    def live(self) -> None:
        """Give a sign of life."""
        self.tell("WATCHDOG=1")
