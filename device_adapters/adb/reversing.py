"""A way back: a port of the phone that leads to one of the hub's (`adb reverse`)."""

from collections.abc import Mapping

from device_adapters.adb.adbserver import AdbServerTransport
from device_adapters.adb.answer import MalformedAnswerError
from device_adapters.adb.server import AdbServer, address
from device_adapters.adb.stream import Stream
from device_adapters.adb.transport import Transport
from device_adapters.adb.ways import Way

WITHIN = 5.0
LIST = "reverse:list-forward"


async def lead_back(transport: Transport, remote: int, local: int) -> bool:
    """Have the phone's loopback port `remote` lead to the hub's `local`; whether it did not yet."""
    listed = await transport.serve(LIST, _text, WITHIN)
    wanted = [f"tcp:{remote}", f"tcp:{local}"]  # behind the connection's name
    if any(line.split()[-2:] == wanted for line in listed.splitlines()):
        return False
    await transport.reverse(remote, local, within=WITHIN)
    return True


def own_way(where: Mapping[str, str], server: AdbServer | None) -> tuple[Way, ...]:
    """The adb server's own connection to a phone on plain TCP: the hub's, which is the faster one,
    leads nothing back."""
    host, port = where.get("host"), where.get("port", "")
    if server is None or not server.available or not host or not port.isdecimal():
        return ()
    through = AdbServerTransport(server, address(host, port), network=True)
    return (Way("Wi-Fi", through),)


async def _text(stream: Stream) -> str:
    """A text behind its length in four hex digits."""
    digits = await stream.read(4)
    try:
        length = int(digits, 16)
    except ValueError as exc:
        raise MalformedAnswerError(f"{digits!r} is no length") from exc
    return (await stream.read(length)).decode(errors="replace")
