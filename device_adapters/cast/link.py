"""One connection to a Cast device, for the event loop: what it plays, and orders to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from pychromecast.controllers.media import (
    DefaultMediaReceiverController,
    MediaStatus,
    MediaStatusListener,
)
from pychromecast.controllers.receiver import CastStatus, CastStatusListener

from device_adapters.cast.thread import NOT_SENT, Answer, Callback, CastThread
from schemas.errors import DeviceRefused, DeviceUnavailable, DeviceUncertain

_MEDIA = "urn:x-cast:com.google.cast.media"
_CONNECT_WITHIN = 4.0  # seconds
_LOOK_WITHIN = 2.0  # seconds
_LONGEST = 1000


class Media(NamedTuple):
    """What a device is playing, as it last said."""

    state: str = "UNKNOWN"  # PLAYING | BUFFERING | PAUSED | IDLE | UNKNOWN
    content: str = ""
    title: str = ""
    idle_reason: str = ""  # ERROR, FINISHED, CANCELLED …
    session: bool = False
    commands: int = 0  # what it can do now, in bits

    @property
    def active(self) -> bool:
        """Whether there is something to pause or stop."""
        return self.session and self.state in ("PLAYING", "BUFFERING", "PAUSED")


class CastLink(MediaStatusListener, CastStatusListener):
    """A connection, to be opened once; `told` hears of every change, and of its end."""

    def __init__(self, host: str, port: int, name: str, told: Callable[[], None]) -> None:
        self.media = Media()
        self._name = name
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._ended = asyncio.Event()
        self._woken = asyncio.Event()
        self._loading = asyncio.Lock()
        self._client = CastThread(host, port, lambda: self._soon(self._over))
        self._player = DefaultMediaReceiverController()
        self._client.register_handler(self._player)
        self._client.receiver_controller.register_status_listener(self)
        self._client.media_controller.register_status_listener(self)

    @property
    def alive(self) -> bool:
        """Whether the device is connected."""
        return self._ready.is_set() and not self._ended.is_set()

    async def open(self) -> None:
        """Connect, and hear how the device is; `DeviceUnavailable`."""
        self._client.start()
        first = [asyncio.create_task(event.wait()) for event in (self._ready, self._ended)]
        try:
            await asyncio.wait(first, timeout=_CONNECT_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._client.disconnect()  # nobody else knows of it
            raise
        finally:
            for task in first:
                task.cancel()
            await asyncio.gather(*first, return_exceptions=True)
        if not self.alive:
            await self.close()
            raise DeviceUnavailable(f"{self._name} does not answer; nothing was sent")

    async def close(self) -> None:
        """Let go of the device; safe to call twice."""
        self._client.disconnect()
        await self._ended.wait()

    async def play(self, url: str, content_type: str, title: str, *, live: bool) -> None:
        """Load something into the device's own player, one thing after the other: each starts the
        player anew. Errors as `command`."""
        stream = "LIVE" if live else "BUFFERED"
        async with self._loading:
            await self._request(
                lambda answered: self._player.play_media(
                    url, content_type, title=title, stream_type=stream, callback_function=answered
                )
            )

    async def look(self) -> Media:
        """What it is playing now; `DeviceUnavailable` where it does not say. Changes nothing."""
        try:
            async with asyncio.timeout(_LOOK_WITHIN):
                await self._request(
                    lambda answered: self._client.receiver_controller.update_status(
                        callback_function=answered
                    )
                )
                if _MEDIA in self._client.app_namespaces:
                    await self._request(
                        lambda answered: self._client.media_controller.update_status(
                            callback_function=answered
                        )
                    )
        except (TimeoutError, DeviceUncertain, DeviceRefused) as error:
            raise DeviceUnavailable(
                f"{self._name} does not say what it plays; nothing was sent"
            ) from error
        return self.media

    async def command(self, kind: str, **fields: Any) -> None:
        """Tell what plays to go on, stop …

        `DeviceUnavailable`: nothing was sent; `DeviceRefused`: the device said no;
        `DeviceUncertain`: the connection ended before it answered.
        """
        session = self._client.media_controller.status.media_session_id
        await self._request(
            lambda answered: self._client.send_app_message(
                _MEDIA, {"type": kind, "mediaSessionId": session, **fields},
                inc_session_id=True, callback_function=answered,
            )
        )  # fmt: skip

    async def until(self, holds: Callable[[], bool], within: float) -> bool:
        """Wait until something holds, looking after all it says; False after `within` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not holds() and not self._ended.is_set():
                    await self._woken.wait()
        return holds()

    def new_media_status(self, status: MediaStatus) -> None:
        """Called in pychromecast's thread."""
        self._soon(self._playing, _media(status))

    def load_media_failed(self, queue_item_id: int, error_code: int) -> None:
        """Called in pychromecast's thread; the answer to the order says it too."""

    def new_cast_status(self, status: CastStatus) -> None:
        """Called in pychromecast's thread."""
        self._soon(self._heard)

    async def _request(self, send: Callable[[Callback], None]) -> None:
        answer: asyncio.Future[tuple[bool, Answer]] = self._loop.create_future()

        def answered(sent: bool, said: Answer) -> None:
            self._soon(_settle, answer, (sent, said))

        self._client.do(send, answered)
        sent, said = await answer
        kind = said.get("type") if said else None
        if kind == NOT_SENT:
            raise DeviceUnavailable(f"{self._name} is not connected; nothing was sent")
        if not sent and said is None:
            raise DeviceUncertain(f"{self._name} was gone before it answered")
        if not sent or kind not in ("MEDIA_STATUS", "RECEIVER_STATUS"):
            raise DeviceRefused(f"{self._name} refused: {_reason(said)}")

    def _playing(self, media: Media) -> None:
        self.media = media
        self._wake()

    def _heard(self) -> None:
        self._ready.set()
        self._wake()

    def _over(self) -> None:
        self._ended.set()
        self._wake()

    def _wake(self) -> None:
        self._woken.set()
        self._woken = asyncio.Event()
        self._told()

    def _soon(self, call: Callable[..., None], *arguments: object) -> None:
        """From pychromecast's thread into the event loop, which may be gone."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call, *arguments)


def _media(status: MediaStatus) -> Media:
    return Media(
        state=_text(status.player_state),
        content=_text(status.content_id),
        title=_text(status.media_metadata.get("title")),
        idle_reason=_text(status.idle_reason),
        session=status.media_session_id is not None,
        commands=_bits(status.supported_media_commands),
    )


def _bits(value: object) -> int:
    return value if isinstance(value, int) else 0


def _text(value: object) -> str:
    return value[:_LONGEST] if isinstance(value, str) else ""


def _reason(said: Answer) -> str:
    """Why, in a few words that can be shown."""
    told = (said or {}).get("reason") or (said or {}).get("type") or "it did not say why"
    return "".join(c for c in str(told)[:100] if c.isprintable()).replace("_", " ").lower()


def _settle(future: asyncio.Future[Any], value: object) -> None:
    if not future.done():
        future.set_result(value)
