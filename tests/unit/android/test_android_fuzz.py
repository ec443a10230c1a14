"""Whatever comes over the wire, the phone's own parser ends the connection and nothing more."""

import asyncio
import struct
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_adapters.simulated.phone import Phone
from device_adapters.simulated.phone.adbd import sync, wire
from device_adapters.simulated.phone.adbd.auth import Keys, Trust
from device_adapters.simulated.phone.adbd.connection import Connection
from device_adapters.simulated.phone.adbd.faults import Faults
from device_adapters.simulated.phone.adbd.stream import Stream
from device_adapters.simulated.phone.adbd.wire import Command, Message

SERVICES = [
    b"shell:echo hi",
    b"shell,v2,raw:echo hi",
    b"shell,v2,pty:",
    b"exec:getprop",
    b"sync:",
    b"root:",
    b"jdwp:1",
    b"reverse:forward:tcp:0;tcp:1",
    b"reverse:forward:norebind:tcp:0;tcp:1",
    b"reverse:forward:tcp:99999;tcp:1",
    b"reverse:forward:tcp:0",
    b"reverse:killforward:tcp:1",
    b"reverse:killforward-all",
    b"reverse:list-forward",
    b"reverse:",
]
REQUESTS = [b"SEND", b"SND2", b"RECV", b"RCV2", b"STAT", b"STA2", b"LST2", b"LIST", b"LIS2"]

payloads = st.binary(max_size=60) | st.sampled_from(SERVICES) | st.text(max_size=20).map(str.encode)
messages = st.builds(
    Message, st.sampled_from(Command), st.integers(0, 3), st.integers(0, 3), payloads
)
paths = st.sampled_from([b"/sdcard/x", b"/sdcard/x,33188", b"/system/y", b"/sdcard", b"/", b""])
names = paths | st.binary(max_size=30) | st.text(max_size=10).map(str.encode)
chunks = st.builds(
    lambda kind, size, data: kind + struct.pack("<I", size % 2**32) + data,
    st.sampled_from([b"DATA", b"DONE", b"QUIT", *REQUESTS]),
    st.integers(0, 5) | st.integers(0, 2**32),
    st.binary(max_size=12),
)


def request(kind: bytes, name: bytes, rest: bytes) -> bytes:
    return kind + struct.pack("<I", len(name)) + name + rest


requests = st.builds(request, st.sampled_from(REQUESTS), names, st.binary(max_size=12) | chunks)


@pytest.fixture(scope="module")
def state() -> Iterator[Phone]:
    """One phone for all examples."""
    phone = Phone()
    yield phone
    phone.provider.close()


class Wire:
    """A connection in memory: the computer said its piece and left."""

    def __init__(self, said: bytes) -> None:
        self.sent = b""
        self._reader = asyncio.StreamReader()
        self._reader.feed_data(said)
        self._reader.feed_eof()

    async def readexactly(self, n: int, /) -> bytes:
        await asyncio.sleep(0)  # what the phone runs beside has its turn
        return await self._reader.readexactly(n)

    async def write(self, data: bytes) -> None:
        self.sent += data

    def abort(self) -> None:
        pass


def served(state: Phone, said: bytes, trust: Trust = Trust.NONE) -> bytes:
    """What a phone answers to a computer that says this and leaves."""

    async def serve() -> bytes:
        link = Wire(said)
        await Connection(link, state, Keys(trust), Faults()).serve()
        return link.sent

    return asyncio.run(serve())


def hello(maximum: int = 4096) -> bytes:
    return Message(Command.CNXN, wire.VERSION, maximum, b"host::\0").pack(checked=True)


def test_the_wire_in_memory_reaches_the_services(state: Phone) -> None:
    opened = Message(Command.OPEN, 1, 0, b"shell:echo hi\0")
    assert b"hi\n" in served(state, hello() + opened.pack(checked=False) * 2)


@settings(deadline=None)
@given(said=st.binary(max_size=200), greeted=st.booleans(), trust=st.sampled_from(Trust))
def test_garbage_ends_the_connection(
    state: Phone, said: bytes, greeted: bool, trust: Trust
) -> None:
    served(state, hello() * greeted + said, trust)


@settings(deadline=None)
@given(said=st.lists(messages, max_size=12), maximum=st.integers(0, 2**32 - 1))
def test_any_order_of_messages_is_survived(state: Phone, said: list[Message], maximum: int) -> None:
    served(state, hello(maximum) + b"".join(one.pack(checked=False) for one in said))


@settings(deadline=None)
@given(said=st.lists(messages, max_size=4), trust=st.sampled_from([Trust.ACCEPT, Trust.ASK]))
def test_nothing_is_served_before_the_computer_is_known(
    state: Phone, said: list[Message], trust: Trust
) -> None:
    offered = {one.data for one in said if one.first == 3 and one.command is Command.AUTH}
    answer = served(state, hello() + b"".join(one.pack(checked=True) for one in said), trust)
    if trust is Trust.ASK or not offered:
        assert answer.count(b"device::") == 0
        assert b"OKAY" not in answer


@settings(deadline=None)
@given(said=st.lists(requests | chunks | st.binary(max_size=30), max_size=8))
def test_sync_answers_or_ends(state: Phone, said: list[bytes]) -> None:
    async def serve() -> None:
        async def send(message: Message) -> None:
            if message.command is Command.WRTE:
                stream.acknowledge(1)

        stream = Stream(1, 1, send, 4096)
        await stream.receive(b"".join(said))
        stream.abandon()
        with suppress(asyncio.IncompleteReadError):
            await sync.serve(stream, state)

    asyncio.run(serve())


async def test_a_computer_that_does_not_wait_is_dropped() -> None:
    async def send(_: Message) -> None: ...

    stream = Stream(1, 1, send, 4096)
    await stream.receive(bytes(2**20))
    await stream.receive(bytes(2**20))
    with pytest.raises(wire.ProtocolError):
        await stream.receive(b"x")
