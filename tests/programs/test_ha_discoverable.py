"""The home adapter against a device that ha-mqtt-discoverable makes, in a process of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from device_adapters.ha import HaClient
from device_adapters.home import HomeAdapter
from device_adapters.homeassistant import device_of
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.outcome import Done, Evidence
from schemas.state import DeviceState
from tests.broker import heard_so_far, hub_on, invocation, running_broker
from tests.programs import program

SCRIPT = Path(__file__).with_name("discoverable_device.py")
DONE = Evidence.VERIFIED


class Workshop:
    """The program, and the hub's adapter for its device."""

    def __init__(self, process: asyncio.subprocess.Process, hub: HaClient) -> None:
        self.process = process
        self.hub = hub
        announced = hub.device("workshop")
        found = announced and device_of(announced)
        assert found
        self.device = found
        self.adapter = HomeAdapter(found, hub, "DE")

    async def tell(self, entity: str, method: str, *arguments: object) -> None:
        """Call a method of one of its entities."""
        assert self.process.stdin
        self.process.stdin.write(f"{json.dumps([entity, method, *arguments])}\n".encode())
        await self.process.stdin.drain()

    async def call(self, function: str, **arguments: object) -> Done:
        return await self.adapter.call(invocation(function, timeout=5, **arguments))

    async def heard(self, entity: str, state: str) -> None:
        """Wait until an entity has said something."""
        assert await self.hub.until(lambda: _state(self, entity) == state, 10)

    async def order(self, entity: str, value: str | float) -> Evidence:
        """Order an entity that no function of the catalogue is for."""
        announced = self.hub.device("workshop")
        assert announced
        [described] = [e for e in announced.entities if e.name == entity]
        return await self.hub.entity(described).command(value)


@asynccontextmanager
async def workshop(folder: Path) -> AsyncIterator[Workshop]:
    python = program("python")
    async with running_broker(folder) as broker, hub_on(broker) as hub:
        process = await asyncio.create_subprocess_exec(
            python, str(SCRIPT), broker.host, str(broker.port),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            assert process.stdout
            async with asyncio.timeout(30):
                assert await process.stdout.readline() == b"ready\n"
                await hub.until(lambda: _entities(hub) == 12 and hub.settled("workshop"), 10)
                await heard_so_far(hub)
            running = Workshop(process, hub)
            await running.adapter.connect()
            yield running
            await running.adapter.close()
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


def _entities(hub: HaClient) -> int:
    device = hub.device("workshop")
    return len(device.entities) if device else 0


async def test_everything_that_it_offers_is_driven_and_read(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        assert (shop.device.name, shop.device.room) == ("Workshop", "Cellar")
        assert set(shop.device.functions) == {
            *("turn_on", "turn_off", "set_light", "set_cover", "get_state", "open_or_lock_door")
        }
        assert (await shop.call("turn_on", name="workshop lamp")).evidence is DONE
        assert (await shop.call("set_light", name="lamp", brightness=30)).evidence is DONE
        assert (await shop.call("set_light", name="lamp", color="blue")).evidence is DONE
        assert (await shop.call("turn_off", name="lamp")).evidence is DONE
        assert (await shop.call("turn_on", name="saw")).evidence is DONE
        assert (await shop.call("get_state", name="saw")).result == "Saw is on"
        assert (await shop.call("open_or_lock_door", status="lock")).evidence is DONE
        assert (await shop.call("get_state", name="gate")).result == "Gate is locked"
        assert (await shop.call("open_or_lock_door", status="open")).evidence is DONE
        for position in ("close", "open", "stop"):
            done = await shop.call("set_cover", name="shutter", position=position)
            assert done.evidence is DONE
        assert (await shop.call("set_cover", name="water", position="open")).evidence is DONE
        assert await shop.order("Speed", 22.0) is DONE
        assert (await shop.call("get_state", name="speed")).result == "Speed is 20 rpm"
        assert await shop.order("Mode", "coarse") is DONE
        assert await shop.order("Label", "oak, 20 mm") is DONE


async def test_a_button_is_pressed_and_sensors_are_read(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        done = await shop.call("turn_on", name="horn")
        assert (done.evidence, done.detail) == (Evidence.UNVERIFIED, "Pressed Horn")
        await shop.heard("Presses", "PRESS")
        assert (await shop.call("get_state", name="presses")).result == "Presses is press"
        await shop.tell("temperature", "set_state", 21.46)
        await shop.heard("Temperature", "21.46")
        assert (await shop.call("get_state", name="temperature")).result == "Temperature is 21.5 °C"
        await shop.tell("window", "on")
        await shop.heard("Window", "on")
        assert (await shop.call("get_state", name="window")).result == "Window is open"
        for entity, value, takes in (
            ("Speed", 60.0, "Speed takes 0 to 50 rpm, not 60"),
            ("Mode", "Medium", "Mode takes Fine, Coarse, not Medium"),
            ("Label", "x" * 21, "Label takes at most 20 characters"),
        ):
            with pytest.raises(DeviceRefused, match=takes):
                await shop.order(entity, value)


async def test_a_jammed_lock_is_said_and_a_killed_program_is_noticed(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        await shop.tell("gate", "jammed")
        await shop.heard("Gate", "JAMMED")
        assert (await shop.call("get_state", name="gate")).result == "Gate is jammed"
        shop.process.kill()
        assert await shop.hub.until(lambda: shop.adapter.notice is not None, 10)
        assert shop.adapter.notice
        assert shop.adapter.notice.state is DeviceState.OFFLINE
        with pytest.raises(DeviceUnavailable, match="offline"):
            await shop.call("turn_on", name="saw")
        with pytest.raises(DeviceUnavailable, match="Workshop is offline"):
            await shop.adapter.connect()


def _state(shop: Workshop, name: str) -> str | None:
    announced = shop.hub.device("workshop")
    assert announced
    [described] = [e for e in announced.entities if e.name == name]
    return shop.hub.entity(described).state()
