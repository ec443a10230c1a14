"""CarConnectivity itself, with a connector of the tests' own, driven by the car adapter."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from device_adapters.car import CarAdapter
from device_adapters.ha import HaClient
from device_adapters.homeassistant import device_of
from schemas.call import Restore
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused
from schemas.outcome import Evidence
from tests.broker import MOSQUITTO, Broker, heard_so_far, hub_on, invocation
from tests.contract.undoing import undo
from tests.programs import program

VIN = "WVWZZZTEST0000001"
BASE = f"carconnectivity/0/garage/{VIN}"
CONNECTORS = Path(__file__).parent / "gateway"
SERVED = {
    *("lock_doors", "set_climate_temperature", "start_charging", "stop_charging"),
    "get_vehicle_status",
}


@pytest.fixture(scope="module", params=["en_US", "de_DE"])
def gateway(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Broker]:
    """A broker with the program on it, which reports °F and miles, or °C and kilometres."""
    command = program("carconnectivity-mqtt")
    assert MOSQUITTO
    folder = tmp_path_factory.mktemp("gateway")
    broker = Broker(folder)
    mqtt = {"broker": broker.host, "port": broker.port, "locale": request.param, "ignore_for": 0}
    settings = {
        "connectors": [{"type": "demo", "config": {"vin": VIN}}],
        # In this order: a connection that is there first is one that nobody announces on.
        "plugins": [
            {"type": "mqtt_homeassistant", "config": {}},
            {"type": "mqtt", "config": mqtt},
        ],
    }
    (folder / "car.json").write_text(json.dumps({"carConnectivity": settings}))
    arguments = [
        command,
        folder / "car.json",
        "--tokenfile",
        folder / "t",
        "--cachefile",
        folder / "c",
    ]
    with (folder / "log").open("w") as log, subprocess.Popen(
        [MOSQUITTO, "-c", folder / "mosquitto.conf"], stdout=log, stderr=log
    ) as server:  # fmt: skip
        try:
            _wait_for(broker)
            with subprocess.Popen(
                arguments, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": str(CONNECTORS)}
            ) as process:
                yield broker
                process.kill()
        finally:
            server.kill()


def _wait_for(broker: Broker) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection((broker.host, broker.port)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "mosquitto does not answer"
            time.sleep(0.01)  # a foreign process
        else:
            return


@pytest.fixture
async def hub(gateway: Broker) -> AsyncIterator[HaClient]:
    async with hub_on(gateway) as ha:
        assert await ha.until(lambda: ha.settled(VIN), 20), "it does not announce the car"
        yield ha


@pytest.fixture
async def adapter(hub: HaClient) -> AsyncIterator[CarAdapter]:
    device = Device(
        id="car", kind=Kind.CAR, name="Golf", protocol="homeassistant", address={"ha": VIN}
    )
    adapter = CarAdapter(device, hub)
    await adapter.connect()
    yield adapter
    await adapter.close()


def reported(hub: HaClient, topic: str) -> str | None:
    """What the program reports of its car."""
    return hub._states.topic(f"{BASE}/{topic}").payload


async def test_a_hub_that_comes_later_finds_the_car_and_not_the_gateway(hub: HaClient) -> None:
    """The program announces once, unless it is asked to by Home Assistant's birth message."""
    announced = hub.device(VIN)
    assert announced
    found = device_of(announced)
    assert found
    assert (found.kind, found.name, set(found.functions)) == (Kind.CAR, "Family car", SERVED)
    assert await hub.until(lambda: hub.settled("carconnectivity-0"), 5)
    gateway = hub.device("carconnectivity-0")
    assert gateway
    program_itself = device_of(gateway)
    assert program_itself is None or program_itself.kind is not Kind.CAR


async def test_the_doors_are_unlocked_and_locked(hub: HaClient, adapter: CarAdapter) -> None:
    for action in ("unlock", "lock"):
        done = await adapter.call(invocation("lock_doors", action=action))
        assert done.evidence is Evidence.VERIFIED
        assert reported(hub, "doors/lock_state") == f"{action}ed"
    assert await adapter.present(invocation("lock_doors", action="unlock")) == Restore(
        function="lock_doors", arguments={"action": "lock"}
    )


async def test_the_temperature_arrives_in_its_unit(hub: HaClient, adapter: CarAdapter) -> None:
    call = invocation("set_climate_temperature", zone="driver", temperature=72)
    before = await adapter.present(call)
    assert (await adapter.call(call)).evidence is Evidence.VERIFIED
    said = reported(hub, "climatization/settings/target_temperature")
    assert said in ("71.6", "22.0")  # its steps are of half a degree Celsius
    assert before
    assert before.arguments["temperature"] == 68
    assert (await undo(adapter, before)).evidence is Evidence.VERIFIED


async def test_charging_starts_and_stops(hub: HaClient, adapter: CarAdapter) -> None:
    assert (await adapter.call(invocation("start_charging"))).evidence is Evidence.VERIFIED
    assert reported(hub, "charging/binarystate") == "on"
    assert (await adapter.call(invocation("stop_charging"))).evidence is Evidence.VERIFIED
    assert reported(hub, "charging/binarystate") == "off"


async def test_the_status_is_read_in_its_units(adapter: CarAdapter) -> None:
    done = await adapter.call(invocation("get_vehicle_status", item="all"))
    assert done.result in (
        f"battery 81 %, range {far}, doors locked and closed, at 37.56650, 126.97800"
        for far in ("193.9 mi", "312 km")
    )


async def test_what_it_does_not_announce_is_refused_by_the_cars_name(adapter: CarAdapter) -> None:
    """It knows a horn, and tells Home Assistant of none."""
    with pytest.raises(DeviceRefused, match=r"Golf has no honk.and.flash"):
        await adapter.call(invocation("honk_and_flash"))
    with pytest.raises(DeviceRefused, match=r"Golf cannot adjust.seat.position"):
        await adapter.call(invocation("adjust_seat_position", seat="driver"))


async def test_a_driving_car_is_not_unlocked(hub: HaClient, adapter: CarAdapter) -> None:
    for state, drives in (("driving", True), ("parked", False)):
        await hub.mqtt.publish(f"{BASE}/state_writetopic", state)
        assert await hub.until(lambda now=state: reported(hub, "state") == now, 5)
        await heard_so_far(hub)
        if drives:
            with pytest.raises(DeviceRefused, match="Golf is driving: lock doors waits"):
                await adapter.call(invocation("lock_doors", action="unlock"))
            assert reported(hub, "doors/lock_state") == "locked"
        else:
            await adapter.call(invocation("lock_doors", action="unlock"))
            await adapter.call(invocation("lock_doors", action="lock"))
