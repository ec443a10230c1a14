"""File sync: STAT, LIST, SEND and RECV in both versions (AOSP SYNC.TXT, file_sync_protocol.h)."""

import logging
import struct

from device_adapters.simulated.phone.adbd.stream import Stream
from device_adapters.simulated.phone.files import Entry
from device_adapters.simulated.phone.state import Phone

log = logging.getLogger(__name__)

CHUNK = 64 * 1024
NAME_LIMIT = 1024
ROOM = 256 * 1024 * 1024
"""The largest file that fits."""

ENOENT = 2
_HEAD = struct.Struct("<4sI")
_STAT = struct.Struct("<4sIII")  # id, mode, size, time
_DENT = struct.Struct("<4sIIII")  # the same, and the length of the name
_STAT2 = struct.Struct("<4sIQQIIIIQqqq")  # id, error, dev, ino, mode, … size, three times
_DENT2 = struct.Struct("<4sIQQIIIIQqqqI")
_SEND2 = struct.Struct("<4sII")  # id, mode, flags


class SyncError(Exception):
    """What the phone answers with FAIL, and goes on."""


class BrokenError(Exception):
    """What the phone answers with FAIL, and ends: where the next request starts is unknown."""


async def serve(stream: Stream, phone: Phone) -> None:
    """Answer requests until QUIT or the end."""
    while True:
        request, length = _HEAD.unpack(await stream.read(_HEAD.size))
        log.debug("sync request %r", request)
        if request == b"QUIT":
            return
        try:
            if length > NAME_LIMIT:
                raise BrokenError("path too long")
            path = (await stream.read(length)).decode(errors="surrogateescape")
            await _answer(stream, phone, request, path)
        except (SyncError, OSError) as exc:
            await _fail(stream, str(exc))
        except BrokenError as exc:
            await _fail(stream, str(exc))
            return


async def _answer(stream: Stream, phone: Phone, request: bytes, path: str) -> None:
    """Do one request."""
    if request == b"SEND":
        path, comma, mode = path.rpartition(",")
        if not comma or not mode.isascii() or not mode.isdigit():
            raise BrokenError("missing , in ID_SEND_V1")
        await _receive(stream, phone, path, int(mode))
    elif request == b"SND2":
        _, mode, flags = _SEND2.unpack(await stream.read(_SEND2.size))
        _without(flags)
        await _receive(stream, phone, path, mode)
    elif request == b"RECV":
        await _send(stream, phone.files.read(path))
    elif request == b"RCV2":
        _, flags = _HEAD.unpack(await stream.read(_HEAD.size))
        _without(flags)
        await _send(stream, phone.files.read(path))
    elif request == b"STAT":
        entry = phone.files.stat(path) or Entry(0, 0, 0)
        await stream.write(_STAT.pack(request, entry.mode, entry.size, entry.mtime))
    elif request in (b"STA2", b"LST2"):
        await stream.write(_stat2(request, phone.files.stat(path)))
    elif request in (b"LIST", b"LIS2"):
        await stream.write(_listing(phone, path, second=request == b"LIS2"))
    else:
        raise BrokenError(f"unknown command {request!r}")


def _without(flags: int) -> None:
    """The phone announces no compression and no dry run, so nobody may ask for them."""
    if flags:
        raise BrokenError(f"unknown flags: {flags:#x}")


def _stat2(request: bytes, entry: Entry | None) -> bytes:
    if entry is None:
        return _STAT2.pack(request, ENOENT, *[0] * 10)
    return _STAT2.pack(request, *_stat2_fields(entry))


def _stat2_fields(entry: Entry) -> tuple[int, ...]:
    """error, dev, ino, mode, nlink, uid, gid, size, atime, mtime, ctime."""
    when = entry.mtime
    return (0, 1, 1, entry.mode, 1, 0, 0, entry.size, when, when, when)


def _listing(phone: Phone, path: str, *, second: bool) -> bytes:
    """Every entry of a folder, then DONE in the same shape."""
    answer = b""
    for name, entry in phone.files.list(path):
        raw = name.encode(errors="surrogateescape")
        if second:
            answer += _DENT2.pack(b"DNT2", *_stat2_fields(entry), len(raw)) + raw
        else:
            answer += _DENT.pack(b"DENT", entry.mode, entry.size, entry.mtime, len(raw)) + raw
    return answer + (_DENT2.pack(b"DONE", *[0] * 12) if second else _DENT.pack(b"DONE", *[0] * 4))


async def _send(stream: Stream, data: bytes) -> None:
    """A file to the computer."""
    for start in range(0, len(data), CHUNK):
        piece = data[start : start + CHUNK]
        await stream.write(_HEAD.pack(b"DATA", len(piece)) + piece)
    await stream.write(_HEAD.pack(b"DONE", 0))


async def _receive(stream: Stream, phone: Phone, path: str, mode: int) -> None:
    """A file from the computer; all of it is read even when it cannot be kept."""
    data = bytearray()
    size = 0
    while True:
        kind, number = _HEAD.unpack(await stream.read(_HEAD.size))
        if kind == b"DONE":
            break
        if kind != b"DATA" or number > CHUNK:
            raise BrokenError("invalid data message")
        size += number
        piece = await stream.read(number)
        if size <= ROOM:
            data += piece
    if size > ROOM:
        raise SyncError("couldn't write: No space left on device")
    phone.files.write(path, bytes(data), mode & 0o7777, mtime=number)
    await stream.write(_HEAD.pack(b"OKAY", 0))


async def _fail(stream: Stream, reason: str) -> None:
    raw = reason.encode(errors="surrogateescape")
    await stream.write(_HEAD.pack(b"FAIL", len(raw)) + raw)
