"""The Home Assistant adapter against a simulated Home Assistant."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from device_adapters.driver import Service, Site
from device_adapters.ha import HaClient
from device_adapters.hass import HassDriver, HassOptions
from device_adapters.hass.access import Access
from device_adapters.hass.adapter import HassAdapter
from device_adapters.hass.client import HassClient
from device_adapters.hass.driver import device_of
from device_adapters.mqtt import MqttClient
from device_adapters.simulated.cast import self_signed
from device_adapters.simulated.hass import TOKEN, SimulatedHass
from schemas.call import Invocation, Restore
from schemas.device import Device, Kind
from schemas.errors import (
    DeviceNeedsPerson,
    DeviceRefused,
    DeviceUnavailable,
    DeviceUncertain,
    HubError,
)
from schemas.outcome import Done, Evidence
from schemas.state import DeviceState
from tests.broker import invocation
from tests.contract.undoing import undo

Adapters = Callable[[str], HassAdapter]


@pytest.fixture
async def hass() -> AsyncIterator[SimulatedHass]:
    async with SimulatedHass() as simulated:
        furnish(simulated)
        yield simulated


def furnish(hass: SimulatedHass) -> None:
    """A household."""
    hass.areas = {"kitchen": "Kitchen", "hall": "Hall"}
    colors = {"supported_color_modes": ["hs", "color_temp"], "color_mode": "hs"}
    hass.add("light.lamp", "off", device="lamp", area="kitchen", friendly_name="Lamp", **colors)
    hass.add("switch.fan", "off", device="strip", friendly_name="Strip Fan")
    hass.add("switch.heater", "off", device="strip", friendly_name="Strip Heater")
    hass.devices["strip"]["name"] = "Strip"
    hass.add("cover.blind", "open", friendly_name="Blind", current_position=100,
             supported_features=15)  # fmt: skip
    hass.add("climate.heating", "heat", device="heating", friendly_name="Heating",
             supported_features=385, temperature=20.0, current_temperature=19.0)  # fmt: skip
    hass.add("lock.front", "locked", device="door", area="hall", friendly_name="Front Door",
             supported_features=0)  # fmt: skip
    hass.add("binary_sensor.smoke", "off", device="smoke", friendly_name="Smoke",
             device_class="smoke")  # fmt: skip
    hass.add("sensor.outside", "12.5", device="weather", friendly_name="Outside",
             unit_of_measurement="°C", device_class="temperature")  # fmt: skip
    hass.add("media_player.kitchen", "idle", device="speaker", area="kitchen",
             friendly_name="Speaker", device_class="speaker",
             supported_features=1 | 16 | 32 | 512 | 4096 | 16384)  # fmt: skip
    hass.add("media_player.tv", "off", device="tv", friendly_name="TV", device_class="tv",
             source_list=["HDMI 1", "Netflix"], source="HDMI 1",
             supported_features=128 | 256 | 512 | 2048 | 16384)  # fmt: skip


def access(hass: SimulatedHass, folder: Path, token: str = TOKEN) -> Access:
    file = folder / "token"
    file.write_text(f"{token}\n")
    return Access(hass.url, file, pause=0.02, longest=0.05)


@asynccontextmanager
async def connected(hass: SimulatedHass, folder: Path) -> AsyncIterator[HassClient]:
    async with HassClient(access(hass, folder)) as client:
        await client.ready(10)
        yield client


@pytest.fixture
async def client(hass: SimulatedHass, tmp_path: Path) -> AsyncIterator[HassClient]:
    async with connected(hass, tmp_path) as client:
        yield client


def devices(client: HassClient) -> dict[str, Device]:
    found = (device_of(device, client.states) for device in client.devices.values())
    return {device.name: device for device in found if device}


@pytest.fixture
def adapter(client: HassClient) -> Adapters:
    return lambda name: HassAdapter(devices(client)[name], client)


def play(kind: str, name: str | None, service: str | None = None, **more: Any) -> Invocation:
    named = {f"{kind}_name": name, f"{kind}_service": service}
    return invocation(f"play_{kind}_on_nest_hub", **named, **more)


def test_each_device_is_found_with_its_room_and_what_it_can_do(client: HassClient) -> None:
    found = devices(client)
    assert {name: set(device.functions) for name, device in found.items()} == {
        "Lamp": {"turn_on", "turn_off", "set_light", "get_state"},
        "Strip": {"turn_on", "turn_off", "get_state"},
        "Blind": {"set_cover", "get_state"},
        "Heating": {"turn_on", "turn_off", "set_nest_temperature", "get_state"},
        "Front Door": {"open_or_lock_door", "get_state"},
        "Smoke": {"check_nest_smoke_detector_status", "get_state"},
        "Outside": {"get_state"},
        "Speaker": {"media_control", "play_music_on_nest_hub", "get_state"},
        "TV": {
            *("turn_on", "turn_off", "media_control", "get_state"),
            *("play_music_on_nest_hub", "play_video_on_nest_hub"),
        },
    }
    assert (found["Lamp"].room, found["Front Door"].room) == ("Kitchen", "Hall")
    assert found["Strip"].parts == ("Fan", "Heater")
    assert {device.kind for device in found.values()} == {Kind.HOME}


async def test_a_lamp_is_switched_dimmed_and_coloured(
    adapter: Adapters, hass: SimulatedHass
) -> None:
    lamp, state = adapter("Lamp"), hass.entities["light.lamp"]
    done = await lamp.call(invocation("turn_on", name="kitchen lamp"))
    assert done == Done(evidence=Evidence.VERIFIED, detail="Switched Lamp on")
    done = await lamp.call(invocation("set_light", name="lamp", brightness=40, color="navy"))
    assert (state.attributes["brightness"], done.evidence) == (102, Evidence.VERIFIED)
    assert done.detail == "Set Lamp to navy and 40 %"
    with pytest.raises(DeviceRefused, match="octarine"):
        await lamp.call(invocation("set_light", name="lamp", color="octarine"))
    await lamp.call(invocation("set_light", name="lamp", brightness=0))
    assert state.state == "off"


async def test_a_white_is_made_of_white_light(hass: SimulatedHass, tmp_path: Path) -> None:
    hass.entities["light.lamp"].attributes |= {
        "supported_color_modes": ["color_temp"], "min_color_temp_kelvin": 2000,
        "max_color_temp_kelvin": 4000,
    }  # fmt: skip
    async with connected(hass, tmp_path) as client:
        lamp = HassAdapter(devices(client)["Lamp"], client)
        for white, kelvin in (("warm white", 2700), ("daylight", 4000)):
            done = await lamp.call(invocation("set_light", name="lamp", color=white))
            assert done.evidence is Evidence.VERIFIED
            assert hass.orders[-1][2] == {"color_temp_kelvin": kelvin}
        with pytest.raises(DeviceRefused, match="Lamp takes no colours"):
            await lamp.call(invocation("set_light", name="lamp", color="red"))


async def test_one_of_two_sockets_is_meant(adapter: Adapters, hass: SimulatedHass) -> None:
    done = await adapter("Strip").call(invocation("turn_on", name="the fan"))
    assert hass.orders == [("switch.turn_on", "switch.fan", {})]
    assert done.detail == "Switched Fan on"
    for name in ("strip", "toaster"):
        with pytest.raises(DeviceRefused, match=rf"which one is {name}\? \(Fan, Heater\)"):
            await adapter("Strip").call(invocation("turn_on", name=name))


async def test_a_blind_a_door_and_a_thermostat_obey(adapter: Adapters, hass: SimulatedHass) -> None:
    done = await adapter("Blind").call(invocation("set_cover", name="blind", position="close"))
    assert (hass.entities["cover.blind"].state, done.evidence) == ("closed", Evidence.VERIFIED)
    done = await adapter("Front Door").call(invocation("open_or_lock_door", status="open"))
    assert done == Done(evidence=Evidence.VERIFIED, detail="Unlocked Front Door")
    heating = adapter("Heating")
    done = await heating.call(invocation("set_nest_temperature", target_temperature=70))
    assert hass.entities["climate.heating"].attributes["temperature"] == 21.1
    assert done == Done(evidence=Evidence.VERIFIED, detail="Set Heating to 70 °F")


async def test_a_household_in_fahrenheit_is_spoken_to_in_it(
    hass: SimulatedHass, tmp_path: Path
) -> None:
    hass.temperature_unit = "°F"
    hass.entities["climate.heating"].attributes["temperature"] = 68
    async with connected(hass, tmp_path) as client:
        heating = HassAdapter(devices(client)["Heating"], client)
        call = invocation("set_nest_temperature", target_temperature=71)
        restore = await heating.present(call)
        assert restore
        assert restore.arguments == {"target_temperature": 68}
        done = await heating.call(call)
    assert hass.entities["climate.heating"].attributes["temperature"] == 71
    assert done.evidence is Evidence.VERIFIED


async def test_a_thermostat_that_is_off_is_said_to_be(
    client: HassClient, adapter: Adapters, hass: SimulatedHass
) -> None:
    await hass.tell("climate.heating", "off")
    await client.until(lambda: client.states["climate.heating"].value == "off", 5)
    done = await adapter("Heating").call(invocation("set_nest_temperature", target_temperature=70))
    assert done.detail == "Set Heating to 70 °F; it is off"


async def test_a_lock_that_wants_a_code_needs_a_person(
    client: HassClient, adapter: Adapters, hass: SimulatedHass
) -> None:
    await hass.tell("lock.front", code_format=r"^\d{4}$")
    await client.until(lambda: bool(client.states["lock.front"].text("code_format")), 5)
    call = invocation("open_or_lock_door", status="open")
    with pytest.raises(DeviceNeedsPerson, match="Front Door wants a code"):
        await adapter("Front Door").call(call)
    assert hass.orders == []
    hass.entities["lock.front"].registered["options"] = {"lock": {"default_code": "1234"}}
    await hass.registries_changed()
    front = client.devices["door"]
    await client.until(lambda: client.devices["door"] != front, 5)
    assert (await adapter("Front Door").call(call)).evidence is Evidence.VERIFIED


async def test_smoke_and_states_are_told(
    client: HassClient, adapter: Adapters, hass: SimulatedHass
) -> None:
    call = invocation("check_nest_smoke_detector_status")
    assert (await adapter("Smoke").call(call)).result == "no smoke"
    await hass.tell("binary_sensor.smoke", "on")
    await client.until(lambda: client.states["binary_sensor.smoke"].value == "on", 5)
    assert (await adapter("Smoke").call(call)).result == "ALARM: Smoke"
    for name, said in (
        ("Outside", "Outside is 12.5 °C"),
        ("Heating", "Heating is heat, 19 °C, set to 20 °C"),
        ("Blind", "Blind is open, 100 % open"),
        ("Smoke", "Smoke is detected"),
        ("Strip", "Strip: Fan off, Heater off"),
    ):
        assert (await adapter(name).call(invocation("get_state", name=name))).result == said
    await hass.tell("binary_sensor.smoke", "unknown")
    await client.until(lambda: client.states["binary_sensor.smoke"].value == "unknown", 5)
    with pytest.raises(DeviceUnavailable, match="Smoke is unknown"):
        await adapter("Smoke").call(call)


async def test_a_player_is_controlled(
    client: HassClient, adapter: Adapters, hass: SimulatedHass
) -> None:
    speaker = adapter("Speaker")
    for action, state in (("play", "playing"), ("pause", "paused"), ("stop", "idle")):
        done = await speaker.call(invocation("media_control", action=action))
        assert (hass.entities["media_player.kitchen"].state, done.evidence) == (
            state,
            Evidence.VERIFIED,
        )
    await hass.tell("media_player.kitchen", "playing", media_title="So What")
    await client.until(lambda: client.states["media_player.kitchen"].value == "playing", 5)
    done = await speaker.call(invocation("media_control", action="next"))
    assert done.evidence is Evidence.VERIFIED
    with pytest.raises(DeviceRefused, match="TV cannot pause now: it is off"):
        await adapter("TV").call(invocation("media_control", action="pause"))


async def test_music_is_found_by_music_assistant(hass: SimulatedHass, tmp_path: Path) -> None:
    hass.entities["media_player.kitchen"].registered["platform"] = "music_assistant"
    async with connected(hass, tmp_path) as client:
        speaker = HassAdapter(devices(client)["Speaker"], client)
        done = await speaker.call(play("music", "jazz"))
    assert hass.orders == [
        ("music_assistant.play_media", "media_player.kitchen", {"media_id": "jazz"})
    ]
    assert done == Done(evidence=Evidence.VERIFIED, detail="Playing jazz on Speaker")


def item(title: str, *, folder: bool = False, media_class: str = "track") -> dict[str, Any]:
    return {
        "title": title, "media_content_id": f"id:{title}", "media_content_type": "music",
        "media_class": "directory" if folder else media_class,
        "can_play": not folder, "can_expand": folder,
    }  # fmt: skip


async def test_music_is_found_by_a_players_own_search(hass: SimulatedHass, tmp_path: Path) -> None:
    hass.entities["media_player.kitchen"].attributes["supported_features"] |= 4194304
    hass.found["jazz"] = [
        item("Jazz, the film", media_class="movie"), item("Jazz for cats"), item("Jazz"),
    ]  # fmt: skip
    async with connected(hass, tmp_path) as client:
        speaker = HassAdapter(devices(client)["Speaker"], client)
        done = await speaker.call(play("music", "jazz"))
        assert done == Done(evidence=Evidence.VERIFIED, detail="Playing Jazz on Speaker")
        with pytest.raises(DeviceRefused, match="Speaker has nothing by the name of polka"):
            await speaker.call(play("music", "polka"))
    assert [service for service, _, _ in hass.orders] == [
        *("media_player.search_media", "media_player.play_media", "media_player.search_media")
    ]


async def test_music_is_found_in_a_players_folders(hass: SimulatedHass, tmp_path: Path) -> None:
    hass.entities["media_player.kitchen"].attributes["supported_features"] |= 131072
    hass.folders = {
        "": [item("Radio", folder=True), item("Mine", folder=True), item("broken", folder=True)],
        "id:Radio": [item("Jazz FM"), item("Genres", folder=True)],
        "id:Genres": [item("Jazz", folder=True), item("Rock", folder=True)],
        "id:Jazz": [item("Smooth Radio 24")],
        "id:Mine": [item("Kind of Blue")],
    }
    async with connected(hass, tmp_path) as client:
        speaker = HassAdapter(devices(client)["Speaker"], client)
        for asked, played in (("kind of blue", "Kind of Blue"), ("jazz", "Smooth Radio 24"),
                              ("fm", "Jazz FM")):  # fmt: skip
            done = await speaker.call(play("music", asked))
            assert done.detail == f"Playing {played} on Speaker"
            assert done.evidence is Evidence.VERIFIED
        with pytest.raises(DeviceRefused, match="polka"):
            await speaker.call(play("music", "polka"))


async def test_an_endless_tree_of_folders_is_left(hass: SimulatedHass, tmp_path: Path) -> None:
    hass.entities["media_player.kitchen"].attributes["supported_features"] |= 131072
    hass.folders = {"": [item("a", folder=True)], "id:a": [item("a", folder=True)] * 600}
    async with connected(hass, tmp_path) as client:
        speaker = HassAdapter(devices(client)["Speaker"], client)
        with pytest.raises(DeviceRefused, match="nothing by the name"):
            await speaker.call(play("music", "jazz"))
    assert hass.asked.count("media_player/browse_media") <= 24


async def test_what_nothing_finds_is_refused_with_what_the_household_lacks(
    adapter: Adapters, hass: SimulatedHass
) -> None:
    with pytest.raises(DeviceRefused, match="add Music Assistant"):
        await adapter("Speaker").call(play("music", "jazz"))
    with pytest.raises(DeviceRefused, match="TV finds no videos"):
        await adapter("TV").call(play("video", "the matrix"))
    with pytest.raises(DeviceRefused, match="cannot play_video"):
        await adapter("Speaker").call(invocation("play_video"))
    assert hass.orders == []


async def test_an_address_a_source_and_what_was_left_play(
    adapter: Adapters, hass: SimulatedHass
) -> None:
    done = await adapter("Speaker").call(play("music", "https://radio.example/jazz.mp3"))
    assert done.evidence is Evidence.VERIFIED
    assert hass.orders[-1][2]["media_content_type"] == "music"
    done = await adapter("TV").call(play("video", "the matrix", "netflix"))
    assert done == Done(evidence=Evidence.DRAFTED, detail="Netflix is open on TV: choose there")
    done = await adapter("TV").call(play("video", "HDMI 1"))
    assert (done.evidence, hass.entities["media_player.tv"].attributes["source"]) == (
        Evidence.VERIFIED,
        "HDMI 1",
    )
    done = await adapter("Speaker").call(play("music", None))
    assert done.detail == "Playing on Speaker"


async def test_what_plays_on_is_no_evidence(
    client: HassClient, adapter: Adapters, hass: SimulatedHass
) -> None:
    await hass.tell("media_player.kitchen", "playing", media_title="So What")
    await client.until(lambda: client.states["media_player.kitchen"].value == "playing", 5)
    hass.faults.ignores = True
    call = play("music", "https://radio.example/jazz.mp3", timeout=0.8)
    assert (await adapter("Speaker").call(call)).evidence is Evidence.UNVERIFIED


async def test_a_state_that_never_comes_is_not_believed(
    adapter: Adapters, hass: SimulatedHass
) -> None:
    hass.faults.mute = True
    done = await adapter("Lamp").call(invocation("turn_on", name="lamp", timeout=0.8))
    assert done.evidence is Evidence.UNVERIFIED


async def test_a_state_that_home_assistant_only_assumes_is_not_believed(
    client: HassClient, adapter: Adapters, hass: SimulatedHass
) -> None:
    await hass.tell("switch.fan", assumed_state=True)
    await client.until(lambda: bool(client.states["switch.fan"].attributes), 5)
    await client.until(lambda: "assumed_state" in client.states["switch.fan"].attributes, 5)
    done = await adapter("Strip").call(invocation("turn_on", name="fan"))
    assert done.evidence is Evidence.UNVERIFIED


async def test_an_order_without_an_answer_is_uncertain(
    adapter: Adapters, hass: SimulatedHass
) -> None:
    hass.faults.silent = True
    with pytest.raises(DeviceUncertain, match="did not say in time"):
        await adapter("Front Door").call(
            invocation("open_or_lock_door", status="open", timeout=0.5)
        )


async def test_a_connection_lost_after_the_order_is_uncertain(
    adapter: Adapters, hass: SimulatedHass
) -> None:
    hass.faults.ends = True
    with pytest.raises(DeviceUncertain, match="gone before it answered"):
        await adapter("Speaker").call(invocation("media_control", action="play"))
    assert len(hass.orders) == 1


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("home_assistant_error", DeviceRefused),
        ("service_validation_error", DeviceRefused),
        ("unknown_error", DeviceUncertain),
    ],
)
async def test_an_error_is_passed_on_in_one_line(
    adapter: Adapters, hass: SimulatedHass, code: str, error: type[HubError]
) -> None:
    hass.faults.fails = code, "Set temperature 21.1\n not in range"
    with pytest.raises(error, match=r"^Home Assistant says: Set temperature 21.1 not in range$"):
        await adapter("Heating").call(invocation("set_nest_temperature", target_temperature=70))


async def test_what_is_unavailable_gets_no_order(
    client: HassClient, adapter: Adapters, hass: SimulatedHass
) -> None:
    fan = adapter("Strip")
    await fan.connect()
    await hass.tell("switch.fan", "unavailable")
    await client.until(lambda: client.states["switch.fan"].value == "unavailable", 5)
    assert fan.notice is None
    with pytest.raises(DeviceUnavailable, match="Fan is offline"):
        await fan.call(invocation("turn_on", name="fan"))
    assert hass.orders == []
    await fan.close()


async def test_availability_is_told_when_it_changes(
    client: HassClient, adapter: Adapters, hass: SimulatedHass
) -> None:
    lamp = adapter("Lamp")
    told: list[DeviceState | None] = []
    lamp.noticed = lambda: told.append(lamp.notice and lamp.notice.state)
    assert "turn_on" in await lamp.connect()
    await hass.tell("light.lamp", "unavailable")
    await client.until(lambda: told == [DeviceState.OFFLINE], 5)
    with pytest.raises(DeviceUnavailable, match="Lamp is offline"):
        await lamp.call(invocation("turn_on", name="lamp"))
    await hass.tell("light.lamp", "on")
    await client.until(lambda: told == [DeviceState.OFFLINE, None], 5)
    await hass.stop()
    await client.until(lambda: told == [DeviceState.OFFLINE, None, DeviceState.OFFLINE], 5)
    with pytest.raises(DeviceUnavailable, match="cannot be reached"):
        await lamp.call(invocation("turn_on", name="lamp"))
    await hass.start()
    await client.until(lambda: lamp.notice is None, 5)
    assert (await lamp.call(invocation("turn_off", name="lamp"))).evidence is Evidence.VERIFIED
    await lamp.close()
    await lamp.close()


async def test_a_device_that_is_removed_is_unavailable(
    client: HassClient, adapter: Adapters, hass: SimulatedHass
) -> None:
    lamp = adapter("Lamp")
    await lamp.connect()
    await hass.remove("light.lamp")
    await client.until(lambda: "lamp" not in client.devices, 5)
    with pytest.raises(DeviceUnavailable, match="not in Home Assistant any more"):
        await lamp.call(invocation("turn_on", name="lamp"))
    assert lamp.notice
    await lamp.close()


LAMP = {"name": "lamp"}
LIT = {"brightness": 102, "color_mode": "hs", "rgb_color": [255, 0, 0]}
UNDONE: list[tuple[str, str, str, dict[str, Any], Invocation, Restore]] = [
    ("Lamp", "light.lamp", "off", {}, invocation("turn_on", **LAMP),
     Restore(function="turn_off", arguments=LAMP)),
    ("Lamp", "light.lamp", "off", {}, invocation("set_light", **LAMP, brightness=9, color=None),
     Restore(function="turn_off", arguments=LAMP)),
    ("Lamp", "light.lamp", "on", LIT, invocation("set_light", **LAMP, brightness=9, color="blue"),
     Restore(function="set_light", arguments=LAMP | {"brightness": 40, "color": "#ff0000"})),
    ("Blind", "cover.blind", "open", {"current_position": 100},
     invocation("set_cover", name="blind", position="close"),
     Restore(function="set_cover", arguments={"name": "blind", "position": "open"})),
    ("Front Door", "lock.front", "unlocked", {}, invocation("open_or_lock_door", status="lock"),
     Restore(function="open_or_lock_door", arguments={"status": "open"})),
    ("Heating", "climate.heating", "heat", {"temperature": 21.1},
     invocation("set_nest_temperature", target_temperature=60),
     Restore(function="set_nest_temperature", arguments={"target_temperature": 70.0})),
]  # fmt: skip


@pytest.mark.parametrize(("name", "entity", "state", "attributes", "call", "restore"), UNDONE)
async def test_what_was_before_a_call_comes_back(
    hass: SimulatedHass,
    tmp_path: Path,
    name: str,
    entity: str,
    state: str,
    attributes: dict[str, Any],
    call: Invocation,
    restore: Restore,
) -> None:
    known = hass.entities[entity]
    known.state, known.attributes = state, known.attributes | attributes
    async with connected(hass, tmp_path) as client:
        device = HassAdapter(devices(client)[name], client)
        assert await device.present(call) == restore
        assert hass.orders == []
        await device.call(call)
        assert known.state != state or known.attributes != attributes
        assert (await undo(device, restore)).evidence is Evidence.VERIFIED
    assert known.state == state
    for key in ("brightness", "rgb_color", "temperature", "current_position"):
        if state != "off" and key in attributes:
            assert known.attributes[key] == attributes[key]


async def test_a_wrong_token_is_one_clear_line_and_a_new_one_is_tried(
    hass: SimulatedHass, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with HassClient(access(hass, tmp_path, "nonsense")) as client:
        await client.until(lambda: isinstance(client.trouble, DeviceNeedsPerson), 5)
        with pytest.raises(DeviceNeedsPerson, match=r"does not accept the token in .*token: make"):
            await client.ready(5)
        assert len([r for r in caplog.records if r.levelno >= logging.ERROR]) == 1
        (tmp_path / "token").write_text(TOKEN)
        assert await client.until(lambda: client.trouble is None, 5)
    assert TOKEN not in caplog.text
    assert "nonsense" not in caplog.text


async def test_whoever_needs_it_does_not_wait_for_the_next_attempt(
    hass: SimulatedHass, tmp_path: Path
) -> None:
    await hass.stop()
    patient = access(hass, tmp_path)._replace(pause=600, longest=600)
    async with HassClient(patient) as client:
        await client.until(lambda: "cannot be reached" in str(client.trouble), 5)
        await hass.start()
        await client.ready(5)


async def test_without_its_token_file_the_hub_says_so(hass: SimulatedHass, tmp_path: Path) -> None:
    async with HassClient(Access(hass.url, tmp_path / "none", pause=0.02)) as client:
        await client.until(lambda: isinstance(client.trouble, DeviceNeedsPerson), 5)
        assert "token_file" in str(client.trouble)


@pytest.mark.parametrize("frame", ["nonsense", "[" * 100_000, "[]", b"\xff\x00", "7", "null"])
async def test_garbage_ends_the_connection_and_it_is_made_again(
    client: HassClient, adapter: Adapters, hass: SimulatedHass, frame: str | bytes
) -> None:
    await hass.send_raw(frame)
    await client.until(lambda: client.trouble is not None, 5)
    await client.ready(5)
    done = await adapter("Lamp").call(invocation("turn_on", name="lamp"))
    assert done.evidence is Evidence.VERIFIED


@pytest.mark.parametrize(
    "message",
    [
        {"type": "result", "id": 10**9, "success": True, "result": None},
        {"type": "result", "id": "1", "success": True},
        {"type": "event", "event": {"event_type": "state_changed", "data": {"entity_id": 7}}},
        {"type": "event", "event": {"event_type": "state_changed", "data": 7}},
        {"type": "event", "event": [], "id": 1},
        {"type": "event", "event": {"event_type": "state_changed", "data": {
            "entity_id": "light.lamp", "new_state": {"entity_id": "lock.front", "state": "on"}}}},
        {"type": ["pong"]},
    ],
)  # fmt: skip
async def test_messages_that_make_no_sense_change_nothing(
    client: HassClient, adapter: Adapters, hass: SimulatedHass, message: dict[str, Any]
) -> None:
    before = dict(client.states)
    await hass.send_raw(json.dumps(message))
    done = await adapter("Front Door").call(invocation("open_or_lock_door", status="lock"))
    assert done.evidence is Evidence.VERIFIED
    assert client.states == before


async def test_a_huge_message_ends_the_connection(client: HassClient, hass: SimulatedHass) -> None:
    await hass.send_raw(f'"{"x" * (17 * 2**20)}"')
    await client.until(lambda: client.trouble is not None, 5)
    assert "too big" in str(client.trouble)
    await client.ready(5)


async def test_the_token_is_in_no_log_however_much_is_logged(
    hass: SimulatedHass, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with connected(hass, tmp_path):
            pass
    assert TOKEN not in caplog.text


async def test_numbers_beyond_all_measure_are_none(hass: SimulatedHass, tmp_path: Path) -> None:
    lamp = hass.entities["light.lamp"]
    lamp.state = "on"
    lamp.attributes |= {"brightness": 10**400, "hs_color": [10**400, 10**400]}
    async with connected(hass, tmp_path) as client:
        adapter = HassAdapter(devices(client)["Lamp"], client)
        done = await adapter.call(invocation("get_state", name="lamp"))
        assert done.result == "Lamp is on"
        hass.faults.ignores = True
        call = invocation("set_light", name="lamp", brightness=None, color="#ff0000", timeout=0.3)
        assert (await adapter.call(call)).evidence is Evidence.UNVERIFIED


async def test_of_a_state_only_what_can_be_of_use_is_kept(
    hass: SimulatedHass, tmp_path: Path
) -> None:
    hass.entities["media_player.tv"].attributes |= {
        "source_list": [["x" * 9000] * 100, *(["y" * 9000] * 500)],
        "media_title": "z" * 1_000_000,
        "media_artist": {"a": "b" * 1_000_000},
    }
    async with connected(hass, tmp_path) as client:
        assert len(repr(client.states["media_player.tv"])) < 100_000


@pytest.mark.parametrize("odd", [None, 7, [], {}, [1], {"a": [1]}, "x" * 9000, "a\n\x00b"])
async def test_odd_registries_and_states_cost_nothing_else(
    hass: SimulatedHass, tmp_path: Path, odd: Any
) -> None:
    spoiled = hass.entities["switch.fan"].registered
    spoiled |= dict.fromkeys(("device_id", "id", "area_id", "name", "options", "platform"), odd)
    hass.devices["weather"] |= dict.fromkeys(("name", "area_id", "entry_type"), odd)
    hass.entities["cover.blind"].attributes |= dict.fromkeys(
        ("current_position", "supported_features", "friendly_name", "device_class"), odd
    )
    hass.devices["odd"] = odd
    hass.areas["odd"] = odd
    async with connected(hass, tmp_path) as client:
        assert {"Lamp", "Front Door", "Heating"} <= devices(client).keys()
        assert all(d.name.isprintable() and len(d.name) < 300 for d in devices(client).values())
        done = await HassAdapter(devices(client)["Lamp"], client).call(
            invocation("turn_on", name="lamp")
        )
        assert done.evidence is Evidence.VERIFIED


async def test_a_certificate_must_be_one_that_is_trusted(tmp_path: Path) -> None:
    pem, token = self_signed(tmp_path), tmp_path / "token"
    token.write_text(TOKEN)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    async with SimulatedHass(tls=tls) as hass:
        furnish(hass)
        for more, let_in in (({}, False), ({"ca_file": str(pem)}, True), ({"verify": False}, True)):
            said = {"url": hass.url, "token_file": str(token)} | more
            access = HassOptions.model_validate(said).access()
            assert access
            async with HassClient(access) as client:
                await client.until(
                    lambda: client.trouble is None or "certif" in str(client.trouble), 5
                )
                assert (client.trouble is None) is let_in
                assert let_in or "set adapters.hass.ca_file" in str(client.trouble)


async def test_something_else_that_answers_there_is_told(
    hass: SimulatedHass, tmp_path: Path
) -> None:
    hass.greeting = json.dumps({"hello": "world"})
    async with HassClient(access(hass, tmp_path)) as client:
        await client.until(lambda: "no Home Assistant" in str(client.trouble), 5)
    async with HassClient(access(hass, tmp_path)._replace(url="http://127.0.0.1:1")) as client:
        await client.until(lambda: "cannot be reached" in str(client.trouble), 5)


async def test_a_silent_home_assistant_is_noticed(hass: SimulatedHass, tmp_path: Path) -> None:
    """Something takes the connection and says nothing more: no pong either."""

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = await asyncio.open_connection("127.0.0.1", int(hass.url.rpartition(":")[2]))
        copying = [asyncio.create_task(_copy(reader, upstream[1], stopped)),
                   asyncio.create_task(_copy(upstream[0], writer, stopped))]  # fmt: skip
        await asyncio.gather(*copying)

    stopped = asyncio.Event()
    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    through = access(hass, tmp_path)._replace(url=f"http://127.0.0.1:{port}", ping=0.3)
    async with HassClient(through) as client:
        await client.ready(5)
        stopped.set()
        assert await client.until(lambda: client.trouble is not None, 5)
    server.close()
    await server.wait_closed()


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stopped: asyncio.Event
) -> None:
    while data := await reader.read(65536):
        if not stopped.is_set():
            writer.write(data)
    writer.close()


# The driver


def site(folder: Path, options: HassOptions) -> Site:
    mqtt = MqttClient("127.0.0.1", 1, client_id="hub")
    return Site(mqtt, HaClient(mqtt), folder, options=options)


class Registry:
    """What a driver finds."""

    def __init__(self) -> None:
        self.found: dict[str, Device] = {}
        self.times = 0
        self._news = asyncio.Event()

    def propose(self, device: Device) -> bool:
        self.found[device.id] = device
        self.times += 1
        self._news.set()
        return True

    def withdraw(self, device: str) -> None:
        del self.found[device]
        self._news.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                self._news.clear()
                await self._news.wait()


async def test_what_comes_and_goes_is_proposed_and_withdrawn(
    hass: SimulatedHass, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    options = HassOptions(url=hass.url, token_file=str(tmp_path / "token"))
    driver, registry = HassDriver(site(tmp_path, options)), Registry()
    hass.add("light.tasmota", "on", device="mqtt", platform="mqtt")
    hass.add("light.hidden", "on", device="hidden")
    hass.entities["light.hidden"].registered["hidden_by"] = "user"
    hass.add("switch.led", "on", device="led")
    hass.entities["switch.led"].registered["entity_category"] = "config"
    hass.add("camera.yard", "idle", device="yard")
    async with driver.finding(registry.propose, registry.withdraw):
        await registry.until(lambda: len(registry.found) == 9)
        assert "hass-lamp" in registry.found
        adapter = driver.adapter(registry.found["hass-lamp"])
        assert "set_light" in await adapter.connect()
        await adapter.close()
        hass.add("fan.attic", "off", device="attic", friendly_name="Attic Fan")
        await hass.tell("fan.attic")
        await hass.registries_changed()
        await registry.until(lambda: "hass-attic" in registry.found)
        times = registry.times
        await hass.tell("light.lamp", "on", brightness=7)
        await hass.remove("fan.attic")
        await registry.until(lambda: "hass-attic" not in registry.found)
        assert registry.times == times


async def test_a_home_assistant_on_the_network_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    driver = HassDriver(site(tmp_path, HassOptions()))
    seen = Service("_home-assistant._tcp.local.", "Home", "192.0.2.7", 8123, {"uuid": "x"})
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            assert driver.recognise(seen) is None
    assert caplog.text.count("http://192.0.2.7:8123") == 1
    assert "adapters.hass" in caplog.text
    device = Device(id="x", kind=Kind.HOME, name="x", protocol="hass", address={"hass": "x"})
    with pytest.raises(DeviceNeedsPerson, match="token_file"):
        driver.adapter(device)
    async with driver.finding(lambda _: True, lambda _: None):
        pass


@pytest.mark.parametrize(
    "said",
    [
        {"url": "homeassistant.local", "token_file": "t"},
        {"url": "http://user:secret@host", "token_file": "t"},
        {"url": "http://host:8123"},
        {"token_file": "t"},
        {"url": "https://host", "token_file": "t", "ca_file": "/none"},
        {"url": "http://host", "token_file": "t", "tokens": 1},
    ],
)
def test_settings_that_cannot_be_are_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HassOptions.model_validate(said)
