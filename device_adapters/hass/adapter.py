"""Drives one device of Home Assistant's through its entities."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from device_adapters.calls import as_now, number_argument, patience, text_argument
from device_adapters.hass import fitting, orders, players, search
from device_adapters.hass.fitting import Part
from device_adapters.hass.presence import Presence
from device_adapters.hass.reading import reading
from schemas.call import Invocation, Restore
from schemas.errors import DeviceRefused, DeviceUncertain
from schemas.outcome import Done, Evidence

Runner = Callable[[Invocation], Awaitable[Done]]
Look = Callable[[Invocation], Restore | None]


class HassAdapter(Presence):
    """A device of Home Assistant's, by `address["hass"]`."""

    async def call(self, invocation: Invocation) -> Done:
        runner = self._runners.get(invocation.function)
        if runner is None:
            raise DeviceRefused(f"{self.device.name} cannot {invocation.function}")
        if trouble := self.trouble():
            raise trouble
        try:
            async with asyncio.timeout(invocation.timeout):
                return await runner(invocation)
        except TimeoutError as exc:
            raise DeviceUncertain(
                f"Home Assistant did not say in time what became of {self.device.name}"
            ) from exc

    async def present(self, invocation: Invocation) -> Restore | None:
        look = self._looks.get(invocation.function)
        return None if look is None else look(invocation)

    @property
    def _runners(self) -> Mapping[str, Runner]:
        return {
            "turn_on": lambda call: self._switch(call, on=True),
            "turn_off": lambda call: self._switch(call, on=False),
            "set_light": self._set_light,
            "set_cover": self._set_cover,
            "get_state": self._get_state,
            "set_nest_temperature": self._set_temperature,
            "open_or_lock_door": self._set_door,
            "check_nest_smoke_detector_status": self._smoke,
            "media_control": self._media,
            "play_music_on_nest_hub": lambda call: self._play(call, search.MUSIC),
            "play_video_on_nest_hub": lambda call: self._play(call, search.VIDEO),
        }

    @property
    def _looks(self) -> Mapping[str, Look]:
        return {
            "turn_on": self._present_switch,
            "turn_off": self._present_switch,
            "set_light": self._present_light,
            "set_cover": self._present_cover,
            "set_nest_temperature": self._present_temperature,
            "open_or_lock_door": self._present_door,
        }

    async def _switch(self, call: Invocation, *, on: bool) -> Done:
        part = self._named(call)
        evidence = await self.order(part, orders.switch(part, on=on), call)
        return Done(
            evidence=evidence, detail=f"Switched {self.called(part)} {'on' if on else 'off'}"
        )

    def _present_switch(self, call: Invocation) -> Restore | None:
        part = self._named(call)
        if not part.state.known or part.entity.domain == "scene":
            return None
        on = part.state.value not in ("off", "standby")
        return _switch_back(call, on=on)

    async def _set_light(self, call: Invocation) -> Done:
        part = self._named(call)
        if call.arguments.get("brightness") == 0:
            evidence = await self.order(part, orders.switch(part, on=False), call)
            return Done(evidence=evidence, detail=f"Switched {self.called(part)} off")
        evidence = await self.order(part, orders.light(part, self.called(part), call), call)
        return Done(
            evidence=evidence, detail=f"Set {self.called(part)} to {orders.light_words(call)}"
        )

    def _present_light(self, call: Invocation) -> Restore | None:
        part = self._named(call)
        if part.state.value != "on":
            return _switch_back(call, on=False) if part.state.known else None
        given = [n for n in ("brightness", "color") if call.arguments.get(n) is not None]
        now = orders.light_now(part.state)
        return as_now(call, **{name: now[name] for name in given or ["brightness"]})

    async def _set_cover(self, call: Invocation) -> Done:
        part, position = self._named(call), text_argument(call, "position")
        evidence = await self.order(part, orders.cover(part, self.called(part), position), call)
        said = {"open": "Opened", "close": "Closed", "stop": "Stopped"}[position]
        return Done(evidence=evidence, detail=f"{said} {self.called(part)}")

    def _present_cover(self, call: Invocation) -> Restore | None:
        return as_now(call, position=orders.cover_end(self._named(call).state))

    async def _get_state(self, call: Invocation) -> Done:
        name, called = text_argument(call, "name"), (self.device.name, *self.device.aliases)
        meant = fitting.read_for(self.home, self.serving(call), name, called)
        if len(meant) == 1:
            return self._read(f"{self.called(meant[0])} is {self._reading(meant[0])}")
        there = [part for part in meant if part.state.known] or meant
        said = [f"{self.called(part)} {self._reading(part)}" for part in there]
        return self._read(f"{self.device.name}: {', '.join(said)}")

    def _reading(self, part: Part) -> str:
        return reading(self.known(part), celsius=self.client.celsius)

    async def _set_temperature(self, call: Invocation) -> Done:
        wanted, part = number_argument(call, "target_temperature"), self._thermostat(call)
        celsius = self.client.celsius
        order = orders.temperature(part, wanted, celsius=celsius)
        evidence = await self.order(part, order, call)
        off = self.state(part).value == "off"
        detail = f"Set {self.called(part)} to {wanted:g} °F{'; it is off' if off else ''}"
        return Done(evidence=evidence, detail=detail)

    def _present_temperature(self, call: Invocation) -> Restore | None:
        state = self._thermostat(call).state
        return as_now(
            call, target_temperature=orders.target_now(state, celsius=self.client.celsius)
        )

    def _thermostat(self, call: Invocation) -> Part:
        return fitting.only(self.home, self.serving(call), "thermostat")

    async def _set_door(self, call: Invocation) -> Done:
        part, opens = self._door(call), text_argument(call, "status") == "open"
        order = orders.door(part, self.called(part), opens=opens)
        evidence = await self.order(part, order, call)
        return Done(
            evidence=evidence, detail=f"{'Unlocked' if opens else 'Locked'} {self.called(part)}"
        )

    def _present_door(self, call: Invocation) -> Restore | None:
        now = {"unlocked": "open", "open": "open", "locked": "lock"}
        return as_now(call, status=now.get(self._door(call).state.value))

    def _door(self, call: Invocation) -> Part:
        return fitting.only(self.home, self.serving(call), "door")

    async def _smoke(self, call: Invocation) -> Done:
        detectors = self.serving(call)
        if not detectors:
            raise DeviceRefused(f"{self.device.name} has no smoke detector")
        alarms = [self.called(part) for part in map(self.known, detectors)
                  if part.state.value == "on"]  # fmt: skip
        text = f"ALARM: {', '.join(alarms)}" if alarms else "no smoke"
        return Done(evidence=Evidence.VERIFIED, result=text, detail=f"{self.device.name}: {text}")

    async def _media(self, call: Invocation) -> Done:
        action = text_argument(call, "action")
        playing = [p for p in self.serving(call) if p.state.value in ("playing", "paused")]
        part = fitting.only(self.home, playing or self.serving(call), "player")
        evidence = await self.order(part, orders.media(part, self.called(part), action), call)
        return Done(evidence=evidence, detail=f"{action.capitalize()} on {self.called(part)}")

    async def _play(self, call: Invocation, kind: str) -> Done:
        usable = [p for p in self.serving(call) if p.state.value != "unavailable"]
        part = fitting.only(self.home, players.best(usable, kind), "player")
        said = {key: call.arguments.get(f"{kind}_{key}") for key in ("name", "service")}
        texts = {key: value if isinstance(value, str) else "" for key, value in said.items()}
        wish = search.Wish(kind, texts["name"], texts["service"])
        loop = asyncio.get_running_loop()
        until = loop.time() + patience(call)
        way = await players.way_to_play(self.client, part, wish, patience(call))
        evidence = await self.order(part, way.order, call, until - loop.time())
        on = f" on {self.called(part)}"
        if way.opens_only:
            return Done(evidence=Evidence.DRAFTED, detail=f"{way.title} is open{on}: choose there")
        return Done(evidence=evidence, detail=f"Playing {way.title}".rstrip() + on)

    def _named(self, call: Invocation) -> Part:
        called = (self.device.name, *self.device.aliases)
        name = text_argument(call, "name")
        return fitting.named(self.home, self.serving(call), name, called)

    def _read(self, text: str) -> Done:
        return Done(evidence=Evidence.VERIFIED, result=text, detail=text)


def _switch_back(call: Invocation, *, on: bool) -> Restore:
    arguments: dict[str, Any] = {"name": call.arguments.get("name")}
    return Restore(function="turn_on" if on else "turn_off", arguments=arguments)
