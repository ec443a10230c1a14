"""How one talks to an adb server: four hex digits of length, a service's name, OKAY or FAIL."""

import asyncio

OKAY, FAIL = b"OKAY", b"FAIL"
_DIGITS = 4


class HostWireError(Exception):
    """What answers does not speak adb's host protocol."""


class ServerSaidNoError(HostWireError):
    """The adb server's FAIL, with its reason."""


async def request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: str) -> None:
    """Ask for a service; returns on OKAY and raises `ServerSaidNoError` on FAIL."""
    name = service.encode(errors="surrogateescape")
    writer.write(b"%04x%s" % (len(name), name))
    await writer.drain()
    await status(reader)


async def status(reader: asyncio.StreamReader) -> None:
    """Read one OKAY, or raise the reason of a FAIL."""
    word = await reader.readexactly(len(OKAY))
    if word == FAIL:
        raise ServerSaidNoError((await text(reader)).strip())
    if word != OKAY:
        raise HostWireError(f"{word!r} instead of OKAY")


async def text(reader: asyncio.StreamReader) -> str:
    """A text that its length precedes; some services send a second status before it."""
    word = await reader.readexactly(_DIGITS)
    if word == FAIL:
        raise ServerSaidNoError((await text(reader)).strip())
    if word == OKAY:
        word = await reader.readexactly(_DIGITS)
    try:
        length = int(word, 16)
    except ValueError as exc:
        raise HostWireError(f"{word!r} is no length") from exc
    return (await reader.readexactly(length)).decode(errors="replace")
