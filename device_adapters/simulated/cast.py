"""A Cast device for tests: it speaks CASTV2 (TLS, length-prefixed protobuf) as real ones do."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import json
import ssl
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pychromecast.generated.cast_channel_pb2 import CastMessage

_SPACE = "urn:x-cast:com.google.cast"
CONNECTION, HEARTBEAT = f"{_SPACE}.tp.connection", f"{_SPACE}.tp.heartbeat"
RECEIVER, MEDIA = f"{_SPACE}.receiver", f"{_SPACE}.media"
PLATFORM, EVERYBODY = "receiver-0", "*"
PLAYER = "CC1AD845"
"""The app that plays what it is given the address of."""
_PAUSE, _NEXT, _PREVIOUS = 1, 64, 128


@dataclass
class Faults:
    """What goes wrong, for tests."""

    silent: bool = False  # reads and answers nothing
    hangs: bool = False  # answers everything but orders about media
    ends: bool = False  # closes the connection instead of answering about media
    refuses: bool = False  # says that what it is to play cannot be loaded
    breaks: bool = False  # begins to load it and then cannot play it
    stalls: bool = False  # buffers and never plays
    ignores: bool = False  # answers about media and does nothing
    no_apps: bool = False  # starts no app


@dataclass
class Playing:
    """What is in the player."""

    session: int
    queue: list[dict[str, Any]]
    at: int = 0
    state: str = "BUFFERING"
    reason: str = ""


@dataclass
class _Sender:
    writer: asyncio.StreamWriter
    connected: dict[str, str] = field(default_factory=dict)  # who of it listens to what


class SimulatedCast:
    """One device on a free port of loopback; an `async with` block is its life."""

    def __init__(self, name: str = "Kitchen display", port: int = 0) -> None:
        self.name = name
        self.faults = Faults()
        self.playing: Playing | None = None
        self.app: dict[str, Any] | None = None
        self.received: list[tuple[str, dict[str, Any]]] = []
        self._port = port
        self._senders: list[_Sender] = []
        self._serving: set[asyncio.Task[None]] = set()
        self._sessions = 0
        self._changed = asyncio.Event()

    @property
    def address(self) -> dict[str, str]:
        """Where it listens."""
        return {"host": "127.0.0.1", "port": str(self._port)}

    @property
    def loads(self) -> list[dict[str, Any]]:
        """Everything that it was given to play."""
        return [data["media"] for _, data in self.received if data.get("type") == "LOAD"]

    async def __aenter__(self) -> Self:
        with tempfile.TemporaryDirectory() as folder:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(self_signed(Path(folder)))
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, ssl=tls)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.kill()

    async def kill(self) -> None:
        """Be gone at once, as without power."""
        self._server.close()
        for sender in list(self._senders):
            sender.writer.transport.abort()
        await self._server.wait_closed()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def start(self, app: str, *namespaces: str) -> None:
        """Somebody else starts an app on it."""
        self._launch(app, namespaces)
        await self._tell_receiver(0)

    async def play(self, *titles: str, app: str = PLAYER) -> None:
        """Somebody else plays something on it."""
        if self.app is None:
            self._launch(app, (MEDIA,))
        self._sessions += 1
        queue = [{"contentId": f"http://example/{title}", "contentType": "audio/mpeg",
                  "streamType": "BUFFERED", "metadata": {"title": title}}
                 for title in titles]  # fmt: skip
        self.playing = Playing(self._sessions, queue, state="PLAYING")
        await self._tell_receiver(0)
        await self._tell_media(0)

    async def send_raw(self, data: bytes) -> None:
        """Send anything to everyone."""
        for sender in list(self._senders):
            with suppress(ConnectionError):
                sender.writer.write(data)
                await sender.writer.drain()

    async def ping(self) -> None:
        """Ask everyone whether they are there."""
        for sender in list(self._senders):
            await self._send(sender, HEARTBEAT, {"type": "PING"}, source=PLATFORM)

    async def until(self, holds: Callable[[], bool], within: float = 10) -> None:
        """Wait until something holds, looking after every message; `TimeoutError`."""
        async with asyncio.timeout(within):
            while not holds():
                await self._changed.wait()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer), name="simulated cast")
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = _Sender(writer)
        self._senders.append(sender)
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(4), "big")
                message = CastMessage()
                message.ParseFromString(await reader.readexactly(length))
                await self._take(sender, message)
                self._changed.set()
                self._changed = asyncio.Event()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            self._senders.remove(sender)
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def _take(self, sender: _Sender, message: CastMessage) -> None:
        data = json.loads(message.payload_utf8)
        self.received.append((message.namespace, data))
        if self.faults.silent:
            return
        kind, number = data["type"], data.get("requestId", 0)
        if message.namespace == CONNECTION:
            if kind == "CONNECT":
                sender.connected[message.destination_id] = message.source_id
            else:
                sender.connected.pop(message.destination_id, None)
        elif message.namespace == HEARTBEAT and kind == "PING":
            await self._send(sender, HEARTBEAT, {"type": "PONG"}, source=PLATFORM)
        elif message.namespace == RECEIVER:
            await self._receiver(sender, kind, number, data)
        elif message.namespace == MEDIA and self._hears(sender, message.destination_id):
            await self._media(sender, kind, number, data)

    def _hears(self, sender: _Sender, transport: str) -> bool:
        """Whether an app is that transport's, and the sender connected to it."""
        return transport == self._transport and transport in sender.connected

    async def _receiver(
        self, sender: _Sender, kind: str, number: int, data: dict[str, Any]
    ) -> None:
        if kind == "LAUNCH":
            if self.faults.no_apps:
                failed = {"type": "LAUNCH_ERROR", "requestId": number, "reason": "NOT_FOUND"}
                await self._send(sender, RECEIVER, failed, source=PLATFORM)
                return
            self._launch(data["appId"], (MEDIA,))
        elif kind == "STOP":
            self.app = self.playing = None
        await self._tell_receiver(number, sender)

    def _launch(self, app: str, namespaces: tuple[str, ...]) -> None:
        self._sessions += 1
        self.playing = None
        self.app = {
            "appId": app, "displayName": app, "sessionId": f"session-{self._sessions}",
            "transportId": f"transport-{self._sessions}", "statusText": "",
            "namespaces": [{"name": name} for name in namespaces],
        }  # fmt: skip

    async def _media(self, sender: _Sender, kind: str, number: int, data: dict[str, Any]) -> None:
        if self.faults.ends and kind != "GET_STATUS":
            sender.writer.transport.abort()
            return
        if self.faults.hangs and kind != "GET_STATUS":
            return
        if kind == "LOAD":
            if self.faults.refuses:
                failed = {"type": "LOAD_FAILED", "requestId": number, "reason": "LOAD_FAILED"}
                await self._send(sender, MEDIA, failed, source=self._transport)
                return
            await self._load(number, data)
            return
        playing = self.playing
        if kind != "GET_STATUS":
            if playing is None or data.get("mediaSessionId") != playing.session:
                wrong = {"type": "INVALID_REQUEST", "requestId": number,
                         "reason": "INVALID_MEDIA_SESSION_ID"}  # fmt: skip
                await self._send(sender, MEDIA, wrong, source=self._transport)
                return
            if not self.faults.ignores:
                self._obey(playing, kind, data)
        await self._tell_media(number)

    async def _load(self, number: int, data: dict[str, Any]) -> None:
        self._sessions += 1
        self.playing = Playing(self._sessions, [data["media"]])
        await self._tell_media(number)
        if self.faults.breaks:
            self.playing.state, self.playing.reason = "IDLE", "ERROR"
        elif not self.faults.stalls:
            self.playing.state = "PLAYING"
        await self._tell_media(0)

    def _obey(self, playing: Playing, kind: str, data: dict[str, Any]) -> None:
        if kind == "QUEUE_UPDATE":
            playing.at = max(0, min(len(playing.queue) - 1, playing.at + data.get("jump", 0)))
        elif kind == "STOP":
            playing.state, playing.reason = "IDLE", "CANCELLED"
        else:
            playing.state = {"PLAY": "PLAYING", "PAUSE": "PAUSED"}.get(kind, playing.state)

    @property
    def _transport(self) -> str:
        return str(self.app["transportId"]) if self.app else PLATFORM

    async def _tell_receiver(self, number: int, asker: _Sender | None = None) -> None:
        """Say how the device is: with the number of a request to whoever asked, 0 to the others."""
        status = {"applications": [self.app] if self.app else [], "isActiveInput": True,
                  "volume": {"level": 0.5, "muted": False}}  # fmt: skip
        for sender in list(self._senders):
            own = number if sender is asker else 0
            told = {"type": "RECEIVER_STATUS", "requestId": own, "status": status}
            await self._send(sender, RECEIVER, told, source=PLATFORM)

    async def _tell_media(self, number: int) -> None:
        told = {"type": "MEDIA_STATUS", "requestId": number, "status": self._media_status()}
        for sender in list(self._senders):
            if self._transport in sender.connected:
                await self._send(sender, MEDIA, told, source=self._transport)
        if self.playing and self.playing.state == "IDLE":
            self.playing = None

    def _media_status(self) -> list[dict[str, Any]]:
        playing = self.playing
        if playing is None:
            return []
        commands = _PAUSE
        commands |= _NEXT if playing.at < len(playing.queue) - 1 else 0
        commands |= _PREVIOUS if playing.at > 0 else 0
        status = {"mediaSessionId": playing.session, "playerState": playing.state,
                  "media": playing.queue[playing.at], "supportedMediaCommands": commands,
                  "currentTime": 0, "playbackRate": 1}  # fmt: skip
        return [status | ({"idleReason": playing.reason} if playing.reason else {})]

    async def _send(
        self, sender: _Sender, namespace: str, data: dict[str, Any], *, source: str
    ) -> None:
        with suppress(ConnectionError):
            sender.writer.write(framed(namespace, json.dumps(data), source))
            await sender.writer.drain()


def framed(namespace: str, payload: str, source: str = PLATFORM) -> bytes:
    """One message as it goes over the connection."""
    message = CastMessage(
        protocol_version=CastMessage.CASTV2_1_0, source_id=source, destination_id=EVERYBODY,
        namespace=namespace, payload_type=CastMessage.STRING, payload_utf8=payload,
    )  # fmt: skip
    body: bytes = message.SerializeToString()
    return len(body).to_bytes(4, "big") + body


def self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1 and its key, in one file, such as each device makes its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file
