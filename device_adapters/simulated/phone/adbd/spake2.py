"""SPAKE2 over edwards25519 in the flavour of BoringSSL, which adb pairs with (spake25519.c).

Two sides that know the same password agree on a key; one who guesses learns only whether the one
guess was right. The flavour keeps an old mistake of its author: the password's number is made a
multiple of eight by adding the group's order, so numbers must not be reduced by the order.
"""

import hashlib
import secrets

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SIZE = 32

Point = tuple[int, int, int, int]
"""X, Y, Z, T with x = X/Z, y = Y/Z, xy = T/Z (RFC 8032, 5.1.4)."""

NEUTRAL: Point = (0, 1, 1, 0)


class NotAPointError(ValueError):
    """The bytes are no point of the curve."""


def add(p: Point, q: Point) -> Point:
    """The sum of two points; right for equal ones too."""
    a = (p[1] - p[0]) * (q[1] - q[0])
    b = (p[1] + p[0]) * (q[1] + q[0])
    c = 2 * p[3] * q[3] * D
    d = 2 * p[2] * q[2]
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def negative(p: Point) -> Point:
    """What makes nothing together with the point."""
    return -p[0] % P, p[1], p[2], -p[3] % P


def times(number: int, p: Point) -> Point:
    """The point added to itself that often."""
    total = NEUTRAL
    for bit in f"{number:b}":
        total = add(total, total)
        if bit == "1":
            total = add(total, p)
    return total


def encode(p: Point) -> bytes:
    """y, and in its highest bit whether x is odd."""
    inverse = pow(p[2], -1, P)
    x, y = p[0] * inverse % P, p[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(SIZE, "little")


def decode(data: bytes) -> Point:
    """The point of 32 bytes; raises `NotAPointError`."""
    if len(data) != SIZE:
        raise NotAPointError(f"{len(data)} bytes")
    number = int.from_bytes(data, "little")
    odd, y = number >> 255, number % 2**255 % P
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square:
        raise NotAPointError("off the curve")
    if x & 1 != odd:
        x = -x % P
    return x, y, 1, x * y % P


def derived(seed: bytes) -> Point:
    """The first hash of the seed that is a point: nobody chose it, nobody knows its logarithm."""
    while True:
        seed = hashlib.sha256(seed).digest()
        try:
            return decode(seed)
        except NotAPointError:
            continue


BASE = decode((4 * pow(5, -1, P) % P).to_bytes(SIZE, "little"))
M = derived(b"edwards25519 point generation seed (M)")
N = derived(b"edwards25519 point generation seed (N)")

ALICE, BOB = b"adb pair client\0", b"adb pair server\0"
"""The names that adb gives the two sides, with the zero that ends them in C."""


class Spake2:
    """One side of one exchange: send `message`, then make the key of the other's."""

    def __init__(self, name: bytes, password: bytes) -> None:
        self._alice = name == ALICE
        self._hashed = hashlib.sha512(password).digest()
        number = int.from_bytes(self._hashed, "little") % ORDER
        for bit in (1, 2, 4):
            if number & bit:
                number += ORDER * bit
        mine, theirs = (M, N) if self._alice else (N, M)
        self._secret = secrets.randbelow(ORDER) * 8
        self._their_mask = times(number, theirs)
        self.message = encode(add(times(self._secret, BASE), times(number, mine)))

    def key(self, theirs: bytes) -> bytes:
        """64 bytes, the same on both sides if the passwords are; raises `NotAPointError`."""
        bare = add(decode(theirs), negative(self._their_mask))
        shared = encode(times(self._secret, bare))
        messages = (self.message, theirs) if self._alice else (theirs, self.message)
        parts = (ALICE, BOB, *messages, shared, self._hashed)
        said = b"".join(len(part).to_bytes(8, "little") + part for part in parts)
        return hashlib.sha512(said).digest()
