"""A home behind Zigbee2MQTT and Tasmota, by their topics and announcements."""

from __future__ import annotations

import json
from typing import Any

from device_adapters.simulated.publisher import Publisher

_BRIDGE = "zigbee2mqtt/bridge/state"
_FAN = "tasmota_fan"
_ORDERED = {"light", "cover", "lock"}


class SimulatedHome(Publisher):
    """A lamp, a blind, a front door, a thermostat, a smoke detector (Zigbee2MQTT), and a fan with
    a socket beside it (Tasmota, abbreviated). `devices` holds what each says now.
    """

    online, offline = '{"state":"online"}', '{"state":"offline"}'

    def __init__(self, host: str, port: int, *, login: tuple[str, str] | None = None) -> None:
        self.devices: dict[str, dict[str, Any]] = {
            "Kitchen Lamp": {
                "state": "OFF",
                "brightness": 100,
                "color": {"r": 255, "g": 255, "b": 255},
            },
            "Bedroom Blind": {"state": "OPEN", "position": 100},
            "Front Door": {"state": "LOCK"},
            "Hall Thermostat": {"occupied_heating_setpoint": 20, "local_temperature": 21.5},
            "Smoke Detector": {"smoke": False},
        }
        self.sockets = {"Fan": "OFF", "Heater": "OFF"}
        super().__init__(
            host, port, client_id="zigbee2mqtt", status=_BRIDGE, orders="+/+/set/#", login=login
        )

    def identifier(self, name: str) -> str:
        """The Home Assistant identifier of a device."""
        return _FAN if name in self.sockets else f"zigbee2mqtt_{_key(name)}"

    def states(self) -> dict[str, str]:
        own = {f"zigbee2mqtt/{name}": json.dumps(state) for name, state in self.devices.items()}
        there = {f"zigbee2mqtt/{name}/availability": self.online for name in self.devices}
        sockets = {f"tasmota/{name.lower()}/state": word for name, word in self.sockets.items()}
        return own | there | sockets | {"tasmota/fan/LWT": "Online"}

    def changed(self, topic: str) -> dict[str, str]:
        program, name, *_ = topic.split("/")
        told = f"{program}/{name}/state" if program == "tasmota" else f"{program}/{name}"
        return {told: self.states()[told]}

    async def obey(self, topic: str, payload: str) -> None:
        program, name, _, *attribute = topic.split("/")
        if program == "tasmota":
            self.sockets[name.capitalize()] = payload
            return
        state = self.devices[name]
        if attribute:
            state[attribute[0]] = json.loads(payload)
        elif name == "Bedroom Blind" and not payload.startswith("{"):
            state |= {"OPEN": {"state": "OPEN", "position": 100}}.get(
                payload, {"state": "CLOSE", "position": 0} if payload == "CLOSE" else {}
            )
        elif payload.startswith("{"):
            state |= json.loads(payload)
        else:
            state["state"] = payload

    def announcements(self) -> dict[str, dict[str, Any]]:
        zigbee = {
            f"homeassistant/{kind}/0x{_key(name)}/{own.pop('object')}/config": (
                self._zigbee(name, kind) | own
            )
            for name, kind, own in _announced()
        }
        sockets = {
            f"homeassistant/switch/{_FAN}_{name.lower()}/config": _tasmota(name)
            for name in self.sockets
        }
        return zigbee | sockets

    def _zigbee(self, name: str, kind: str) -> dict[str, Any]:
        words = {"value_template": "{{ value_json.state }}"}
        ordered = {"command_topic": f"zigbee2mqtt/{name}/set"} if kind in _ORDERED else {}
        return ordered | {
            "name": None,
            "unique_id": f"0x{_key(name)}_zigbee2mqtt",
            "object_id": _key(name),
            "device": {
                "identifiers": [self.identifier(name)],
                "name": name,
                "manufacturer": "IKEA",
            },
            "origin": {"name": "Zigbee2MQTT", "sw": "2.6.0"},
            "availability": [
                {"topic": _BRIDGE} | words,
                {"topic": f"zigbee2mqtt/{name}/availability"} | words,
            ],
            "availability_mode": "all",
            "state_topic": f"zigbee2mqtt/{name}",
        }


def _announced() -> list[tuple[str, str, dict[str, Any]]]:
    """Zigbee2MQTT's announcements beyond what all share."""
    thermostat = "zigbee2mqtt/Hall Thermostat"
    blind = "zigbee2mqtt/Bedroom Blind"
    return [
        (
            "Kitchen Lamp",
            "light",
            {
                "object": "light",
                "schema": "json",
                "brightness": True,
                "supported_color_modes": ["rgb"],
            },
        ),
        (
            "Bedroom Blind",
            "cover",
            {
                "object": "cover",
                "value_template": "{{ value_json.state }}",
                "state_open": "OPEN",
                "state_closed": "CLOSE",
                "position_topic": blind,
                "position_template": "{{ value_json.position }}",
                "set_position_topic": f"{blind}/set",
                "set_position_template": '{ "position": {{ position }} }',
            },
        ),
        (
            "Front Door",
            "lock",
            {
                "object": "lock",
                "value_template": "{{ value_json.state }}",
                "payload_lock": "LOCK",
                "payload_unlock": "UNLOCK",
                "state_locked": "LOCK",
                "state_unlocked": "UNLOCK",
            },
        ),
        (
            "Hall Thermostat",
            "climate",
            {
                "object": "climate",
                "temperature_unit": "C",
                "temperature_command_topic": f"{thermostat}/set/occupied_heating_setpoint",
                "temperature_state_topic": thermostat,
                "temperature_state_template": "{{ value_json.occupied_heating_setpoint }}",
                "current_temperature_topic": thermostat,
                "current_temperature_template": "{{ value_json.local_temperature }}",
            },
        ),
        (
            "Smoke Detector",
            "binary_sensor",
            {
                "object": "smoke",
                "device_class": "smoke",
                "value_template": "{{ value_json.smoke }}",
                "payload_on": True,
                "payload_off": False,
            },
        ),
    ]


def _tasmota(name: str) -> dict[str, Any]:
    return {
        "~": f"tasmota/{name.lower()}",
        "name": name,
        "uniq_id": f"{_FAN}_{name.lower()}",
        "stat_t": "~/state",
        "cmd_t": "~/set",
        "avty_t": "tasmota/fan/LWT",
        "pl_avail": "Online",
        "pl_not_avail": "Offline",
        "dev": {"ids": [_FAN], "name": "Living Room Plug", "mf": "Tasmota", "mdl": "Sonoff"},
    }


def _key(name: str) -> str:
    return name.lower().replace(" ", "_")
