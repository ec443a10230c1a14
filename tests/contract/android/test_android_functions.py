"""Every function does what it says to the phone, and claims no more than it saw."""

import json
import tomllib
from pathlib import Path

import pytest

from device_adapters.android import AndroidAdapter
from device_adapters.simulated.phone import Fault, Manner, SimulatedPhone, settings
from device_adapters.simulated.phone.manners import Manners
from device_adapters.simulated.phone.state import PLAYING, Alarm, Timer
from schemas.errors import DeviceNeedsPerson, DeviceRefused, DeviceUncertain
from schemas.outcome import Evidence
from tests.contract.android.android_kit import NASTY, Call, invocation

VERIFIED, UNVERIFIED, DRAFTED = Evidence.VERIFIED, Evidence.UNVERIFIED, Evidence.DRAFTED


async def test_it_serves_every_function_of_the_catalogue_for_phones(
    adapter: AndroidAdapter,
) -> None:
    tables = [tomllib.loads(p.read_text()) for p in Path("config/functions").glob("*.toml")]
    functions = [function for table in tables for function in table["function"]]
    wanted = {function["name"] for function in functions if "phone" in function["kinds"]}
    assert wanted <= await adapter.connect()


async def test_it_does_not_serve_what_the_shell_is_denied(
    phone: SimulatedPhone, adapter: AndroidAdapter
) -> None:
    for name in ("CALL_PHONE", "READ_CONTACTS"):
        phone.state.permissions[name] = False
    assert (await adapter.connect()).isdisjoint(("make_phone_call", "list_contacts"))


@pytest.mark.parametrize("camera", ["front", "back", "frontal", "front\n"])
async def test_take_a_photo(phone: SimulatedPhone, call: Call, camera: str) -> None:
    phone.state.take_photo()
    phone.state.awake = False
    done = await call("take_a_photo", camera=camera)
    assert done.evidence is VERIFIED
    assert [photo.id for photo in phone.state.photos] == [1, 2]
    assert Path(str(done.result)).read_bytes() == phone.state.files.read(phone.state.photos[1].path)


async def test_a_photo_nobody_saw_is_uncertain(phone: SimulatedPhone, call: Call) -> None:
    phone.state.take_photo()
    phone.state.camera_works = False
    with pytest.raises(DeviceUncertain):
        await call("take_a_photo", camera="back")


async def test_a_photo_that_cannot_be_fetched_was_still_taken(
    phone: SimulatedPhone, call: Call
) -> None:
    phone.inject(Fault("sync:", Manner.REFUSE))
    done = await call("take_a_photo", camera="back")
    assert (done.evidence, done.result) == (VERIFIED, None)
    assert "stayed on the phone" in done.detail


@pytest.mark.parametrize("missing", [(), ("com.google.android.youtube",)])
async def test_search_youtube_videos(
    phone: SimulatedPhone, call: Call, missing: tuple[str, ...]
) -> None:
    for package in missing:
        del phone.state.packages[package]
    done = await call("search_youtube_videos", query="lo fi & chill")
    assert done.evidence is VERIFIED
    url = "https://www.youtube.com/results?search_query=lo%20fi%20%26%20chill"
    assert phone.state.intents == [url]


async def test_find_route(phone: SimulatedPhone, call: Call) -> None:
    done = await call("find_route_google_maps", origin=None, destination="C/D", mode="walking")
    assert done.evidence is VERIFIED
    url = "https://www.google.com/maps/dir/?api=1&destination=C%2FD&travelmode=walking"
    assert phone.state.intents == [url]


async def test_nothing_can_show_a_page(phone: SimulatedPhone, call: Call) -> None:
    phone.state.packages.clear()
    with pytest.raises(DeviceRefused, match="no app"):
        await call("open_url", url="https://example.org/")


async def test_alarms_and_timers(phone: SimulatedPhone, call: Call) -> None:
    alarm = await call("set_timer_alarm", time="08:05", label="--ez")
    timer = await call("set_timer_alarm", time="PT1H5M", label="tea")
    second = await call("set_timer_alarm", time="PT30S", label="egg")
    evidence = [alarm.evidence, timer.evidence, second.evidence]
    assert evidence == [VERIFIED, VERIFIED, UNVERIFIED]
    assert phone.state.alarms == [Alarm(8, 5, "--ez")]
    assert phone.state.timers == [Timer(3900, "tea"), Timer(30, "egg")]


async def test_an_alarm_like_one_that_stands_already_is_not_proved(
    phone: SimulatedPhone, call: Call
) -> None:
    await call("set_timer_alarm", time="07:30", label="x")
    phone.state.manners = Manners(clock_saves=False)
    assert (await call("set_timer_alarm", time="07:30", label="y")).evidence is UNVERIFIED


async def test_a_timer_that_cannot_be_looked_for_is_set_all_the_same(
    phone: SimulatedPhone, call: Call
) -> None:
    phone.inject(Fault("dumpsys alarm", Manner.REFUSE))
    done = await call("set_timer_alarm", time="PT10M", label="tea")
    assert done.evidence is UNVERIFIED
    assert phone.state.timers == [Timer(600, "tea")]


