"""Where a command reads and writes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO

from device_adapters.simulated.phone.files import Files
from device_adapters.simulated.phone.mksh.expansion import Expansion
from device_adapters.simulated.phone.mksh.tree import SHELL, NotSimulatedError, Redirection

NULL = "/dev/null"


class RedirectionError(Exception):
    """A file cannot be opened; the command is not run."""


@dataclass(frozen=True, slots=True)
class Io:
    """Standard input, and what was written to the two outputs, which may be one."""

    stdin: BytesIO = field(default_factory=BytesIO)
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)


@contextmanager
def redirected(
    redirections: Sequence[Redirection], io: Io, expansion: Expansion, files: Files
) -> Iterator[Io]:
    """The streams after all redirections, in their order; files are written at the end."""
    written: dict[str, bytearray] = {}
    for redirection in redirections:
        target = expansion.single(redirection.target)
        try:
            io = _led(redirection, target, io, files, written)
        except OSError as exc:
            act = "open" if redirection.operator == "<" else "create"
            io.err.extend(f"{SHELL}: {target}: {act}: {exc}\n".encode(errors="surrogateescape"))
            raise RedirectionError from exc
    yield io
    for path, data in written.items():
        files.write(path, bytes(data))


def _led(
    redirection: Redirection, target: str, io: Io, files: Files, written: dict[str, bytearray]
) -> Io:
    """The streams after one redirection; what a file is to hold is put into `written`."""
    match redirection.operator:
        case "<":
            return replace(io, stdin=BytesIO(b"" if target == NULL else files.read(target)))
        case ">&":
            return _put(io, redirection.descriptor, _output(io, target))
    data = bytearray()
    if target != NULL:
        if redirection.operator == ">>" and files.stat(target):
            data += files.read(target)
        files.write(target, bytes(data))
        written[target] = data
    io = _put(io, redirection.descriptor, data)
    return _put(io, 2, data) if redirection.operator == "&>" else io


def _put(io: Io, descriptor: int, data: bytearray) -> Io:
    match descriptor:
        case 1:
            return replace(io, out=data)
        case 2:
            return replace(io, err=data)
    raise NotSimulatedError(f"descriptor {descriptor}")


def _output(io: Io, target: str) -> bytearray:
    match target:
        case "1":
            return io.out
        case "2":
            return io.err
    raise NotSimulatedError(f">&{target}")
