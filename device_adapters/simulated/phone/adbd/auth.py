"""Who may debug the phone: tokens signed with RSA keys a person allowed once."""

import asyncio
import base64
import binascii
import os
import struct
from dataclasses import dataclass, field
from enum import StrEnum

TOKEN, SIGNATURE, PUBLIC_KEY = 1, 2, 3
"""The first number of an AUTH message."""

TOKEN_LENGTH = 20
SIGNATURE_LENGTH = 256
_KEY = struct.Struct("<II256s256sI")  # words, n0inv, modulus, R² mod n, exponent
_SHA1_PREFIX = bytes.fromhex("3021300906052b0e03021a05000414")


class Trust(StrEnum):
    """How the phone treats a computer it does not know."""

    NONE = "none"  # no authentication at all, as emulators
    ACCEPT = "accept"  # a person taps "Allow" at once
    ASK = "ask"  # the question stays on the screen until `Keys.allow`


@dataclass
class Keys:
    """The computers the phone knows, and the one it is asking about."""

    trust: Trust = Trust.NONE
    known: set[bytes] = field(default_factory=set)
    asked: bytes | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    def allow(self) -> None:
        """The person taps "Always allow from this computer"."""
        if self.asked is not None:
            self.known.add(self.asked)
            self.answered.set()
        self.asked = None

    def offer(self, payload: bytes) -> bool:
        """Whether a computer that shows this public key is let in now."""
        key = payload.rstrip(b"\0").split(b" ")[0]
        if self.trust is Trust.ACCEPT:
            self.known.add(key)
        elif key not in self.known:
            self.asked = key
            self.answered.clear()
        return key in self.known

    def knows(self, modulus: int, exponent: int) -> bool:
        """Whether a known computer has this key."""
        return any(_numbers(key) == (modulus, exponent) for key in self.known)

    def signed(self, token: bytes, signature: bytes) -> bool:
        """Whether a known computer signed the token."""
        return any(_verify(key, token, signature) for key in self.known)


def new_token() -> bytes:
    """Twenty random bytes to be signed."""
    return os.urandom(TOKEN_LENGTH)


def _numbers(key: bytes) -> tuple[int, int] | None:
    """Modulus and exponent of a key as adb writes it; None where it is not one."""
    try:
        _, _, modulus, _, exponent = _KEY.unpack(base64.b64decode(key))
    except (struct.error, binascii.Error):
        return None
    return int.from_bytes(modulus, "little"), exponent


def _verify(key: bytes, token: bytes, signature: bytes) -> bool:
    """PKCS#1 v1.5 over the token, which stands where a SHA-1 digest would."""
    numbers = _numbers(key)
    if numbers is None or numbers[0] == 0 or len(signature) != SIGNATURE_LENGTH:
        return False
    modulus, exponent = numbers
    padded = pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(256, "big")
    tail = b"\0" + _SHA1_PREFIX + token
    return padded == b"\0\1" + b"\xff" * (254 - len(tail)) + tail
