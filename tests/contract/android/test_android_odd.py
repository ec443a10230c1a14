"""Odd values and odd answers end in a clear outcome: no other error, and no wrong claim."""

from contextlib import suppress
from pathlib import Path

import pytest

from device_adapters.android import AndroidAdapter, cookbook
from device_adapters.simulated.phone import Fault, Manner, Phone, SimulatedPhone
from schemas.base import Scalar
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused, DeviceUnavailable, DeviceUncertain, HubError
from schemas.outcome import Evidence
from tests.contract.android.android_kit import NASTY, Call, invocation
from tests.contract.android.test_android_truth import DEEDS, lies, outcome
from tests.unit.android.test_android_recipes import MANAGING, arguments

VERIFIED = Evidence.VERIFIED

ODD: list[Scalar | None] = [
    None, "", "\0", "\ud800", NASTY, "{level}", "-d", "\n", "08:30\n", "٠٨:٣٠", "https://[",
    "9999-12-31-23-59", True, -1, 11, 1.5, float("nan"), float("inf"), 10**400, 10**5000,
    "1" * 200_000 + "x", "PT" + "1" * 200_000 + "\n", "<" * 200_000,
]  # fmt: skip

GOOD: dict[str, Scalar | None] = {
    "camera": "back", "query": "x", "origin": None, "destination": "x", "mode": "driving",
    "url": "example.org", "name": "Ann", "action": "play", "text": "x", "level": 3,
    "volume_type": "media", "enabled": True, "device_name": "WH-1000XM4", "contact_name": "Ann",
    "phone_number": "+4915112", "message": "x", "recipient": "a@b.org", "title": "x",
    "content": "x", "time": "08:05", "label": "x", "start_time": "2030-01-02-10-00",
    "end_time": None, "path": "/sdcard/x", "tag": "x", "timeout": 1,
}  # fmt: skip

FUNCTIONS = sorted({recipe.function for recipe in cookbook.packaged().recipes})

GARBAGE = [
    "", "\n" * 100_000, "\ufffd\x01²", "Row: 0 _id=abc\n", "Europe\n", "a" * 5000,
    "Row: 0 _id=1" + ", data2=" * 10_000, "ResumedActivity:ActivityRecord{" * 4000,
    "AudioPlaybackConfiguration " + "state:started " * 5000,
    f"<a>/sdcard/window_dump.xml<node text='WH-1000XM4' bounds='[{'9' * 5000},1][2,3]'/></a>",
]  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS)
async def test_odd_values(phone: SimulatedPhone, adapter: AndroidAdapter, function: str) -> None:
    phone.state.provider.add_contact("Ann", "+4915112345")
    names = (arguments() | MANAGING).get(function, set())
    for changed in ({name: odd} for name in sorted(names) for odd in ODD):
        values = {name: GOOD[name] for name in names} | changed
        for verb in (adapter.call, adapter.probe, adapter.present):
            with suppress(HubError):
                await verb(invocation(function, **values))


@pytest.mark.parametrize("said", GARBAGE, ids=lambda said: repr(said[:12]))
@pytest.mark.parametrize(
    "command", ["", "dumpsys", "content", "settings", "getprop", "uiautomator"]
)
async def test_odd_answers(key: Path, command: str, said: str) -> None:
    for deed in DEEDS:
        fault = Fault(command, Manner.ANSWER, times=100, stdout=said)
        ended, happened = await outcome(deed, Phone(), key, fault)
        if not command:
            assert ended is not VERIFIED, deed
        if command == "content":
            assert not lies(ended, happened=happened), deed


async def test_an_answer_nobody_understands_denies_nothing(
    phone: SimulatedPhone, call: Call
) -> None:
    event = {"title": "x", "start_time": "2030-01-02-10-00", "end_time": None}
    phone.inject(
        Fault("events --projection _id --where", Manner.ANSWER, stdout="No result found.\n")
    )
    phone.inject(Fault("events --projection _id --where", Manner.ANSWER, stdout="Row: 7\n"))
    with pytest.raises(DeviceUncertain):
        await call("create_calendar_event", **event)
    assert len(phone.state.events) == 1
    phone.inject(Fault("service call isms", Manner.ANSWER))
    with pytest.raises(DeviceUncertain):
        await call("send_text_message", contact_name="+491511234567", message="Hi")
    phone.inject(Fault("--get", Manner.ANSWER, stdout="volume is 3 in range [0..15]\n"))
    phone.inject(Fault("--get", Manner.ANSWER, stdout="\n"))
    with pytest.raises(DeviceUncertain):
        await call("set_volume", level=9, volume_type="media")


async def test_half_a_contact_that_stays_is_told(phone: SimulatedPhone, call: Call) -> None:
    refusal = "java.lang.SecurityException: no"
    phone.inject(Fault("phone_v2", Manner.ANSWER, stderr=refusal))
    phone.inject(Fault("content delete", Manner.ANSWER, stderr=refusal))
    with pytest.raises(DeviceUncertain, match="not taken back"):
        await call("create_contact", name="Ann", phone_number="+491511234567")


@pytest.mark.parametrize("said", ["", "34\nWARNING: linker\n", "R\n"])
async def test_no_release_no_guess(phone: SimulatedPhone, call: Call, said: str) -> None:
    phone.inject(Fault("ro.build.version.sdk", Manner.ANSWER, stdout=said))
    with pytest.raises(DeviceRefused, match="Android version"):
        await call("press_media_key", action="play")
    assert phone.state.media_keys == []


async def test_a_phone_out_of_reach_has_not_lost_a_file(phone: SimulatedPhone, call: Call) -> None:
    phone.inject(Fault("sync:", Manner.UNPLUG))
    with pytest.raises(DeviceUnavailable):
        await call("pull_file", path="/sdcard/x")


async def test_a_file_that_the_hub_cannot_keep(phone: SimulatedPhone, key: Path) -> None:
    at = {"host": "127.0.0.1", "port": str(phone.port)}
    device = Device(id="pixel", kind=Kind.PHONE, name="Pixel", protocol="adb", address=at)
    adapter = AndroidAdapter(device, key, folder=key, patience=0.0)  # a file, no folder
    with pytest.raises(DeviceRefused, match="cannot keep"):
        await adapter.call(invocation("take_screenshot"))
    done = await adapter.call(invocation("take_a_photo", camera="back"))
    await adapter.close()
    assert (done.evidence, done.result) == (VERIFIED, None)
    assert "stayed on the phone" in done.detail