@pytest.mark.parametrize("time", ["24:00", "8:05", "PT", "PT25H", "PT0S", "soon"])
async def test_times_that_are_none(call: Call, time: str) -> None:
    with pytest.raises(DeviceRefused):
        await call("set_timer_alarm", time=time, label="x")


@pytest.mark.parametrize(("level", "index"), [(0, "0"), (4, "102"), (10, "255")])
async def test_brightness(phone: SimulatedPhone, call: Call, level: int, index: str) -> None:
    done = await call("change_screen_brightness", level=level)
    assert done.evidence is VERIFIED
    system = phone.state.settings["system"]
    assert (system["screen_brightness_mode"], system["screen_brightness"]) == ("0", index)


@pytest.mark.parametrize("sdk", [30, 34])
@pytest.mark.parametrize("highest", [2047, 4095])
async def test_a_makers_own_scale_is_told_at_any_brightness(
    phone: SimulatedPhone, call: Call, highest: int, sdk: int
) -> None:
    phone.state.sdk, phone.state.manners = sdk, Manners(brightest=highest)
    system = phone.state.settings["system"]
    for now in (0, 1, 2, 3, 10, 20, 50, 100, 200, 255, 300, highest):
        settings.set_brightness(phone.state, now / highest)
        done = await call("change_screen_brightness", level=7)
        assert done.evidence is UNVERIFIED
        assert abs(int(system["screen_brightness"]) / highest - 0.7) < 0.01


async def test_an_ordinary_scale_is_not_taken_for_a_makers(
    phone: SimulatedPhone, call: Call
) -> None:
    for now in range(4, 256):
        settings.set_brightness(phone.state, now / 255)
        assert (await call("change_screen_brightness", level=7)).evidence is VERIFIED


async def test_a_setting_that_did_not_stick_is_refused(phone: SimulatedPhone, call: Call) -> None:
    phone.inject(Fault("get system screen_brightness", Manner.ANSWER, times=3, stdout="7\n"))
    with pytest.raises(DeviceRefused, match="did not do it"):
        await call("change_screen_brightness", level=9)


@pytest.mark.parametrize(("end", "hours"), [(None, 1), ("2025-12-24-11-30", 2)])
async def test_create_calendar_event(
    phone: SimulatedPhone, call: Call, end: str | None, hours: int
) -> None:
    start = "2025-12-24-09-30"
    done = await call("create_calendar_event", title=NASTY, start_time=start, end_time=end)
    assert done.evidence is VERIFIED
    begins = 1766565000000  # 08:30 UTC
    ends = begins + hours * 3_600_000
    assert phone.state.events == [(NASTY, begins, ends, "Europe/Berlin")]


async def test_an_event_that_ends_before_it_starts(call: Call) -> None:
    times = {"start_time": "2025-12-24-09-30", "end_time": "2025-12-24-08-30"}
    with pytest.raises(DeviceRefused, match="before it starts"):
        await call("create_calendar_event", title="x", **times)


@pytest.mark.parametrize(
    ("kind", "stream", "level", "index"),
    [("ring", 2, 0, 0), ("media", 3, 5, 8), ("alarm", 4, 0, 1)],
)
async def test_set_volume(
    phone: SimulatedPhone, call: Call, kind: str, stream: int, level: int, index: int
) -> None:
    done = await call("set_volume", level=level, volume_type=kind)
    assert done.evidence is VERIFIED
    assert phone.state.volumes[stream].index == index


async def test_bluetooth(phone: SimulatedPhone, call: Call) -> None:
    phone.state.bluetooth.on = False
    arguments = {"device_name": "wh-1000xm4", "timeout": 1}
    assert (await call("connect_to_bluetooth_device", **arguments)).evidence is DRAFTED
    phone.state.bluetooth.in_reach = {"WH-1000XM4"}
    assert (await call("connect_to_bluetooth_device", **arguments)).evidence is VERIFIED
    with pytest.raises(DeviceRefused, match="WH-1000XM4"):
        await call("connect_to_bluetooth_device", device_name="Toaster", timeout=1)


async def test_bluetooth_taps_nothing_but_its_own_page(phone: SimulatedPhone, call: Call) -> None:
    await call("ask_person", tag="x", title="WH-1000XM4", text="x", url="https://example.org")
    phone.state.shade, phone.state.manners = True, Manners(start_looks=10_000)
    done = await call("connect_to_bluetooth_device", device_name="WH-1000XM4", timeout=1)
    assert (done.evidence, phone.state.shade) == (DRAFTED, True)


async def test_do_not_disturb(phone: SimulatedPhone, call: Call) -> None:
    for enabled, zen in ((True, "1"), (False, "0")):
        done = await call("enable_do_not_disturb", enabled=enabled)
        assert (done.evidence, phone.state.settings["global"]["zen_mode"]) == (VERIFIED, zen)


