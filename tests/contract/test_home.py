"""The home adapter against a simulated Zigbee2MQTT and Tasmota."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from device_adapters.driver import Site
from device_adapters.ha import HaClient, HaDevice, HaEntity
from device_adapters.home import HomeAdapter, functions
from device_adapters.homeassistant import HomeAssistant, device_of
from device_adapters.simulated.home import SimulatedHome
from orchestrator.registry import Registry
from schemas.call import Invocation, Restore
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.outcome import Done, Evidence
from schemas.state import DeviceState
from tests.broker import heard_so_far, hub_on, invocation, running_broker
from tests.contract.undoing import undo

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
    found = {device.name: device_of(device) for device in hub.devices}
    assert {name: known and known.kind for name, known in found.items()} == dict.fromkeys(
        found, Kind.HOME
    )
    assert {name: known and set(known.functions) for name, known in found.items()} == {
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


@pytest.mark.parametrize("said", ["Reading corner", "reading light", "my reading corner", "corner"])
async def test_a_renamed_device_is_found_by_what_people_call_it(
    hub: HaClient, home: SimulatedHome, said: str
) -> None:
    device = Device(
        id="x", kind=Kind.HOME, name="Reading corner", aliases=("reading light",),
        protocol="homeassistant", address={"ha": home.identifier("Kitchen Lamp")},
    )  # fmt: skip
    done = await HomeAdapter(device, hub).call(invocation("turn_on", name=said))
    assert done.detail == "Switched Reading corner on"
    assert home.devices["Kitchen Lamp"]["state"] == "ON"


async def test_a_name_that_only_the_hub_knows_means_the_only_entity(adapter: Adapters) -> None:
    done = await adapter("Kitchen Lamp").call(invocation("turn_on", name="Reading corner"))
    assert done.evidence is Evidence.VERIFIED


def _gateway(*entities: tuple[str, str]) -> HaDevice:
    announced = (
        HaEntity(id=name, component=component, name=name, options={"command_topic": "t"})
        for component, name in entities
    )
    return HaDevice(id="gate", name="0x00158d", entities=tuple(announced))


def test_a_gateways_entity_is_found_beside_the_hubs_name_for_it() -> None:
    gateway = _gateway(("light", "Porch light"), ("switch", "Freezer"))
    called = ("Cellar box",)
    for name in ("cellar box freezer", "freezer", "0x00158d freezer"):
        assert functions.named(gateway, functions.SWITCHABLE, name, called).name == "Freezer"
    for name in ("cellar box", "toaster"):
        with pytest.raises(DeviceRefused, match=r"\(Porch light, Freezer\)"):
            functions.named(gateway, functions.SWITCHABLE, name, called)
    with pytest.raises(DeviceRefused, match=r"which one is freezer\? \(Porch light\)"):
        functions.named(gateway, functions.LIGHT, "freezer", called)


def test_which_of_two_locks_is_asked_by_their_names() -> None:
    gateway = _gateway(("lock", "Front Door"), ("lock", "Back Door"))
    with pytest.raises(DeviceRefused, match=r"which door\? \(Front Door, Back Door\)"):
        functions.only(gateway, functions.LOCK, "door")


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


async def test_a_device_that_is_back_is_connected_again_by_itself(
    hub: HaClient, home: SimulatedHome, tmp_path: Path
) -> None:
    driver = HomeAssistant(Site(hub.mqtt, hub, tmp_path))
    registry = Registry(tmp_path / "devices.json", {"homeassistant": driver.adapter})

    def state(found: Device) -> DeviceState:
        return registry.standing(found).state

    async with driver.finding(registry.propose, registry.withdraw):
        assert len(registry.proposed) == 6
        plug = await registry.approve("Living Room Plug")
        assert state(plug) is DeviceState.CONNECTED
        await home.publish("tasmota/fan/LWT", "Offline")
        assert await hub.until(lambda: state(plug) is DeviceState.OFFLINE, 10)
        with pytest.raises(DeviceUnavailable, match="Living Room Plug is offline"):
            await registry.reach(plug.id, invocation("turn_on", name="fan"))
        await home.publish("tasmota/fan/LWT", "Online")
        assert await hub.until(lambda: state(plug) is DeviceState.CONNECTED, 10)
        done = await registry.reach(plug.id, invocation("turn_on", name="fan"))
        assert done.evidence is Evidence.VERIFIED
    await registry.close()


async def test_ten_megabytes_of_an_announcement_hold_nobody_up(
    adapter: Adapters, home: SimulatedHome
) -> None:
    topic = "homeassistant/lock/0xfront_door/lock/config"
    await home.publish(topic, b'{"cmd_t": "' + b"x" * 10_000_000 + b'"}')
    done = await adapter("Front Door").call(invocation("open_or_lock_door", status="open"))
    assert done.evidence is Evidence.VERIFIED


LAMP, BLIND = {"name": "kitchen lamp"}, {"name": "bedroom blind"}
LIT = {"state": "ON", "brightness": 102, "color": {"r": 255, "g": 0, "b": 0}}
UNDONE: list[tuple[str, dict[str, Any], Invocation, Restore]] = [
    (
        "Kitchen Lamp",
        {"state": "OFF"},
        invocation("turn_on", **LAMP),
        Restore(function="turn_off", arguments=LAMP),
    ),
    (
        "Kitchen Lamp",
        {"state": "ON"},
        invocation("turn_off", **LAMP),
        Restore(function="turn_on", arguments=LAMP),
    ),
    (
        "Kitchen Lamp",
        LIT,
        invocation("set_light", **LAMP, brightness=80, color=None),
        Restore(function="set_light", arguments=LAMP | {"brightness": 40, "color": None}),
    ),
    (
        "Kitchen Lamp",
        LIT,
        invocation("set_light", **LAMP, brightness=None, color="slate blue"),
        Restore(function="set_light", arguments=LAMP | {"brightness": None, "color": "#ff0000"}),
    ),
    (
        "Kitchen Lamp",
        LIT,
        invocation("set_light", **LAMP, brightness=100, color="warm white"),
        Restore(function="set_light", arguments=LAMP | {"brightness": 40, "color": "#ff0000"}),
    ),
    (
        "Kitchen Lamp",
        LIT,
        invocation("set_light", **LAMP, brightness=0, color=None),
        Restore(function="set_light", arguments=LAMP | {"brightness": 40, "color": None}),
    ),
    (
        "Bedroom Blind",
        {"state": "OPEN", "position": 100},
        invocation("set_cover", **BLIND, position="close"),
        Restore(function="set_cover", arguments=BLIND | {"position": "open"}),
    ),
    (
        "Bedroom Blind",
        {"state": "CLOSE", "position": 0},
        invocation("set_cover", **BLIND, position="open"),
        Restore(function="set_cover", arguments=BLIND | {"position": "close"}),
    ),
    (
        "Front Door",
        {"state": "LOCK"},
        invocation("open_or_lock_door", status="open"),
        Restore(function="open_or_lock_door", arguments={"status": "lock"}),
    ),
    (
        "Front Door",
        {"state": "UNLOCK"},
        invocation("open_or_lock_door", status="lock"),
        Restore(function="open_or_lock_door", arguments={"status": "open"}),
    ),
    *(
        (
            "Hall Thermostat",
            {"occupied_heating_setpoint": celsius},
            invocation("set_nest_temperature", target_temperature=75),
            Restore(function="set_nest_temperature", arguments={"target_temperature": fahrenheit}),
        )
        for celsius, fahrenheit in ((20, 68.0), (21.1, 70.0), (19.5, 67.1))
    ),
]


@pytest.mark.parametrize(("name", "state", "call", "restore"), UNDONE)
async def test_what_was_before_a_call_comes_back(
    hub: HaClient,
    adapter: Adapters,
    home: SimulatedHome,
    name: str,
    state: dict[str, Any],
    call: Invocation,
    restore: Restore,
) -> None:
    device = adapter(name)
    home.devices[name] |= state
    before = copy.deepcopy(home.devices)
    await home.report()
    await heard_so_far(hub)
    assert await device.present(call) == restore
    await heard_so_far(hub)
    assert home.received == []
    await device.call(call)
    assert home.devices != before
    assert (await undo(device, restore)).evidence is Evidence.VERIFIED
    assert home.devices == before


async def test_a_lamp_that_was_off_is_off_again(adapter: Adapters, home: SimulatedHome) -> None:
    lamp, call = adapter("Kitchen Lamp"), invocation("set_light", **LAMP, brightness=80)
    restore = await lamp.present(call)
    assert restore == Restore(function="turn_off", arguments=LAMP)
    await lamp.call(call)
    assert home.devices["Kitchen Lamp"]["state"] == "ON"
    await undo(lamp, restore)
    assert home.devices["Kitchen Lamp"]["state"] == "OFF"


async def test_the_meant_one_of_two_sockets_comes_back(
    adapter: Adapters, home: SimulatedHome
) -> None:
    plug, call = adapter("Fan"), invocation("turn_on", name="fan")
    home.sockets["Heater"] = "ON"
    restore = await plug.present(call)
    assert restore
    await plug.call(call)
    await undo(plug, restore)
    assert home.sockets == {"Fan": "OFF", "Heater": "ON"}
    with pytest.raises(DeviceRefused, match="which one"):
        await plug.present(invocation("turn_on", name="living room plug"))


@pytest.mark.parametrize(
    ("name", "call", "now"),
    [
        (
            "Kitchen Lamp",
            invocation("set_light", **LAMP, brightness=None, color=None),
            LAMP | {"brightness": 40, "color": None},
        ),
        (
            "Hall Thermostat",
            invocation("set_nest_temperature", target_temperature=None),
            {"target_temperature": 68.0},
        ),
    ],
)
async def test_a_value_that_is_still_to_be_reckoned_is_told(
    hub: HaClient,
    adapter: Adapters,
    home: SimulatedHome,
    name: str,
    call: Invocation,
    now: dict[str, Any],
) -> None:
    home.devices["Kitchen Lamp"] |= LIT
    await home.report()
    await heard_so_far(hub)
    restore = await adapter(name).present(call)
    assert restore
    assert restore.arguments == now


@pytest.mark.parametrize(
    ("name", "state", "call"),
    [
        ("Kitchen Lamp", {"state": None}, invocation("turn_on", **LAMP)),
        ("Kitchen Lamp", {"state": None}, invocation("set_light", **LAMP, brightness=9)),
        (
            "Kitchen Lamp",
            LIT | {"brightness": None},
            invocation("set_light", **LAMP, brightness=9),
        ),
        (
            "Kitchen Lamp",
            LIT | {"color_mode": "color_temp"},
            invocation("set_light", **LAMP, color="red"),
        ),
        (
            "Kitchen Lamp",
            LIT | {"color": {"x": 0.7, "y": "?"}},
            invocation("set_light", **LAMP, color="red"),
        ),
        (
            "Bedroom Blind",
            {"state": "OPEN", "position": 50},
            invocation("set_cover", **BLIND, position="close"),
        ),
        (
            "Bedroom Blind",
            {"state": "opening", "position": 100},
            invocation("set_cover", **BLIND, position="stop"),
        ),
        ("Front Door", {"state": "JAMMED"}, invocation("open_or_lock_door", status="lock")),
        (
            "Hall Thermostat",
            {"occupied_heating_setpoint": None},
            invocation("set_nest_temperature", target_temperature=70),
        ),
        ("Smoke Detector", {}, invocation("check_nest_smoke_detector_status")),
    ],
)
async def test_what_is_not_known_is_not_told(
    hub: HaClient,
    adapter: Adapters,
    home: SimulatedHome,
    name: str,
    state: dict[str, Any],
    call: Invocation,
) -> None:
    home.devices[name] |= state
    await home.report()
    await heard_so_far(hub)
    assert await adapter(name).present(call) is None


async def test_a_device_out_of_reach_does_not_say_how_it_is(
    hub: HaClient, adapter: Adapters, home: SimulatedHome
) -> None:
    lamp, call = adapter("Kitchen Lamp"), invocation("turn_on", **LAMP)
    await home.go_offline()
    await heard_so_far(hub)
    with pytest.raises(DeviceUnavailable, match="offline"):
        await lamp.present(call)


@pytest.mark.parametrize(
    ("color", "rgb", "said"),
    [
        ("Cornflower Blue", (100, 149, 237), "Cornflower Blue"),
        ("#FF0000", (255, 0, 0), "red"),
        ("#123456", (18, 52, 86), "#123456"),
        ("warm white", (255, 214, 170), "warm white"),
        ("grey", (128, 128, 128), "grey"),
    ],
)
async def test_a_lamp_takes_colours_by_name_and_code(
    adapter: Adapters, home: SimulatedHome, color: str, rgb: tuple[int, int, int], said: str
) -> None:
    done = await adapter("Kitchen Lamp").call(invocation("set_light", **LAMP, color=color))
    assert tuple(home.devices["Kitchen Lamp"]["color"].values()) == rgb
    assert done.detail == f"Set Kitchen Lamp to {said}"


@pytest.mark.parametrize("color", ["octarine", "#12345", "#gggggg", "", "rgb(1,2,3)"])
async def test_what_is_no_colour_is_refused(
    adapter: Adapters, home: SimulatedHome, color: str
) -> None:
    with pytest.raises(DeviceRefused, match="colo"):
        await adapter("Kitchen Lamp").call(invocation("set_light", **LAMP, color=color))
    assert home.received == []


async def test_a_lamp_is_dimmed_and_coloured_at_once(
    adapter: Adapters, home: SimulatedHome
) -> None:
    call = invocation("set_light", **LAMP, brightness=40, color="blue")
    done = await adapter("Kitchen Lamp").call(call)
    assert done == Done(evidence=Evidence.VERIFIED, detail="Set Kitchen Lamp to blue and 40 %")
    assert home.devices["Kitchen Lamp"] == {
        "state": "ON",
        "brightness": 102,
        "color": {"r": 0, "g": 0, "b": 255},
    }
