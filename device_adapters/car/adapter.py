"""Drives a car through its gateway's entities."""

from __future__ import annotations

from collections.abc import Mapping

from device_adapters.car import functions as car
from device_adapters.ha import Entity, HaDevice
from device_adapters.ha_adapter import (
    HaAdapter,
    Runner,
    Want,
    candidates,
    find,
    number_argument,
    patience,
    text_argument,
    words,
)
from schemas.call import Invocation
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

    def serves(self, device: HaDevice) -> frozenset[str]:
        return car.serves(device)

    async def _lock(self, call: Invocation) -> Done:
        action = text_argument(call, "action")
        said = {"lock": "Locked the doors", "unlock": "Unlocked the doors"}
        return await self.do(car.LOCK, action, call, said.get(action, action))

    async def _climate(self, call: Invocation) -> Done:
        fahrenheit = number_argument(call, "temperature")
        climate = self._named(car.CLIMATE, call.arguments.get("zone"), default="driver")
        evidence = await climate.command(
            car.sent_temperature(climate.description, fahrenheit),
            attribute="temperature",
            reached=car.reported_temperature(climate.description, fahrenheit),
            within=patience(call),
        )
        return Done(evidence=evidence, detail=f"Set {fahrenheit:g} °F in {self.device.name}")

    async def _window(self, call: Invocation) -> Done:
        name, up = text_argument(call, "window"), text_argument(call, "position") == "up"
        window = self._named(car.WINDOW, name, default=None)
        distance = number_argument(call, "distance")
        detail = f"{'Closed' if up else 'Opened'} the {name} window of {self.device.name}"
        if not window.description.text("set_position_topic"):
            word = "close" if up else "open"
            return Done(evidence=await window.command(word, within=patience(call)), detail=detail)
        before = float(await window.known_state("position") or (100 if up else 0))
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

    async def _lights(self, call: Invocation) -> Done:
        light, on = text_argument(call, "light"), text_argument(call, "state") == "on"
        entity = self._named(car.LIGHTS, light, default=None)
        evidence = await entity.command(on, within=patience(call))
        return Done(
            evidence=evidence,
            detail=f"Switched the {light} of {self.device.name} {'on' if on else 'off'}",
        )

    async def _volume(self, call: Invocation) -> Done:
        if call.arguments.get("set_value") is not None:
            value = number_argument(call, "set_value")
        else:
            now = await self.find(car.VOLUME, "volume").known_state()
            if now is None:
                raise DeviceRefused(f"{self.device.name} does not report its volume")
            value = max(0.0, float(now) + number_argument(call, "volume_diff"))
        return await self.do(car.VOLUME, int(value), call, f"Volume {value:g}")

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
