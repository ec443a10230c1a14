"""What every phone must do, judged by nothing but what the phone itself says.

These run on the simulated phone, and with `--serial` on a real one: there a person is asked first
(docs/howto/real-phone-suite.md). Each takes away what it left, and nothing else.
"""

import json
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from schemas.errors import DeviceRefused
from schemas.outcome import Evidence
from tests.contract.android.handset import WITHIN, Handset

pytestmark = pytest.mark.any_phone

VERIFIED, UNVERIFIED, DRAFTED = Evidence.VERIFIED, Evidence.UNVERIFIED, Evidence.DRAFTED
CONTACTS, CALENDAR = "content://com.android.contacts", "content://com.android.calendar"
IMAGES = "content://media/external/images/media"
MUSIC, ALARM = (("cmd", "media_session", "volume", "--stream", n) for n in ("3", "4"))
HOME, END_CALL = "3", "6"


@pytest.fixture
async def front(handset: Handset) -> AsyncIterator[Handset]:
    """A phone that shows its home screen, before and after."""
    await handset.look("input", "keyevent", HOME)
    yield handset
    await handset.look("input", "keyevent", HOME)


async def resumed(handset: Handset) -> str:
    """The package that is in front."""
    said = await handset.look("dumpsys", "activity", "activities")
    found = re.search(r"ResumedActivity[=:].*? ([\w.]+)/", said)
    return found[1] if found else ""


async def test_the_phone_serves_functions(handset: Handset) -> None:
    served = await handset.adapter.connect()
    assert {"set_volume", "change_screen_brightness", "take_screenshot"} <= served
    assert handset.adapter.model == (await handset.look("getprop", "ro.product.model")).strip()


async def test_brightness(handset: Handset) -> None:
    names = ("screen_brightness_mode", "screen_brightness")
    before = [(await handset.look("settings", "get", "system", name)).strip() for name in names]
    seen = []
    try:
        for level in (3, 8):
            done = await handset.call("change_screen_brightness", level=level)
            assert done.evidence is VERIFIED
            seen += [int(await handset.look("settings", "get", "system", name)) for name in names]
    finally:
        for name, value in zip(names, before, strict=True):
            await handset.look("settings", "put", "system", name, value)
    assert (seen[0], seen[2]) == (0, 0)  # no longer automatic
    assert 0 < seen[1] < seen[3]


@pytest.mark.parametrize("level", [2, 6])
async def test_volume(handset: Handset, level: int) -> None:
    said = await handset.look(*MUSIC, "--get")
    found = re.search(r"volume is (\d+) in range \[(\d+)\.\.(\d+)\]", said)
    assert found, said
    before, lowest, highest = map(int, found.groups())
    try:
        done = await handset.call("set_volume", level=level, volume_type="media")
        assert done.evidence is VERIFIED
        wanted = lowest + round((highest - lowest) * level / 10)
        assert f"volume is {wanted} in" in await handset.look(*MUSIC, "--get")
    finally:
        await handset.look(*MUSIC, "--set", str(before))


async def test_do_not_disturb(handset: Handset) -> None:
    before = (await handset.look("settings", "get", "global", "zen_mode")).strip()
    names = {"0": "off", "1": "priority", "2": "none", "3": "alarms"}
    try:
        for enabled, zen in ((True, "1"), (False, "0")):
            done = await handset.call("enable_do_not_disturb", enabled=enabled)
            assert done.evidence is VERIFIED
            assert (await handset.look("settings", "get", "global", "zen_mode")).strip() == zen
    finally:
        await handset.look("cmd", "notification", "set_dnd", names.get(before, "off"))


async def test_take_a_photo(front: Handset) -> None:
    await front.ask("This takes a photo, and deletes it again.")
    before = {row[0] for row in await front.rows(IMAGES, "_id", "1=1")}
    done = await front.call("take_a_photo", camera="back")
    new = [row for row in await front.rows(IMAGES, "_id _data", "1=1") if row[0] not in before]
    try:
        assert done.evidence is VERIFIED
        assert len(new) == 1
        taken = await front.beside.pull(new[0][1], within=WITHIN)
        assert Path(str(done.result)).read_bytes() == taken
        assert taken.startswith(b"\xff\xd8\xff")
    finally:
        for identity, _ in new:
            await front.look("content", "delete", "--uri", f"{IMAGES}/{identity}")


