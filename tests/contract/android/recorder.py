"""Writes down what a phone answers, and answers in its place afterwards."""

import json
import shlex
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from device_adapters.adb import filesync, packets
from device_adapters.adb.stream import Stream
from device_adapters.adb.transport import CONNECT_TIMEOUT, Transport
from schemas.errors import (
    DeviceNeedsPerson,
    DeviceRefused,
    DeviceUnavailable,
    DeviceUncertain,
    HubError,
)

T = TypeVar("T")
Entry = dict[str, Any]
"""A header, a command with its answer, a file fetched or sent, or a call with its outcome."""

SHELL = "shell,v2,raw:"
SHOWN = 16
"""Bytes of a file or a picture that are kept: what it is, and nothing of what is in it."""

_HEAD = struct.Struct("<4sI")
_PACKET = struct.Struct("<BI")
_ERRORS = {
    e.code: e for e in (DeviceNeedsPerson, DeviceRefused, DeviceUnavailable, DeviceUncertain)
}


@dataclass
class Memory(Stream):
    """A service that says `answer`; what it is told is `written`, what it said `heard`."""

    answer: bytes = b""
    written: bytes = b""
    heard: bytes = b""

    async def read(self, size: int) -> bytes:
        data, self.answer = self.answer[:size], self.answer[size:]
        if len(data) < size:
            raise EOFError("the recording ends")
        return data

    async def write(self, data: bytes) -> None:
        self.written += data


class _Tee(Memory):
    """Notes what goes through a stream of a real phone."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream

    async def read(self, size: int) -> bytes:
        data = await self._stream.read(size)
        self.heard += data
        return data

    async def write(self, data: bytes) -> None:
        self.written += data
        await self._stream.write(data)


@dataclass
class Recording(Transport):
    """A transport whose answers are noted in `entries`."""

    inner: Transport
    entries: list[Entry] = field(default_factory=list)

    async def connect(self, within: float = CONNECT_TIMEOUT) -> None:
        await self.inner.connect(within)

    async def serve(self, service: str, use: Callable[[Stream], Awaitable[T]], within: float) -> T:
        tee = _Tee(Memory())

        async def noted(stream: Stream) -> T:
            nonlocal tee
            tee = _Tee(stream)
            return await use(tee)

        try:
            result = await self.inner.serve(service, noted, within)
        except HubError as exc:
            error = {"error": exc.code, "message": str(exc)}
            self.entries.append({**await _asked(service, tee), **error})
            raise
        self.entries.append({**await _asked(service, tee), **await _answered(service, tee)})
        return result

    async def reverse(self, remote: int, local: int, *, within: float) -> None:
        await self.inner.reverse(remote, local, within=within)

    async def alive(self) -> bool:
        return await self.inner.alive()

    async def close(self) -> None:
        await self.inner.close()


@dataclass
class Replay(Transport):
    """A phone that says again what it said: each answer once, and the last of its kind for ever."""

    entries: list[Entry]

    def __post_init__(self) -> None:
        self._left = [entry for entry in self.entries if "asked" in entry]
        self._last: dict[str, Entry] = {}

    async def connect(self, within: float = CONNECT_TIMEOUT) -> None:
        """It is there."""

    async def serve(self, service: str, use: Callable[[Stream], Awaitable[T]], within: float) -> T:
        stream = _Answering(self._next)
        if service.startswith(SHELL):
            stream.ask(shlex.split(service.removeprefix(SHELL)))
        return await use(stream)

    async def reverse(self, remote: int, local: int, *, within: float) -> None:
        raise DeviceRefused("a recording leads nowhere")

    async def alive(self) -> bool:
        return True

    async def close(self) -> None:
        """Nothing is open."""

    def _next(self, asked: list[str]) -> Entry:
        """The next answer to these words; a command that is asked more often repeats its last."""
        key = " ".join(asked)
        for entry in self._left:
            if entry["asked"] == asked:
                self._left.remove(entry)
                self._last[key] = entry
                break
        if key not in self._last:
            raise DeviceUnavailable(f"the recording does not know: {key}")
        found = self._last[key]
        if "error" in found:
            raise _ERRORS[found["error"]](found["message"])
        return found


class _Answering(Memory):
    """Answers as soon as it has been asked: a command at once, for a file when its path came."""

    def __init__(self, find: Callable[[list[str]], Entry]) -> None:
        super().__init__()
        self._find = find

    def ask(self, words: list[str]) -> None:
        entry = self._find(words)
        for number, said in ((1, _bytes(entry["stdout"])), (2, _bytes(entry["stderr"]))):
            self.answer += _PACKET.pack(number, len(said)) + said
        self.answer += _PACKET.pack(3, 1) + bytes([entry["code"]])

    async def write(self, data: bytes) -> None:
        self.written += data
        kind, _ = _HEAD.unpack_from(data)
        if kind == b"RECV":
            self._file(self._find(_request(self.written)))
        elif kind == b"DONE":
            self._find(_request(self.written))
            self.answer += _HEAD.pack(b"OKAY", 0)

    def _file(self, entry: Entry) -> None:
        data = _bytes(entry["file"])
        for start in range(0, len(data), filesync.CHUNK):
            piece = data[start : start + filesync.CHUNK]
            self.answer += _HEAD.pack(b"DATA", len(piece)) + piece
        self.answer += _HEAD.pack(b"DONE", 0)


async def _asked(service: str, tee: Memory) -> Entry:
    """A command's words, or what file was wanted."""
    if service.startswith(SHELL):
        return {"asked": shlex.split(service.removeprefix(SHELL))}
    return {"asked": _request(tee.written)}


async def _answered(service: str, tee: Memory) -> Entry:
    if service.startswith(SHELL):
        said = await packets.read(Memory(tee.heard))
        return {"stdout": _text(said.stdout), "stderr": _text(said.stderr), "code": said.code}
    if tee.written.startswith(b"RECV"):
        again = Memory(tee.heard)
        return {"file": _sample(await filesync.pull(again, ""))}
    return {}


def _request(written: bytes) -> list[str]:
    """`RECV /path`, or `SEND /path,mode`."""
    kind, length = _HEAD.unpack_from(written)
    return [kind.decode(), written[_HEAD.size :][:length].decode(errors="surrogateescape")]


def _text(said: bytes) -> str | Entry:
    """An output as text; what is none is kept as a sample."""
    try:
        return said.decode()
    except UnicodeDecodeError:
        return _sample(said)


def _sample(data: bytes) -> Entry:
    return {"begins": data[:SHOWN].hex(), "length": len(data)}


def _bytes(said: str | Entry) -> bytes:
    """An output again; a sample is filled up with zeros."""
    if isinstance(said, str):
        return said.encode()
    return bytes.fromhex(said["begins"]).ljust(said["length"], b"\0")


def save(entries: list[Entry], path: Path) -> None:
    """Write a recording: one JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries]
    path.write_text("".join(lines), encoding="utf-8")


def load(path: Path) -> list[Entry]:
    """Read a recording."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
