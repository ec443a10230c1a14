"""A first meeting with a phone: who it is, and that it listens over Wi-Fi from then on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from device_adapters.adb import introduce
from device_adapters.adb.answer import Answer
from device_adapters.adb.introduce import Introduction
from device_adapters.adb.stream import Stream
from device_adapters.adb.transport import CONNECT_TIMEOUT, Transport
from device_adapters.adb.ways import Way
from schemas.errors import DeviceRefused, DeviceUnavailable

T = TypeVar("T")


class Said(Stream):
    """What a service says until it ends."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    async def read(self, size: int) -> bytes:
        if len(self._said) < size:
            raise EOFError
        part, self._said = self._said[:size], self._said[size:]
        return part

    async def write(self, data: bytes) -> None:
        raise AssertionError("nothing is to be said")


class Cable(Transport):
    """A phone on a cable that has one service and one property."""

    def __init__(self, serial: str, said: bytes) -> None:
        self.asked: list[str] = []
        self.closed = False
        self._serial = serial
        self._said = said

    async def connect(self, within: float = CONNECT_TIMEOUT) -> None:
        self.asked.append("connect")

    async def serve(self, service: str, use: Callable[[Stream], Awaitable[T]], within: float) -> T:
        self.asked.append(service)
        return await use(Said(self._said))

    async def reverse(self, remote: int, local: int, *, within: float) -> None:
        raise AssertionError

    async def alive(self) -> bool:
        return not self.closed

    async def close(self) -> None:
        self.closed = True

    async def shell(self, *words: str, within: float) -> Answer:
        self.asked.append(" ".join(words))
        return Answer(f"{self._serial}\n", "", 0)


def met(monkeypatch: pytest.MonkeyPatch, way: Way) -> Introduction:
    monkeypatch.setattr(introduce, "ways", lambda *_: (way,))
    return Introduction(None, Path("unused"))


async def test_a_phone_says_who_it_is_and_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    cable = Cable("SIM1", b"")
    meeting = met(monkeypatch, Way("USB", cable))
    assert await meeting.by_usb("cable", tcpip=False, within=1) == "SIM1"
    assert cable.asked == ["connect", "getprop ro.serialno"]
    assert cable.closed


async def test_a_phone_is_switched_to_listening(monkeypatch: pytest.MonkeyPatch) -> None:
    cable = Cable("SIM1", b"restarting in TCP mode port: 5555\n")
    meeting = met(monkeypatch, Way("USB", cable))
    assert await meeting.by_usb("cable", tcpip=True, within=1) == "SIM1"
    assert cable.asked[-1] == "tcpip:5555"
    assert cable.closed


@pytest.mark.parametrize(
    ("serial", "said", "told"),
    [
        ("", b"", "does not tell its serial number"),
        ("SIM1", b"tcpip is not allowed\n", "the phone said: tcpip is not allowed"),
        ("SIM1", b"", "the phone said: nothing"),
        ("SIM1", b"x" * 100_000, "the phone said: x"),
    ],
)
async def test_a_phone_that_does_not_says_so(
    monkeypatch: pytest.MonkeyPatch, serial: str, said: bytes, told: str
) -> None:
    cable = Cable(serial, said)
    with pytest.raises(DeviceRefused, match=told) as caught:
        await met(monkeypatch, Way("USB", cable)).by_usb("cable", tcpip=True, within=1)
    assert len(str(caught.value)) < 2_000
    assert cable.closed


async def test_what_is_missing_for_a_way_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = met(monkeypatch, Way("USB", None, "pip install 'octopus-hub[adb-server]'"))
    with pytest.raises(DeviceUnavailable, match="adb-server"):
        await meeting.by_usb("cable", tcpip=False, within=1)
