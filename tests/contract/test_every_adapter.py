"""Every adapter of the hub's own keeps the contract that is shipped for adapters of others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from device_adapters.car.kuksa import KuksaDriver
from device_adapters.car.ovms import OvmsDriver
from device_adapters.cast import CastDriver, CastOptions
from device_adapters.ha import HaClient
from device_adapters.hass import HassDriver, HassOptions
from device_adapters.homeassistant import HomeAssistant, device_of
from device_adapters.native import NativeDriver
from device_adapters.pc.hostkeys import line, made_key
from device_adapters.pc.machine import MachineDriver
from device_adapters.pc.ssh import SshDriver, SshOptions
from device_adapters.simulated.car import SimulatedCar
from device_adapters.simulated.cast import SimulatedCast
from device_adapters.simulated.hass import TOKEN, SimulatedHass
from device_adapters.simulated.home import SimulatedHome
from device_adapters.simulated.kuksa import SimulatedKuksa
from device_adapters.simulated.native import SimulatedNative
from device_adapters.simulated.ovms import SimulatedOvms
from device_adapters.simulated.pc import SimulatedPc
from device_adapters.simulated.publisher import Publisher
from device_adapters.testing import AdapterContract, Bench, bare_site
from device_adapters.testing.bench import Step
from schemas.device import Device, Kind
from tests.broker import heard_so_far, hub_on, running_broker
from tests.grpckit import let_go
from tests.sshd import Desktop, running_sshd


@pytest.fixture(autouse=True)
def no_tasks_left_and_loop_free() -> None:
    """The contract looks at its own loops."""


def heard(ha: HaClient, told: Step) -> Step:
    """Tell the broker something, and wait until the hub's client has heard it."""

    async def step() -> None:
        await told()
        await heard_so_far(ha)

    return step


class OnMqtt(AdapterContract):
    """A device behind a program that announces it by Home Assistant discovery."""

    driver, protocol, finds = HomeAssistant, "homeassistant", True
    program: type[Publisher]
    identifier: str

    @asynccontextmanager
    async def bench(self, folder: Path) -> AsyncIterator[Bench]:
        async with AsyncExitStack() as stack:
            broker = await stack.enter_async_context(running_broker(folder))
            ha = await stack.enter_async_context(hub_on(broker))
            simulated = await stack.enter_async_context(self.program(*ha.mqtt.address))
            await simulated.announced()
            await heard_so_far(ha)
            announced = ha.device(self.identifier)
            assert announced
            found = device_of(announced)
            assert found
            site = replace(bare_site(folder), mqtt=ha.mqtt, ha=ha)
            leave = heard(ha, simulated.go_offline)
            yield Bench(found, site, leave=leave, come_back=simulated.announce)


LAMP = {"name": "Kitchen Lamp"}


class TestLamp(OnMqtt):
    program, identifier = SimulatedHome, "zigbee2mqtt_kitchen_lamp"
    calls = {
        "turn_on": LAMP,
        "turn_off": LAMP,
        "get_state": LAMP,
        "set_light": LAMP | {"brightness": 50, "color": None},
    }


class TestPc(OnMqtt):
    program, identifier = SimulatedPc, "office-pc"
    calls = {
        "media_control": {"action": "play"},
        "set_volume": {"level": 3, "volume_type": "media"},
        "lock_screen": {},
        "get_pc_status": {"item": "all"},
    }
    untried = frozenset(
        {"take_screenshot", "show_notification", "open_url", "type_text", "shutdown"}
    )


class TestCarBehindAGateway(OnMqtt):
    program, identifier = SimulatedCar, "WVWZZZTEST0000001"
    calls = {
        "lock_doors": {"action": "lock"},
        "set_climate_temperature": {"zone": "driver", "temperature": 70},
        "control_window": {"window": "rear left", "position": "down", "distance": 300},
        "start_charging": {},
        "stop_charging": {},
        "get_vehicle_status": {"item": "all"},
    }
    untried = frozenset({"honk_and_flash"})


class TestKuksa(AdapterContract):
    driver, protocol = KuksaDriver, "kuksa"
    calls = {
        "lock_doors": {"action": "lock"},
        "set_climate_temperature": {"zone": "driver", "temperature": 70},
        "control_window": {"window": "rear left", "position": "down", "distance": 300},
        "operate_sunroof": {"action": "open", "intensity": 100},
        "start_charging": {},
        "stop_charging": {},
        "control_lights": {"light": "headlights", "state": "on"},
        "adjust_volume": {"volume_diff": None, "set_value": 10},
        "get_vehicle_status": {"item": "all"},
    }
    untried = frozenset({"honk_and_flash", "adjust_seat_position"})

    @asynccontextmanager
    async def bench(self, folder: Path) -> AsyncIterator[Bench]:
        async with SimulatedKuksa() as car:
            device = Device(
                id="golf",
                kind=Kind.CAR,
                name="Golf",
                protocol="kuksa",
                address={"host": "127.0.0.1", "port": str(car.port)},
            )
            yield Bench(device, bare_site(folder), leave=car.stop, come_back=car.start)
        await let_go()


