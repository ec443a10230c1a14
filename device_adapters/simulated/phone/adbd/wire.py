"""adb's messages: six little-endian words, then the payload (AOSP protocol.txt)."""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

VERSION = 0x01000001
"""From this version on nobody looks at checksums."""

OLDEST_VERSION = 0x01000000
TLS_VERSION = 0x01000000
MAX_PAYLOAD = 1024 * 1024
LEGACY_PAYLOAD = 4096
HEADER = struct.Struct("<6I")


class Command(IntEnum):
    """What a message says: its four letters, read as a little-endian word."""

    CNXN = 0x4E584E43
    STLS = 0x534C5453
    AUTH = 0x48545541
    OPEN = 0x4E45504F
    OKAY = 0x59414B4F
    CLSE = 0x45534C43
    WRTE = 0x45545257


class ProtocolError(Exception):
    """The other side does not speak adb."""


class Readable(Protocol):
    """What messages are read from: a TCP stream, or TLS over one."""

    async def readexactly(self, n: int, /) -> bytes:
        """So many bytes; raises `IncompleteReadError` at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """One message; what the two numbers mean depends on the command."""

    command: Command
    first: int
    second: int
    data: bytes = b""

    def pack(self, *, checked: bool) -> bytes:
        """The bytes on the wire; the checksum is 0 unless `checked`."""
        total = sum(self.data) & 0xFFFFFFFF if checked else 0
        magic = self.command ^ 0xFFFFFFFF
        header = (self.command, self.first, self.second, len(self.data), total, magic)
        return HEADER.pack(*header) + self.data


async def read_message(reader: Readable, *, checked: bool) -> Message:
    """The next message; raises `ProtocolError`, or `IncompleteReadError` at the end."""
    word, first, second, length, total, magic = HEADER.unpack(await reader.readexactly(HEADER.size))
    if magic != word ^ 0xFFFFFFFF or length > MAX_PAYLOAD:
        raise ProtocolError(f"not an adb header: {word:#x}, {length} bytes")
    data = await reader.readexactly(length)
    if checked and total != sum(data) & 0xFFFFFFFF:
        raise ProtocolError("wrong checksum")
    try:
        return Message(Command(word), first, second, data)
    except ValueError as exc:
        raise ProtocolError(f"unknown command {word:#x}") from exc
