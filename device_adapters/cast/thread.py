"""pychromecast's thread, one for each Cast device.

Everything is sent from it, so that no two threads are ever in one TLS connection, and the event
loop waits for nothing.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from google.protobuf.message import DecodeError
from pychromecast.const import CAST_TYPE_CHROMECAST
from pychromecast.error import (
    ChromecastConnectionClosed,
    ChromecastConnectionError,
    PyChromecastError,
    PyChromecastStopped,
)
from pychromecast.generated.cast_channel_pb2 import CastMessage
from pychromecast.models import HostServiceInfo
from pychromecast.socket_client import SocketClient

_LARGEST = 256 * 1024  # bytes of one message; the protocol's own limit is 64 KiB
_MESSAGE_WITHIN = 5.0  # seconds for the rest of a message that has begun
_SOCKET_WITHIN = 3.0  # seconds for one step of connecting, reading or sending

NOT_SENT = "NOT_SENT"
"""The type of an answer of the hub's own: there was no way to send it."""

Answer = Mapping[str, Any] | None
Callback = Callable[[bool, Answer], None]
"""Is told, in the thread, whether something was sent and what the device answered."""


class CastThread(SocketClient):
    """pychromecast's thread, with a limit to what a device may send, and without its reconnecting:
    the hub says when to try again."""

    def __init__(self, host: str, port: int, ended: Callable[[], None]) -> None:
        super().__init__(
            cast_type=CAST_TYPE_CHROMECAST, tries=1, timeout=_SOCKET_WITHIN, retry_wait=0.1,
            services={HostServiceInfo(host, port)}, zconf=None,
        )  # fmt: skip
        self.name = f"cast {host}"
        self._tell_end = ended
        self._over = False
        self._ending = threading.Lock()  # held while the jobs are closed, or one is added
        self._jobs: queue.SimpleQueue[tuple[Callable[[Callback], None], Callback]] = (
            queue.SimpleQueue()
        )

    def do(self, send: Callable[[Callback], None], answered: Callback) -> None:
        """Let the thread send something; `answered` is called once, whatever becomes of it."""
        with self._ending:
            if self._over:
                answered(False, {"type": NOT_SENT})
                return
            self._jobs.put((send, answered))
            with suppress(OSError):  # it is about to end, and will say so
                self.socketpair[1].send(b"x")

    def run(self) -> None:
        """The thread."""
        try:
            super().run()
        finally:
            self._tell_end()  # first: whoever hears that an order is lost knows that the link is
            self._let_go()

    def initialize_connection(self) -> None:
        """Connect once."""
        if not self.first_connection:
            raise ChromecastConnectionError("the connection is lost")
        try:
            super().initialize_connection()
        except PyChromecastStopped as error:  # run() does not expect it
            raise ChromecastConnectionError("it was given up") from error

    def _run_once(self) -> int:
        while not self._jobs.empty():
            send, answered = self._jobs.get()
            try:
                send(answered)
            except PyChromecastError as error:
                answered(False, {"type": NOT_SENT, "reason": str(error)})
        return int(super()._run_once())

    def _read_message(self) -> CastMessage:
        length = int.from_bytes(self._read_bytes_from_socket(4), "big")
        if length > _LARGEST:
            raise ChromecastConnectionClosed(f"a message of {length} bytes")
        message = CastMessage()
        try:
            message.ParseFromString(self._read_bytes_from_socket(length))
        except DecodeError as error:
            raise ChromecastConnectionClosed("what it sent is no message") from error
        return message

    def _read_bytes_from_socket(self, msglen: int) -> bytes:
        """As many bytes, within a time that a device cannot stretch."""
        assert self.socket is not None
        until = time.monotonic() + _MESSAGE_WITHIN
        got = b""
        while len(got) < msglen:
            if self.stop.is_set() or time.monotonic() > until:
                raise ChromecastConnectionClosed("the rest of a message did not come")
            with suppress(TimeoutError):
                chunk = self.socket.recv(min(msglen - len(got), 4096))
                if not chunk:
                    raise ChromecastConnectionClosed("the device closed the connection")
                got += chunk
        return got

    def _route_message(self, message: CastMessage, data: dict[str, Any]) -> None:
        if isinstance(data.get("type"), str):
            super()._route_message(message, data)

    def _let_go(self) -> None:
        """Nobody waits any longer, and nothing stays open."""
        for answered in self._request_callbacks.values():
            answered(False, None)
        with self._ending:
            self._over = True
            while not self._jobs.empty():
                self._jobs.get()[1](False, {"type": NOT_SENT})
            for end in self.socketpair:
                end.close()
        if self.socket is not None:
            self.socket.close()
        self.selector.close()


# It reports every device that is switched off as an error, again and again; the hub does that.
logging.getLogger("pychromecast").setLevel(logging.CRITICAL)
