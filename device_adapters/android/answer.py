"""What a phone's shell said: the packets of `shell,v2`, and how failure reads in its words."""

import re
import struct
from dataclasses import dataclass

from schemas.errors import DeviceRefused

STDOUT, STDERR, EXIT = 1, 2, 3
KILLED = 128
"""Exit codes from here on are signals."""

_PACKET = struct.Struct("<BI")
_FAILURE = re.compile(
    r"^\s*(Error\b.*|\[E(?:RROR)?\].*|usage:.*|Unknown command.*|Can't find service.*"
    r"|Security exception.*|Invalid .*|[\w.]+(?:Exception|Error)\b.*)",
    re.MULTILINE | re.IGNORECASE,
)


class MalformedAnswerError(Exception):
    """The packets are cut short or wrong."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A command's two outputs and its exit code."""

    stdout: str
    stderr: str
    code: int

    def complaint(self, *, trusted: bool = True) -> str | None:
        """What went wrong, in one line; None where nothing did.

        Exit status is not success on Android, so the text is read as well: stdout only where it is
        the phone's own words (`trusted`), not somebody's contact or message.
        """
        said = self.stderr + ("\n" + self.stdout if trusted else "")
        if match := _FAILURE.search(said):
            return match[1].strip()
        if self.code:
            return said.strip().partition("\n")[0] or f"exit code {self.code}"
        return None

    def accepted(self, *, trusted: bool = True) -> str:
        """The standard output; raises `DeviceRefused` with the phone's complaint."""
        if complaint := self.complaint(trusted=trusted):
            raise DeviceRefused(f"the phone said: {complaint}")
        return self.stdout


def read_packets(data: bytes) -> Answer:
    """The packets of one finished `shell,v2` stream; raises `MalformedAnswerError`."""
    outputs = {STDOUT: bytearray(), STDERR: bytearray(), EXIT: bytearray()}
    position = 0
    while position < len(data):
        if len(data) - position < _PACKET.size:
            raise MalformedAnswerError("half a packet header")
        number, length = _PACKET.unpack_from(data, position)
        position += _PACKET.size
        if length > len(data) - position or number not in outputs:
            raise MalformedAnswerError(f"bad packet {number} of {length} bytes")
        outputs[number] += data[position : position + length]
        position += length
    if len(outputs[EXIT]) != 1:
        raise MalformedAnswerError("no exit code")
    stdout, stderr = (outputs[number].decode(errors="replace") for number in (STDOUT, STDERR))
    return Answer(stdout, stderr, outputs[EXIT][0])
