"""What a computer can open on a phone: a shell in three dialects, and file sync."""

import struct
from collections.abc import Awaitable, Callable

from device_adapters.simulated.phone import shell, sync
from device_adapters.simulated.phone.faults import Fault
from device_adapters.simulated.phone.result import Result
from device_adapters.simulated.phone.state import Phone
from device_adapters.simulated.phone.stream import Stream

Serve = Callable[[Stream, Phone], Awaitable[None]]

STDOUT, STDERR, EXIT = 1, 2, 3
_PACKET = struct.Struct("<BI")


def find(service: str) -> Serve | None:
    """What serves `service`; None where the phone has no such service."""
    if service == "sync:":
        return sync.serve
    if service.startswith(("shell:", "shell,", "exec:")):

        async def serve(stream: Stream, phone: Phone) -> None:
            await say(stream, service, run(service, phone))

        return serve
    return None


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