async def test_make_phone_call(front: Handset) -> None:
    number = front.number
    await front.ask(f"This calls {number} from the phone, and hangs up.")
    try:
        done = await front.call("make_phone_call", phone_number=number)
        assert done.evidence is VERIFIED
        said = await front.look("dumpsys", "telephony.registry")
        assert "mCallState=2" in said
    finally:
        await front.look("input", "keyevent", END_CALL)
    assert "mCallState=2" not in await front.until(
        r"\A(?![\s\S]*mCallState=2)", "dumpsys", "telephony.registry"
    )


@pytest.mark.parametrize("number", ["112", "110", "911"])
async def test_emergency_numbers_are_not_called(handset: Handset, number: str) -> None:
    for function in ("make_phone_call", "send_text_message"):
        with pytest.raises(DeviceRefused, match="emergency"):
            await handset.call(function, phone_number=number, contact_name=number, message="x")
    assert "mCallState=2" not in await handset.look("dumpsys", "telephony.registry")


async def test_send_text_message(front: Handset) -> None:
    number, text = front.number, f'{front.mark}: it\'s "50%" $HOME `id`; 漢字'
    await front.ask(f"This sends a text message to {number}.")
    done = await front.call("send_text_message", contact_name=number, message=text)
    assert done.evidence in (VERIFIED, DRAFTED)
    if done.evidence is VERIFIED:
        where = f"body LIKE '{front.mark}%'"
        [(address, body)] = await front.rows("content://sms/sent", "address body", where)
        assert body == text
        assert re.sub(r"\D", "", address)[-9:] == re.sub(r"\D", "", number)[-9:]


async def test_create_contact(handset: Handset) -> None:
    name = f"{handset.mark} O'Neil 漢字"
    await handset.ask(f"This makes a contact {name!r}, and deletes it again.")
    where = f"display_name='{name.replace(chr(39), 2 * chr(39))}'"
    phones = f"{CONTACTS}/data/phones"
    made = []
    try:
        done = await handset.call("create_contact", name=name, phone_number="+4915112345678")
        made = await handset.rows(phones, "raw_contact_id data1", where)
        assert done.evidence is VERIFIED
        assert [number.replace(" ", "") for _, number in made] == ["+4915112345678"]
        rows = json.loads(str((await handset.call("list_contacts")).result))
        assert name in [row["name"] for row in rows]
    finally:
        for raw, _ in made:
            await handset.look("content", "delete", "--uri", f"{CONTACTS}/raw_contacts/{raw}")
    assert await handset.rows(phones, "raw_contact_id", where) == []


async def test_create_calendar_event(handset: Handset) -> None:
    title = f'{handset.mark} "it\'s" 漢字'
    await handset.ask(f"This makes a calendar event {title!r}, and deletes it again.")
    day = datetime.now() + timedelta(days=40)
    arguments = {"start_time": f"{day:%Y-%m-%d}-10-00", "end_time": None}
    where = f"title='{title.replace(chr(39), 2 * chr(39))}' AND deleted=0"
    events = f"{CALENDAR}/events"
    made = []
    try:
        done = await handset.call("create_calendar_event", title=title, **arguments)
        made = await handset.rows(events, "_id dtstart dtend", where)
        assert done.evidence is VERIFIED
        [(_, start, end)] = made
        assert int(end) - int(start) == 3_600_000
    finally:
        for row in made:
            await handset.look("content", "delete", "--uri", f"{events}/{row[0]}")
    assert await handset.rows(events, "_id", where) == []


async def test_alarm_and_timer(handset: Handset) -> None:
    await handset.ask("This sets an alarm for 04:44 and a timer of 20 hours: delete both yourself.")
    for time in ("04:44", "PT20H"):
        done = await handset.call("set_timer_alarm", time=time, label=handset.mark)
        assert done.evidence in (VERIFIED, UNVERIFIED)
    said = await handset.look("dumpsys", "alarm")
    assert re.search(r"triggerTime=\d{4}-\d\d-\d\d 04:44:", said)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("search_youtube_videos", {"query": "lo fi & chill"}),
        ("find_route_google_maps", {"origin": None, "destination": "C/D", "mode": "walking"}),
        ("open_url", {"url": "https://example.org/?q=a&b=c"}),
        ("open_application", {"name": "settings"}),
        ("send_email", {"recipient": "a@example.org", "title": "1 & 2?", "content": "it's\nhi"}),
    ],
)
async def test_what_opens_an_app(
    front: Handset, function: str, arguments: dict[str, str | None]
) -> None:
    launcher = await resumed(front)
    done = await front.call(function, **arguments)
    if function == "send_email":
        assert done.evidence is DRAFTED
    if done.evidence is VERIFIED:
        assert await resumed(front) not in ("", launcher)


