"""The car adapter against a simulated CarConnectivity."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from device_adapters.car import CarAdapter
from device_adapters.ha import HaClient
from device_adapters.homeassistant import device_of
from device_adapters.simulated.car import SimulatedCar
from schemas.call import Invocation, Restore
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.outcome import Evidence
from tests.broker import heard_so_far, hub_on, invocation, running_broker
from tests.contract.undoing import undo


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HaClient]:
    async with running_broker(tmp_path) as broker, hub_on(broker) as ha:
        yield ha


@pytest.fixture(params=[True, False], ids=["°F", "°C"])
async def car(hub: HaClient, request: pytest.FixtureRequest) -> AsyncIterator[SimulatedCar]:
    async with SimulatedCar(*hub.mqtt.address, fahrenheit=request.param) as simulated:
        await simulated.announced()
        await heard_so_far(hub)
        yield simulated


@pytest.fixture
async def adapter(hub: HaClient, car: SimulatedCar) -> CarAdapter:
    device = Device(
        id="car", kind=Kind.CAR, name="Golf", protocol="homeassistant", address={"ha": car.vin}
    )
    adapter = CarAdapter(device, hub)
    await adapter.connect()
    return adapter


async def test_it_is_recognised_with_its_functions(
    hub: HaClient, adapter: CarAdapter, car: SimulatedCar
) -> None:
    device = hub.device(car.vin)
    assert device
    assert (device.name, device.manufacturer) == ("Family car", "Volkswagen")
    expected = frozenset(
        {
            *("lock_doors", "set_climate_temperature", "control_window", "honk_and_flash"),
            *("start_charging", "stop_charging", "get_vehicle_status"),
        }
    )
    found = device_of(device)
    assert found
    assert (found.kind, set(found.functions)) == (Kind.CAR, expected)
    assert await adapter.connect() == expected


async def test_the_doors_are_unlocked_and_locked(adapter: CarAdapter, car: SimulatedCar) -> None:
    done = await adapter.call(invocation("lock_doors", action="unlock"))
    assert (car.locked, done.evidence) == (False, Evidence.VERIFIED)
    assert done.detail == "Unlocked the doors on Golf"
    await adapter.call(invocation("lock_doors", action="lock"))
    assert car.locked


async def test_the_temperature_arrives_in_the_cars_unit(
    adapter: CarAdapter, car: SimulatedCar
) -> None:
    call = invocation("set_climate_temperature", zone="driver", temperature=70)
    done = await adapter.call(call)
    assert (car.target_celsius, done.evidence) == (21.1, Evidence.VERIFIED)
    with pytest.raises(DeviceRefused, match="rear"):
        await adapter.call(invocation("set_climate_temperature", zone="rear", temperature=70))


async def test_windows_move_by_distance(adapter: CarAdapter, car: SimulatedCar) -> None:
    def move(position: str, distance: int) -> Invocation:
        return invocation(
            "control_window", window="rear left", position=position, distance=distance
        )

    done = await adapter.call(move("down", 300))
    assert (car.windows["rear left"], done.evidence) == (30, Evidence.VERIFIED)
    await adapter.call(move("down", 1000))
    assert car.windows["rear left"] == 100
    await adapter.call(move("up", 1000))
    assert not any(car.windows.values())


async def test_charging_starts_and_stops(adapter: CarAdapter, car: SimulatedCar) -> None:
    assert (await adapter.call(invocation("start_charging"))).evidence is Evidence.VERIFIED
    assert car.charging
    assert (await adapter.call(invocation("stop_charging"))).evidence is Evidence.VERIFIED
    assert not car.charging


async def test_the_horn_sounds_once(adapter: CarAdapter, car: SimulatedCar) -> None:
    done = await adapter.call(invocation("honk_and_flash"))
    assert done.evidence is Evidence.UNVERIFIED
    await car.until(lambda: car.honks == 1)
    assert [topic for topic, _ in car.received] == [f"{car.base}/commands/honk-flash_writetopic"]


async def test_the_status_is_read(adapter: CarAdapter) -> None:
    done = await adapter.call(invocation("get_vehicle_status", item="all"))
    assert done.result == (
        "battery 81 %, range 312 km, doors locked and closed, at 37.56650, 126.97800"
    )
    done = await adapter.call(invocation("get_vehicle_status", item="range"))
    assert done.result == "range 312 km"


async def test_what_the_car_has_not_is_refused(adapter: CarAdapter) -> None:
    with pytest.raises(DeviceRefused, match="Golf"):
        await adapter.call(invocation("operate_sunroof", action="open"))
    with pytest.raises(DeviceRefused, match="headlights"):
        await adapter.call(invocation("control_lights", light="headlights", state="on"))


async def test_a_car_out_of_reach_is_unavailable(
    hub: HaClient, adapter: CarAdapter, car: SimulatedCar
) -> None:
    await car.go_offline()
    await heard_so_far(hub)
    with pytest.raises(DeviceUnavailable, match="offline"):
        await adapter.call(invocation("lock_doors", action="unlock"))
    assert car.locked


async def test_a_car_that_ignores_the_order_is_not_believed(
    adapter: CarAdapter, car: SimulatedCar
) -> None:
    car.faults.ignores = True
    done = await adapter.call(invocation("lock_doors", action="unlock", timeout=0.8))
    assert done.evidence is Evidence.UNVERIFIED


class EquippedCar(SimulatedCar):
    """A car whose gateway reaches the lights and the sound as well; CarConnectivity does not."""

    headlights, volume = "OFF", 12.0

    def states(self) -> dict[str, str]:
        own = {"lights/headlights": self.headlights, "sound/volume": str(self.volume)}
        return super().states() | {f"{self.base}/{name}": value for name, value in own.items()}

    async def obey(self, topic: str, payload: str) -> None:
        if topic == f"{self.base}/lights/headlights_writetopic":
            self.headlights = payload
        elif topic == f"{self.base}/sound/volume_writetopic":
            self.volume = float(payload)
        else:
            await super().obey(topic, payload)

    def announcements(self) -> dict[str, dict[str, Any]]:
        announced = super().announcements()
        for name, kind in (("lights/headlights", "switch"), ("sound/volume", "number")):
            topic = f"{self.base}/{name}"
            own = {"p": kind, "name": name, "stat_t": topic, "cmd_t": f"{topic}_writetopic"}
            announced[f"homeassistant/device/{self.vin}/config"]["cmps"][name] = own
        return announced


@pytest.fixture
async def equipped(hub: HaClient) -> AsyncIterator[EquippedCar]:
    async with EquippedCar(*hub.mqtt.address) as simulated:
        await simulated.announced()
        await heard_so_far(hub)
        yield simulated


LOCKED = Restore(function="lock_doors", arguments={"action": "lock"})
ZONE = {"zone": "driver"}


@pytest.mark.parametrize(
    ("call", "restore"),
    [
        (invocation("lock_doors", action="unlock"), LOCKED),
        (invocation("start_charging"), Restore(function="stop_charging", arguments={})),
        (
            invocation("set_climate_temperature", **ZONE, temperature=75),
            Restore(function="set_climate_temperature", arguments=ZONE | {"temperature": 68}),
        ),
    ],
)
async def test_what_was_before_a_call_comes_back(
    adapter: CarAdapter, car: SimulatedCar, call: Invocation, restore: Restore
) -> None:
    before = car.states()
    assert await adapter.present(call) == restore
    assert car.received == []
    await adapter.call(call)
    assert car.states() != before
    assert (await undo(adapter, restore)).evidence is Evidence.VERIFIED
    assert car.states() == before


async def test_a_charging_car_charges_again(adapter: CarAdapter, car: SimulatedCar) -> None:
    await adapter.call(invocation("start_charging"))
    restore = await adapter.present(invocation("stop_charging"))
    assert restore == Restore(function="start_charging", arguments={})
    await adapter.call(invocation("stop_charging"))
    await undo(adapter, restore)
    assert car.charging


@pytest.mark.parametrize(
    ("call", "restore"),
    [
        (
            invocation("control_lights", light="headlights", state="on"),
            Restore(function="control_lights", arguments={"light": "headlights", "state": "off"}),
        ),
        (
            invocation("adjust_volume", volume_diff=5, set_value=None),
            Restore(function="adjust_volume", arguments={"volume_diff": None, "set_value": 12}),
        ),
        (
            invocation("adjust_volume", volume_diff=None, set_value=30),
            Restore(function="adjust_volume", arguments={"volume_diff": None, "set_value": 12}),
        ),
    ],
)
async def test_what_a_fuller_gateway_tells_comes_back(
    hub: HaClient, equipped: EquippedCar, call: Invocation, restore: Restore
) -> None:
    device = Device(
        id="car", kind=Kind.CAR, name="Golf", protocol="homeassistant", address={"ha": equipped.vin}
    )
    adapter, before = CarAdapter(device, hub), equipped.states()
    assert await adapter.present(call) == restore
    assert equipped.received == []
    await adapter.call(call)
    assert equipped.states() != before
    assert (await undo(adapter, restore)).evidence is Evidence.VERIFIED
    assert equipped.states() == before


async def test_a_value_that_is_still_to_be_reckoned_is_told(
    adapter: CarAdapter, car: SimulatedCar
) -> None:
    restore = await adapter.present(invocation("set_climate_temperature", temperature=None))
    assert restore
    assert restore.arguments == {"temperature": 68}


async def test_what_is_not_known_is_not_told(
    hub: HaClient, adapter: CarAdapter, car: SimulatedCar
) -> None:
    await car.publish(f"{car.base}/doors/lock_state", "unknown")
    await car.publish(f"{car.base}/charging/binarystate", "")
    await heard_so_far(hub)
    for call in (
        invocation("lock_doors", action="lock"),
        invocation("start_charging"),
        invocation("honk_and_flash"),
    ):
        assert await adapter.present(call) is None
    with pytest.raises(DeviceRefused, match="headlights"):
        await adapter.present(invocation("control_lights", light="headlights", state="on"))
    await car.go_offline()
    await heard_so_far(hub)
    with pytest.raises(DeviceUnavailable, match="offline"):
        await adapter.present(invocation("lock_doors", action="lock"))


class FastCar(SimulatedCar):
    """A car whose gateway tells its speed and whether it moves, and leaves the rest open."""

    speed, unit, moving = "0", "km/h", "OFF"

    def states(self) -> dict[str, str]:
        own = {f"{self.base}/speed": self.speed, f"{self.base}/moving": self.moving}
        return super().states() | {f"{self.base}/state": "unknown vehicle state"} | own

    def announcements(self) -> dict[str, dict[str, Any]]:
        announced = super().announcements()
        own = {
            "speed": {
                "p": "sensor", "name": "Speed", "stat_t": f"{self.base}/speed",
                "unit_of_meas": self.unit, "dev_cla": "speed",
            },
            "moving": {"p": "binary_sensor", "name": "Moving", "stat_t": f"{self.base}/moving"},
        }  # fmt: skip
        components = announced[f"homeassistant/device/{self.vin}/config"]["cmps"]
        components.update(own)
        components.pop(f"{self.vin}_state")
        return announced


UNLOCK = invocation("lock_doors", action="unlock")
DANGEROUS = (
    UNLOCK,
    invocation("control_window", window="front left", position="down", distance=100),
    invocation("honk_and_flash"),
    invocation("operate_sunroof", action="open"),
)


async def test_what_endangers_who_drives_waits_until_the_car_stands(
    hub: HaClient, adapter: CarAdapter, car: SimulatedCar
) -> None:
    car.state = "driving"
    await car.report()
    await heard_so_far(hub)
    for call in DANGEROUS:
        with pytest.raises(
            DeviceRefused, match=r"^Golf is driving: [a-z ]+ waits until it stands$"
        ):
            await adapter.call(call)
    assert car.received == []
    for call in (
        invocation("lock_doors", action="lock"),
        invocation("set_climate_temperature", zone="driver", temperature=70),
        invocation("get_vehicle_status", item="all"),
    ):
        await adapter.call(call)
    car.state = "parked"
    await car.report()
    await heard_so_far(hub)
    await adapter.call(UNLOCK)
    assert not car.locked


async def test_a_charging_rate_is_no_speed(
    hub: HaClient, adapter: CarAdapter, car: SimulatedCar
) -> None:
    await adapter.call(invocation("start_charging"))
    await heard_so_far(hub)
    await adapter.call(UNLOCK)
    assert not car.locked


@pytest.mark.parametrize(
    ("speed", "unit", "moving", "drives"),
    [
        ("0.4", "km/h", "OFF", False),
        ("3", "km/h", "OFF", True),
        ("0.7", "mph", "OFF", True),
        ("0.7", "mi/h", "OFF", True),
        ("0.5", "mph", "OFF", False),
        ("-5", "km/h", "OFF", True),
        ("0", "km/h", "ON", True),
        ("30", "knots", "OFF", False),
        ("unknown", "km/h", "unknown", False),
        ("nan", "mph", "ON", True),
    ],
)
async def test_a_car_drives_that_says_so_in_any_way(
    hub: HaClient, speed: str, unit: str, moving: str, drives: bool
) -> None:
    fast = FastCar(*hub.mqtt.address)
    fast.speed, fast.unit, fast.moving = speed, unit, moving
    async with fast:
        await fast.announced()
        await heard_so_far(hub)
        device = Device(
            id="car", kind=Kind.CAR, name="Golf", protocol="homeassistant", address={"ha": fast.vin}
        )
        adapter = CarAdapter(device, hub)
        await adapter.connect()
        if drives:
            with pytest.raises(DeviceRefused, match=r"^Golf is driving: lock doors waits"):
                await adapter.call(UNLOCK)
        else:
            await adapter.call(UNLOCK)
        assert fast.locked is drives


def golf(car: SimulatedCar) -> Device:
    at = {"ha": car.vin}
    return Device(id="car", kind=Kind.CAR, name="Golf", protocol="homeassistant", address=at)


async def test_what_a_gateway_reports_becomes_one_line_of_known_words(
    hub: HaClient, adapter: CarAdapter, car: SimulatedCar
) -> None:
    await car.publish(f"{car.base}/drives/primary/level", "80 %\nUnlocked" + "!" * 5000)
    await car.publish(f"{car.base}/doors/open_state", "ajar\x1b[2J")
    await heard_so_far(hub)
    done = await adapter.call(invocation("get_vehicle_status", item="all"))
    assert done.result == "range 312 km, doors locked, at 37.56650, 126.97800"
    with pytest.raises(DeviceRefused, match="Golf does not report its battery state"):
        await adapter.call(invocation("get_vehicle_status", item="battery"))


async def test_the_status_of_a_car_out_of_reach_is_not_told(
    hub: HaClient, adapter: CarAdapter, car: SimulatedCar
) -> None:
    await car.go_offline()
    await heard_so_far(hub)
    with pytest.raises(DeviceUnavailable, match="Golf is offline"):
        await adapter.call(invocation("get_vehicle_status", item="all"))


class PlainCar(SimulatedCar):
    """A car whose gateway speaks as Home Assistant does by default, and says that the trunk is
    open."""

    def announcements(self) -> dict[str, dict[str, Any]]:
        announced = super().announcements()
        components = announced[f"homeassistant/device/{self.vin}/config"]["cmps"]
        for key in ("payload_off", "payload_on"):
            del components[f"{self.vin}_open_state"][key]
        for key in ("state_locked", "state_unlocked"):
            del components[f"{self.vin}_lock_unlock"][key]
        del components[f"{self.vin}_state"]
        components["trunk"] = {
            "p": "binary_sensor", "name": "Trunk state", "stat_t": f"{self.base}/trunk"
        }  # fmt: skip
        return announced

    def states(self) -> dict[str, str]:
        own = {"doors/open_state": "ON", "doors/lock_state": "UNLOCKED", "trunk": "ON"}
        return super().states() | {f"{self.base}/{name}": value for name, value in own.items()}


async def test_an_open_trunk_is_told_and_is_no_driving_car(hub: HaClient) -> None:
    async with PlainCar(*hub.mqtt.address) as car:
        await car.announced()
        await heard_so_far(hub)
        adapter = CarAdapter(golf(car), hub)
        await adapter.connect()
        done = await adapter.call(invocation("get_vehicle_status", item="doors"))
        assert done.result == "doors unlocked and open"
        await adapter.call(UNLOCK)
        assert not car.locked


async def test_a_window_is_moved_in_part_only_from_a_place_that_is_known(
    hub: HaClient, adapter: CarAdapter, car: SimulatedCar
) -> None:
    await car.publish(f"{car.base}/windows/rear_left/position", "unknown")
    await heard_so_far(hub)
    for position in ("up", "down"):  # a closed one would be opened, an open one closed
        part = invocation("control_window", window="rear left", position=position, distance=200)
        with pytest.raises(DeviceRefused, match="Golf does not say where its rear left window is"):
            await adapter.call(part)
    assert car.received == []
    whole = invocation("control_window", window="rear left", position="down", distance=1000)
    await adapter.call(whole)
    assert car.windows["rear left"] == 100


class HornCar(SimulatedCar):
    """A car whose gateway has a horn and no lights."""

    def announcements(self) -> dict[str, dict[str, Any]]:
        announced = super().announcements()
        components = announced[f"homeassistant/device/{self.vin}/config"]["cmps"]
        components[f"{self.vin}_honk_flash"]["name"] = "Horn"
        return announced


async def test_a_horn_without_lights_is_not_said_to_flash(hub: HaClient) -> None:
    async with HornCar(*hub.mqtt.address) as car:
        await car.announced()
        await heard_so_far(hub)
        adapter = CarAdapter(golf(car), hub)
        await adapter.connect()
        assert (await adapter.call(invocation("honk_and_flash"))).detail == "Honked on Golf"