@pytest.mark.parametrize("name", ["Spotify", "you tube", "Google Maps", "settings"])
async def test_open_application(phone: SimulatedPhone, call: Call, name: str) -> None:
    phone.state.packages["com.google.android.apps.youtube.music"] = ".Main"
    assert (await call("open_application", name=name)).evidence is VERIFIED
    assert "launcher" not in phone.state.resumed


@pytest.mark.parametrize("name", ["android", "Nothing", "com", "🙂"])
async def test_applications_that_are_none_or_many(call: Call, name: str) -> None:
    with pytest.raises(DeviceRefused, match=r"no app|several apps"):
        await call("open_application", name=name)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc", "tel:112", "https://"])
async def test_urls_that_are_no_web_page(phone: SimulatedPhone, call: Call, url: str) -> None:
    with pytest.raises(DeviceRefused):
        await call("open_url", url=url)
    assert phone.state.intents == []


async def test_media_control(phone: SimulatedPhone, call: Call) -> None:
    assert (await call("media_control", action="play")).evidence is VERIFIED
    assert phone.state.media_state == PLAYING
    assert (await call("media_control", action="next")).evidence is UNVERIFIED
    with pytest.raises(DeviceRefused):
        await call("media_control", action="rewind")
    assert phone.state.media_keys == ["play", "next"]


async def test_lock_screen_and_what_then_needs_a_person(phone: SimulatedPhone, call: Call) -> None:
    phone.state.secure = True
    assert (await call("lock_screen")).evidence is VERIFIED
    assert not phone.state.awake
    with pytest.raises(DeviceNeedsPerson):
        await call("open_url", url="https://example.org/")
    phone.state.secure = False
    assert (await call("open_url", url="https://example.org/")).evidence is VERIFIED


async def test_take_screenshot(call: Call) -> None:
    done = await call("take_screenshot")
    assert Path(str(done.result)).read_bytes().startswith(b"\x89PNG")


async def test_show_notification(phone: SimulatedPhone, call: Call) -> None:
    done = await call("show_notification", text=NASTY)
    assert done.evidence is VERIFIED
    assert [note.text for note in phone.state.notifications] == [NASTY]


async def test_ask_person_shows_what_it_asks_now(phone: SimulatedPhone, call: Call) -> None:
    for text in ("One?", NASTY):
        done = await call("ask_person", tag="x", title="Door", text=text, url="https://a.org/\nb")
        assert done.evidence is VERIFIED
        assert [note.text for note in phone.state.notifications] == [text]
    phone.state.manners = Manners(notifications_shown=False)
    done = await call("ask_person", tag="x", title="Door", text="Two?", url=None)
    assert done.evidence is UNVERIFIED


async def test_list_notifications(phone: SimulatedPhone, call: Call) -> None:
    texts = ["1\n2", "x\n    NotificationRecord(\n      android.title=String (y", NASTY, "(a)\n(b)"]
    for count, text in enumerate(texts):
        await call("ask_person", tag=str(count), title=f"T\n{text}", text=text, url=None)
    rows = json.loads(str((await call("list_notifications")).result))
    assert rows == [
        {"app": "com.android.shell", "title": f"T\n{text}", "text": text} for text in texts
    ]


async def test_exit_zero_is_not_success(phone: SimulatedPhone, call: Call) -> None:
    phone.inject(Fault("put system", Manner.ANSWER, stdout="usage: settings SUBCMD\n"))
    with pytest.raises(DeviceRefused, match="usage"):
        await call("change_screen_brightness", level=3)


async def test_a_missing_argument_sends_nothing(phone: SimulatedPhone, call: Call) -> None:
    for text in ("", "\0", None):
        with pytest.raises(DeviceRefused):
            await call("show_notification", text=text)
    assert phone.state.notifications == []


async def test_a_function_of_other_devices_is_refused(call: Call) -> None:
    with pytest.raises(DeviceRefused, match="honk"):
        await call("honk_and_flash")


async def test_probes_tell_what_happened(
    phone: SimulatedPhone, adapter: AndroidAdapter, call: Call
) -> None:
    event = {"title": "Lunch", "start_time": "2025-12-24-12-00", "end_time": None}
    alarm = {"time": "07:30", "label": "x"}
    timer = {"time": "PT5M", "label": "x"}
    for function, arguments in (("create_calendar_event", event), ("set_timer_alarm", alarm)):
        assert await adapter.probe(invocation(function, **arguments)) is None
        done = await call(function, **arguments)
        assert await adapter.probe(invocation(function, **arguments)) == done
    assert await adapter.probe(invocation("set_timer_alarm", **timer)) is None
    await call("set_timer_alarm", **timer)
    with pytest.raises(DeviceUncertain):  # a timer runs: this one, or another
        await adapter.probe(invocation("set_timer_alarm", **timer))
    assert await adapter.probe(invocation("lock_screen")) is None
