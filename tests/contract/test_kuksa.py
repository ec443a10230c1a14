"""Cars with a KUKSA databroker: the adapter against a simulated one, over real gRPC."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from grpc import StatusCode
from kuksa_client.grpc import DataEntry, DataType, EntryUpdate, Field, Metadata
from kuksa_client.grpc.aio import VSSClient

from device_adapters.car.kuksa.adapter import KuksaAdapter
from device_adapters.car.kuksa.signals import Signal
from device_adapters.simulated import vss
from device_adapters.simulated.kuksa import SimulatedKuksa
from orchestrator.attempts import Attempts
from orchestrator.catalogue import Catalogue
from schemas.base import Scalar
from schemas.call import Invocation, Restore
from schemas.device import Device, Kind
from schemas.errors import (
    DeviceNeedsPerson,
    DeviceRefused,
    DeviceUnavailable,
    DeviceUncertain,
    HubError,
)
from schemas.outcome import Done, Evidence, Unknown
from schemas.state import DeviceState
from tests.broker import invocation
from tests.certificates import Authority
from tests.contract.undoing import undo
from tests.grpckit import let_go

DOORS = [path for path in vss.standard() if path.endswith("IsLocked")]
SEAT = "Vehicle.Cabin.Seat.Row1.DriverSide"
WINDOW = "Vehicle.Cabin.Door.Row2.DriverSide.Window.Position"
CLIMATE = "Vehicle.Cabin.HVAC.Station.Row1.Driver.Temperature"
HORN = "Vehicle.Body.Horn.IsActive"
HAZARD = "Vehicle.Body.Lights.Hazard.IsSignaling"
ROOF = "Vehicle.Cabin.Sunroof.Switch"
VOLUME = "Vehicle.Cabin.Infotainment.Media.Volume"
SPEED = "Vehicle.Speed"


@pytest.fixture(autouse=True)
async def nothing_of_grpc_left() -> AsyncIterator[None]:
    yield
    await let_go()


@pytest.fixture
async def car() -> AsyncIterator[SimulatedKuksa]:
    async with SimulatedKuksa() as simulated:
        yield simulated


def golf(car: SimulatedKuksa, **address: str) -> Device:
    at = {"host": "127.0.0.1", "port": str(car.port)} | address
    return Device(id="car", kind=Kind.CAR, name="Golf", protocol="kuksa", address=at)


@contextlib.asynccontextmanager
async def connected(car: SimulatedKuksa, **address: str) -> AsyncIterator[KuksaAdapter]:
    adapter = KuksaAdapter(golf(car, **address))
    try:
        await adapter.connect()
        yield adapter
    finally:
        await adapter.close()


@pytest.fixture
async def adapter(car: SimulatedKuksa) -> AsyncIterator[KuksaAdapter]:
    async with connected(car) as adapter:
        yield adapter


async def test_a_car_serves_what_it_has_actuators_for(car: SimulatedKuksa) -> None:
    async with connected(car) as adapter:
        assert await adapter.connect() == {
            *("lock_doors", "set_climate_temperature", "adjust_seat_position", "control_window"),
            *("operate_sunroof", "honk_and_flash", "start_charging", "stop_charging"),
            *("control_lights", "adjust_volume", "get_vehicle_status"),
        }
        assert (adapter.model, adapter.identity) == ("Eclipse Leda", "WBY11CF080CH00001")
        with pytest.raises(DeviceRefused, match="Golf cannot navigate_to: VSS takes coordinates"):
            await adapter.call(invocation("navigate_to", destination="Rome"))


async def test_a_car_without_an_actuator_says_so() -> None:
    fixed = vss.standard()[ROOF]._replace(actuator=False)
    tree = {SPEED: vss.standard()[SPEED], HORN: vss.standard()[HORN], ROOF: fixed}
    async with SimulatedKuksa(tree) as car, connected(car) as adapter:
        assert await adapter.connect() == {"honk_and_flash"}
        assert set(adapter.lacking) >= {"operate_sunroof", "navigate_to"}
        with pytest.raises(DeviceRefused, match=r"Golf cannot operate_sunroof: .*no actuator"):
            await adapter.call(invocation("operate_sunroof", action="open"))
        assert await adapter.present(invocation("lock_doors", action="lock")) is None


async def test_all_doors_are_unlocked_and_locked(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    done = await adapter.call(invocation("lock_doors", action="unlock"))
    assert (done.evidence, done.detail) == (Evidence.VERIFIED, "Unlocked the doors of Golf")
    assert [car.values[door] for door in DOORS] == [False] * 4
    await adapter.call(invocation("lock_doors", action="lock"))
    assert [car.values[door] for door in DOORS] == [True] * 4


@pytest.mark.parametrize(
    ("unit", "kind", "sent"), [("int8", "", 21), ("float", "", 21.1), ("float", "fahrenheit", 70)]
)
async def test_a_temperature_arrives_as_the_car_counts(unit: str, kind: str, sent: float) -> None:
    entry = vss.Entry(unit, 20, True, -50, 100, unit=kind)
    async with SimulatedKuksa({CLIMATE: entry}) as car, connected(car) as adapter:
        call = invocation("set_climate_temperature", zone="driver", temperature=70)
        assert (await adapter.call(call)).evidence is Evidence.VERIFIED
        assert car.ordered == [(CLIMATE, pytest.approx(sent))]
        restore = await adapter.present(call)
        assert restore == Restore(
            function="set_climate_temperature",
            arguments={"zone": "driver", "temperature": 70},
        )


async def test_a_zone_that_the_car_has_not_is_refused(adapter: KuksaAdapter) -> None:
    with pytest.raises(DeviceRefused, match="Golf has no rear temperature"):
        await adapter.call(invocation("set_climate_temperature", zone="rear", temperature=70))


@pytest.mark.parametrize(
    ("position", "end", "goal"),
    [("forward", "Position", 100), ("backward", "Position", 140), ("up", "Height", 40)],
)
async def test_a_seat_moves_from_where_it_is(
    adapter: KuksaAdapter, car: SimulatedKuksa, position: str, end: str, goal: int
) -> None:
    move = invocation("adjust_seat_position", seat="driver", position=position, distance=20)
    done = await adapter.call(move)
    assert (car.values[f"{SEAT}.{end}"], done.evidence) == (goal, Evidence.VERIFIED)


async def test_a_seat_is_not_moved_past_its_end_or_from_an_unknown_place(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    move = invocation("adjust_seat_position", seat="driver", position="backward", distance=200)
    with pytest.raises(DeviceRefused, match="is at 120 mm and moves from 0 to 300 mm"):
        await adapter.call(move)
    car.publish(f"{SEAT}.Position", None)
    with pytest.raises(DeviceRefused, match="does not say where its driver seat is"):
        await adapter.call(move)
    assert car.ordered == []


@pytest.mark.parametrize(("side", "path"), [("LEFT", WINDOW), ("RIGHT", None)])
async def test_left_is_the_drivers_side_or_not(
    adapter: KuksaAdapter, car: SimulatedKuksa, side: str, path: str | None
) -> None:
    car.values["Vehicle.Cabin.DriverPosition"] = side
    move = invocation("control_window", window="rear left", position="down", distance=300)
    done = await adapter.call(move)
    expected = path or WINDOW.replace("DriverSide", "PassengerSide")
    assert (car.ordered, done.evidence) == ([(expected, 30)], Evidence.VERIFIED)
    assert done.detail == "Opened the rear left window of Golf: 30 % open"


async def test_a_sunroof_opens_and_a_held_switch_is_let_go(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    done = await adapter.call(invocation("operate_sunroof", action="open", intensity=100))
    assert (car.ordered, done.evidence) == ([(ROOF, "ONE_SHOT_OPEN")], Evidence.VERIFIED)
    await adapter.call(invocation("operate_sunroof", action="tilt"))
    assert car.ordered[1:] == [(ROOF, "TILT_UP"), (ROOF, "INACTIVE")]
    with pytest.raises(DeviceRefused, match="all the way only"):
        await adapter.call(invocation("operate_sunroof", action="open", intensity=30))


async def test_the_horn_sounds_and_is_silent_again(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    done = await adapter.call(invocation("honk_and_flash"))
    assert (done.evidence, done.detail) == (Evidence.VERIFIED, "Honked and flashed on Golf")
    assert car.ordered == [(HAZARD, True), (HORN, True), (HORN, False), (HAZARD, False)]


async def test_a_cancelled_call_leaves_no_horn_sounding(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    honking = asyncio.create_task(adapter.call(invocation("honk_and_flash")))
    await car.until(lambda: (HORN, True) in car.ordered)
    honking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await honking
    await car.until(lambda: (HORN, False) in car.ordered)
    await adapter.call(invocation("lock_doors", action="lock"))


async def test_a_horn_that_cannot_be_let_go_is_told(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    refusing = iter([None, None, (StatusCode.PERMISSION_DENIED, "Permission denied")])
    car.manners.answers = lambda: next(refusing, None)
    with pytest.raises(DeviceUncertain, match=f"Golf may still have {HORN} set"):
        await adapter.call(invocation("honk_and_flash"))
    assert car.ordered[-1] == (HAZARD, False)


async def test_charging_is_seen_where_the_car_tells(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    assert (await adapter.call(invocation("start_charging"))).evidence is Evidence.VERIFIED
    assert await adapter.present(invocation("stop_charging")) == Restore(
        function="start_charging", arguments={}
    )
    assert (await adapter.call(invocation("stop_charging"))).evidence is Evidence.VERIFIED
    assert [value for _, value in car.ordered] == ["START", "STOP"]


async def test_lights_are_switched_by_what_the_car_has(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    for light, path in {
        "headlights": "Vehicle.Body.Lights.Beam.Low.IsOn",
        "fog lights": "Vehicle.Body.Lights.Fog.Rear.IsOn",
        "hazard lights": HAZARD,
        "interior lights": "Vehicle.Cabin.Lights.IsDomeOn",
    }.items():
        await adapter.call(invocation("control_lights", light=light, state="on"))
        assert car.values[path] is True
    switch = "Vehicle.Body.Lights.LightSwitch"
    tree = {switch: vss.standard()[switch]}
    async with SimulatedKuksa(tree) as other, connected(other) as plain:
        await plain.call(invocation("control_lights", light="headlights", state="on"))
        assert other.ordered == [(switch, "BEAM")]
        with pytest.raises(DeviceRefused, match="Golf has no fog lights"):
            await plain.call(invocation("control_lights", light="fog lights", state="on"))


async def test_the_volume_is_scaled(adapter: KuksaAdapter, car: SimulatedKuksa) -> None:
    call = invocation("adjust_volume", volume_diff=5, set_value=None)
    restore = await adapter.present(call)
    done = await adapter.call(call)
    assert (car.values[VOLUME], done.detail) == (50, "Volume 25 of 50 in Golf")
    assert restore
    await undo(adapter, restore)
    assert car.values[VOLUME] == 40


async def test_the_doors_before_a_call_come_back(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    call = invocation("lock_doors", action="unlock")
    restore = await adapter.present(call)
    assert restore == Restore(function="lock_doors", arguments={"action": "lock"})
    assert car.ordered == []
    car.publish(DOORS[0], False)
    assert await adapter.present(call) is None


async def test_the_status_is_read(adapter: KuksaAdapter, car: SimulatedKuksa) -> None:
    done = await adapter.call(invocation("get_vehicle_status", item="all"))
    assert done.result == (
        "battery 81 %, range 312 km, doors locked and closed, at 37.56650, 126.97800"
    )
    car.publish("Vehicle.CurrentLocation.Latitude", None)
    with pytest.raises(DeviceRefused, match="does not report its location"):
        await adapter.call(invocation("get_vehicle_status", item="location"))


@pytest.mark.parametrize("speed", [50.0, -8.0])
async def test_a_driving_car_is_not_endangered(
    adapter: KuksaAdapter, car: SimulatedKuksa, speed: float
) -> None:
    car.publish(SPEED, speed)
    for call in (
        invocation("lock_doors", action="unlock"),
        invocation("adjust_seat_position", seat="driver", position="up", distance=20),
        invocation("operate_sunroof", action="open"),
    ):
        with pytest.raises(DeviceRefused, match="Golf is driving"):
            await adapter.call(call)
    await adapter.call(invocation("lock_doors", action="lock"))
    assert {path for path, _ in car.ordered} == set(DOORS)


async def test_what_does_not_happen_is_not_claimed(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    car.manners.ignores = True
    done = await adapter.call(invocation("lock_doors", action="unlock", timeout=0.8))
    assert done.evidence is Evidence.UNVERIFIED


async def test_what_is_so_already_is_looked_at_again(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    car.manners.ignores = True
    done = await adapter.call(invocation("lock_doors", action="lock"))
    assert (done.evidence, len(car.ordered)) == (Evidence.VERIFIED, 4)


async def test_an_actuator_that_nobody_provides_is_refused(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    car.manners.unprovided = set(DOORS)
    with pytest.raises(DeviceRefused, match=r"Golf has nothing that moves .*IsLocked now"):
        await adapter.call(invocation("lock_doors", action="unlock"))
    car.manners.unprovided = set(DOORS[2:])
    with pytest.raises(DeviceUncertain, match="after 2 of 4 were ordered"):
        await adapter.call(invocation("lock_doors", action="unlock"))


REFUSED = [
    (StatusCode.NOT_FOUND, DeviceRefused, "has no such signal"),
    (StatusCode.PERMISSION_DENIED, DeviceRefused, "allows too little"),
    (StatusCode.INVALID_ARGUMENT, DeviceRefused, "does not take that"),
    (StatusCode.OUT_OF_RANGE, DeviceRefused, "does not take that"),
    (StatusCode.UNAUTHENTICATED, DeviceNeedsPerson, "token_file"),
    (StatusCode.DATA_LOSS, DeviceUncertain, "did not answer"),
    (StatusCode.INTERNAL, DeviceUncertain, "did not answer"),
    (StatusCode.UNAVAILABLE, DeviceUncertain, "did not answer"),
]


@pytest.mark.parametrize(("code", "kind", "said"), REFUSED)
async def test_every_answer_of_the_databroker_has_its_error(
    adapter: KuksaAdapter,
    car: SimulatedKuksa,
    code: StatusCode,
    kind: type[HubError],
    said: str,
) -> None:
    car.manners.answers = lambda: (code, "in its\nown words" + "!" * 500)
    with pytest.raises(kind, match=said) as raised:
        await adapter.call(invocation("start_charging"))
    assert "Golf" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300


async def test_an_order_without_an_answer_is_uncertain(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    car.manners.hangs = True
    with pytest.raises(DeviceUncertain, match=r"Golf was sent .*Charging"):
        await adapter.call(invocation("start_charging", timeout=0.6))
    car.manners.hangs = False
    await adapter.call(invocation("start_charging"))


async def test_a_connection_that_breaks_in_an_order_is_uncertain_and_comes_back(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    told = asyncio.Event()
    adapter.noticed = told.set
    car.manners.drops = True
    with pytest.raises(DeviceUncertain, match="Golf was sent"):
        await adapter.call(invocation("start_charging"))
    async with asyncio.timeout(10):
        await told.wait()
    assert adapter.notice
    assert adapter.notice.state is DeviceState.OFFLINE
    with pytest.raises(DeviceUnavailable, match="nothing was sent"):
        await adapter.call(invocation("stop_charging"))
    with pytest.raises(DeviceUnavailable, match="nothing was sent"):
        await adapter.connect()
    car.manners.drops = False
    await car.start()
    await adapter.connect()
    assert adapter.notice is None
    assert (await adapter.call(invocation("stop_charging"))).evidence is Evidence.VERIFIED
    assert [value for _, value in car.ordered] == ["START", "STOP"]


async def test_a_connection_that_breaks_while_looking_is_uncertain(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    car.manners.ignores = True
    calling = asyncio.create_task(adapter.call(invocation("start_charging", timeout=10)))
    await car.until(lambda: bool(car.ordered) and car.listeners == 2)
    await car.stop()
    with pytest.raises(DeviceUncertain, match="the order"):
        await calling


def afterwards(adapter: KuksaAdapter, number: int, happens: Callable[[], Awaitable[None]]) -> None:
    """Something happens once so many orders were answered."""
    link = adapter._link
    assert link
    order, answered = link.order, itertools.count(1)

    async def ordered(to: Signal, value: Scalar, within: float) -> None:
        await order(to, value, within)
        if next(answered) == number:
            await happens()

    link.order = ordered  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("ordered", "said"), [(1, r"Golf was (lost, after 1 of 4|sent .*IsLocked)"), (4, "the order")]
)
async def test_a_connection_that_breaks_between_two_orders_is_uncertain(
    adapter: KuksaAdapter, car: SimulatedKuksa, ordered: int, said: str
) -> None:
    afterwards(adapter, ordered, car.stop)
    with pytest.raises(DeviceUncertain, match=said) as raised:
        await adapter.call(invocation("lock_doors", action="unlock"))
    assert "nothing was sent" not in str(raised.value)
    assert len(car.ordered) == ordered


async def test_an_adapter_that_is_closed_after_an_order_is_uncertain(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    afterwards(adapter, 1, adapter.close)
    with pytest.raises(DeviceUncertain, match="Golf was sent the order"):
        await adapter.call(invocation("start_charging"))
    assert len(car.ordered) == 1


async def test_a_token_that_ends_between_two_orders_is_uncertain(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    answers = iter((None, (StatusCode.UNAUTHENTICATED, "expired")))
    car.manners.answers = lambda: next(answers)
    with pytest.raises(DeviceUncertain, match=r"token_file .*, after 1 of 4 were ordered"):
        await adapter.call(invocation("lock_doors", action="unlock"))


async def test_a_step_too_small_to_see_is_not_taken_for_made(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    step = invocation("adjust_seat_position", seat="driver", position="backward", distance=1)
    assert (await adapter.call(step)).evidence is Evidence.VERIFIED
    car.manners.ignores = True
    step = step.model_copy(update={"timeout": 0.8})
    assert (await adapter.call(step)).evidence is Evidence.UNVERIFIED


async def test_a_window_is_moved_in_part_only_from_a_place_that_is_known(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    car.publish(WINDOW, None)
    for position in ("up", "down"):  # a closed one would be opened, an open one closed
        part = invocation("control_window", window="rear left", position=position, distance=200)
        with pytest.raises(DeviceRefused, match="Golf does not say where its rear left window is"):
            await adapter.call(part)
    assert car.ordered == []
    await adapter.call(
        invocation("control_window", window="rear left", position="up", distance=1000)
    )
    assert car.ordered == [(WINDOW, 0)]


@pytest.mark.parametrize(
    ("locks", "said"),
    [
        ((True, True, True, True), "locked"),
        ((True, False, True, True), "unlocked"),
        ((True, True, None, None), "locked (2 of 4 tell)"),
        ((None, False, None, None), "unlocked"),
        ((None, None, None, None), ""),
    ],
)
async def test_doors_are_told_as_far_as_they_tell(
    adapter: KuksaAdapter, car: SimulatedKuksa, locks: tuple[bool | None, ...], said: str
) -> None:
    for door, locked in zip(DOORS, locks, strict=True):
        car.publish(door, locked)
    done = await adapter.call(invocation("get_vehicle_status", item="doors"))
    assert done.result == f"doors {said} and closed".replace("doors  and", "doors")


@pytest.mark.parametrize(("unit", "said"), [("m", "0"), ("km", "300"), ("mi", "483"), ("ly", None)])
async def test_a_range_is_told_in_the_unit_that_the_car_counts(unit: str, said: str | None) -> None:
    tree = {"Vehicle.Powertrain.Range": vss.Entry("uint32", 300, unit=unit)}
    async with SimulatedKuksa(tree) as car, connected(car) as adapter:
        ask = invocation("get_vehicle_status", item="range")
        if said is None:
            with pytest.raises(DeviceRefused, match="does not report its range"):
                await adapter.call(ask)
        else:
            assert (await adapter.call(ask)).result == f"range {said} km"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("control_window", {"window": "rear left", "position": "down", "distance": 300}),
        ("adjust_volume", {"volume_diff": 10, "set_value": None}),
        (
            "adjust_seat_position",
            {"seat": "driver", "position": "backward", "distance": 20},
        ),
    ],
)
async def test_what_is_reckoned_from_where_it_is_now_is_ordered_once(
    adapter: KuksaAdapter, car: SimulatedKuksa, catalogue: Catalogue,
    name: str, arguments: dict[str, Scalar | None],
) -> None:  # fmt: skip
    class Devices:
        async def connect(self, device: str) -> None: ...

        async def reach(self, device: str, call: Invocation) -> Done:
            return await adapter.call(call)

        async def probe(self, device: str, call: Invocation) -> Done | None:
            return await adapter.probe(call)

        async def present(self, device: str, call: Invocation) -> Restore | None:
            return await adapter.present(call)

    asked: list[None] = []
    car.manners.answers = lambda: asked.append(None) or (StatusCode.INTERNAL, "it moved")
    call = invocation(name, **arguments)
    outcome = await Attempts(Devices(), pauses=(0.0, 0.0)).call("car", call, catalogue[name])
    assert (type(outcome), len(asked)) == (Unknown, 1)


async def test_closing_ends_a_call_under_way(adapter: KuksaAdapter, car: SimulatedKuksa) -> None:
    car.manners.hangs = True
    calling = asyncio.create_task(adapter.call(invocation("start_charging", timeout=30)))
    await car.until(lambda: bool(car.ordered))
    await adapter.close()
    with pytest.raises(DeviceUncertain):
        await calling
    await adapter.close()


async def test_nobody_there_is_unavailable(car: SimulatedKuksa) -> None:
    adapter = KuksaAdapter(golf(car))
    await adapter.close()
    with pytest.raises(DeviceUnavailable, match="not connected; nothing was sent"):
        await adapter.call(invocation("start_charging"))
    await car.stop()
    with pytest.raises(DeviceUnavailable, match="Golf cannot be reached; nothing was sent"):
        await adapter.connect()
    await adapter.close()


async def test_somebody_who_speaks_something_else_is_unavailable() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(range(256)) * 100)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        at = {"host": "127.0.0.1", "port": str(port)}
        device = Device(id="car", kind=Kind.CAR, name="Golf", protocol="kuksa", address=at)
        adapter = KuksaAdapter(device)
        with pytest.raises(DeviceUnavailable, match="Golf"):
            await adapter.connect()
        await adapter.close()


async def test_calls_overlap(adapter: KuksaAdapter, car: SimulatedKuksa) -> None:
    calls = [
        invocation("start_charging", timeout=20),
        invocation("adjust_volume", timeout=20, set_value=10),
        invocation("lock_doors", timeout=20, action="unlock"),
        *[invocation("get_vehicle_status", timeout=20, item="range")] * 10,
    ]
    done = await asyncio.gather(*map(adapter.call, calls))
    assert {one.evidence for one in done} == {Evidence.VERIFIED}


async def test_a_token_is_shown_and_a_wrong_one_asks_a_person(tmp_path: Path) -> None:
    file = tmp_path / "token"
    async with SimulatedKuksa(token="aaa.bbb.ccc") as car:
        with pytest.raises(DeviceNeedsPerson, match="token_file"):
            async with connected(car):
                pass
        for wrong in ("two words", "", "x.y.z"):
            file.write_text(wrong)
            with pytest.raises(DeviceNeedsPerson, match="Golf"):
                async with connected(car, token_file=str(file)):
                    pass
        file.write_text("aaa.bbb.ccc\n")
        async with connected(car, token_file=str(file)) as adapter:
            assert (await adapter.call(invocation("start_charging"))).evidence is Evidence.VERIFIED
    with pytest.raises(DeviceNeedsPerson, match=r"make .*gone readable"):
        async with connected(car, token_file=str(tmp_path / "gone")):
            pass


async def test_a_token_that_the_databroker_echoes_is_not_told(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("aaa.bbb.ccc\n")
    async with (
        SimulatedKuksa(token="aaa.bbb.ccc") as car,
        connected(car, token_file=str(file)) as adapter,
    ):
        car.manners.answers = lambda: (StatusCode.UNAUTHENTICATED, "Bearer aaa.bbb.ccc has expired")
        with pytest.raises(DeviceNeedsPerson, match=r"\(Bearer •••• has expired\)"):
            await adapter.call(invocation("start_charging"))


async def test_a_signal_that_the_token_does_not_allow_is_refused(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    car.manners.denied = {SPEED, *DOORS}
    with pytest.raises(DeviceRefused, match="its token allows too little"):
        await adapter.call(invocation("lock_doors", action="lock"))
    await adapter.call(invocation("operate_sunroof", action="close"))


async def test_tls_trusts_one_authority_only(tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path), Authority(tmp_path, "another")
    certificate, key = ours.issue("127.0.0.1")
    files = (key.read_bytes(), certificate.read_bytes())
    async with SimulatedKuksa(certificate=files) as car:
        async with connected(car, ca_file=str(ours.file)) as adapter:
            assert (await adapter.call(invocation("start_charging"))).evidence is Evidence.VERIFIED
        with pytest.raises(DeviceUnavailable, match="not whom ca_file vouches for"):
            async with connected(car, ca_file=str(theirs.file)):
                pass
        with pytest.raises(DeviceUnavailable, match="not whom ca_file vouches for"):
            async with connected(car, ca_file=str(ours.file), server_name="other.example"):
                pass
        with pytest.raises(DeviceUnavailable):
            async with connected(car):
                pass
        with pytest.raises(DeviceNeedsPerson, match="ca_file of Golf"):
            async with connected(car, ca_file=str(tmp_path / "gone.pem")):
                pass


async def test_plain_text_goes_to_this_machine_only(car: SimulatedKuksa) -> None:
    for host in ("192.0.2.1", "car.example", "2001:db8::1"):
        with pytest.raises(DeviceRefused, match=r"on another machine.*ca_file"):
            async with connected(car, host=host):
                pass
    async with connected(car, host="localhost", insecure="yes") as adapter:
        assert "start_charging" in await adapter.connect()


@pytest.mark.parametrize(
    ("host", "port", "kind"),
    [
        ("127.0.0.1", "99999", DeviceRefused),
        ("127.0.0.1", "0x22", DeviceRefused),
        ("unix:/tmp/x", "1", DeviceUnavailable),
        ("", "1", DeviceUnavailable),
        ("a b", "1", DeviceUnavailable),
        ("x" * 5000, "1", DeviceUnavailable),
    ],
)
async def test_an_address_that_is_none_is_one_clear_line(
    host: str, port: str, kind: type[HubError]
) -> None:
    at = {"host": host, "port": port, "insecure": "yes"}
    adapter = KuksaAdapter(
        Device(id="car", kind=Kind.CAR, name="Golf", protocol="kuksa", address=at)
    )
    with pytest.raises(kind, match="Golf") as raised:
        await adapter.connect()
    await adapter.close()
    assert len(str(raised.value).splitlines()) == 1


async def test_paths_that_differ_are_named_in_the_address() -> None:
    dome, own = "Vehicle.Cabin.Lights.IsDomeOn", "Vehicle.Private.CeilingLight"
    tree = {own: vss.standard()[dome]}
    async with SimulatedKuksa(tree) as car, connected(car, **{dome: own}) as adapter:
        assert await adapter.connect() == {"control_lights"}
        call = invocation("control_lights", light="interior lights", state="on")
        assert (await adapter.call(call)).evidence is Evidence.VERIFIED
        assert car.ordered == [(own, True)]


async def test_a_new_name_is_taken_and_a_new_address_is_not(
    adapter: KuksaAdapter, car: SimulatedKuksa
) -> None:
    assert adapter.moved(golf(car).model_copy(update={"name": "Polo"}))
    assert (await adapter.call(invocation("start_charging"))).detail == "Started charging Polo"
    assert not adapter.moved(golf(car, host="192.0.2.1"))


HOSTILE = {
    SPEED: vss.Entry("string", "fast"),
    VOLUME: vss.Entry("float", float("nan"), actuator=True),
    HORN: vss.Entry("string", "silence", actuator=True),
    DOORS[0]: vss.Entry("uint8", 1, actuator=True, minimum=5, maximum=2),
    f"{SEAT}.Position": vss.Entry("double", 1e300, actuator=True, minimum=0, maximum=100),
    CLIMATE: vss.Entry("int8", 20, actuator=True, minimum=25, maximum=30),
    "Vehicle.VehicleIdentification.Brand": vss.Entry("string", "x" * 5000),
}


async def test_a_car_that_describes_itself_wrongly_is_refused_by_name() -> None:
    calls = [
        invocation("adjust_volume", volume_diff=5, set_value=None),
        invocation("honk_and_flash"),
        invocation("lock_doors", action="lock"),
        invocation("adjust_seat_position", seat="driver", position="up", distance=20),
        invocation("adjust_seat_position", seat="driver", position="forward", distance=20),
        invocation("set_climate_temperature", zone="driver", temperature=70),
        invocation("get_vehicle_status", item="battery"),
    ]
    async with SimulatedKuksa(HOSTILE) as car, connected(car) as adapter:
        assert len(adapter.model or "") <= 200
        for call in calls:
            with pytest.raises(DeviceRefused, match="Golf"):
                await adapter.call(call)
        with pytest.raises(DeviceRefused, match=r"Golf takes 25 to 30 for .*Temperature, not 21"):
            await adapter.call(calls[-2])
        assert car.ordered == []


async def test_a_provider_of_the_official_client_moves_the_car(car: SimulatedKuksa) -> None:
    """KUKSA's own Python client as the program in the car, on the simulated databroker."""
    car.manners.unprovided = {VOLUME}

    async def provide(client: VSSClient) -> None:
        async for requests in client.v2_subscribe_actuation_requests([VOLUME]):
            for request in requests:
                moved = DataEntry(
                    VOLUME,
                    value=request.entry.actuator_target,
                    metadata=Metadata(data_type=DataType.UINT8),
                )
                await client.set(updates=[EntryUpdate(moved, (Field.VALUE,))], try_v2=True)

    async with connected(car) as adapter:
        louder = invocation("adjust_volume", set_value=30)
        with pytest.raises(DeviceRefused, match="Golf has nothing that moves"):
            await adapter.call(louder)
        async with VSSClient("127.0.0.1", car.port, ensure_startup_connection=False) as client:
            providing = asyncio.create_task(provide(client))
            await car.until(lambda: VOLUME in car.provided)
            done = await adapter.call(louder)
            providing.cancel()
            await asyncio.gather(providing, return_exceptions=True)
        assert (car.values[VOLUME], done.evidence) == (60, Evidence.VERIFIED)


