"""Messages, packets, tokens and simple shell lines, without a connection."""

import asyncio
import io
from contextlib import closing

import pytest

from device_adapters.adb import packets
from device_adapters.adb.answer import Answer, MalformedAnswerError
from device_adapters.adb.stream import Stream
from device_adapters.simulated.phone import Phone, shell
from device_adapters.simulated.phone.adbd.auth import Keys, Trust
from device_adapters.simulated.phone.adbd.wire import (
    HEADER,
    Command,
    Message,
    ProtocolError,
    read_message,
)
from device_adapters.simulated.phone.provider import Provider
from schemas.errors import DeviceRefused


async def received(data: bytes, *, checked: bool) -> Message:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return await read_message(reader, checked=checked)


@pytest.mark.parametrize("checked", [True, False])
async def test_a_message_survives_the_wire(checked: bool) -> None:
    message = Message(Command.WRTE, 7, 9, b"\xff" * 1000)
    assert await received(message.pack(checked=checked), checked=checked) == message


async def test_checksum_zero_is_wrong_only_where_it_is_looked_at() -> None:
    data = Message(Command.WRTE, 1, 1, b"hi").pack(checked=False)
    assert (await received(data, checked=False)).data == b"hi"
    with pytest.raises(ProtocolError):
        await received(data, checked=True)


@pytest.mark.parametrize(
    "header",
    [
        (Command.WRTE, 0, 0, 0, 0, 0),  # bad magic
        (Command.WRTE, 0, 0, 2**31, 0, Command.WRTE ^ 0xFFFFFFFF),  # too long
        (0x12345678, 0, 0, 0, 0, 0x12345678 ^ 0xFFFFFFFF),  # unknown
    ],
)
async def test_a_bad_header_is_refused(header: tuple[int, ...]) -> None:
    with pytest.raises(ProtocolError):
        await received(HEADER.pack(*header), checked=False)


async def test_half_a_message_is_an_end() -> None:
    data = Message(Command.WRTE, 0, 0, b"abc").pack(checked=False)
    with pytest.raises(asyncio.IncompleteReadError):
        await received(data[:-1], checked=False)


def test_an_unknown_key_waits_for_a_person() -> None:
    keys = Keys(Trust.ASK)
    assert not keys.offer(b"QUJD me@hub\0")
    keys.allow()
    assert keys.offer(b"QUJD me@hub\0")
    assert not keys.signed(b"token", b"signature")


def packet(number: int, data: bytes) -> bytes:
    return bytes([number]) + len(data).to_bytes(4, "little") + data


class Said(Stream):
    """A service that said this and ended."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    async def read(self, size: int) -> bytes:
        if len(data := self._data.read(size)) < size:
            raise EOFError
        return data

    async def write(self, data: bytes) -> None:
        raise AssertionError("nothing is said to it")


async def test_packets_are_told_apart() -> None:
    data = packet(1, b"a") + packet(2, b"x") + packet(1, b"\xc3\xa9") + packet(3, b"\x07")
    assert (await packets.read(Said(data))).answer() == Answer("aé", "x", 7)


@pytest.mark.parametrize(
    "data",
    [b"", packet(1, b"a"), packet(3, b"\0")[:-1], packet(9, b"") + packet(3, b"\0"), b"\1\0"],
)
async def test_cut_packets_are_no_answer(data: bytes) -> None:
    with pytest.raises((MalformedAnswerError, EOFError)):
        await packets.read(Said(data))


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (Answer("", "", 0), None),
        (Answer("", "", 3), "exit code 3"),
        (Answer("[ERROR] For input\n", "", 0), "[ERROR] For input"),
        (
            Answer("", "java.lang.SecurityException: no\n at x", 0),
            "java.lang.SecurityException: no",
        ),
        (Answer("usage: cmd notification SUBCMD [args]\n", "", 0), "usage: cmd notification"),
    ],
)
def test_failure_is_read_from_the_text(answer: Answer, complaint: str | None) -> None:
    said = answer.complaint()
    assert said == complaint or (complaint is not None and said and said.startswith(complaint))


def test_a_contact_cannot_fail_a_query() -> None:
    answer = Answer("Row: 0 data1=Error: me\n", "", 0)
    assert answer.accepted(trusted=False) == answer.stdout
    with pytest.raises(DeviceRefused, match="boom"):
        Answer("", "Error: boom", 0).accepted(trusted=False)


@pytest.mark.parametrize(
    ("line", "stdout", "code"),
    [
        ("echo a; echo b", "a\nb\n", 0),
        ("false && echo a || echo b", "b\n", 0),
        ("true || echo a", "", 0),
        ("false", "", 1),
        ('echo "a \\"b\\"" c\\ d', 'a "b" c d\n', 0),
        ("echo ';' '&&'", "; &&\n", 0),
        ("nosuch", "", 127),
    ],
)
def test_shell_lines(line: str, stdout: str, code: int) -> None:
    with closing(Provider()) as provider:
        result = shell.run(Phone(provider=provider), line)
    assert (result.stdout.decode(), result.code) == (stdout, code)
