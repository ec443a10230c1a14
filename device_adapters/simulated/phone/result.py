"""What a command says and how it ends."""

from collections.abc import Sequence
from dataclasses import dataclass

Words = Sequence[str]


@dataclass(frozen=True, slots=True)
class Result:
    """A command's two outputs and its exit code."""

    stdout: bytes = b""
    stderr: bytes = b""
    code: int = 0


def say(text: str) -> Result:
    """Success, with these lines."""
    return Result(_lines(text))


def complain(text: str, code: int = 1) -> Result:
    """A complaint on stderr; many of Android's commands still exit 0 then."""
    return Result(b"", _lines(text), code)


def _lines(text: str) -> bytes:
    return (text + "\n").encode(errors="surrogateescape") if text else b""
