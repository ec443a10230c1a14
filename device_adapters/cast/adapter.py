"""Drives one Cast device."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import NamedTuple

from device_adapters.base import Adapter
from device_adapters.calls import Runner, in_time, patience, text_argument
from device_adapters.cast import library
from device_adapters.cast.library import Tables, Title
from device_adapters.cast.link import CastLink, Media
from schemas.call import Invocation
from schemas.device import Device
from schemas.errors import DeviceNeedsPerson, DeviceRefused, DeviceUnavailable
from schemas.outcome import Done, Evidence
from schemas.state import DeviceState, Standing

PORT = 8009
"""Where Cast devices listen; groups of them elsewhere."""
_PICTURES = 1  # the bit of what a device announces that says it has a screen
_NEXT, _PREVIOUS, _PAUSE = 64, 128, 1  # what a player can do, in bits


class CastAdapter(Adapter):
    """A Cast device, by `address["host"]` and `address["port"]`; `address["ca"]` says what it has,
    as it announces it."""

    def __init__(self, device: Device, tables: Tables) -> None:
        """`tables`: what the household gave names to, by its kind."""
        self.device = device
        self._tables = tables
        self._link: CastLink | None = None

    async def connect(self) -> frozenset[str]:
        if self._link is None or not self._link.alive:
            await self.close()
            link = CastLink(*self._place(), self.device.name, self._told)
            await link.open()
            self._link = link
        self._told()
        return functions(self.device.address)

    def moved(self, device: Device) -> bool:
        if device.address != self.device.address:
            return False
        self.device = device
        return True

    async def call(self, invocation: Invocation) -> Done:
        runners: Mapping[str, Runner] = {
            "media_control": self._control,
            "play_music_on_nest_hub": lambda call: self._play(call, library.MUSIC),
            "play_video_on_nest_hub": lambda call: self._play(call, library.VIDEO),
        }
        if invocation.function not in functions(self.device.address) & runners.keys():
            raise DeviceRefused(f"{self.device.name} cannot {invocation.function}")
        async with in_time(invocation, self.device.name):
            return await runners[invocation.function](invocation)

    async def close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def _control(self, call: Invocation) -> Done:
        link, action = self._connected(), text_argument(call, "action")
        media = await link.look()
        if not media.active:
            raise DeviceRefused(f"nothing plays on {self.device.name}")
        control = _CONTROLS.get(action)
        if control is None or (control.needs and not media.commands & control.needs):
            raise DeviceRefused(f"{self.device.name} cannot {action} now")
        await link.command(control.kind, **control.fields)
        evidence = await self._seen(lambda now: control.reached(media, now), call)
        return Done(evidence=evidence, detail=f"{action.capitalize()} on {self.device.name}")

    async def _play(self, call: Invocation, kind: str) -> Done:
        link = self._connected()
        media = await link.look()  # another app may have come since it last said anything
        said = [call.arguments.get(f"{kind}_{part}") for part in ("name", "service")]
        name, service = (text if isinstance(text, str) else "" for text in said)
        if not name and not service and media.active:
            await link.command("PLAY")
            evidence = await self._seen(lambda now: now.state == "PLAYING", call)
            return Done(evidence=evidence, detail=f"Playing on {self.device.name}")
        tables = dict(self._tables)
        if "play_video_on_nest_hub" not in functions(self.device.address):
            tables.pop(library.VIDEO, None)
        title = library.choose(self.device.name, kind, tables, name, service)
        if title is None:
            raise DeviceRefused(f"say what {self.device.name} is to play")
        return await self._load(link, title, call)

    async def _load(self, link: CastLink, title: Title, call: Invocation) -> Done:
        loop = asyncio.get_running_loop()
        until = loop.time() + patience(call)
        await link.play(title.url, title.type, title.name, live=title.live)

        def settled() -> bool:
            now = link.media
            return now.content == title.url and (now.state == "PLAYING" or _broken(now))

        await link.until(settled, max(0.0, until - loop.time()))
        now = link.media
        if now.content == title.url and _broken(now):
            raise DeviceRefused(f"{self.device.name} could not play {title.name}")
        playing = now.content == title.url and now.state == "PLAYING"
        return Done(
            evidence=Evidence.VERIFIED if playing else Evidence.UNVERIFIED,
            detail=f"Playing {title.name} on {self.device.name}",
        )

    async def _seen(self, holds: Callable[[Media], bool], call: Invocation) -> Evidence:
        """Whether the device says so in time."""
        link = self._connected()
        seen = await link.until(lambda: holds(link.media), patience(call))
        return Evidence.VERIFIED if seen else Evidence.UNVERIFIED

    def _place(self) -> tuple[str, int]:
        address = self.device.address
        port = address.get("port") or str(PORT)
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise DeviceNeedsPerson(f"the port of {self.device.name} is no number of one: {port}")
        return address.get("host", ""), int(port)

    def _connected(self) -> CastLink:
        if self._link is None or not self._link.alive:
            raise DeviceUnavailable(f"{self.device.name} is not connected; nothing was sent")
        return self._link

    def _told(self) -> None:
        """The device said something, or is gone."""
        gone = self._link is not None and not self._link.alive
        notice = Standing(state=DeviceState.OFFLINE) if gone else None
        if notice != self.notice:
            self.notice = notice
            self.noticed()


class _Control(NamedTuple):
    """One action: what is sent, what the player must be able to, and what tells that it did."""

    kind: str
    reached: Callable[[Media, Media], bool]  # before, now
    needs: int = 0
    fields: Mapping[str, int] = {}


def _skipped(before: Media, now: Media) -> bool:
    return (now.content, now.title) != (before.content, before.title)


_CONTROLS = {
    "play": _Control("PLAY", lambda _, now: now.state == "PLAYING"),
    "pause": _Control("PAUSE", lambda _, now: now.state == "PAUSED", _PAUSE),
    "stop": _Control("STOP", lambda _, now: not now.active),
    "next": _Control("QUEUE_UPDATE", _skipped, _NEXT, {"jump": 1}),
    "previous": _Control("QUEUE_UPDATE", _skipped, _PREVIOUS, {"jump": -1}),
}


def functions(address: Mapping[str, str]) -> frozenset[str]:
    """What a device serves; a speaker shows no videos."""
    told = address.get("ca", "")
    shows = not told.isdecimal() or bool(int(told) & _PICTURES)
    videos = frozenset({"play_video_on_nest_hub"}) if shows else frozenset()
    return videos | {"media_control", "play_music_on_nest_hub"}


def _broken(media: Media) -> bool:
    return media.state == "IDLE" and media.idle_reason == "ERROR"