async def alone(script: str) -> tuple[int | None, str, str]:
    """Run a script by itself: its exit status, and what it wrote."""
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c", script,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = await program.communicate()
    return program.returncode, out.decode(), err.decode()


async def test_the_hub_does_not_load_grpc_for_cars_of_other_kinds() -> None:
    look = "import device_adapters.car, sys; print([m for m in sys.modules if 'grpc' in m])"
    assert await alone(look) == (0, "[]\n", "")


async def test_programs_can_be_started_while_a_car_is_connected() -> None:
    """gRPC's threads and a fork do not mix; the hub starts programs while it holds connections."""
    look = """
import asyncio, subprocess, sys
from device_adapters.car.kuksa.adapter import KuksaAdapter
from device_adapters.simulated.kuksa import SimulatedKuksa
from schemas.device import Device, Kind
async def main():
    async with SimulatedKuksa() as car:
        at = {"host": "127.0.0.1", "port": str(car.port)}
        adapter = KuksaAdapter(
            Device(id="c", kind=Kind.CAR, name="c", protocol="kuksa", address=at))
        await adapter.connect()
        for _ in range(5):
            program = await asyncio.create_subprocess_exec("true")
            assert await program.wait() == 0
            assert await asyncio.to_thread(subprocess.call, "exit 0", shell=True) == 0
        await adapter.connect()
        await adapter.close()
asyncio.run(main())
"""
    assert await alone(look) == (0, "", "")


async def test_the_result_of_a_call_is_one_line(adapter: KuksaAdapter) -> None:
    done: Done = await adapter.call(invocation("get_vehicle_status"))
    assert "\n" not in done.detail
