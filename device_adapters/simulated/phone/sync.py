"""File sync: STAT, LIST, SEND and RECV, and the v2 forms of the first two (AOSP SYNC.TXT)."""

import struct

from device_adapters.simulated.phone.files import Entry
from device_adapters.simulated.phone.state import Phone
from device_adapters.simulated.phone.stream import Stream

CHUNK = 64 * 1024
NAME_LIMIT = 1024
ENOENT = 2
_HEAD = struct.Struct("<4sI")
_STAT = struct.Struct("<4sIII")  # id, mode, size, time
_DENT = struct.Struct("<4sIIII")  # the same, and the length of the name
_STAT2 = struct.Struct("<4sIQQIIIIQqqq")  # id, error, dev, ino, mode, … size, three times
_DENT2 = struct.Struct("<4sIQQIIIIQqqqI")


class SyncError(Exception):
    """What the phone answers with FAIL."""


async def serve(stream: Stream, phone: Phone) -> None:
    """Answer requests until QUIT or the end."""
    while True:
        request, length = _HEAD.unpack(await stream.read(_HEAD.size))
        if request == b"QUIT":
            return
        if length > NAME_LIMIT:
            await _fail(stream, "path too long")
            return
        path = (await stream.read(length)).decode(errors="surrogateescape")
        try:
            await _answer(stream, phone, request, path)
        except (SyncError, OSError) as exc:
            await _fail(stream, str(exc))


async def _answer(stream: Stream, phone: Phone, request: bytes, path: str) -> None:
    """Do one request."""
    if request == b"SEND":
        await _receive(stream, phone, path)
    elif request == b"RECV":
        await _send(stream, phone.files.read(path))
    elif request == b"STAT":
        entry = phone.files.stat(path) or Entry(0, 0, 0)
        await stream.write(_STAT.pack(request, entry.mode, entry.size, entry.mtime))
    elif request in (b"STA2", b"LST2"):
        await stream.write(_stat2(request, phone.files.stat(path)))
    elif request in (b"LIST", b"LIS2"):
        await stream.write(_listing(phone, path, second=request == b"LIS2"))
    else:
        raise SyncError(f"unknown command {request!r}")


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


async def _receive(stream: Stream, phone: Phone, target: str) -> None:
    """A file from the computer; all of it is read even when it cannot be kept."""
    path, _, mode = target.rpartition(",")
    data = bytearray()
    while True:
        kind, number = _HEAD.unpack(await stream.read(_HEAD.size))
        if kind == b"DONE":
            break
        if kind != b"DATA" or number > CHUNK:
            raise SyncError("invalid data message")
        data += await stream.read(number)
    phone.files.write(path, bytes(data), int(mode, 10), mtime=number)
    await stream.write(_HEAD.pack(b"OKAY", 0))


async def _fail(stream: Stream, reason: str) -> None:
    raw = reason.encode()
    await stream.write(_HEAD.pack(b"FAIL", len(raw)) + raw)