async def test_bluetooth(front: Handset) -> None:
    radio = ("settings", "get", "global", "bluetooth_on")
    before = (await front.look(*radio)).strip()
    said = await front.look("dumpsys", "bluetooth_manager")
    names = re.findall(r"(?m)^\s+(?:[\dA-FX]{2}:){5}[\dA-F]{2} +\[.*\] +(.+?)\s*$", said)
    if not names:
        pytest.skip("the phone is paired with no Bluetooth device")
    await front.ask(f"This connects the phone to {names[0]}.")
    try:
        done = await front.call("connect_to_bluetooth_device", device_name=names[0], timeout=10)
        assert done.evidence in (VERIFIED, DRAFTED)
        assert (await front.look(*radio)).strip() == "1"
    finally:
        if before == "0":
            await front.look("svc", "bluetooth", "disable")


async def test_battery_and_storage(handset: Handset) -> None:
    battery = json.loads(str((await handset.call("battery_status")).result))
    assert f"level: {battery['level']}" in await handset.look("dumpsys", "battery")
    storage = json.loads(str((await handset.call("storage_status")).result))
    assert 0 < storage["free"] < storage["total"]


async def test_take_screenshot(handset: Handset) -> None:
    done = await handset.call("take_screenshot")
    picture = Path(str(done.result)).read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width = int.from_bytes(picture[16:20], "big")
    height = int.from_bytes(picture[20:24], "big")
    sizes = re.findall(r"size: (\d+)x(\d+)", await handset.look("wm", "size"))
    assert sorted((width, height)) in [sorted(map(int, size)) for size in sizes]


async def test_notifications(handset: Handset) -> None:
    text = f'{handset.mark} it\'s "so" 漢字'
    shown = await handset.call("show_notification", text=text)
    asked = await handset.call("ask_person", tag="test", title=text, text="Yes?", url=None)
    assert (shown.evidence, asked.evidence) == (VERIFIED, VERIFIED)
    rows = json.loads(str((await handset.call("list_notifications")).result))
    assert {(row["title"], row["text"]) for row in rows} >= {(text, "Yes?")}
    assert text in [row["text"] for row in rows]


async def test_pull_file(handset: Handset) -> None:
    data = bytes(range(256)) * 300
    path = f"/sdcard/Download/{handset.mark}'s.bin"
    await handset.beside.push(data, path, within=WITHIN)
    try:
        done = await handset.call("pull_file", path=path)
        assert Path(str(done.result)).read_bytes() == data
    finally:
        await handset.look("rm", path)
    with pytest.raises(DeviceRefused):
        await handset.call("pull_file", path=path)


async def test_media_keys(handset: Handset) -> None:
    for function in ("media_control", "press_media_key"):
        done = await handset.call(function, action="pause")
        assert done.evidence in (VERIFIED, UNVERIFIED)
    said = await handset.look("dumpsys", "media_session")
    assert not re.search(r"PlaybackState \{state=(?:PLAYING\()?3", said)


async def test_ring_and_be_quiet(handset: Handset) -> None:
    await handset.ask("This lets the phone ring aloud, and stops it.")
    rings = r"state:started .*usage=USAGE_ALARM"
    before = re.search(r"volume is (\d+)", await handset.look(*ALARM, "--get"))
    try:
        assert (await handset.call("ring_phone")).evidence in (VERIFIED, UNVERIFIED)
    finally:
        quiet = await handset.call("stop_ringing")
        if before:
            await handset.look(*ALARM, "--set", before[1])
    assert quiet.evidence is VERIFIED
    assert not re.search(rings, await handset.look("dumpsys", "audio"))


async def test_lock_screen(handset: Handset) -> None:
    await handset.ask("This locks the screen; unlock it afterwards.")
    assert (await handset.call("lock_screen")).evidence in (VERIFIED, UNVERIFIED)
    said = await handset.until(r"mWakefulness=(?!Awake)", "dumpsys", "power")
    assert "mWakefulness=Awake" not in said
    await handset.look("input", "keyevent", "224")
