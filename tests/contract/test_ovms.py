"""The OVMS adapter against a simulated module, on a real Mosquitto over TLS."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from device_adapters.car.ovms import OvmsAdapter, OvmsDriver
from device_adapters.car.ovms.driver import car_of
from device_adapters.driver import Site
from device_adapters.ha import HaClient
from device_adapters.mqtt import Message, MqttClient
from device_adapters.simulated.ovms import SimulatedOvms
from orchestrator.registry import Registry
from schemas.call import Restore
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused, DeviceUnavailable, DeviceUncertain, HubError
from schemas.outcome import Evidence
from schemas.state import DeviceState
from tests.broker import Broker, invocation, running_broker
from tests.certificates import Authority
from tests.contract.undoing import undo

PIN = "73-Secret.9"
UNLOCK = invocation("lock_doors", action="unlock")
LOCK = invocation("lock_doors", action="lock")
STATUS = invocation("get_vehicle_status", item="all")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def broker(tmp_path: Path, authority: Authority) -> AsyncIterator[Broker]:
    async with running_broker(tmp_path, authority.mosquitto()) as running:
        yield running


@pytest.fixture
async def hub(broker: Broker, authority: Authority) -> AsyncIterator[MqttClient]:
    client = MqttClient(broker.host, broker.port, client_id="hub", tls=authority.trusted())
    async with client:
        await client.wait_connected(10)
        yield client


@pytest.fixture
async def car(broker: Broker, authority: Authority) -> AsyncIterator[SimulatedOvms]:
    simulated = SimulatedOvms(broker.host, broker.port, pin=PIN, tls=authority.trusted())
    async with simulated:
        await simulated.reported()
        yield simulated


def described(car: SimulatedOvms, **address: str) -> Device:
    found = car_of(f"{car.prefix}/metric/s/v3/connected")
    assert found
    return found.model_copy(update={"address": found.address | address})


@pytest.fixture
def pin_file(tmp_path: Path) -> Path:
    file = tmp_path / "pin"
    file.write_text(f"{PIN}\n")
    return file


@pytest.fixture
async def adapter(
    hub: MqttClient, car: SimulatedOvms, pin_file: Path
) -> AsyncIterator[OvmsAdapter]:
    adapter = OvmsAdapter(described(car, pin_file=str(pin_file)), hub)
    assert "lock_doors" in await adapter.connect()
    yield adapter
    await adapter.close()


async def test_it_serves_what_ovms_has_commands_for(adapter: OvmsAdapter) -> None:
    assert await adapter.connect() == {
        *("lock_doors", "start_charging", "stop_charging", "get_vehicle_status")
    }
    assert adapter.notice is None
    assert adapter.lacking["adjust_seat_position"] == "OVMS has no command for it"
    for function in adapter.lacking:
        with pytest.raises(DeviceRefused, match=r"^EV1 cannot "):
            await adapter.call(invocation(function))


async def test_the_doors_are_unlocked_and_locked(adapter: OvmsAdapter, car: SimulatedOvms) -> None:
    done = await adapter.call(UNLOCK)
    assert (car.metrics["v.e.locked"], done.evidence) == ("no", Evidence.VERIFIED)
    assert done.detail == "Unlocked the doors on EV1"
    done = await adapter.call(LOCK)
    assert (car.metrics["v.e.locked"], done.evidence) == ("yes", Evidence.VERIFIED)
    done = await adapter.call(LOCK)  # what was so before is looked at again
    assert done.evidence is Evidence.VERIFIED


async def test_charging_starts_and_stops(adapter: OvmsAdapter, car: SimulatedOvms) -> None:
    assert (await adapter.call(invocation("start_charging"))).evidence is Evidence.VERIFIED
    assert car.metrics["v.c.charging"] == "yes"
    assert (await adapter.call(invocation("stop_charging"))).evidence is Evidence.VERIFIED
    assert car.metrics["v.c.charging"] == "no"


@pytest.mark.parametrize(
    ("call", "restore"),
    [
        (UNLOCK, Restore(function="lock_doors", arguments={"action": "lock"})),
        (invocation("start_charging"), Restore(function="stop_charging", arguments={})),
    ],
)
async def test_what_was_before_a_call_comes_back(
    adapter: OvmsAdapter, car: SimulatedOvms, call: invocation, restore: Restore
) -> None:
    before = dict(car.metrics)
    assert await adapter.present(call) == restore
    assert car.metrics == before
    await adapter.call(call)
    assert car.metrics != before
    assert (await undo(adapter, restore)).evidence is Evidence.VERIFIED
    assert car.metrics == before


async def test_what_it_was_before_is_not_told_where_the_car_does_not(
    adapter: OvmsAdapter, car: SimulatedOvms
) -> None:
    car.metrics["v.e.locked"] = ""
    assert await adapter.present(LOCK) is None
    assert await adapter.present(STATUS) is None


async def test_the_status_is_read_with_its_units(adapter: OvmsAdapter, car: SimulatedOvms) -> None:
    done = await adapter.call(STATUS)
    assert done.result == (
        "battery 81.5 %, range 160 km, doors locked and closed, at 37.56650, 126.97800"
    )
    car.metrics |= {
        "v.b.range.est": "99.4",
        "v.d.fl": "yes",
        "v.d.trunk": "yes",
        "v.e.locked": "no",
    }
    car.units["v.b.range.est"] = "M"  # as older firmware writes miles
    assert (await adapter.call(invocation("get_vehicle_status", item="range"))).result == (
        "range 99.4 mi"
    )
    assert (await adapter.call(invocation("get_vehicle_status", item="doors"))).result == (
        "doors unlocked and open (front left, trunk)"
    )


@pytest.mark.parametrize(
    ("metrics", "item"),
    [
        ({"v.b.soc": ""}, "battery"),
        ({"v.b.soc": "1e99"}, "battery"),
        ({"v.b.soc": "'; drop"}, "battery"),
        ({"v.b.range.est": "nan"}, "range"),
        ({"v.p.latitude": "91"}, "location"),
        ({"v.p.longitude": ""}, "location"),
        ({"v.e.locked": "perhaps", "v.d.fl": "", "v.d.fr": "", "v.d.rl": "", "v.d.rr": "",
          "v.d.trunk": "2"}, "doors"),
    ],
)  # fmt: skip
async def test_what_the_car_does_not_tell_is_not_told(
    adapter: OvmsAdapter, car: SimulatedOvms, metrics: dict[str, str], item: str
) -> None:
    car.metrics |= metrics
    with pytest.raises(DeviceRefused, match=f"^EV1 does not report its {item} state$"):
        await adapter.call(invocation("get_vehicle_status", item=item))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"fails": True}, "EV1 refused: vehicle could not be unlocked"),
        ({"incapable": True}, "EV1 refused: Vehicle unlock functionality not available"),
    ],
)
async def test_a_car_that_refuses_is_quoted(
    adapter: OvmsAdapter, car: SimulatedOvms, fault: dict[str, bool], said: str
) -> None:
    car.faults = type(car.faults)(**fault)
    with pytest.raises(DeviceRefused) as refused:
        await adapter.call(UNLOCK)
    assert str(refused.value) == said
    assert car.metrics["v.e.locked"] == "yes"


@pytest.mark.parametrize(
    "answer",
    ["Error:", "ERROR: no vehicle module selected", "Usage: unlock <pin>", "Unrecognised command"],
)
async def test_an_answer_that_is_an_error_is_one(
    adapter: OvmsAdapter, car: SimulatedOvms, answer: str
) -> None:
    car.faults.answers = f"{answer}\nHint: more\n"
    with pytest.raises(DeviceRefused, match=r"^EV1 refused: \S.*$"):
        await adapter.call(UNLOCK)


@pytest.mark.parametrize(
    "answer",
    ["", "\n", "Vehicle locked", "\x00\x1b[2J\r\nboo", "Vehicle unlocked\nVehicle locked",
     "é" * 600_000, f"the pin is {PIN}"],
    ids=["nothing", "a line", "another order's", "control", "both", "a megabyte", "the PIN"],
)  # fmt: skip
async def test_an_answer_that_is_none_leaves_it_open(
    adapter: OvmsAdapter, car: SimulatedOvms, answer: str
) -> None:
    car.faults.answers = answer
    with pytest.raises(DeviceUncertain, match=r"^EV1 answered .*it may have happened$") as told:
        await adapter.call(UNLOCK)
    assert len(str(told.value)) < 200
    assert str(told.value).isprintable()
    assert PIN not in str(told.value)
    car.faults.answers = None
    assert (await adapter.call(LOCK)).evidence is Evidence.VERIFIED


async def test_a_car_that_does_not_answer_leaves_it_open(
    adapter: OvmsAdapter, car: SimulatedOvms
) -> None:
    car.faults.silent = True
    with pytest.raises(DeviceUncertain, match=r"^EV1 did not answer; it may have happened$"):
        await adapter.call(invocation("start_charging", timeout=0.4))
    with pytest.raises(DeviceUnavailable, match=r"^EV1 does not answer$"):
        await adapter.call(invocation("get_vehicle_status", item="all", timeout=0.4))
    car.faults.silent = False
    await adapter.call(STATUS)


async def test_an_earlier_answer_is_never_taken_for_this_one(
    adapter: OvmsAdapter, car: SimulatedOvms
) -> None:
    """Neither under its own number, as it comes late, nor under the new one."""
    car.faults.silent = True
    heard: asyncio.Queue[Message] = asyncio.Queue()
    car._mqtt.subscribe(f"{car.prefix}/client/+/command/+", heard.put)
    with pytest.raises(DeviceUncertain):
        await adapter.call(invocation("start_charging", timeout=0.3))
    old = (await heard.get()).topic.removeprefix(f"{car.prefix}/")
    ordering = asyncio.create_task(adapter.call(invocation("start_charging", timeout=0.8)))
    new = (await heard.get()).topic.removeprefix(f"{car.prefix}/")
    assert new != old
    await car.publish(old.replace("command", "response"), "Charge has been started")
    with pytest.raises(DeviceUncertain):
        await ordering
    car.faults.silent, car.faults.stale = False, True
    await adapter.call(STATUS)
    with pytest.raises(DeviceUncertain):  # the listing's answer, under the order's number
        await adapter.call(invocation("stop_charging"))


async def test_a_car_that_says_so_and_does_nothing_is_not_believed(
    adapter: OvmsAdapter, car: SimulatedOvms
) -> None:
    car.faults.deceived = True
    done = await adapter.call(invocation("lock_doors", action="unlock", timeout=1))
    assert done.evidence is Evidence.UNVERIFIED
    car.metrics["v.c.charging"] = ""  # nor one that does not tell
    assert (await adapter.call(invocation("start_charging"))).evidence is Evidence.UNVERIFIED


@pytest.mark.parametrize(
    ("speed", "unit", "drives"),
    [("50", "km/h", True), ("31", "Mph", True), ("0.5", "Kph", False), ("0.9", "mph", True)],
)
async def test_a_driving_car_is_not_unlocked(
    adapter: OvmsAdapter, car: SimulatedOvms, speed: str, unit: str, drives: bool
) -> None:
    car.metrics |= {"v.e.on": "yes", "v.p.speed": speed}
    car.units["v.p.speed"] = unit
    if drives:
        with pytest.raises(DeviceRefused, match=r"^EV1 is driving: lock doors waits until"):
            await adapter.call(UNLOCK)
        assert not any(line.startswith("unlock") for line in car.asked)
    else:
        await adapter.call(UNLOCK)
    assert (await adapter.call(LOCK)).evidence is Evidence.VERIFIED  # this endangers nobody


@pytest.mark.parametrize(
    "parked",
    [{"v.e.on": "no", "v.p.speed": "50"}, {"v.e.on": "", "v.p.speed": ""}, {"v.p.speed": "fast"}],
    ids=["off", "silent", "odd"],
)
async def test_a_car_that_does_not_say_it_drives_is_unlocked(
    adapter: OvmsAdapter, car: SimulatedOvms, parked: dict[str, str]
) -> None:
    car.metrics |= {"v.e.on": "yes"} | parked
    assert (await adapter.call(UNLOCK)).evidence is Evidence.VERIFIED


async def test_without_a_pin_it_is_not_locked_and_says_what_to_do(
    hub: MqttClient, car: SimulatedOvms, tmp_path: Path
) -> None:
    bad = tmp_path / "bad"
    bad.write_text("1234; charge start")
    for file, why in (("", "pin_file in its address"), (str(tmp_path / "no"), "cannot be read"),
                      (str(bad), "holds no PIN"), (str(tmp_path), "cannot be read")):  # fmt: skip
        adapter = OvmsAdapter(described(car, pin_file=file), hub)
        assert "lock_doors" not in await adapter.connect()
        assert adapter.notice
        assert adapter.notice.state is DeviceState.PERMISSION_MISSING
        assert adapter.notice.todo.startswith("to lock and unlock EV1: ")
        assert why in adapter.notice.todo
        assert adapter.notice.todo.endswith(adapter.lacking["lock_doors"])
        assert "1234" not in adapter.notice.todo
        with pytest.raises(DeviceRefused, match=why):
            await adapter.call(LOCK)
        await adapter.close()
    assert not any("lock " in line for line in car.asked)


async def test_the_pin_is_not_sent_without_tls(tmp_path: Path, pin_file: Path) -> None:
    async with (
        running_broker(tmp_path) as broker,
        MqttClient(broker.host, broker.port, client_id="hub") as hub,
        SimulatedOvms(broker.host, broker.port, pin=PIN) as car,
    ):
        await car.reported()
        adapter = OvmsAdapter(described(car, pin_file=str(pin_file)), hub)
        assert await adapter.connect() == {
            *("start_charging", "stop_charging", "get_vehicle_status")
        }
        assert adapter.notice
        assert "mqtts://" in adapter.notice.todo
        with pytest.raises(DeviceRefused, match="over TLS only"):
            await adapter.call(UNLOCK)
        assert not any("lock " in line for line in car.asked)
        await adapter.close()


async def test_the_pin_is_said_to_the_car_only(
    adapter: OvmsAdapter, car: SimulatedOvms, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = [str(await adapter.call(UNLOCK))]
    for fault in ("fails", "silent", "incapable"):
        car.faults = type(car.faults)(**{fault: True})
        with pytest.raises(HubError) as error:
            await adapter.call(invocation("lock_doors", action="lock", timeout=0.5))
        said.append(repr(error.value) + repr(error.value.__cause__))
    assert f"lock {PIN}" in car.asked
    assert PIN not in "".join(said) + caplog.text


async def test_a_line_expires_with_its_call(adapter: OvmsAdapter, car: SimulatedOvms) -> None:
    """A module keeps its session: a broker would hand it an unlock hours later."""
    heard: asyncio.Queue[Message] = asyncio.Queue()
    car._mqtt.subscribe(f"{car.prefix}/client/+/command/+", heard.put)
    await adapter.call(UNLOCK)
    while not heard.empty():
        expiry = heard.get_nowait().message_expiry
        assert expiry is not None
        assert expiry <= UNLOCK.timeout


async def test_the_car_knows_that_somebody_is_there_while_a_call_runs(
    adapter: OvmsAdapter, car: SimulatedOvms
) -> None:
    clients: list[set[str]] = []
    car.on_effect = lambda _line: clients.append(set(car.clients))
    await adapter.call(invocation("start_charging"))
    assert len(clients[0]) == 1
    await car.until(lambda: not car.clients)


async def test_a_car_out_of_reach_is_told_of_and_comes_back(
    adapter: OvmsAdapter, car: SimulatedOvms
) -> None:
    changed = asyncio.Event()
    adapter.noticed = changed.set
    await car.say_connected("no")
    await changed.wait()
    assert adapter.notice
    assert adapter.notice.state is DeviceState.OFFLINE
    for call in (UNLOCK, STATUS):
        with pytest.raises(DeviceUnavailable, match=r"^EV1 is offline; nothing was sent$"):
            await adapter.call(call)
    with pytest.raises(DeviceUnavailable, match="EV1 is offline"):
        await adapter.connect()
    changed.clear()
    await car.say_connected("yes")
    await changed.wait()
    assert adapter.notice is None
    await adapter.call(UNLOCK)


async def test_nobody_there_is_unavailable(
    hub: MqttClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device_adapters.car.ovms.presence._WAIT", 0.2)
    gone = Device(
        id="x", kind=Kind.CAR, name="Leaf", protocol="ovms", address={"prefix": "ovms/a/b"}
    )
    adapter = OvmsAdapter(gone, hub)
    with pytest.raises(DeviceUnavailable, match=r"^Leaf: no module reports as ovms/a/b$"):
        await adapter.connect()
    await adapter.close()
    for prefix in ("ovms/+/b", "a#", "/", "a\x00b", "x" * 300):
        odd = OvmsAdapter(gone.model_copy(update={"address": {"prefix": prefix}}), hub)
        with pytest.raises(DeviceRefused, match=r"^Leaf: the prefix in its address is no topic$"):
            await odd.connect()


@asynccontextmanager
async def a_registry(hub: MqttClient, folder: Path) -> AsyncIterator[Registry]:
    """One that finds cars."""
    async with HaClient(hub) as ha:
        driver = OvmsDriver(Site(hub, ha, folder))
        registry = Registry(folder / "devices.json", {"ovms": driver.adapter})
        async with driver.finding(registry.propose, registry.withdraw):
            yield registry
        await registry.close()


async def a_proposal(registry: Registry, wanted: str) -> None:
    found = asyncio.Event()

    def look() -> None:
        if wanted in {device.id for device in registry.proposed}:
            found.set()

    registry.on_change(look)
    look()
    async with asyncio.timeout(5):
        await found.wait()


async def test_a_car_is_found_by_its_will_and_approved(
    hub: MqttClient, car: SimulatedOvms, tmp_path: Path
) -> None:
    async with a_registry(hub, tmp_path) as registry:
        await a_proposal(registry, "ovms-EV1.family")
        device = await registry.approve("EV1")
        assert (device.kind, device.name, device.functions) == (
            Kind.CAR, "EV1", ("get_vehicle_status", "start_charging", "stop_charging")
        )  # fmt: skip
        assert device.lacking["lock_doors"].startswith("name the file with its PIN")
        assert registry.standing(device).state is DeviceState.PERMISSION_MISSING
        await car.say_connected("yes")  # announced again, it keeps what it serves
        await registry.reach(device.id, STATUS)
        assert registry.approved[0].functions == device.functions


async def test_who_reports_as_somebody_elses_car_is_not_that_car(
    hub: MqttClient, car: SimulatedOvms, tmp_path: Path
) -> None:
    async with a_registry(hub, tmp_path) as registry:
        await a_proposal(registry, "ovms-EV1.family")
        device = await registry.approve("ovms-EV1.family")
        await hub.publish("ovms/mallory/EV1/metric/s/v3/connected", "yes", retain=True)
        await a_proposal(registry, "ovms-EV1.mallory")
        assert registry.approved == (device,)


@pytest.mark.parametrize(
    "prefix", ["ovms/a/b/c", "ovms//b", "ovms/a/", "ovms/a/b c", "ovms/a/b.c", "ovms/a/" + "x" * 99]
)
def test_a_topic_that_is_no_cars_is_none(prefix: str) -> None:
    assert car_of(f"{prefix}/metric/s/v3/connected") is None


async def test_a_new_name_needs_no_new_connection_and_a_new_place_does(
    adapter: OvmsAdapter, car: SimulatedOvms
) -> None:
    renamed = adapter.device.model_copy(update={"name": "Leaf"})
    assert adapter.moved(renamed)
    assert (await adapter.call(UNLOCK)).detail == "Unlocked the doors on Leaf"
    for key in ("prefix", "pin_file"):
        assert not adapter.moved(
            renamed.model_copy(update={"address": renamed.address | {key: "elsewhere"}})
        )


async def test_a_pin_that_its_own_answer_holds_does_not_hide_that_it_was_done(
    hub: MqttClient, broker: Broker, authority: Authority, tmp_path: Path
) -> None:
    file = tmp_path / "pin"
    file.write_text("lock")
    async with SimulatedOvms(broker.host, broker.port, pin="lock", tls=authority.trusted()) as car:
        await car.reported()
        adapter = OvmsAdapter(described(car, pin_file=str(file)), hub)
        await adapter.connect()
        assert (await adapter.call(UNLOCK)).evidence is Evidence.VERIFIED
        await adapter.close()


async def test_a_pin_file_of_any_size_is_not_read_whole(
    hub: MqttClient, car: SimulatedOvms
) -> None:
    adapter = OvmsAdapter(described(car, pin_file="/dev/zero"), hub)
    assert "lock_doors" not in await adapter.connect()
    assert "/dev/zero holds no PIN" in adapter.lacking["lock_doors"]
    await adapter.close()


async def test_without_a_broker_nothing_is_sent_and_the_car_is_named(
    adapter: OvmsAdapter, broker: Broker, hub: MqttClient
) -> None:
    link = hub._link
    assert link
    await broker.stop()
    async with asyncio.timeout(10):
        await link.closed
    for call in (UNLOCK, LOCK, STATUS):
        with pytest.raises(DeviceUnavailable, match=r"^EV1: no MQTT broker answers"):
            await adapter.call(call)


async def test_a_look_that_fails_leaves_nothing_under_way(
    adapter: OvmsAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = asyncio.Event()

    async def run(line: str, within: float) -> str:
        if line.endswith("v.e.on"):
            raise DeviceRefused("the MQTT broker refused it: code 135")
        try:
            return await asyncio.Future[str]()
        finally:
            ended.set()

    monkeypatch.setattr(adapter._shell, "run", run)
    with pytest.raises(DeviceRefused, match=r"^EV1: the MQTT broker refused"):
        await adapter.call(UNLOCK)
    assert ended.is_set()
