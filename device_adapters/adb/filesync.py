"""Files to and from a phone: SEND and RECV of adb's sync service (AOSP SYNC.TXT)."""

import stat
import struct

from device_adapters.adb.answer import MalformedAnswerError
from device_adapters.adb.packets import LARGEST_ANSWER
from device_adapters.adb.stream import Stream
from schemas.errors import DeviceRefused

SERVICE = "sync:"
CHUNK = 64 * 1024
LONGEST_PATH = 1024
LONGEST_REASON = 4096
MODE = stat.S_IFREG | 0o644
_HEAD = struct.Struct("<4sI")


async def pull(stream: Stream, path: str) -> bytes:
    """A file's bytes; `DeviceRefused` with the phone's reason."""
    await _ask(stream, b"RECV", path)
    data = bytearray()
    while True:
        kind, length = await _answer(stream)
        if kind == b"DONE":
            return bytes(data)
        if kind != b"DATA" or length > CHUNK:
            raise MalformedAnswerError(f"{kind!r} of {length} bytes is no piece of a file")
        if len(data) + length > LARGEST_ANSWER:
            raise DeviceRefused("the file is too large")
        data += await stream.read(length)


async def push(stream: Stream, path: str, data: bytes, modified: int) -> None:
    """Put a file there, `modified` at so many seconds since 1970."""
    await _ask(stream, b"SEND", f"{path},{MODE}")
    for start in range(0, len(data), CHUNK):
        piece = data[start : start + CHUNK]
        await stream.write(_HEAD.pack(b"DATA", len(piece)) + piece)
    await stream.write(_HEAD.pack(b"DONE", modified))
    kind, _ = await _answer(stream)
    if kind != b"OKAY":
        raise MalformedAnswerError(f"{kind!r} instead of OKAY")


async def _ask(stream: Stream, kind: bytes, path: str) -> None:
    name = path.encode(errors="surrogateescape")
    if len(name) > LONGEST_PATH or b"\0" in name:
        raise DeviceRefused("that is no path on a phone")
    await stream.write(_HEAD.pack(kind, len(name)) + name)


async def _answer(stream: Stream) -> tuple[bytes, int]:
    """The next head; a FAIL is `DeviceRefused`."""
    kind, length = _HEAD.unpack(await stream.read(_HEAD.size))
    if kind == b"FAIL":
        if length > LONGEST_REASON:
            raise MalformedAnswerError(f"a reason of {length} bytes")
        reason = (await stream.read(length)).decode(errors="replace")
        raise DeviceRefused(f"the phone said: {reason}")
    return kind, length