class TestNative(AdapterContract):
    driver, protocol, finds = NativeDriver, "octopus", True
    calls = {name: {"name": "Porch lamp"} for name in ("turn_on", "turn_off", "get_state")}

    @asynccontextmanager
    async def bench(self, folder: Path) -> AsyncIterator[Bench]:
        async with AsyncExitStack() as stack:
            broker = await stack.enter_async_context(running_broker(folder))
            ha = await stack.enter_async_context(hub_on(broker))
            lamp = await stack.enter_async_context(SimulatedNative(*ha.mqtt.address))
            await lamp.announced()
            device = Device(
                id="mqtt-lamp", kind=Kind.HOME, name="Porch lamp", protocol="octopus",
                address={"id": "lamp"},
            )  # fmt: skip
            site = replace(bare_site(folder), mqtt=ha.mqtt, ha=ha)
            leave = heard(ha, lamp.go_offline)
            yield Bench(device, site, leave=leave, come_back=lamp.announce)


class TestOvms(AdapterContract):
    driver, protocol, finds = OvmsDriver, "ovms", True
    calls = {
        "start_charging": {},
        "stop_charging": {},
        "get_vehicle_status": {"item": "all"},
    }

    @asynccontextmanager
    async def bench(self, folder: Path) -> AsyncIterator[Bench]:
        async with AsyncExitStack() as stack:
            broker = await stack.enter_async_context(running_broker(folder))
            ha = await stack.enter_async_context(hub_on(broker))
            car = await stack.enter_async_context(SimulatedOvms(*ha.mqtt.address, pin="1234"))
            await car.reported()
            device = Device(
                id="ovms", kind=Kind.CAR, name="EV1", protocol="ovms",
                address={"prefix": car.prefix, "serial": car.prefix},
            )  # fmt: skip
            site = replace(bare_site(folder), mqtt=ha.mqtt, ha=ha)
            yield Bench(
                device,
                site,
                leave=heard(ha, lambda: car.say_connected("no")),
                come_back=lambda: car.say_connected("yes"),
            )


class TestHomeAssistantItself(AdapterContract):
    driver, protocol, finds = HassDriver, "hass", True
    calls = {
        "turn_on": {"name": "Lamp"},
        "turn_off": {"name": "Lamp"},
        "get_state": {"name": "Lamp"},
        "set_light": {"name": "Lamp", "brightness": 50, "color": None},
    }

    @asynccontextmanager
    async def bench(self, folder: Path) -> AsyncIterator[Bench]:
        async with SimulatedHass() as hass:
            modes = {"supported_color_modes": ["hs"], "color_mode": "hs"}
            hass.add("light.lamp", "off", device="lamp", friendly_name="Lamp", **modes)
            token = folder / "token"
            token.write_text(TOKEN)
            options = HassOptions(url=hass.url, token_file=str(token))
            device = Device(
                id="hass-lamp", kind=Kind.HOME, name="Lamp", protocol="hass",
                address={"hass": "lamp"},
            )  # fmt: skip
            yield Bench(device, bare_site(folder, options), leave=hass.stop, come_back=hass.start)


class TestCast(AdapterContract):
    driver, protocol, properties = CastDriver, "cast", ("id", "fn", "md", "ca")
    calls = {
        "play_music_on_nest_hub": {"music_name": "jazz", "music_service": None},
        "play_video_on_nest_hub": {"video_name": "film", "video_service": None},
    }
    untried = frozenset({"media_control"})

    @asynccontextmanager
    async def bench(self, folder: Path) -> AsyncIterator[Bench]:
        options = CastOptions(
            music={"jazz": "http://radio.example/jazz"},
            videos={"film": "http://nas.example/film.mp4"},
        )
        async with SimulatedCast() as display:
            device = Device(
                id="cast-1", kind=Kind.HOME, name=display.name, protocol="cast",
                address=display.address,
            )  # fmt: skip
            yield Bench(device, bare_site(folder, options), leave=display.kill)


class TestSsh(AdapterContract):
    driver, protocol = SshDriver, "ssh"
    calls = {"get_pc_status": {"item": "disk"}, "type_text": {"text": "hello"}}
    untried = frozenset({"lock_screen"})

    @asynccontextmanager
    async def bench(self, folder: Path) -> AsyncIterator[Bench]:
        desktop = Desktop(folder)
        desktop.screen()
        desktop.has("xdotool")
        async with running_sshd(folder / "sshd", desktop.bin) as sshd:
            site = bare_site(folder / "state", SshOptions(keepalive=1))
            sshd.authorized.write_text(line(made_key(site.state / "ssh" / "id_ed25519")))
            device = Device(
                id="pc", kind=Kind.PC, name="Office PC", protocol="ssh", address=sshd.address
            )
            yield Bench(device, site, leave=sshd.stop, come_back=sshd.start)


class TestMachine(AdapterContract):
    driver, protocol = MachineDriver, "machine"
    calls = {"get_pc_status": {"item": "disk"}, "type_text": {"text": "hello"}}
    untried = frozenset({"lock_screen"})
    test_a_device_that_is_away_is_told_and_comes_back = None  # the hub is where it is

    @asynccontextmanager
    async def bench(self, folder: Path) -> AsyncIterator[Bench]:
        desktop = Desktop(folder)
        desktop.screen()
        desktop.has("xdotool")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", str(desktop.bin))
            device = Device(id="machine", kind=Kind.PC, name="hub", protocol="machine")
            yield Bench(device, bare_site(folder))
