"""Drives a car through its gateway's entities."""

from __future__ import annotations

from collections.abc import Mapping

from device_adapters.car import functions as car
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
    known_number,
    known_order,
    number_argument,
    patience,
    text_argument,
    words,
)
from schemas.call import Invocation, Restore
from schemas.errors import DeviceRefused
from schemas.outcome import Done, Evidence

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

    async def _lock(self, call: Invocation) -> Done:
        action = text_argument(call, "action")
        said = {"lock": "Locked the doors", "unlock": "Unlocked the doors"}
        return await self.do(car.LOCK, action, call, said.get(action, action))

    async def _present_lock(self, call: Invocation) -> Restore | None:
        word = await known_order(self.find(car.LOCK, call.function))
        return as_now(call, action=word if isinstance(word, str) else None)

    async def _climate(self, call: Invocation) -> Done:
        wanted, climate = number_argument(call, "temperature"), self._zone(call)
        evidence = await climate.command(
            car.sent_temperature(climate.description, wanted),
            attribute="temperature",
            reached=degrees(climate.description, wanted),
            within=patience(call),
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
        at = await known_number(window, "position")
        before = at if at is not None else (100.0 if up else 0.0)
        move = distance * 100 / _WINDOW_TRAVEL
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
        return await self.do(car.HORN, "press", call, "Honked and flashed")

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
        value = await self.ha.entity(sensor).known_state() if sensor else None
        unit = sensor.unit if sensor and sensor.unit else ""
        return None if value is None else form.format(f"{value} {unit}".strip())

    async def _doors(self) -> str | None:
        locked = await self._reading(car.LOCK, "{}")
        opened = await self._reading(car.DOORS, "{}")
        said = [text for text in (locked, opened) if text]
        return f"doors {' and '.join(said)}" if said else None

    async def _location(self) -> str | None:
        tracker = find(self.announced, car.POSITION)
        where = car.place(await self.ha.entity(tracker).known_state() if tracker else None)
        return f"at {where}" if where else None

    def _named(self, want: Want, name: object, *, default: str | None) -> Entity:
        """The entity with all words of `name`; the only unnamed one serves the default."""
        fitting = list(dict.fromkeys(e.id for e in candidates(self.announced, want)))
        entities = {entity.id: entity for entity in self.announced.entities}
        called = words(str(name))
        for identifier in fitting:
            if called <= words(entities[identifier].name):
                return self.ha.entity(entities[identifier])
        if len(fitting) == 1 and name in (None, default):
            return self.ha.entity(entities[fitting[0]])
        offered = ", ".join(entities[i].name for i in fitting) or "nothing of the kind"
        raise DeviceRefused(f"{self.device.name} has no {name} to set ({offered})")
