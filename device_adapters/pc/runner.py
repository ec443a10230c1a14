"""The seam between what is run on a computer and how it gets there."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

from schemas.errors import DeviceRefused, DeviceUncertain

Argv = tuple[str, ...]
Environment = Mapping[str, str]
NOTHING: Environment = MappingProxyType({})

MOST = 1024 * 1024
"""Bytes that a program may print where nothing else is said."""
_MOST_COMPLAINT = 4096
"""Bytes that are kept of what it prints to standard error: the last ones."""
LONGEST = 100_000
"""Bytes that all words of a command may have together."""


class Answer(NamedTuple):
    """How a program ended, and what it printed."""

    code: int
    output: bytes
    complaint: bytes = b""

    @property
    def text(self) -> str:
        """What it printed, as text."""
        return self.output.decode(errors="replace")

    @property
    def reason(self) -> str:
        """The last line of what it complained of, fit to show; empty where it did not."""
        lines = self.complaint.decode(errors="replace").split("\n")
        shown = ("".join(c for c in line if c.isprintable()).strip() for line in lines)
        return next((line[:200] for line in reversed(list(shown)) if line), "")


class Runner(ABC):
    """Runs programs on one computer, each by its words; no shell ever reads these words."""

    @abstractmethod
    async def run(self, argv: Argv, environment: Environment = NOTHING, most: int = MOST) -> Answer:
        """Run a program to its end, with no input.

        `DeviceUnavailable`: nothing was sent; `DeviceUncertain`: it was started and its end was not
        seen, or it printed more than `most` bytes; `DeviceRefused`: these words cannot be sent.
        """


def sendable(argv: Sequence[str]) -> None:
    """`DeviceRefused` for words that no program can be given: a NUL, half a character, too long."""
    try:
        size = sum(len(word.encode()) for word in argv)
    except UnicodeEncodeError as exc:
        raise DeviceRefused("this text is no valid Unicode: it was not sent") from exc
    if any("\0" in word for word in argv):
        raise DeviceRefused("this text holds a NUL: it was not sent")
    if size > LONGEST:
        raise DeviceRefused(f"this is too long: {size} of at most {LONGEST} bytes")


class Readable(Protocol):
    """What a program prints to."""

    async def read(self, n: int = ..., /) -> bytes:
        """The next bytes; none at the end."""


async def printed(output: Readable, complaint: Readable, most: int) -> tuple[bytes, bytes]:
    """All that a program prints, and the last of what it complains of; `DeviceUncertain` where that
    is more than `most` bytes."""
    complaining = asyncio.create_task(_last(complaint), name="standard error")
    try:
        return await _all(output, most), await complaining
    finally:
        complaining.cancel()
        await asyncio.gather(complaining, return_exceptions=True)


async def _all(reader: Readable, most: int) -> bytes:
    data = bytearray()
    while chunk := await reader.read(65536):
        data += chunk
        if len(data) > most:
            raise DeviceUncertain(f"a program printed more than {most} bytes, and was stopped")
    return bytes(data)


async def _last(reader: Readable) -> bytes:
    data = b""
    while chunk := await reader.read(65536):
        data = (data + chunk)[-_MOST_COMPLAINT:]
    return data
