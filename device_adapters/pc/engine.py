"""Drives a computer by programs of an allow-list, however they are run there."""

import asyncio
import html
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from device_adapters.addresses import web_page
from device_adapters.base import Adapter
from device_adapters.calls import Runner, in_time, number_argument, patience, text_argument, words
from device_adapters.pc import pictures, reading
from device_adapters.pc.commands import filled
from device_adapters.pc.programs import Programs, Values
from device_adapters.pc.runner import Argv
from schemas.call import Invocation, Restore
from schemas.device import Device
from schemas.errors import DeviceRefused, DeviceUnavailable, DeviceUncertain
from schemas.outcome import Done, Evidence

_LEVELS = 10
_STEP = 2  # percent: a sound card has steps of its own
_LONGEST = 4000  # characters of a text
_MOST_PICTURE = 32 * 1024 * 1024
_PATIENCE = 3.0  # seconds that an effect is looked for
_MEDIA = {
    "play": ("playing", "Playing"),
    "pause": ("paused", "Paused"),
    "stop": ("stopped", "Stopped"),
    "next": ("", "Next"),
    "previous": ("", "Previous"),
}


class CommandAdapter(Adapter):
    """A computer driven by its own programs; pictures are kept in `folder`."""

    programs: Programs | None = None
    """Known once connected."""

    def __init__(self, device: Device, folder: Path) -> None:
        self.device = device
        self._folder = folder

    @property
    def serving(self) -> Mapping[str, Runner]:
        """How each function of the catalogue is run."""
        return {
            "set_volume": self._volume,
            "media_control": self._media,
            "lock_screen": self._lock,
            "take_screenshot": self._screenshot,
            "show_notification": self._notify,
            "open_url": self._open_url,
            "open_application": self._open_application,
            "type_text": self._type,
            "shutdown": self._shutdown,
            "get_pc_status": self._status,
        }

    def moved(self, device: Device) -> bool:
        """Only its name may be another one."""
        self.device = device
        if self.programs is not None:
            self.programs.name = device.name
        return True

    async def call(self, invocation: Invocation) -> Done:
        serve = self.serving.get(invocation.function)
        if serve is None:
            raise DeviceRefused(f"{self.device.name} cannot {invocation.function}")
        async with in_time(invocation, self.device.name):
            return await serve(invocation)

    async def present(self, invocation: Invocation) -> Restore | None:
        """The volume, to the nearest level."""
        if invocation.function != "set_volume":
            return None
        self._of_media(invocation)
        try:
            async with asyncio.timeout(invocation.timeout):
                now = await self._known.value(await self._known.choose("set_volume"))
        except TimeoutError as exc:
            raise DeviceUnavailable(f"{self.device.name} did not answer in time") from exc
        if now is None:
            return None
        level = max(0, min(_LEVELS, round(int(now) * _LEVELS / 100)))
        return Restore(function="set_volume", arguments=invocation.arguments | {"level": level})

    async def gone(self, within: float) -> bool:
        """Whether the computer is seen to go away within so many seconds."""
        return False

    @property
    def _known(self) -> Programs:
        if self.programs is None:
            raise DeviceUnavailable(f"{self.device.name} is not connected; nothing was sent")
        return self.programs

    async def _volume(self, call: Invocation) -> Done:
        self._of_media(call)
        level = number_argument(call, "level")
        if not 0 <= level <= _LEVELS:
            raise DeviceRefused(f"{self.device.name} has volumes from 0 to {_LEVELS}")
        wanted = round(level * 100 / _LEVELS)

        def agrees(now: str) -> bool:
            return abs(int(now) - wanted) <= _STEP

        return await self._do(call, {"percent": str(wanted)}, f"Volume {level:g}", agrees)

    def _of_media(self, call: Invocation) -> None:
        if (kind := call.arguments.get("volume_type") or "media") != "media":
            raise DeviceRefused(f"{self.device.name} has no {kind} volume")

    async def _media(self, call: Invocation) -> Done:
        action = text_argument(call, "action")
        if action not in _MEDIA:
            raise DeviceRefused(f"{self.device.name} cannot {action} what is playing")
        state, said = _MEDIA[action]
        return await self._do(call, {"action": action}, said, state.__eq__ if state else None)

    async def _lock(self, call: Invocation) -> Done:
        return await self._do(call, {}, "Locked the screen", "yes".__eq__)

    async def _notify(self, call: Invocation) -> Done:
        text = self._text(call, "text")
        # notify-send reads backslashes, and whatever shows the text reads its mark-up.
        body = html.escape(text, quote=False).replace("\\", "\\\\")
        return await self._do(call, {"text": text, "body": body}, "Showed the notification")

    async def _open_url(self, call: Invocation) -> Done:
        url = web_page(self._text(call, "url"))
        return await self._do(call, {"url": url}, f"Opened {url}")

    async def _type(self, call: Invocation) -> Done:
        return await self._do(call, {"text": self._text(call, "text")}, "Typed the text")

    async def _open_application(self, call: Invocation) -> Done:
        name = self._text(call, "name")
        values = {"name": name}
        if listing := self._known.host.system.applications:
            values["application"] = await self._application(listing, name)
        return await self._do(call, values, f"Opened {name}")

    async def _application(self, listing: Argv, name: str) -> str:
        """The id of the one application that is meant."""
        answer = await self._known.look(filled(listing, {"home": self._known.host.home}))
        known = reading.applications(answer.text)
        fitting = [one for one in known if words(name) and words(name) <= words(one.name)]
        exact = [one for one in fitting if words(name) == words(one.name)]
        if len(exact or fitting) == 1:
            return (exact or fitting)[0].id
        offered = ", ".join(sorted(one.name for one in fitting or known)[:10]) or "none"
        raise DeviceRefused(f"which application is {name} on {self.device.name}? ({offered})")

    async def _screenshot(self, call: Invocation) -> Done:
        answer = await self._known.order(await self._known.choose(call.function), {}, _MOST_PICTURE)
        path = await asyncio.to_thread(pictures.keep, answer.output, self._folder, call.key)
        if path is None:
            raise DeviceUncertain(f"{self.device.name} sent no picture")
        detail = f"Took a screenshot on {self.device.name}"
        return Done(evidence=Evidence.VERIFIED, result=str(path), detail=detail)

    async def _shutdown(self, call: Invocation) -> Done:
        end = time.monotonic() + patience(call)
        await self._known.order(await self._known.choose(call.function), {})
        gone = await self.gone(max(0.0, end - time.monotonic()))
        evidence = Evidence.VERIFIED if gone else Evidence.UNVERIFIED
        return Done(evidence=evidence, detail=f"Shut {self.device.name} down")

    async def _status(self, call: Invocation) -> Done:
        item = call.arguments.get("item") or "all"
        host = self._known.host
        said = []
        for name, one in host.system.status.items():
            if item in ("all", name) and one.argv[0] in host.programs:
                value = one.read((await self._known.look(one.argv)).text)
                said += [] if value is None else [f"{name} {value:g}%"]
        if not said:
            raise DeviceRefused(f"{self.device.name} does not report its {item} state")
        text = ", ".join(said)
        return Done(evidence=Evidence.VERIFIED, result=text, detail=f"{self.device.name}: {text}")

    def _text(self, call: Invocation, name: str) -> str:
        text = text_argument(call, name)
        if len(text) > _LONGEST:
            raise DeviceRefused(f"the {name} is too long: {len(text)} of {_LONGEST} characters")
        return text

    async def _do(
        self,
        call: Invocation,
        values: Values,
        said: str,
        agrees: Callable[[str], bool] | None = None,
    ) -> Done:
        """Run what serves a call, and look whether what it sets agrees then."""
        end = time.monotonic() + patience(call)
        chosen = await self._known.choose(call.function)
        await self._known.order(chosen, values)
        seen = False
        if chosen.way.look and agrees:
            within = min(_PATIENCE, end - time.monotonic())
            seen = await self._known.becomes(chosen, agrees, within)
        evidence = Evidence.VERIFIED if seen else Evidence.UNVERIFIED
        return Done(evidence=evidence, detail=f"{said} on {self.device.name}")
