"""The home adapter against a simulated Zigbee2MQTT and Tasmota."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from device_adapters.classify import classify
from device_adapters.ha import HaClient
from device_adapters.home import HomeAdapter
from device_adapters.simulated.home import SimulatedHome
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.outcome import Done, Evidence
from tests.broker import heard_so_far, hub_on, invocation, running_broker

Adapters = Callable[[str], HomeAdapter]


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HaClient]:
    async with running_broker(tmp_path) as broker, hub_on(broker) as ha:
        yield ha


@pytest.fixture
async def home(hub: HaClient) -> AsyncIterator[SimulatedHome]:
    async with SimulatedHome(*hub.mqtt.address) as simulated:
        await simulated.announced()
        await heard_so_far(hub)
        names = [*simulated.devices, *simulated.sockets]
        everything = {simulated.identifier(name) for name in names}
        assert await hub.until(lambda: all(map(hub.settled, everything)), 10)
        yield simulated


@pytest.fixture
def adapter(hub: HaClient, home: SimulatedHome) -> Adapters:
    def one(name: str) -> HomeAdapter:
        address = {"ha": home.identifier(name)}
        device = Device(
            id="x", kind=Kind.HOME, name=name, protocol="homeassistant", address=address
        )
        return HomeAdapter(device, hub)

    return one


async def test_each_device_is_recognised_by_what_it_can_do(
    hub: HaClient, home: SimulatedHome
) -> None:
    found = {device.name: classify(device) for device in hub.devices}
    assert {name: known and known[0] for name, known in found.items()} == dict.fromkeys(
        found, Kind.HOME
    )
    assert {name: known and set(known[1]) for name, known in found.items()} == {
        "Kitchen Lamp": {"turn_on", "turn_off", "set_light", "get_state"},
        "Bedroom Blind": {"set_cover", "get_state"},
        "Front Door": {"open_or_lock_door", "get_state"},
        "Hall Thermostat": {"set_nest_temperature", "get_state"},
        "Smoke Detector": {"check_nest_smoke_detector_status", "get_state"},
        "Living Room Plug": {"turn_on", "turn_off", "get_state"},
    }


async def test_a_lamp_is_switched_dimmed_and_coloured(
    adapter: Adapters, home: SimulatedHome
) -> None:
    lamp, state = adapter("Kitchen Lamp"), home.devices["Kitchen Lamp"]
    done = await lamp.call(invocation("turn_on", name="the kitchen lamp"))
    assert done == Done(evidence=Evidence.VERIFIED, detail="Switched Kitchen Lamp on")
    done = await lamp.call(invocation("set_light", name="kitchen lamp", brightness=40))
    assert (state["brightness"], done.evidence) == (102, Evidence.VERIFIED)
    done = await lamp.call(invocation("set_light", name="kitchen lamp", color="blue"))
    assert (state["color"], done.evidence) == ({"r": 0, "g": 0, "b": 255}, Evidence.VERIFIED)
    with pytest.raises(DeviceRefused, match="octarine"):
        await lamp.call(invocation("set_light", name="kitchen lamp", color="octarine"))
    await lamp.call(invocation("turn_off", name="lamp"))
    assert state["state"] == "OFF"


async def test_one_of_two_sockets_is_meant(adapter: Adapters, home: SimulatedHome) -> None:
    plug = adapter("Fan")
    done = await plug.call(invocation("turn_on", name="fan"))
    assert (home.sockets, done.evidence) == ({"Fan": "ON", "Heater": "OFF"}, Evidence.VERIFIED)
    with pytest.raises(DeviceRefused, match=r"which one is living room plug\? \(Fan, Heater\)"):
        await plug.call(invocation("turn_on", name="living room plug"))
    with pytest.raises(DeviceRefused, match=r"which one is toaster\? \(Fan, Heater\)"):
        await plug.call(invocation("turn_on", name="toaster"))


async def test_what_is_on_already_is_verified(
    hub: HaClient, adapter: Adapters, home: SimulatedHome
) -> None:
    home.sockets["Fan"] = "ON"
    await home.report()
    await heard_so_far(hub)
    home.faults.mute = True
    done = await adapter("Fan").call(invocation("turn_on", name="fan"))
    assert done.evidence is Evidence.VERIFIED


async def test_a_blind_moves(adapter: Adapters, home: SimulatedHome) -> None:
    blind = adapter("Bedroom Blind")
    done = await blind.call(invocation("set_cover", name="bedroom blind", position="close"))
    assert (home.devices["Bedroom Blind"]["state"], done.evidence) == ("CLOSE", Evidence.VERIFIED)
    done = await blind.call(
        invocation("set_cover", name="bedroom blind", position="stop", timeout=0.8)
    )
    assert done.evidence is Evidence.UNVERIFIED


async def test_the_thermostat_is_set_in_its_own_unit(
    adapter: Adapters, home: SimulatedHome
) -> None:
    done = await adapter("Hall Thermostat").call(
        invocation("set_nest_temperature", target_temperature=70)
    )
    setpoint = home.devices["Hall Thermostat"]["occupied_heating_setpoint"]
    assert (setpoint, done.evidence) == (21.1, Evidence.VERIFIED)


async def test_the_front_door_is_opened_and_locked(adapter: Adapters, home: SimulatedHome) -> None:
    door = adapter("Front Door")
    done = await door.call(invocation("open_or_lock_door", status="open"))
    assert (home.devices["Front Door"]["state"], done.evidence) == ("UNLOCK", Evidence.VERIFIED)
    done = await door.call(invocation("open_or_lock_door", status="lock"))
    assert done.detail == "Locked Front Door"


async def test_smoke_is_told(hub: HaClient, adapter: Adapters, home: SimulatedHome) -> None:
    detector = adapter("Smoke Detector")
    call = invocation("check_nest_smoke_detector_status")
    assert (await detector.call(call)).result == "no smoke"
    home.devices["Smoke Detector"]["smoke"] = True
    await home.report()
    await heard_so_far(hub)
    assert (await detector.call(call)).result == "ALARM: Smoke Detector"


async def test_states_are_read(adapter: Adapters) -> None:
    done = await adapter("Kitchen Lamp").call(invocation("get_state", name="kitchen lamp"))
    assert done.result == "Kitchen Lamp is off"


async def test_a_removed_and_a_silent_device_are_unavailable(
    hub: HaClient, adapter: Adapters, home: SimulatedHome
) -> None:
    lamp = adapter("Kitchen Lamp")
    await home.go_offline()
    await heard_so_far(hub)
    with pytest.raises(DeviceUnavailable, match="offline"):
        await lamp.call(invocation("turn_on", name="kitchen lamp"))
    await home.withdraw()
    assert await hub.until(lambda: not hub.devices, 10)
    with pytest.raises(DeviceUnavailable, match="announce"):
        await lamp.call(invocation("turn_on", name="kitchen lamp"))
