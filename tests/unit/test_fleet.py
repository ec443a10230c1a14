"""The benchmark's fleet is made of devices that the hub really finds and can command."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from benchmarks import fleet, fleet_devices
from device_adapters.ha.announcement import HaDevice, merged, read_announcement
from device_adapters.homeassistant import device_of
from device_adapters.simulated.car import SimulatedCar
from device_adapters.simulated.fleet import CYCLE, SimulatedGateway
from device_adapters.simulated.pc import SimulatedPc
from schemas.device import Device

HOME = [sort for sort in dict.fromkeys(CYCLE) if sort not in ("PC", "Car", "Phone")]


def announced(configs: dict[str, dict[str, Any]]) -> Device:
    """What the hub makes of the announcements of one device."""
    parts = []
    for topic, config in configs.items():
        levels = tuple(topic.split("/")[1:-1])
        part = read_announcement(levels, json.dumps(config).encode())
        assert isinstance(part, HaDevice)
        parts.append(part)
    found = device_of(merged(parts))
    assert found
    return found


@pytest.mark.parametrize("sort", HOME)
async def test_a_device_behind_a_gateway_serves_what_it_is_commanded(sort: str) -> None:
    gateway = SimulatedGateway("127.0.0.1", 1, [f"{sort} 7"])
    found = announced(gateway.announcements())
    assert found.name == f"{sort} 7"
    assert fleet.call(found).function in found.functions
    assert found.id.startswith(fleet.OURS)


async def test_computers_and_cars_serve_what_they_are_commanded() -> None:
    pc = announced(SimulatedPc("127.0.0.1", 1, "PC 3").announcements())
    car = announced(SimulatedCar("127.0.0.1", 1, "Car 5", vin="VIN5").announcements())
    for found in (pc, car):
        assert fleet.call(found).function in found.functions
        assert found.id.startswith(fleet.OURS)


def test_what_is_forged_looks_like_a_device() -> None:
    topic, payload = fleet_devices.forged(1)
    found = announced({topic: json.loads(payload)})
    assert not found.id.startswith(fleet.OURS)


async def test_a_gateway_reports_only_what_an_order_changed() -> None:
    gateway = SimulatedGateway("127.0.0.1", 1, ["Lamp 0", "Lamp 9"])
    await gateway.obey("gateway/Lamp 9/set", '{"state": "ON"}')
    changed = gateway.changed("gateway/Lamp 9/set")
    assert changed == {"gateway/Lamp 9": '{"state": "ON", "brightness": 100}'}


async def test_lag_is_told_of_everything_that_came_due_meanwhile() -> None:
    with fleet.watched() as late:
        await asyncio.sleep(0.03)
        time.sleep(0.2)  # noqa: ASYNC251 (what is measured)
        await asyncio.sleep(0.03)
    assert sum(lag > 50 for lag in late) >= 10
