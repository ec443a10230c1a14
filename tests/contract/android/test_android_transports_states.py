"""What an adb server says of a phone becomes the one thing to do; its sentences are adb 36's own.

No USB is needed: a socket says what adb says where there is one.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device_adapters.adb.adbserver import AdbServerTransport
from device_adapters.adb.server import AdbServer
from schemas.errors import (
    DeviceNeedsPerson,
    DeviceUnauthorized,
    DeviceUnavailable,
    DeviceUncertain,
    HubError,
)

SERIAL = "R5CT30"
OKAY = b"OKAY"
GONE = f"device '{SERIAL}' not found"
ASKING = (
    "device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set\nTry 'adb kill-server'"
)
DENIED = "insufficient permissions for device: user is not in the plugdev group\nSee [http://…]"


class Scripted(AdbServer):
    """An adb server that gives one answer to each service that begins so; else it hangs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "adbkey")
        self.path = folder / "socket"
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []

    async def _socket(self) -> Path:
        return self.path

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                length = int(await reader.readexactly(4), 16)
                service = (await reader.readexactly(length)).decode()
                self.asked.append(service)
                answer = next((a for s, a in self.answers.items() if service.startswith(s)), None)
                writer.write(answer or b"")
                if answer not in (OKAY, None):
                    break
        writer.close()


def fail(reason: str) -> bytes:
    """adb's no."""
    return b"FAIL%04x%s" % (len(reason.encode()), reason.encode())


@pytest.fixture
async def adb(tmp_path: Path) -> AsyncIterator[Scripted]:
    """The scripted server, listening."""
    scripted = Scripted(tmp_path)
    listening = await asyncio.start_unix_server(scripted.handle, scripted.path)
    yield scripted
    listening.close()
    await listening.wait_closed()


@pytest.mark.parametrize(
    ("state", "problem", "line"),
    [
        (fail(GONE), DeviceUnavailable, "R5CT30: it is not plugged in"),
        (fail("device offline"), DeviceUnavailable, "R5CT30: it is offline"),
        (fail(ASKING), DeviceUnauthorized, "tap Allow"),
        (fail("device still authorizing"), DeviceUnavailable, "no answer in time"),
        (fail(DENIED), DeviceNeedsPerson, "USB: insufficient permissions for device: user is not"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", DeviceUnavailable, "instead of OKAY"),
        (b"OKAYzzzz", DeviceUnavailable, "is no length"),
        (OKAY + b"ffff", DeviceUnavailable, "the connection ended"),
    ],
)
async def test_a_phone_on_usb(
    adb: Scripted, state: bytes, problem: type[HubError], line: str
) -> None:
    adb.answers = {"host:transport": fail("device offline"), "host-serial": state}
    way = AdbServerTransport(adb, SERIAL, network=False)
    with pytest.raises(problem, match=line):
        await way.connect(0.9)
    assert not await way.alive()


async def test_a_connection_is_tried_until_there_is_little_time_left(adb: Scripted) -> None:
    """On a machine with one core, adb's own race lets most tries to connect by TLS fail."""
    failed = b"0020failed to connect to 127.0.0.1:5"
    adb.answers = {"host:disconnect": fail("no such device"), "host:connect": OKAY + failed}
    adb.answers |= {"host:transport": fail(GONE), "host-serial": fail(GONE)}
    way = AdbServerTransport(adb, "127.0.0.1:5", network=True)
    connecting = asyncio.create_task(way.connect(60))
    while sum(service.startswith("host:connect") for service in adb.asked) < 10:
        assert not connecting.done()
        await asyncio.sleep(0.01)
    adb.answers |= {"host:transport": OKAY, "host-serial": OKAY + b"0006device"}
    await connecting
    adb.answers |= {"host:transport": fail(GONE), "host-serial": fail(GONE)}
    with pytest.raises(DeviceUnavailable, match="failed to connect"):
        await way.connect(0.3)


async def test_what_is_said_while_a_phone_goes_is_no_refusal(adb: Scripted) -> None:
    """adb says "closed" where a phone refuses a service, and where it has just gone."""
    adb.answers = {"host:transport": OKAY, "shell": fail("closed"), "host-serial": fail(GONE)}
    with pytest.raises(DeviceUncertain):
        await AdbServerTransport(adb, SERIAL, network=False).shell("true", within=1)


async def test_a_server_that_says_nothing(adb: Scripted) -> None:
    way = AdbServerTransport(adb, SERIAL, network=False)
    with pytest.raises(DeviceUnavailable, match="no answer in time"):
        await way.shell("true", within=0.1)
    adb.answers = {"host:transport": OKAY}
    way = AdbServerTransport(adb, SERIAL, network=False)
    with pytest.raises(DeviceUncertain, match="no answer in time"):
        await way.shell("true", within=0.1)
