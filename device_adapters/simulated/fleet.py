"""Many devices of all kinds: homes behind gateways, computers, cars and phones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from device_adapters.simulated.car import SimulatedCar
from device_adapters.simulated.pc import SimulatedPc
from device_adapters.simulated.phone import SimulatedPhone
from device_adapters.simulated.publisher import Publisher

CYCLE = ("Lamp", "Door", "Meter", "PC", "Socket", "Car", "Blind", "Phone", "Thermostat", "Lamp")
"""The sorts of devices, over and over; a device is called by its sort and its number."""
BEHIND_ONE = 50
"""Devices of the home behind one gateway."""

_SORTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "Lamp": (
        "light",
        {"schema": "json", "brightness": True},
        {"state": "OFF", "brightness": 100},
    ),
    "Door": (
        "lock",
        {
            "value_template": "{{ value_json.state }}",
            "state_locked": "LOCK",
            "state_unlocked": "UNLOCK",
        },
        {"state": "UNLOCK"},
    ),
    "Meter": (
        "sensor",
        {"value_template": "{{ value_json.power }}", "unit_of_measurement": "W"},
        {"power": 12.5},
    ),
    "Socket": ("switch", {"value_template": "{{ value_json.state }}"}, {"state": "ON"}),
    "Blind": (
        "cover",
        {
            "value_template": "{{ value_json.state }}",
            "state_open": "OPEN",
            "state_closed": "CLOSE",
        },
        {"state": "OPEN"},
    ),
    "Thermostat": (
        "climate",
        {
            "temperature_unit": "C",
            "temperature_command_topic": "~/set/setpoint",
            "temperature_state_topic": "~",
            "temperature_state_template": "{{ value_json.setpoint }}",
        },
        {"setpoint": 20},
    ),
}
"""Component, what is announced beyond what all share, and the state at first."""


def sort_of(number: int) -> str:
    """The sort of a fleet's device."""
    return CYCLE[number % len(CYCLE)]


class SimulatedGateway(Publisher):
    """Devices of the home behind one program, announced as Zigbee2MQTT does; `devices` holds what
    each says now, by its name ("Lamp 7"). Reports only what an order changed."""

    online, offline = '{"state":"online"}', '{"state":"offline"}'

    def __init__(
        self,
        host: str,
        port: int,
        names: Iterable[str],
        *,
        base: str = "gateway",
        login: tuple[str, str] | None = None,
    ) -> None:
        self.base = base
        self.devices = {name: dict(_SORTS[name.split()[0]][2]) for name in names}
        super().__init__(
            host, port, client_id=base, status=f"{base}/bridge/state", orders=f"{base}/+/set/#",
            login=login,
        )  # fmt: skip

    def states(self) -> dict[str, str]:
        there = {f"{self.base}/{name}/availability": self.online for name in self.devices}
        return there | {self._topic(name): json.dumps(s) for name, s in self.devices.items()}

    def changed(self, topic: str) -> dict[str, str]:
        name = topic.split("/")[1]
        return {self._topic(name): json.dumps(self.devices[name])}

    async def obey(self, topic: str, payload: str) -> None:
        _, name, _, *attribute = topic.split("/")
        if attribute:
            self.devices[name][attribute[0]] = json.loads(payload)
        elif payload.startswith("{"):
            self.devices[name] |= json.loads(payload)
        else:
            self.devices[name]["state"] = payload

    def announcements(self) -> dict[str, dict[str, Any]]:
        return {
            f"homeassistant/{_SORTS[name.split()[0]][0]}/{self._key(name)}/config": self._one(name)
            for name in self.devices
        }

    def _one(self, name: str) -> dict[str, Any]:
        word = {"value_template": "{{ value_json.state }}"}
        component, own, _ = _SORTS[name.split()[0]]
        orders = {} if component in ("sensor", "climate") else {"command_topic": "~/set"}
        return {
            "~": self._topic(name),
            "name": None,
            "unique_id": self._key(name),
            "device": {
                "identifiers": [self._key(name)],
                "name": name,
                "manufacturer": "IKEA",
            },
            "origin": {"name": "Zigbee2MQTT", "sw": "2.6.0"},
            "availability": [
                {"topic": self._status} | word,
                {"topic": "~/availability"} | word,
            ],
            "availability_mode": "all",
            "state_topic": "~",
            **orders,
            **own,
        }

    def _topic(self, name: str) -> str:
        return f"{self.base}/{name}"

    def _key(self, name: str) -> str:
        return f"{self.base}_{name.replace(' ', '_')}".lower()


@asynccontextmanager
async def fleet(
    host: str, port: int, numbers: Sequence[int], *, login: tuple[str, str] | None = None
) -> AsyncIterator[dict[str, SimulatedPhone]]:
    """Run the devices of these numbers while the block lasts: all that speak MQTT have announced
    themselves, the phones that are among them are given by their names."""
    home = [n for n in numbers if sort_of(n) in _SORTS]
    programs: list[Publisher] = [
        SimulatedGateway(
            host, port, (f"{sort_of(n)} {n}" for n in part), base=f"gateway{part[0]}", login=login
        )
        for part in (home[at : at + BEHIND_ONE] for at in range(0, len(home), BEHIND_ONE))
    ]
    pcs = (n for n in numbers if sort_of(n) == "PC")
    cars = (n for n in numbers if sort_of(n) == "Car")
    programs += [SimulatedPc(host, port, f"PC {n}", login=login) for n in pcs]
    programs += [SimulatedCar(host, port, f"Car {n}", vin=f"VIN{n}", login=login) for n in cars]
    phones = {
        f"Phone {n}": SimulatedPhone(f"Phone {n}", f"FLEET{n}")
        for n in numbers
        if sort_of(n) == "Phone"
    }
    async with AsyncExitStack() as stack:
        for program in programs:
            await stack.enter_async_context(program)
        for phone in phones.values():
            await stack.enter_async_context(phone)
        await asyncio.gather(*(program.announced(60) for program in programs))
        yield phones
