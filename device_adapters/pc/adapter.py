"""Drives a computer through its agent's entities."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from device_adapters.addresses import web_page
from device_adapters.calls import Runner, as_now, number_argument, patience, text_argument, words
from device_adapters.ha import Entity, HaClient, HaDevice
from device_adapters.ha.adapter import (
    HaAdapter,
    Look,
    Want,
    candidates,
    find,
    known_number,
    option_number,
)
from device_adapters.pc import functions as pc
from device_adapters.pc import pictures
from device_adapters.pc.lnxlink import CommandResult, is_lnxlink
from device_adapters.pc.wake import wake_up
from schemas.call import Invocation, Restore
from schemas.device import Device
from schemas.errors import DeviceRefused, DeviceUncertain
from schemas.outcome import Done, Evidence

_LEVELS = 10
_REFUSED_WITHIN = 9.0  # seconds: LNXlink tries three ways to shut down, each for up to three
_NO_REPORT = 1.0  # seconds: these entities have a state topic that the agent never writes


class PcAdapter(HaAdapter):
    """A computer; `address["mac"]` lets it be woken, screenshots are kept in `folder`."""

    def __init__(self, device: Device, ha: HaClient, folder: Path | None = None) -> None:
        super().__init__(device, ha)
        self._folder = folder or Path(tempfile.gettempdir()) / "octopus-screenshots"
        self._screenshots = asyncio.Lock()

    @property
    def runners(self) -> Mapping[str, Runner]:
        return {
            "media_control": self._media,
            "set_volume": self._volume,
            "lock_screen": self._lock,
            "take_screenshot": self._screenshot,
            "show_notification": self._notify,
            "open_url": self._open_url,
            "open_application": self._open_application,
            "type_text": self._type,
            "shutdown": self._shutdown,
            "wake_up": self._wake,
            "get_pc_status": self._status,
        }

    @property
    def looks(self) -> Mapping[str, Look]:
        return {"set_volume": self._present_volume}

    def serves(self, device: HaDevice) -> frozenset[str]:
        return pc.serves(device) | ({"wake_up"} if "mac" in self.device.address else frozenset())

    async def connect(self) -> frozenset[str]:
        if "mac" in self.device.address and not self.ha.settled(self._identifier):
            return frozenset({"wake_up"})
        return await super().connect()

    async def _media(self, call: Invocation) -> Done:
        action = text_argument(call, "action")
        if action == "stop":
            stop = find(self.announced, pc.STOP_MEDIA)
            want, action = (pc.STOP_MEDIA, "press") if stop else (pc.PLAYER, "pause")
            return await self.do(want, action, call, "Stopped")
        said = {"play": "Playing", "pause": "Paused", "next": "Next", "previous": "Previous"}
        return await self.do(pc.PLAYER, action, call, said.get(action, action))

    async def _volume(self, call: Invocation) -> Done:
        level = number_argument(call, "level")
        _, low, high = self._volume_scale(call)
        value = round(low + (high - low) * level / _LEVELS, 3)
        return await self.do(pc.VOLUME, value, call, f"Volume {level:g}")

    async def _present_volume(self, call: Invocation) -> Restore | None:
        """To the nearest level: a computer has more of them."""
        volume, low, high = self._volume_scale(call)
        value = await known_number(volume)
        if value is None or low == high:
            return None
        level = round((value - low) / (high - low) * _LEVELS)
        return as_now(call, level=max(0, min(_LEVELS, level)))

    def _volume_scale(self, call: Invocation) -> tuple[Entity, float, float]:
        """The entity of the volume, its lowest and its highest value."""
        if (kind := call.arguments.get("volume_type") or "media") != "media":
            raise DeviceRefused(f"{self.device.name} has no {kind} volume")
        volume = self.find(pc.VOLUME, "volume")
        low, high = (option_number(volume.description, o, at) for o, at in _VOLUME_RANGE)
        return volume, low, high

    async def _lock(self, call: Invocation) -> Done:
        is_switch = self.find(pc.LOCK, "lock").description.component == "switch"
        return await self.do(pc.LOCK, True if is_switch else "press", call, "Locked the screen")

    async def _screenshot(self, call: Invocation) -> Done:
        camera = self.find(pc.CAMERA, "screen capture")
        await camera.require_available()
        capture = find(self.announced, pc.CAPTURE)
        async with self._screenshots:
            waiting = asyncio.create_task(camera.picture(patience(call)))
            await asyncio.sleep(0)  # so that it listens before the capture is switched on
            try:
                if capture:
                    await self.ha.entity(capture).command(True, within=_NO_REPORT)
                picture = await waiting
            finally:
                waiting.cancel()
                if capture:
                    await self.ha.entity(capture).command(False, within=_NO_REPORT)
        if picture is None:
            raise DeviceUncertain(f"{self.device.name} sent no picture")
        encoded = camera.description.text("image_encoding") == "b64"
        path = await asyncio.to_thread(self._keep, picture, encoded, call.key)
        return Done(
            evidence=Evidence.VERIFIED,
            result=str(path),
            detail=f"Took a screenshot on {self.device.name}",
        )

    def _keep(self, picture: bytes, encoded: bool, key: str) -> Path:
        try:
            data = base64.b64decode(picture, validate=True) if encoded else picture
        except binascii.Error:
            data = b""
        path = pictures.keep(data, self._folder, key)
        if path is None:
            raise DeviceUncertain(f"{self.device.name} sent a broken picture")
        return path

    async def _notify(self, call: Invocation) -> Done:
        text = text_argument(call, "text")
        if self._is_lnxlink:
            text = json.dumps({"title": "Octopus", "message": text})
        return await self.do(pc.NOTIFY, text, call, "Showed the notification")

    async def _open_url(self, call: Invocation) -> Done:
        url = web_page(text_argument(call, "url"))
        return await self._write(pc.OPEN, url, f"Opened {url}")

    async def _type(self, call: Invocation) -> Done:
        return await self._write(pc.TYPE, text_argument(call, "text"), "Typed the text")

    async def _write(self, want: Want, text: str, detail: str) -> Done:
        """Send a text that the agent acts on and does not report."""
        entity = self.find(want, "way to do this")
        sent = json.dumps(text) if self._is_lnxlink else text
        evidence = await entity.command(sent, reached=text, within=_NO_REPORT)
        return Done(evidence=evidence, detail=f"{detail} on {self.device.name}")

    async def _open_application(self, call: Invocation) -> Done:
        name = text_argument(call, "name")
        buttons = candidates(self.announced, pc.APPLICATION)
        asked = words(name)
        fitting = [button for button in buttons if asked and asked <= words(button.name)]
        if len(fitting) != 1:
            offered = ", ".join(button.name for button in fitting or buttons) or "none"
            raise DeviceRefused(f"which application is {name} on {self.device.name}? ({offered})")
        with CommandResult(self.ha, fitting[0]) as result:
            evidence = await self.ha.entity(fitting[0]).command("press", within=patience(call))
            said = await result.within(_NO_REPORT) if self._is_lnxlink else ""
        detail = f"Opened {name} on {self.device.name}{f': {said}' if said else ''}"
        return Done(evidence=evidence, detail=detail)

    async def _shutdown(self, call: Invocation) -> Done:
        button = self.find(pc.SHUTDOWN, "shutdown")
        end = time.monotonic() + patience(call)
        await button.command("press", within=patience(call))
        gone = await self.ha.until(lambda: button.available is False, end - time.monotonic())
        # LNXlink says that it is gone before it tries, and that it is back where that fails.
        wait = min(_REFUSED_WITHIN, end - time.monotonic())
        if gone and await self.ha.until(lambda: button.available is True, max(0.0, wait)):
            raise DeviceRefused(f"{self.device.name} did not shut down: it is still there")
        evidence = Evidence.VERIFIED if gone else Evidence.UNVERIFIED
        return Done(evidence=evidence, detail=f"Shut {self.device.name} down")

    async def _wake(self, call: Invocation) -> Done:
        return await wake_up(self.device, lambda: self.ha.until(self._is_awake, patience(call)))

    def _is_awake(self) -> bool:
        device = self.ha.device(self._identifier)
        return bool(device and any(self.ha.entity(e).available for e in device.entities))

    async def _status(self, call: Invocation) -> Done:
        item = call.arguments.get("item") or "all"
        wanted = {key: want for key, want in pc.STATUS.items() if item in ("all", key)}
        readings = []
        for key, want in wanted.items():
            sensor = find(self.announced, want)
            value = await self.ha.entity(sensor).known_state() if sensor else None
            if sensor and value is not None:
                readings.append(f"{key} {value}{sensor.unit or ''}")
        if not readings:
            raise DeviceRefused(f"{self.device.name} does not report its {item} state")
        text = ", ".join(readings)
        return Done(evidence=Evidence.VERIFIED, result=text, detail=f"{self.device.name}: {text}")

    @property
    def _is_lnxlink(self) -> bool:
        return is_lnxlink(self.announced)


_VOLUME_RANGE = (("min", 0.0), ("max", 100.0))
