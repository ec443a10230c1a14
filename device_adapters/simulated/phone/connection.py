"""One computer's connection to the phone: who it is, then its streams."""

import asyncio
import itertools

from device_adapters.simulated.phone import auth, services, wire
from device_adapters.simulated.phone.auth import Keys, Trust
from device_adapters.simulated.phone.faults import Fault, Faults, Manner
from device_adapters.simulated.phone.state import Phone
from device_adapters.simulated.phone.stream import Stream
from device_adapters.simulated.phone.wire import Command, Message, ProtocolError

FEATURES = "shell_v2,cmd,stat_v2,ls_v2"
_GONE = (asyncio.IncompleteReadError, ConnectionError, ProtocolError)


class Connection:
    """Serves one TCP connection until it ends."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        phone: Phone,
        keys: Keys,
        faults: Faults,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._phone = phone
        self._keys = keys
        self._faults = faults
        self._version = wire.OLDEST_VERSION
        self._maximum = wire.LEGACY_PAYLOAD
        self._streams: dict[int, Stream] = {}
        self._numbers = itertools.count(1)

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
                self.abort()
                for task in running:
                    task.cancel()

    def abort(self) -> None:
        """Drop the connection as a pulled cable does."""
        self._writer.transport.abort()

    async def _read(self) -> Message:
        return await wire.read_message(self._reader, checked=self._checked)

    async def _send(self, message: Message) -> None:
        self._writer.write(message.pack(checked=self._checked))
        await self._writer.drain()

    @property
    def _checked(self) -> bool:
        return self._version < wire.VERSION

    async def _shake_hands(self) -> None:
        """Agree on version and size; let in only whom a person allowed."""
        hello = await self._read()
        if hello.command is not Command.CNXN:
            raise ProtocolError("the first message must be CNXN")
        if self._keys.trust is not Trust.NONE:
            await self._authenticate()
        banner = f"device::{self._phone.banner}features={FEATURES}".encode()
        welcome = Message(Command.CNXN, wire.VERSION, wire.MAX_PAYLOAD, banner)
        await self._send(welcome)
        self._version = min(wire.VERSION, hello.first)
        self._maximum = min(wire.MAX_PAYLOAD, hello.second)

    async def _authenticate(self) -> None:
        """Hand out tokens until one comes back signed, or an allowed key is shown."""
        while True:
            token = auth.new_token()
            await self._send(Message(Command.AUTH, auth.TOKEN, 0, token))
            answer = await self._read()
            while answer.first == auth.PUBLIC_KEY and not self._keys.offer(answer.data):
                answer = await self._read()  # the question stays on the screen
            if answer.command is not Command.AUTH:
                raise ProtocolError("AUTH expected")
            if answer.first == auth.PUBLIC_KEY or self._keys.signed(token, answer.data):
                return

    async def _take(
        self, message: Message, group: asyncio.TaskGroup, running: set[asyncio.Task[None]]
    ) -> None:
        """Do what one message asks."""
        stream = self._streams.get(message.second)
        if message.command is Command.OPEN:
            task = group.create_task(self._open(message))
            running.add(task)
            task.add_done_callback(running.discard)
        elif stream is None or stream.remote != message.first:
            return
        elif message.command is Command.WRTE:
            await stream.receive(message.data)
        elif message.command is Command.OKAY:
            stream.acknowledge()
        elif message.command is Command.CLSE:
            del self._streams[stream.local]
            await stream.close()

    async def _open(self, message: Message) -> None:
        """Serve one stream from OPEN to CLSE."""
        service = message.data.rstrip(b"\0").decode(errors="surrogateescape")
        fault = self._faults.take(service)
        serve = services.find(service)
        if serve is None or (fault and fault.manner is Manner.REFUSE):
            await self._send(Message(Command.CLSE, 0, message.first))
            return
        stream = Stream(next(self._numbers), message.first, self._send, self._maximum)
        self._streams[stream.local] = stream
        try:
            await stream.accept()
            if fault is None or await self._misbehave(fault, stream, service):
                await serve(stream, self._phone)
            await stream.close()
        except _GONE:
            stream.abandon()
        finally:
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
        self.abort()
        raise ConnectionAbortedError
