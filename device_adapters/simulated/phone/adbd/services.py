"""What a computer can open on a phone: a shell in three dialects, file sync, and refusals."""

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable

from device_adapters.simulated.phone import shell
from device_adapters.simulated.phone.adbd import sync
from device_adapters.simulated.phone.adbd.faults import Fault
from device_adapters.simulated.phone.adbd.stream import Stream
from device_adapters.simulated.phone.result import Result
from device_adapters.simulated.phone.state import Phone

Serve = Callable[[Stream, Phone], Awaitable[None]]

STDOUT, STDERR, EXIT = 1, 2, 3
_PACKET = struct.Struct("<BI")

_PRODUCTION = {
    "root:": "adbd cannot run as root in production builds\n",
    "unroot:": "adbd not running as root\n",
    "remount:": 'Not running as root. Try "adb root" first.\n',
}


def find(service: str) -> Serve | None:
    """What serves `service`; None where the phone has no such service.

    A shell without a command is one for a person at a keyboard: there is none.
    """
    if service == "sync:":
        return sync.serve
    name, _, command = service.partition(":")
    if service in _PRODUCTION:
        return _saying(_PRODUCTION[service])
    return _shell(service) if name.split(",")[0] in ("shell", "exec") and command else None


def run(service: str, phone: Phone) -> Result:
    """Run a shell service's line and say nothing."""
    return shell.run(phone, service.partition(":")[2])


async def say(stream: Stream, service: str, result: Result) -> None:
    """Answer in the service's dialect: packets in shell,v2, else both outputs as one."""
    options = service.partition(":")[0].split(",")
    if "v2" not in options:
        await stream.write(result.stdout + result.stderr)
        return
    packets = [(STDOUT, result.stdout), (STDERR, result.stderr)]
    packets = [packet for packet in packets if packet[1]]
    packets.append((EXIT, bytes([result.code & 0xFF])))
    for number, data in packets:
        await stream.write(_PACKET.pack(number, len(data)) + data)


def canned(fault: Fault) -> Result:
    """The answer a fault puts in the phone's mouth."""
    return Result(fault.stdout.encode(), fault.stderr.encode(), fault.code)


def _shell(service: str) -> Serve:
    async def serve(stream: Stream, phone: Phone) -> None:
        ignoring = asyncio.create_task(_ignore_input(stream))
        try:
            await say(stream, service, run(service, phone))
        finally:
            ignoring.cancel()

    return serve


async def _ignore_input(stream: Stream) -> None:
    """Take what is typed, so that nobody waits: no command of this phone reads it."""
    with contextlib.suppress(ConnectionError):
        while await stream.read_some():
            pass


def _saying(text: str) -> Serve:
    async def serve(stream: Stream, _: Phone) -> None:
        await stream.write(text.encode())

    return serve
