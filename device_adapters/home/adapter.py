"""Drives one device of the home through its entities."""

from __future__ import annotations

from collections.abc import Mapping

from device_adapters.ha import Entity, HaDevice
from device_adapters.ha_adapter import (
    HaAdapter,
    Look,
    Runner,
    Want,
    as_now,
    candidates,
    degrees,
    fahrenheit,
    find,
    known,
    known_number,
    known_order,
    number_argument,
    patience,
    text_argument,
)
from device_adapters.home import functions as home
from schemas.base import Scalar
from schemas.call import Invocation, Restore
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.outcome import Done, Evidence


class HomeAdapter(HaAdapter):
    """A device of the home: a lamp, a thermostat, a lock, or a gateway with several of them."""

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
        return await self._switch(call, on=True)

    async def _turn_off(self, call: Invocation) -> Done:
        return await self._switch(call, on=False)

    async def _switch(self, call: Invocation, *, on: bool) -> Done:
        entity = self._named(home.SWITCHABLE, call)
        evidence = await entity.command(on, within=patience(call))
        return Done(
            evidence=evidence, detail=f"Switched {self._name(entity)} {'on' if on else 'off'}"
        )

    async def _present_switch(self, call: Invocation) -> Restore | None:
        on = await known_order(self._named(home.SWITCHABLE, call))
        return None if on is None else _switch_back(call, on=bool(on))

    async def _set_light(self, call: Invocation) -> Done:
        light = self._named(home.LIGHT, call)
        if call.arguments.get("brightness") == 0:
            return await self._switch(call, on=False)
        orders = home.light_orders(light.description, call)
        within = patience(call) / len(orders)
        seen = {
            await light.command(value, attribute=attribute, within=within)
            for attribute, value in orders.items()
        }
        evidence = Evidence.VERIFIED if seen == {Evidence.VERIFIED} else Evidence.UNVERIFIED
        return Done(
            evidence=evidence, detail=f"Set {self._name(light)} to {home.light_words(call)}"
        )

    async def _present_light(self, call: Invocation) -> Restore | None:
        light = self._named(home.LIGHT, call)
        if not (on := await known_order(light)):
            return None if on is None else _switch_back(call, on=False)
        attributes = home.light_attributes(call.arguments)
        said = dict(zip(attributes, await known(light, *attributes), strict=True))
        now: dict[str, Scalar | None] = {
            "color": home.color_code(said.get("color")),
            "brightness": home.percent(light.description, said.get("brightness")),
        }
        if any(now[attribute] is None for attribute in attributes):
            return None
        return Restore(function="set_light", arguments=call.arguments | now)

    async def _set_cover(self, call: Invocation) -> Done:
        cover, position = self._named(home.COVER, call), text_argument(call, "position")
        said = {"open": "Opened", "close": "Closed", "stop": "Stopped"}
        evidence = await cover.command(position, within=patience(call))
        return Done(evidence=evidence, detail=f"{said.get(position, position)} {self._name(cover)}")

    async def _present_cover(self, call: Invocation) -> Restore | None:
        cover = self._named(home.COVER, call)
        state, position = await known(cover, "state", "position")
        return as_now(call, position=home.cover_end(cover.description, state, position))

    async def _get_state(self, call: Invocation) -> Done:
        entity = self._named(home.STATEFUL, call)
        return self._read(f"{self._name(entity)} is {await self._reading(entity)}")

    async def _reading(self, entity: Entity) -> str:
        await entity.require_available()
        climate = entity.description.component == "climate"
        value = await entity.known_state("temperature" if climate else "state")
        if value is None:
            raise DeviceUnavailable(f"{self._name(entity)} has not reported its state")
        unit = entity.description.unit
        return f"{value} {unit}" if unit else value.lower()

    async def _set_temperature(self, call: Invocation) -> Done:
        wanted = number_argument(call, "target_temperature")
        climate = self._thermostat()
        sent = degrees(climate.description, wanted)
        evidence = await climate.command(sent, attribute="temperature", within=patience(call))
        return Done(evidence=evidence, detail=f"Set {self._name(climate)} to {wanted:g} °F")

    async def _present_temperature(self, call: Invocation) -> Restore | None:
        climate = self._thermostat()
        target = await known_number(climate, "temperature")
        now = None if target is None else fahrenheit(climate.description, target)
        return as_now(call, target_temperature=now)

    def _thermostat(self) -> Entity:
        return self.ha.entity(home.only(self.announced, home.CLIMATE, "thermostat"))

    async def _set_door(self, call: Invocation) -> Done:
        lock = self._door_lock()
        opens = text_argument(call, "status") == "open"
        evidence = await lock.command("unlock" if opens else "lock", within=patience(call))
        return Done(
            evidence=evidence, detail=f"{'Unlocked' if opens else 'Locked'} {self._name(lock)}"
        )

    async def _present_door(self, call: Invocation) -> Restore | None:
        word = await known_order(self._door_lock())
        return as_now(call, status={"unlock": "open", "lock": "lock"}.get(str(word)))

    def _door_lock(self) -> Entity:
        return self.ha.entity(home.only(self.announced, home.LOCK, "door"))

    async def _smoke(self, call: Invocation) -> Done:
        detectors = [self.ha.entity(e) for e in candidates(self.announced, home.SMOKE)]
        if not detectors:
            raise DeviceRefused(f"{self.device.name} has no smoke detector")
        alarms = []
        for detector in detectors:
            alarm = detector.description.text("payload_on", "ON")
            if (await self._reading(detector)).casefold() == str(alarm).casefold():
                alarms.append(self._name(detector))
        return self._read(f"ALARM: {', '.join(alarms)}" if alarms else "no smoke")

    async def _media(self, call: Invocation) -> Done:
        action = text_argument(call, "action")
        if find(self.announced, home.MEDIA):
            word = "pause" if action == "stop" else action
            return await self.do(home.MEDIA, word, call, action.capitalize())
        button = Want(components=("button",), names=(action,))
        return await self.do(button, "press", call, action.capitalize())

    def _named(self, want: Want, call: Invocation) -> Entity:
        called = (self.device.name, *self.device.aliases)
        name = text_argument(call, "name")
        return self.ha.entity(home.named(self.announced, want, name, called))

    def _name(self, entity: Entity) -> str:
        return entity.description.name or self.device.name

    def _read(self, text: str) -> Done:
        return Done(evidence=Evidence.VERIFIED, result=text, detail=f"{self.device.name}: {text}")


def _switch_back(call: Invocation, *, on: bool) -> Restore:
    name = text_argument(call, "name")
    return Restore(function="turn_on" if on else "turn_off", arguments={"name": name})
