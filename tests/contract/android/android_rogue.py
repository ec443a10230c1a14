"""A phone whose bytes go wrong: once, in one manner; else its connections lead to a good phone."""

import asyncio
import contextlib
import itertools
import os
import struct
from enum import StrEnum
from typing import Self

from device_adapters.simulated.phone import SimulatedPhone

_HEADER = struct.Struct("<6I")
_OLDEST_VERSION = 0x01000000  # from this one on, everybody looks at checksums
_LARGEST = 1024 * 1024
_TOKEN = 1
_STREAM = 7

Received = tuple[bytes, int, int, bytes]


class Wrong(StrEnum):
    """What a phone may do to the bytes; the first three before it is connected."""

    NO_ADB = "garbage instead of a hello"
    HANG_UP = "closes at once"
    HUGE_HELLO = "a hello of 4 GB"
    GARBAGE = "garbage instead of an answer"
    HALF_HEADER = "closes within a header"
    HALF_PAYLOAD = "closes within a payload"
    CHECKSUM = "a wrong checksum"
    HUGE_MESSAGE = "a message of 4 GB"
    HUGE_PACKET = "a shell packet of 4 GB"
    ODD_PACKET = "a shell packet of no known kind"
    CUT_PACKET = "ends within a shell packet"
    NO_EXIT_CODE = "ends without an exit code"
    ENDLESS = "an answer without an end"
    ELSEWHERE = "answers without an end to what nobody asked"
    SILENT = "no answer at all"
    DROPS_STRANGERS = "closes when it sees an unknown key"


BEFORE = (Wrong.NO_ADB, Wrong.HANG_UP, Wrong.HUGE_HELLO)
"""Nothing was sent to the phone."""

AFTER = tuple(one for one in Wrong if one not in (*BEFORE, Wrong.DROPS_STRANGERS, Wrong.CHECKSUM))
"""A command was."""


class Rogue:
    """`async with Rogue(phone) as rogue`: reach the phone at `rogue.port`; set `wrong` before."""

    def __init__(self, phone: SimulatedPhone) -> None:
        self._phone = phone
        self._server: asyncio.Server | None = None
        self._handlers: set[asyncio.Task[None]] = set()
        self.wrong: Wrong | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._handle, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        await self._server.wait_closed()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.current_task()
        assert handler
        self._handlers.add(handler)
        try:
            with contextlib.suppress(OSError, EOFError):
                if self.wrong is None:
                    await self._lead_on(reader, writer)
                else:
                    await _misbehave(self.wrong, reader, writer)
        finally:
            self._handlers.discard(handler)
            writer.transport.abort()

    async def _lead_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        beyond, onward = await asyncio.open_connection("127.0.0.1", self._phone.port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, onward))
                group.create_task(_pump(beyond, writer))
        except* OSError:
            """One side is gone, so the other one goes."""
        finally:
            onward.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    raise ConnectionResetError


async def _misbehave(
    wrong: Wrong, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await _message(reader)
    match wrong:
        case Wrong.NO_ADB:
            writer.write(b"SSH-2.0-OpenSSH_9.6 and then some more bytes\r\n")
        case Wrong.HUGE_HELLO:
            writer.write(_packed(b"CNXN", _OLDEST_VERSION, _LARGEST, b"device::", length=2**32 - 1))
        case Wrong.DROPS_STRANGERS:
            await _turn_away(reader, writer)
        case Wrong.HANG_UP:
            return
        case _:
            writer.write(_packed(b"CNXN", _OLDEST_VERSION, _LARGEST, b"device::features=shell_v2"))
            await _answer(wrong, reader, writer)
    await writer.drain()
    if wrong in (Wrong.NO_ADB, Wrong.HUGE_HELLO, Wrong.HUGE_MESSAGE, Wrong.GARBAGE, Wrong.SILENT):
        await reader.read(-1)  # until the hub has had enough


async def _turn_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ask for a signature, look at the key, and close."""
    for _ in range(2):
        writer.write(_packed(b"AUTH", _TOKEN, 0, os.urandom(20)))
        _, kind, _, _ = await _message(reader)
        if kind != 2:
            return
    await _message(reader)


async def _answer(wrong: Wrong, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Open what is asked for, and answer it wrongly."""
    while (message := await _message(reader))[0] != b"OPEN":
        """An adb server may say more before."""
    caller = message[1]
    if wrong is Wrong.GARBAGE:
        writer.write(os.urandom(4096))
        return
    if wrong is Wrong.SILENT:
        return
    writer.write(_packed(b"OKAY", _STREAM, caller))
    if wrong in (Wrong.ENDLESS, Wrong.ELSEWHERE):
        await _flood(wrong, caller, writer)
    written = _WRITTEN.get(wrong, b"")
    whole = _packed(b"WRTE", _STREAM, caller, written or b"y" * 100)
    match wrong:
        case Wrong.HALF_HEADER:
            writer.write(whole[:10])
        case Wrong.HALF_PAYLOAD:
            writer.write(whole[:60])
        case Wrong.CHECKSUM:
            writer.write(_packed(b"WRTE", _STREAM, caller, b"\3\1\0\0\0\0", checksum=1))
        case Wrong.HUGE_MESSAGE:
            writer.write(_packed(b"WRTE", _STREAM, caller, b"y", length=2**32 - 1))
        case _:
            writer.write(whole + _packed(b"CLSE", _STREAM, caller))
            await reader.read(-1)


_WRITTEN = {
    Wrong.HUGE_PACKET: b"\1\xff\xff\xff\xff" + b"x",
    Wrong.ODD_PACKET: b"\x09\1\0\0\0x",
    Wrong.CUT_PACKET: b"\1\x40\0\0\0x",
    Wrong.NO_EXIT_CODE: b"\1\1\0\0\0x",
}


async def _flood(wrong: Wrong, caller: int, writer: asyncio.StreamWriter) -> None:
    if wrong is Wrong.ENDLESS:
        piece = b"\1\0\x40\0\0" + b"x" * 0x4000
        flood = itertools.repeat(_packed(b"WRTE", _STREAM, caller, piece))
    else:
        flood = (_packed(b"WRTE", n, n) for n in itertools.count(caller + 1))
    for message in flood:
        writer.write(message)
        await writer.drain()
        await asyncio.sleep(0)


async def _message(reader: asyncio.StreamReader) -> Received:
    word, first, second, length, _, _ = _HEADER.unpack(await reader.readexactly(_HEADER.size))
    return word.to_bytes(4, "little"), first, second, await reader.readexactly(length)


def _packed(
    command: bytes,
    first: int,
    second: int,
    data: bytes = b"",
    *,
    length: int | None = None,
    checksum: int | None = None,
) -> bytes:
    word = int.from_bytes(command, "little")
    total = sum(data) if checksum is None else checksum
    size = len(data) if length is None else length
    return _HEADER.pack(word, first, second, size, total, word ^ 0xFFFFFFFF) + data
