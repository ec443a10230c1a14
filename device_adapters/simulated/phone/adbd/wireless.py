"""Wireless debugging of Android 11: a TLS port for paired computers, and pairing.

Kept apart from the phone itself because it alone needs pyOpenSSL.
"""

import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from device_adapters.simulated.phone.adbd.auth import Keys
from device_adapters.simulated.phone.adbd.connection import Secure
from device_adapters.simulated.phone.adbd.link import Link, PlainLink
from device_adapters.simulated.phone.adbd.listener import HOST, Listener
from device_adapters.simulated.phone.adbd.pairing import Pairing
from device_adapters.simulated.phone.adbd.tls import Identity, TlsLink

_QR = re.compile(r"WIFI:T:ADB;S:(?P<name>[^;]+);P:(?P<code>[^;]+);;")

Serve = Callable[[PlainLink, Secure], Awaitable[None]]


class Offer(NamedTuple):
    """Where a computer can pair, and the code it must know."""

    host: str
    port: int
    code: str


class Wireless:
    """The settings screen "Wireless debugging" while it is on; `serial` names it for life."""

    def __init__(self, serial: str, keys: Keys, serve: Serve, changed: Callable[[], None]) -> None:
        tail = hashlib.sha256(serial.encode()).hexdigest()[:6]
        self.guid = f"adb-{serial}-{tail}"
        self.pairing: Pairing | None = None
        self._keys = keys
        self._serve = serve
        self._changed = changed
        self._identity = Identity.new()
        self._listener = Listener(self._secured)

    @property
    def port(self) -> int:
        """Where paired computers connect."""
        return self._listener.port

    @property
    def listening(self) -> bool:
        """Whether it is in reach."""
        return self._listener.listening

    async def open(self) -> None:
        """Listen, on a new port each time."""
        await self._listener.open()

    async def close(self) -> None:
        """Drop every connection and stop listening."""
        await self.close_pairing()
        await self._listener.close()

    async def open_pairing(self, code: str | None = None, *, name: str | None = None) -> Offer:
        """Show a code until a computer knew it; a screen that was open closes."""
        await self.close_pairing()
        code = code or f"{secrets.randbelow(10**6):06}"
        made = Pairing(
            name or self.guid, code, self.guid, self._keys, self._identity, self._changed
        )
        await made.open()
        self.pairing = made
        self._changed()
        return Offer(HOST, made.port, code)

    async def scan(self, text: str) -> Offer:
        """Hold the camera at a computer's QR code; raises `ValueError` where it is none of adb."""
        seen = _QR.fullmatch(text)
        if seen is None:
            raise ValueError(f"not a QR code of adb: {text!r}")
        return await self.open_pairing(seen["code"], name=seen["name"])

    async def close_pairing(self) -> None:
        """Leave the pairing screen."""
        pairing, self.pairing = self.pairing, None
        if pairing is not None:
            await pairing.close()
            self._changed()

    async def _secured(self, plain: PlainLink) -> None:
        """Serve one computer, over TLS once it asked for it."""

        async def secure() -> Link:
            link = TlsLink(plain, self._identity, self._keys.knows)
            await link.handshake()
            return link

        await self._serve(plain, secure)
