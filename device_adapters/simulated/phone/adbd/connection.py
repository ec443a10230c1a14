"""One computer's connection to the phone: who it is, then its streams."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from device_adapters.simulated.phone.adbd import auth, services, wire
from device_adapters.simulated.phone.adbd.auth import Keys, Trust
from device_adapters.simulated.phone.adbd.faults import Fault, Faults, Manner
from device_adapters.simulated.phone.adbd.link import Link
from device_adapters.simulated.phone.adbd.reverse import Reverse
from device_adapters.simulated.phone.adbd.services import Serve
from device_adapters.simulated.phone.adbd.stream import Stream
from device_adapters.simulated.phone.adbd.wire import Command, Message, ProtocolError
from device_adapters.simulated.phone.state import Phone

FEATURES = "shell_v2,cmd,stat_v2,ls_v2,fixed_push_mkdir,sendrecv_v2"
_GONE = (asyncio.IncompleteReadError, ConnectionError, ProtocolError)

Secure = Callable[[], Awaitable[Link]]
"""Makes TLS of the connection; raises `ProtocolError` where the computer is not paired."""


class Connection:
    """Serves one connection until it ends; over TLS if it is given a way to `secure` it."""

    def __init__(
        self, link: Link, phone: Phone, keys: Keys, faults: Faults, secure: Secure | None = None
    ) -> None:
        self._link = link
        self._phone = phone
        self._keys = keys
        self._faults = faults
        self._secure = secure
        self._version = wire.OLDEST_VERSION
        self._maximum = wire.LEGACY_PAYLOAD
        self._streams: dict[int, Stream] = {}
        self._numbers = itertools.count(1)
        self._reverse = Reverse(self._dial)

    async def serve(self) -> None:
        """Talk until the computer leaves; what still runs then is stopped."""
        async with asyncio.TaskGroup() as group:
            running: set[asyncio.Task[None]] = set()
            try:
                await self._shake_hands()
                while True:
                    await self._take(await self._read(), group, running)
            except _GONE:
                pass
            finally:
                self._link.abort()
                for stream in self._streams.values():
                    stream.abandon()
                for task in running:
                    task.cancel()
                await self._reverse.close()

    async def _read(self) -> Message:
        return await wire.read_message(self._link, checked=self._checked)

    async def _send(self, message: Message) -> None:
        await self._link.write(message.pack(checked=self._checked))

    @property
    def _checked(self) -> bool:
        return self._version < wire.VERSION

    async def _shake_hands(self) -> None:
        """Agree on version and size; let in only whom a person allowed."""
        hello = await self._read()
        if hello.command is not Command.CNXN or hello.second == 0:
            raise ProtocolError("the first message must be CNXN")
        if self._secure is not None:
            await self._start_tls(self._secure)
        elif self._keys.trust is not Trust.NONE:
            await self._authenticate()
        banner = f"device::{self._phone.banner}features={FEATURES}".encode()
        welcome = Message(Command.CNXN, wire.VERSION, wire.MAX_PAYLOAD, banner)
        await self._send(welcome)
        self._version = min(wire.VERSION, hello.first)
        self._maximum = min(wire.MAX_PAYLOAD, hello.second)

    async def _start_tls(self, secure: Secure) -> None:
        """Both say STLS, then the rest is inside TLS: who is paired needs no AUTH."""
        await self._send(Message(Command.STLS, wire.TLS_VERSION, 0))
        if (await self._read()).command is not Command.STLS:
            raise ProtocolError("STLS expected")
        self._link = await secure()

    async def _authenticate(self) -> None:
        """Hand out tokens until one comes back signed, or an allowed key is shown."""
        while True:
            token = auth.new_token()
            await self._send(Message(Command.AUTH, auth.TOKEN, 0, token))
            answer = await self._read()
            while answer.first == auth.PUBLIC_KEY and not self._keys.offer(answer.data):
                answer = await self._asking(answer)
            if answer.command is not Command.AUTH:
                raise ProtocolError("AUTH expected")
            if answer.first == auth.PUBLIC_KEY or self._keys.signed(token, answer.data):
                return

    async def _asking(self, shown: Message) -> Message:
        """The question stays on the screen: the key that was shown, once it is allowed, or what the
        computer says meanwhile."""
        reading = asyncio.ensure_future(self._read())
        answering = asyncio.ensure_future(self._keys.answered.wait())
        try:
            await asyncio.wait([reading, answering], return_when=asyncio.FIRST_COMPLETED)
            return reading.result() if reading.done() else shown
        finally:
            for waiting in (reading, answering):
                waiting.cancel()
            await asyncio.wait([reading, answering])

    async def _take(
        self, message: Message, group: asyncio.TaskGroup, running: set[asyncio.Task[None]]
    ) -> None:
        """Do what one message asks."""
        stream = self._streams.get(message.second)
        if message.command is Command.OPEN and message.first:
            task = group.create_task(self._open(message))
            running.add(task)
            task.add_done_callback(running.discard)
        elif stream is None or stream.remote not in (0, message.first):
            return
        elif message.command is Command.WRTE:
            await stream.receive(message.data)
        elif message.command is Command.OKAY:
            stream.acknowledge(message.first)
        elif message.command is Command.CLSE:
            del self._streams[stream.local]
            await stream.close()

    async def _open(self, message: Message) -> None:
        """Serve one stream from OPEN to CLSE."""
        service = message.data.rstrip(b"\0").decode(errors="surrogateescape")
        fault = self._faults.take(service)
        serve = self._find(service)
        with contextlib.suppress(*_GONE):
            if serve is None or (fault and fault.manner is Manner.REFUSE):
                await self._send(Message(Command.CLSE, 0, message.first))
                return
            async with self._stream(message.first) as stream:
                await stream.accept()
                if fault is None or await self._misbehave(fault, stream, service):
                    await serve(stream, self._phone)

    def _find(self, service: str) -> Serve | None:
        """What serves it; `reverse:` alone belongs to the connection and not to the phone."""
        if service.startswith("reverse:"):
            return lambda stream, _: self._reverse.serve(stream, service.partition(":")[2])
        return services.find(service)

    @asynccontextmanager
    async def _dial(self, target: str) -> AsyncIterator[Stream]:
        """A stream to the computer; raises `ConnectionRefusedError`."""
        async with self._stream(0) as stream:
            await stream.dial(target)
            yield stream

    @asynccontextmanager
    async def _stream(self, remote: int) -> AsyncIterator[Stream]:
        """A stream, closed and forgotten after the block."""
        stream = Stream(next(self._numbers), remote, self._send, self._maximum)
        self._streams[stream.local] = stream
        try:
            yield stream
            await stream.close()
        finally:
            stream.abandon()
            self._streams.pop(stream.local, None)

    async def _misbehave(self, fault: Fault, stream: Stream, service: str) -> bool:
        """Act out a fault; whether the service is still to be served."""
        if fault.manner is Manner.DELAY:
            await asyncio.sleep(fault.seconds)
            return True
        if fault.manner is Manner.HANG:
            await asyncio.Event().wait()
        if fault.manner is Manner.ANSWER:
            await services.say(stream, service, services.canned(fault))
            return False
        if fault.manner is Manner.RUN_THEN_UNPLUG:
            services.run(service, self._phone)
        self._link.abort()
        raise ConnectionAbortedError
