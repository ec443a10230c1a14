"""Drives one device of the home through its entities."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from device_adapters.calls import Runner, as_now, number_argument, patience, text_argument, words
from device_adapters.colors import color_code
from device_adapters.ha import Entity, HaClient, HaDevice, HaEntity
from device_adapters.ha.adapter import (
    HaAdapter,
    Look,
    Want,
    candidates,
    fahrenheit,
    find,
    known,
    known_number,
    known_order,
)
from device_adapters.ha.entity import GRACE
from device_adapters.home import functions as home
from device_adapters.home.readings import degrees_said, is_on, told
from schemas.base import Scalar
from schemas.call import Invocation, Restore
from schemas.device import Device
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.outcome import Done, Evidence
from schemas.region import FAHRENHEIT

_STOPS = 3.0
"""Seconds for a cover to say that it stopped; many never do."""


class HomeAdapter(HaAdapter):
    """A device of the home: a lamp, a thermostat, a lock, or a gateway with several of them.

    `region` (ISO 3166) says whether its people think in °F.
    """

    def __init__(self, device: Device, ha: HaClient, region: str = "US") -> None:
        super().__init__(device, ha)
        self._in_fahrenheit = region in FAHRENHEIT

    @property
    def runners(self) -> Mapping[str, Runner]:
        return {
            "turn_on": self._turn_on,
            "turn_off": self._turn_off,
            "set_light": self._set_light,
            "set_cover": self._set_cover,
            "get_state": self._get_state,
            "set_nest_temperature": self._set_temperature,
            "open_or_lock_door": self._set_door,
            "check_nest_smoke_detector_status": self._smoke,
            "media_control": self._media,
        }

    @property
    def looks(self) -> Mapping[str, Look]:
        return {
            "turn_on": self._present_switch,
            "turn_off": self._present_switch,
            "set_light": self._present_light,
            "set_cover": self._present_cover,
            "set_nest_temperature": self._present_temperature,
            "open_or_lock_door": self._present_door,
        }

    def serves(self, device: HaDevice) -> frozenset[str]:
        return home.serves(device)

    async def _turn_on(self, call: Invocation) -> Done:
        return await self._switch(self._switched(home.STARTABLE, call), call, on=True)

    async def _turn_off(self, call: Invocation) -> Done:
        return await self._switch(self._switched(home.SWITCHABLE, call), call, on=False)

    async def _switch(self, entity: Entity, call: Invocation, *, on: bool) -> Done:
        description, within = entity.description, patience(call)
        said = f"Switched {description.name} {'on' if on else 'off'}"
        match description.component:
            case "scene":
                evidence = await entity.command("on", within=within)
                said = f"Activated {description.name}"
            case "button":
                evidence = await entity.command("press", within=within)
                said = f"Pressed {description.name}"
            case "climate" | "water_heater" if description.text("power_command_topic"):
                evidence = await entity.command(on, attribute="power", within=within)
            case "climate" | "water_heater":
                mode = home.start_mode(description, on=on)
                evidence = await entity.command(mode, attribute="mode", within=within)
            case _:
                evidence = await entity.command(on, within=within)
        return Done(evidence=evidence, detail=said)

    async def _present_switch(self, call: Invocation) -> Restore | None:
        starts = call.function == "turn_on"
        entity = self._switched(home.STARTABLE if starts else home.SWITCHABLE, call)
        on = await known_order(entity)
        return _switch_back(call, on=on) if isinstance(on, bool) else None

    async def _set_light(self, call: Invocation) -> Done:
        light = self._named(home.LIGHT, call)
        if call.arguments.get("brightness") == 0:
            return await self._switch(light, call, on=False)
        wanted = home.light_orders(light.description, call)
        evidence = await light.apply(wanted, within=patience(call))
        said = f"Set {light.description.name} to {home.light_words(call)}"
        return Done(evidence=evidence, detail=said)

    async def _present_light(self, call: Invocation) -> Restore | None:
        light = self._named(home.LIGHT, call)
        if not (on := await known_order(light)):
            return None if on is None else _switch_back(call, on=False)
        attributes = home.light_attributes(call.arguments)
        said = dict(zip(attributes, await known(light, *attributes), strict=True))
        now: dict[str, Scalar | None] = {
            "color": color_code(said.get("color")),
            "brightness": home.percent(light.description, said.get("brightness")),
        }
        if any(now[attribute] is None for attribute in attributes):
            return None
        return Restore(function="set_light", arguments=call.arguments | now)

    async def _set_cover(self, call: Invocation) -> Done:
        cover, position = self._named(home.COVER, call), text_argument(call, "position")
        said = {"open": "Opened", "close": "Closed", "stop": "Stopped"}
        within = min(patience(call), _STOPS) if position == "stop" else patience(call)
        evidence = await cover.command(position, within=within)
        name = cover.description.name
        return Done(evidence=evidence, detail=f"{said.get(position, position)} {name}")

    async def _present_cover(self, call: Invocation) -> Restore | None:
        cover = self._named(home.COVER, call)
        state, position = await known(cover, "state", "position")
        return as_now(call, position=home.cover_end(cover.description, state, position))

    async def _get_state(self, call: Invocation) -> Done:
        name = text_argument(call, "name")
        meant = home.read_for(self.announced, name, self._called)
        if len(meant) == 1:
            own, asked = words(meant[0].name), words(name)
            by_itself = asked == own or (asked - words(self.device.name)) & own
            called = meant[0].name if by_itself else self.device.name
            return self._read(f"{called} is {await self._reading(self._live(meant[0]))}")
        said = await asyncio.gather(*(self._reading(self._live(entity)) for entity in meant))
        readings = [f"{entity.name} {text}" for entity, text in zip(meant, said, strict=True)]
        return self._read(f"{self.device.name}: {', '.join(readings)}")

    async def _reading(self, entity: Entity) -> str:
        await entity.require_available()

        def reading() -> str | None:
            return told(entity.description, entity.state, in_fahrenheit=self._in_fahrenheit)

        await self.ha.until(lambda: reading() is not None, GRACE)
        if (said := reading()) is None:
            raise DeviceUnavailable(f"{entity.description.name} has not reported its state")
        return said

    async def _set_temperature(self, call: Invocation) -> Done:
        wanted = number_argument(call, "target_temperature")
        climate, attribute = await self._thermostat()
        sent = home.setpoint(
            climate.description, attribute, wanted, in_fahrenheit=self._in_fahrenheit
        )
        evidence = await climate.command(sent, attribute=attribute, within=patience(call))
        said = degrees_said(wanted, given_fahrenheit=True, in_fahrenheit=self._in_fahrenheit)
        return Done(evidence=evidence, detail=f"Set {climate.description.name} to {said}")

    async def _present_temperature(self, call: Invocation) -> Restore | None:
        climate, attribute = await self._thermostat()
        target = await known_number(climate, attribute)
        now = None if target is None else fahrenheit(climate.description, target)
        return as_now(call, target_temperature=now)

    async def _thermostat(self) -> tuple[Entity, str]:
        """The thermostat, and which of its temperatures is the one it keeps."""
        climate = self._live(home.only(self.announced, home.CLIMATE, "thermostat"))
        [mode] = await known(climate, "mode")
        return climate, home.target(climate.description, mode)

    async def _set_door(self, call: Invocation) -> Done:
        lock = self._door_lock()
        opens = text_argument(call, "status") == "open"
        evidence = await lock.command("unlock" if opens else "lock", within=patience(call))
        said = "Unlocked" if opens else "Locked"
        return Done(evidence=evidence, detail=f"{said} {lock.description.name}")

    async def _present_door(self, call: Invocation) -> Restore | None:
        word = await known_order(self._door_lock())
        return as_now(call, status={"unlock": "open", "lock": "lock"}.get(str(word)))

    def _door_lock(self) -> Entity:
        return self._live(home.only(self.announced, home.LOCK, "door"))

    async def _smoke(self, call: Invocation) -> Done:
        detectors = [self._live(e) for e in candidates(self.announced, home.SMOKE)]
        if not detectors:
            raise DeviceRefused(f"{self.device.name} has no smoke detector")
        alarms = []
        for detector in detectors:
            await self._reading(detector)
            if is_on(detector.description, detector.state() or ""):
                alarms.append(detector.description.name)
        return self._read(f"ALARM: {', '.join(alarms)}" if alarms else "no smoke")

    async def _media(self, call: Invocation) -> Done:
        action = text_argument(call, "action")
        if find(self.announced, home.MEDIA):
            word = "pause" if action == "stop" else action
            return await self.do(home.MEDIA, word, call, action.capitalize())
        button = Want(components=("button",), names=(action,))
        return await self.do(button, "press", call, action.capitalize())

    @property
    def _called(self) -> tuple[str, ...]:
        return (self.device.name, *self.device.aliases)

    def _named(self, want: Want, call: Invocation) -> Entity:
        name = text_argument(call, "name")
        return self._live(home.named(self.announced, want, name, self._called))

    def _switched(self, want: Want, call: Invocation) -> Entity:
        name = text_argument(call, "name")
        return self._live(home.switched(self.announced, want, name, self._called))

    def _live(self, entity: HaEntity) -> Entity:
        """An entity; one without a name goes by its device's, and a thermostat that names no unit
        speaks the household's."""
        own: dict[str, object] = {} if entity.name else {"name": self.device.name}
        if self._in_fahrenheit and not entity.text("temperature_unit"):
            own["options"] = entity.options | {"temperature_unit": "F"}
        return self.ha.entity(entity.model_copy(update=own))

    def _read(self, text: str) -> Done:
        return Done(evidence=Evidence.VERIFIED, result=text, detail=f"{self.device.name}: {text}")


def _switch_back(call: Invocation, *, on: bool) -> Restore:
    name = text_argument(call, "name")
    return Restore(function="turn_on" if on else "turn_off", arguments={"name": name})
