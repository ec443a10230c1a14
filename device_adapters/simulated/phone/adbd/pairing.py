"""Pairing as Android 11 does it: a code on the screen becomes trust in a computer's key.

Both sides make a key of the code and of their TLS connection (SPAKE2), and tell each other under
it who they are (AOSP pairing_connection, pairing_auth).
"""

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from device_adapters.simulated.phone.adbd.auth import Keys
from device_adapters.simulated.phone.adbd.link import Link, PlainLink
from device_adapters.simulated.phone.adbd.listener import Listener
from device_adapters.simulated.phone.adbd.spake2 import BOB, NotAPointError, Spake2
from device_adapters.simulated.phone.adbd.tls import Identity, TlsLink, anybody
from device_adapters.simulated.phone.adbd.wire import ProtocolError

MOST_ATTEMPTS = 20
LABEL = b"adb-label\0"
EXPORTED = 64
INFO = b"adb pairing_auth aes-128-gcm key"

HEADER = struct.Struct(">BBI")  # version, type, size
VERSION, SPAKE2_MESSAGE, PEER_INFO = 1, 0, 1

PEER = struct.Struct("<B8191s")
RSA_PUBLIC_KEY, DEVICE_GUID = 0, 1


class WrongCodeError(ProtocolError):
    """The computer does not know the code."""


@dataclass
class Pairing:
    """The screen that shows a code, or scanned one: open until a computer knew it."""

    name: str  # under which it is announced
    code: str
    guid: str  # what the phone calls itself
    keys: Keys
    identity: Identity
    changed: Callable[[], None]  # hears when nobody can pair any more
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _failed: int = 0

    def __post_init__(self) -> None:
        self._listener = Listener(self._serve)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._listener.port

    async def open(self) -> None:
        """Wait for a computer."""
        await self._listener.open()

    async def close(self) -> None:
        """The person leaves the screen."""
        self._end()
        await self._listener.close()

    async def _serve(self, plain: PlainLink) -> None:
        """Pair with one computer, or refuse it."""
        try:
            link = TlsLink(plain, self.identity, anybody)
            await link.handshake()
            key = await self._exchange(link, self.code.encode() + link.exported(LABEL, EXPORTED))
        except WrongCodeError:
            self._failed += 1
            if self._failed >= MOST_ATTEMPTS:
                self._end()
        except (asyncio.IncompleteReadError, ConnectionError, ProtocolError):
            return
        else:
            if not self.over.is_set():  # else another computer was faster
                self.keys.known.add(key)
                self._end()

    def _end(self) -> None:
        self._listener.refuse()
        self.over.set()
        self.changed()

    async def _exchange(self, link: Link, password: bytes) -> bytes:
        """The computer's public key; raises `WrongCodeError`."""
        spake2 = Spake2(BOB, password)
        await _send(link, SPAKE2_MESSAGE, spake2.message)
        try:
            secret = spake2.key(await _receive(link, SPAKE2_MESSAGE))
        except NotAPointError as exc:
            raise ProtocolError("not a SPAKE2 message") from exc
        cipher = AESGCM(HKDF(SHA256(), 16, salt=None, info=INFO).derive(secret))
        nonce = bytes(12)  # it counts the packets of one direction, and there is one
        ours = PEER.pack(DEVICE_GUID, self.guid.encode())
        await _send(link, PEER_INFO, cipher.encrypt(nonce, ours, None))
        try:
            theirs = cipher.decrypt(nonce, await _receive(link, PEER_INFO), None)
        except InvalidTag as exc:
            raise WrongCodeError from exc
        return _public_key(theirs)


def _public_key(info: bytes) -> bytes:
    """The key in a computer's peer info, without the name behind it."""
    try:
        kind, data = PEER.unpack(info)
    except struct.error as exc:
        raise ProtocolError("peer info of a wrong size") from exc
    if kind != RSA_PUBLIC_KEY:
        raise ProtocolError(f"peer info {kind}")
    line: bytes = data.partition(b"\0")[0]
    return line.partition(b" ")[0]


async def _send(link: Link, kind: int, data: bytes) -> None:
    await link.write(HEADER.pack(VERSION, kind, len(data)) + data)


async def _receive(link: Link, kind: int) -> bytes:
    version, came, size = HEADER.unpack(await link.readexactly(HEADER.size))
    if (version, came) != (VERSION, kind) or not 0 < size <= 2 * PEER.size:
        raise ProtocolError(f"pairing packet {came}, {size} bytes")
    return await link.readexactly(size)
