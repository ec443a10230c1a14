"""A car behind CarConnectivity's MQTT and Home Assistant plugins (0.6), by its topics.

Windows and horn are a fuller gateway's: CarConnectivity itself announces neither.
"""

from __future__ import annotations

import json
from typing import Any

from device_adapters.mqtt import Message
from device_adapters.simulated.publisher import Publisher

_WINDOWS = ("front left", "front right", "rear left", "rear right")


class SimulatedCar(Publisher):
    """Its state can be read: locked, charging, windows (% open), target temperature (°C), honks,
    state (parked, driving)."""

    online, offline = "connected", "disconnected"
    retains = False  # CarConnectivity announces on connecting and on Home Assistant's birth only

    def __init__(
        self,
        host: str,
        port: int,
        name: str = "Family car",
        *,
        vin: str = "WVWZZZTEST0000001",
        fahrenheit: bool = True,
        login: tuple[str, str] | None = None,
    ) -> None:
        self.name, self.vin, self.fahrenheit = name, vin, fahrenheit
        self.base = f"carconnectivity/garage/{vin}"
        self.locked = True
        self.charging = False
        self.target_celsius = 20.0
        self.windows = dict.fromkeys(_WINDOWS, 0)
        self.honks = 0
        self.state = "parked"
        self.latitude, self.longitude = 37.5665, 126.978
        super().__init__(
            host,
            port,
            client_id=f"carconnectivity-{vin}",
            status="carconnectivity/plugins/mqtt/connection_state",
            orders=f"{self.base}/#",
            login=login,
        )
        self._mqtt.subscribe("homeassistant/status", self._on_birth, retained=False)

    async def _on_birth(self, message: Message) -> None:
        if message.payload.lower() == b"online":
            await self.announce()

    async def _on_order(self, message: Message) -> None:
        if message.topic.endswith("_writetopic"):
            await super()._on_order(message)

    def states(self) -> dict[str, str]:
        shown = self.target_celsius * 1.8 + 32 if self.fahrenheit else self.target_celsius
        position = {"latitude": self.latitude, "longitude": self.longitude}
        own = {
            "doors/lock_state": "locked" if self.locked else "unlocked",
            "doors/open_state": "closed",
            "charging/binarystate": "on" if self.charging else "off",
            "charging/rate": "55.0" if self.charging else "0.0",
            "climatization/hvac_mode": "off",
            "climatization/settings/target_temperature": f"{shown:.1f}",
            "drives/total_range": "312",
            "drives/primary/level": "81",
            "odometer": "20415",
            "state": self.state,
            "position/attributes": json.dumps(position),
        }
        windows = {f"windows/{_key(name)}/position": str(v) for name, v in self.windows.items()}
        return {f"{self.base}/{name}": value for name, value in (own | windows).items()}

    async def obey(self, topic: str, payload: str) -> None:
        order = topic.removeprefix(f"{self.base}/").removesuffix("_writetopic")
        match order.split("/"):
            case ["doors", "commands", "lock-unlock"]:
                self.locked = payload == "lock"
            case ["charging", "commands", "start-stop"]:
                self.charging = payload == "start"
            case ["climatization", "settings", "target_temperature"]:
                self.target_celsius = float(payload)
            case ["commands", "honk-flash"]:
                self.honks += 1
            case ["windows", key, "position"]:
                position = {"OPEN": 100, "CLOSE": 0}.get(payload)
                name = key.replace("_", " ")
                self.windows[name] = int(payload) if position is None else position

    def announcements(self) -> dict[str, dict[str, Any]]:
        return {
            f"homeassistant/device/{self.vin}/config": {
                "device": {"ids": self.vin, "sn": self.vin, "name": self.name, "mf": "Volkswagen"},
                "origin": {"name": "carconnectivity-plugin-mqtt", "sw": "0.6.6"},
                "cmps": {
                    f"{self.vin}_{key}": self._component(key, own)
                    for key, own in (self._cars_own() | self._windows()).items()
                },
            }
        }

    def _component(self, key: str, own: dict[str, Any]) -> dict[str, Any]:
        availability = {
            "topic": self._status,
            "payload_available": self.online,
            "payload_not_available": self.offline,
        }
        return own | {"unique_id": f"{self.vin}_{key}", "availability": [availability]}

    def _cars_own(self) -> dict[str, dict[str, Any]]:
        base = self.base
        return {
            "lock_unlock": {
                "p": "lock",
                "name": "Lock/Unlock",
                "state_topic": f"{base}/doors/lock_state",
                "command_topic": f"{base}/doors/commands/lock-unlock_writetopic",
                "payload_lock": "lock",
                "payload_unlock": "unlock",
                "state_locked": "locked",
                "state_unlocked": "unlocked",
            },
            "open_state": {
                "p": "binary_sensor",
                "device_class": "door",
                "name": "Door Open State",
                "state_topic": f"{base}/doors/open_state",
                "payload_off": "closed",
                "payload_on": "open",
            },
            "climatization_start_stop": {
                "p": "climate",
                "name": "Start/Stop Climatization",
                "mode_command_topic": f"{base}/climatization/commands/start-stop_writetopic",
                "mode_state_topic": f"{base}/climatization/hvac_mode",
                "modes": ["off", "auto"],
                "temperature_state_topic": f"{base}/climatization/settings/target_temperature",
                "temperature_command_topic": (
                    f"{base}/climatization/settings/target_temperature_writetopic"
                ),
                "temperature_unit": "F" if self.fahrenheit else "C",
            },
            "charging_start_stop": {
                "p": "switch",
                "name": "Start/Stop Charging",
                "state_topic": f"{base}/charging/binarystate",
                "command_topic": f"{base}/charging/commands/start-stop_writetopic",
                "payload_on": "start",
                "payload_off": "stop",
                "state_on": "on",
                "state_off": "off",
            },
            "honk_flash": {
                "p": "button",
                "name": "Honk and flash",
                "command_topic": f"{base}/commands/honk-flash_writetopic",
                "payload_press": "honk-and-flash",
            },
            "total_range": _reading("Total Range", f"{base}/drives/total_range", "km"),
            "primary_level": _reading("SoC (primary)", f"{base}/drives/primary/level", "%")
            | {"device_class": "battery"},
            "odometer": _reading("Odometer", f"{base}/odometer", "km"),
            "charging_rate": _reading("Charging Rate", f"{base}/charging/rate", "km/h")
            | {"device_class": "speed"},
            "state": {"p": "sensor", "name": "Vehicle State", "state_topic": f"{base}/state"},
            "position": {
                "p": "device_tracker",
                "name": "Position",
                "json_attributes_topic": f"{base}/position/attributes",
                "source_type": "gps",
            },
        }

    def _windows(self) -> dict[str, dict[str, Any]]:
        return {
            f"window_{_key(name)}": {
                "p": "cover",
                "device_class": "window",
                "name": f"Window {name}",
                "command_topic": f"{self.base}/windows/{_key(name)}/position_writetopic",
                "set_position_topic": f"{self.base}/windows/{_key(name)}/position_writetopic",
                "position_topic": f"{self.base}/windows/{_key(name)}/position",
            }
            for name in _WINDOWS
        }


def _key(name: str) -> str:
    return name.replace(" ", "_")


def _reading(name: str, topic: str, unit: str) -> dict[str, Any]:
    return {"p": "sensor", "name": name, "state_topic": topic, "unit_of_measurement": unit}
