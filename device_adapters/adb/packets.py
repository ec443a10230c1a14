"""The packets of `shell,v2`: a command's two outputs and its exit code, told apart."""

import struct
from dataclasses import dataclass

from device_adapters.adb.answer import Answer, MalformedAnswerError
from device_adapters.adb.stream import Stream

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes; more than any screenshot or photo, less than the hub's memory."""

PIECE = 64 * 1024
STDOUT, STDERR, EXIT = 1, 2, 3
_HEAD = struct.Struct("<BI")


@dataclass(frozen=True, slots=True)
class Output:
    """What a finished command left."""

    stdout: bytes
    stderr: bytes
    code: int

    def answer(self) -> Answer:
        """The same as text."""
        stdout, stderr = (part.decode(errors="replace") for part in (self.stdout, self.stderr))
        return Answer(stdout, stderr, self.code)


async def read(stream: Stream) -> Output:
    """Everything up to the exit code; raises `MalformedAnswerError`."""
    outputs: dict[int, list[bytes]] = {STDOUT: [], STDERR: []}
    room = LARGEST_ANSWER
    while True:
        number, length = _HEAD.unpack(await stream.read(_HEAD.size))
        room -= length + _HEAD.size
        if room < 0:
            raise MalformedAnswerError("the answer does not end")
        if number == EXIT and length == 1:
            (code,) = await stream.read(1)
            return Output(b"".join(outputs[STDOUT]), b"".join(outputs[STDERR]), code)
        if number not in outputs:
            raise MalformedAnswerError(f"bad packet {number} of {length} bytes")
        for start in range(0, length, PIECE):  # a large one at once would hold the loop
            outputs[number].append(await stream.read(min(PIECE, length - start)))
