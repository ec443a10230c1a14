"""Drives a car through its gateway's entities."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from device_adapters.calls import Runner, as_now, number_argument, patience, text_argument, words
from device_adapters.car import driving
from device_adapters.car import functions as car
from device_adapters.ha import Entity, HaDevice, HaEntity
from device_adapters.ha.adapter import (
    HaAdapter,
    Look,
    Want,
    candidates,
    fahrenheit,
    find,
    known_number,
    known_order,
    number,
)
from schemas.call import Invocation, Restore
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.outcome import Done, Evidence

_MAY_SERVE = frozenset({*car.SERVING, "adjust_seat_position", "get_vehicle_status"})
_WINDOW_TRAVEL = 1000  # mm, from closed to open


class CarAdapter(HaAdapter):
    """A car."""

    @property
    def runners(self) -> Mapping[str, Runner]:
        return {
            "lock_doors": self._lock,
            "set_climate_temperature": self._climate,
            "control_window": self._window,
            "operate_sunroof": self._sunroof,
            "honk_and_flash": self._honk,
            "start_charging": self._start_charging,
            "stop_charging": self._stop_charging,
            "control_lights": self._lights,
            "adjust_volume": self._volume,
            "navigate_to": self._navigate,
            "get_vehicle_status": self._status,
        }

    @property
    def looks(self) -> Mapping[str, Look]:
        return {
            "lock_doors": self._present_lock,
            "set_climate_temperature": self._present_climate,
            "start_charging": self._present_charging,
            "stop_charging": self._present_charging,
            "control_lights": self._present_lights,
            "adjust_volume": self._present_volume,
        }

    def serves(self, device: HaDevice) -> frozenset[str]:
        return car.serves(device)

    async def connect(self) -> frozenset[str]:
        served = await super().connect()
        self.lacking = dict.fromkeys(_MAY_SERVE - served, "its gateway offers nothing of the kind")
        return served

    async def call(self, invocation: Invocation) -> Done:
        """As any other; what is dangerous in a driving car, after a look whether it drives."""
        if driving.dangerous(invocation.function, invocation.arguments):
            clock = asyncio.get_running_loop().time
            began = clock()
            driving.refuse_while_driving(
                self.device.name, invocation.function, invocation.arguments,
                driving=await self._drives(),
            )  # fmt: skip
            left = max(0.0, invocation.timeout - (clock() - began))
            invocation = invocation.model_copy(update={"timeout": left})
        return await super().call(invocation)

    async def _drives(self) -> bool | None:
        """Whether the car drives, as far as its gateway knows, however old that is; None where it
        does not tell. What says that it drives outweighs what says that it stands."""
        speed, said = find(self.announced, car.SPEED), []
        if speed:
            now = number(await self._said(speed))
            said.append(None if now is None else driving.moves(now, speed.unit or ""))
        for motion in filter(None, (find(self.announced, w) for w in (car.MOTION, car.MOVING))):
            said.append(car.in_motion(motion, await self._said(motion)))
        return max((one for one in said if one is not None), default=None)

    async def _said(self, sensor: HaEntity) -> str | None:
        """What a sensor says; None where it is known to be gone."""
        entity = self.ha.entity(sensor)
        value = await entity.known_state()
        return None if entity.available is False else value

    async def _lock(self, call: Invocation) -> Done:
        action = text_argument(call, "action")
        said = {"lock": "Locked the doors", "unlock": "Unlocked the doors"}
        return await self.do(car.LOCK, action, call, said.get(action, action))

    async def _present_lock(self, call: Invocation) -> Restore | None:
        word = await known_order(self.find(car.LOCK, call.function))
        return as_now(call, action=word if isinstance(word, str) else None)

    async def _climate(self, call: Invocation) -> Done:
        wanted, climate = number_argument(call, "temperature"), self._zone(call)
        sent, reached = car.sent_temperature(climate.description, wanted)
        evidence = await climate.command(
            sent, attribute="temperature", reached=reached, within=patience(call)
        )
        return Done(evidence=evidence, detail=f"Set {wanted:g} °F in {self.device.name}")

    async def _present_climate(self, call: Invocation) -> Restore | None:
        """To the nearest degree, as the function counts."""
        climate = self._zone(call)
        target = await known_number(climate, "temperature")
        now = None if target is None else round(fahrenheit(climate.description, target))
        return as_now(call, temperature=now)

    def _zone(self, call: Invocation) -> Entity:
        return self._named(car.CLIMATE, call.arguments.get("zone"), default="driver")

    async def _window(self, call: Invocation) -> Done:
        name, up = text_argument(call, "window"), text_argument(call, "position") == "up"
        window = self._named(car.WINDOW, name, default=None)
        distance = number_argument(call, "distance")
        detail = f"{'Closed' if up else 'Opened'} the {name} window of {self.device.name}"
        if not window.description.text("set_position_topic"):
            word = "close" if up else "open"
            return Done(evidence=await window.command(word, within=patience(call)), detail=detail)
        at, move = await known_number(window, "position"), distance * 100 / _WINDOW_TRAVEL
        if at is None and move < 100:
            raise DeviceRefused(f"{self.device.name} does not say where its {name} window is")
        before = at if at is not None else (100.0 if up else 0.0)
        goal = max(0, min(100, round(before - move if up else before + move)))
        evidence = await window.command(goal, attribute="position", within=patience(call))
        return Done(evidence=evidence, detail=f"{detail}: {goal} % open")

    async def _sunroof(self, call: Invocation) -> Done:
        action = text_argument(call, "action")
        said = {"open": "Opened", "close": "Closed"}
        if action not in said:
            raise DeviceRefused(f"the sunroof of {self.device.name} cannot {action}")
        return await self.do(car.SUNROOF, action, call, f"{said[action]} the sunroof")

    async def _honk(self, call: Invocation) -> Done:
        flashes = "flash" in words(self.find(car.HORN, call.function).description.name)
        return await self.do(car.HORN, "press", call, "Honked and flashed" if flashes else "Honked")

    async def _start_charging(self, call: Invocation) -> Done:
        return await self.do(car.CHARGING, True, call, "Started charging")

    async def _stop_charging(self, call: Invocation) -> Done:
        return await self.do(car.CHARGING, False, call, "Stopped charging")

    async def _present_charging(self, call: Invocation) -> Restore | None:
        on = await known_order(self.find(car.CHARGING, call.function))
        function = "start_charging" if on else "stop_charging"
        return None if on is None else Restore(function=function, arguments={})

    async def _lights(self, call: Invocation) -> Done:
        light, on = text_argument(call, "light"), text_argument(call, "state") == "on"
        entity = self._named(car.LIGHTS, light, default=None)
        evidence = await entity.command(on, within=patience(call))
        return Done(
            evidence=evidence,
            detail=f"Switched the {light} of {self.device.name} {'on' if on else 'off'}",
        )

    async def _present_lights(self, call: Invocation) -> Restore | None:
        entity = self._named(car.LIGHTS, text_argument(call, "light"), default=None)
        on = await known_order(entity)
        return None if on is None else as_now(call, state="on" if on else "off")

    async def _volume(self, call: Invocation) -> Done:
        if call.arguments.get("set_value") is not None:
            value = number_argument(call, "set_value")
        else:
            now = await known_number(self.find(car.VOLUME, "volume"))
            if now is None:
                raise DeviceRefused(f"{self.device.name} does not report its volume")
            value = max(0.0, now + number_argument(call, "volume_diff"))
        return await self.do(car.VOLUME, int(value), call, f"Volume {value:g}")

    async def _present_volume(self, call: Invocation) -> Restore | None:
        now = await known_number(self.find(car.VOLUME, call.function))
        if now is None:
            return None
        return Restore(
            function="adjust_volume", arguments={"volume_diff": None, "set_value": round(now)}
        )

    async def _navigate(self, call: Invocation) -> Done:
        destination = text_argument(call, "destination")
        return await self.do(car.DESTINATION, destination, call, f"Destination {destination}")

    async def _status(self, call: Invocation) -> Done:
        if self.notice:
            raise DeviceUnavailable(f"{self.device.name} is offline")
        item = call.arguments.get("item") or "all"
        readings = {
            "battery": await self._reading(car.BATTERY, "battery {}"),
            "range": await self._reading(car.RANGE, "range {}"),
            "doors": await self._doors(),
            "location": await self._location(),
        }
        said = [text for key, text in readings.items() if text and item in ("all", key)]
        if not said:
            raise DeviceRefused(f"{self.device.name} does not report its {item} state")
        text = ", ".join(said)
        return Done(evidence=Evidence.VERIFIED, result=text, detail=f"{self.device.name}: {text}")

    async def _reading(self, want: Want, form: str) -> str | None:
        sensor = find(self.announced, want)
        text = car.reading(sensor, await self._said(sensor)) if sensor else None
        return None if text is None else form.format(text)

    async def _doors(self) -> str | None:
        found = filter(None, (find(self.announced, want) for want in (car.LOCK, car.DOORS)))
        said = [w for one in found if (w := car.door_word(one, await self._said(one)))]
        return f"doors {' and '.join(said)}" if said else None

    async def _location(self) -> str | None:
        tracker = find(self.announced, car.POSITION)
        where = car.place(await self._said(tracker) if tracker else None)
        return f"at {where}" if where else None

    def _named(self, want: Want, name: object, *, default: str | None) -> Entity:
        """The entity with all words of `name`; the only unnamed one serves the default."""
        fitting = list(dict.fromkeys(e.id for e in candidates(self.announced, want)))
        entities = {entity.id: entity for entity in self.announced.entities}
        called = words(str(name))
        for identifier in fitting:
            if called and called <= words(entities[identifier].name):
                return self.ha.entity(entities[identifier])
        if len(fitting) == 1 and name in (None, default):
            return self.ha.entity(entities[fitting[0]])
        offered = ", ".join(entities[i].name for i in fitting) or "nothing of the kind"
        raise DeviceRefused(f"{self.device.name} has no {name} to set ({offered})")
