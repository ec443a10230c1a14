"""A recording of a phone plays back to the same outcomes, and does not say whose phone it was."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device_adapters.adb.server import AdbServer
from device_adapters.adb.transport import Transport
from device_adapters.android import AndroidAdapter, session
from device_adapters.simulated.phone import Fault, Manner, SimulatedPhone
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.errors import DeviceUnavailable, HubError
from tests.contract.android.handset import Handset, header, reached
from tests.contract.android.recorder import Entry, Recording, Replay, load, save
from tests.contract.android.scrub import Scrubber

STORED = Path(__file__).parents[2] / "fixtures/android/recordings"
SERIAL, NUMBER, FRIEND = "R58M123ABCD", "+49 151 7654321", "Margaret O'Neil"
PRIVATE = (SERIAL, "7654321", "151 76", "Margaret", "O'Neil", "O''Neil", "Geheim", "AC:80:0A:12")
HEADPHONES = "WH-1000XM4"


@pytest.fixture
async def recorded(key: Path, server: AdbServer) -> AsyncIterator[tuple[SimulatedPhone, Handset]]:
    """A phone with somebody's things on it, whose answers are noted."""
    async with SimulatedPhone(serial=SERIAL) as phone:
        phone.state.provider.add_contact(FRIEND, NUMBER)
        at = {"host": "127.0.0.1", "port": str(phone.port)}
        async with reached(at, key, server, real=False, number=NUMBER, record=True) as handset:
            yield phone, handset


async def played(entries: list[Entry], key: Path) -> list[Entry]:
    """How the calls of a recording end when its answers come again."""
    device = Device(id="replay", kind=Kind.PHONE, name="Replay", protocol="adb", address={})
    folder = key.parent.parent / "files"
    adapter = AndroidAdapter(device, key, folder=folder, patience=0.2, transport=Replay(entries))
    outcomes: list[Entry] = []
    for entry in entries:
        if "call" not in entry:
            continue
        wanted = Invocation(
            function=entry["call"], arguments=entry["arguments"], key=entry["key"], timeout=30.0
        )
        try:
            done = await adapter.call(wanted)
            outcomes.append({"evidence": str(done.evidence), "detail": done.detail})
        except HubError as exc:
            outcomes.append({"error": exc.code, "message": str(exc)})
    await adapter.close()
    return outcomes


def noted(entries: list[Entry]) -> list[Entry]:
    """How the calls of a recording ended when it was made."""
    return [json.loads(json.dumps(entry["outcome"])) for entry in entries if "call" in entry]


async def test_a_recording_plays_back_without_anything_private(
    recorded: tuple[SimulatedPhone, Handset],
    key: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    phone, handset = recorded
    await handset.call("make_phone_call", phone_number=FRIEND)
    phone.state.call_state = 0
    await handset.call("send_text_message", contact_name=FRIEND, message="Geheim: it's 5")
    await handset.call("create_contact", name="Geheim", phone_number=NUMBER)
    await handset.call("list_contacts")
    await handset.call("show_notification", text="Geheim")
    await handset.call("list_notifications")
    await handset.call("connect_to_bluetooth_device", device_name=HEADPHONES, timeout=1)
    await handset.call("set_timer_alarm", time="07:30", label="x")
    await handset.call("search_youtube_videos", query="x")
    await handset.call("take_a_photo", camera="back")
    await handset.call("take_screenshot")
    await handset.call("set_volume", level=3, volume_type="media")
    with pytest.raises(HubError):
        await handset.call("pull_file", path="/sdcard/none")
    phone.inject(Fault("set_dnd", Manner.UNPLUG))
    with pytest.raises(HubError):
        await handset.call("enable_do_not_disturb", enabled=True)
    assert handset.recorded
    entries = [await header(handset, "all"), *handset.recorded]
    assert FRIEND in str(entries)

    save(Scrubber().scrubbed(entries), tmp_path / "all.jsonl")
    text = (tmp_path / "all.jsonl").read_text()
    assert [word for word in (*PRIVATE, HEADPHONES) if word in text] == []
    again = load(tmp_path / "all.jsonl")
    assert again[0] == {"test": "all", "model": "Pixel 8", "sdk": "34"}
    assert len(noted(again)) == 14

    monkeypatch.setattr(session, "POLL", 0.0)
    assert await played(again, key) == noted(again)


async def test_the_recordings_of_real_phones_play_back(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those in the fixtures; a recipe that asks something else needs a new recording."""
    monkeypatch.setattr(session, "POLL", 0.0)
    for path in sorted(STORED.rglob("*.jsonl")):
        entries = load(path)
        assert await played(entries, key) == noted(entries), path


async def test_what_was_never_asked_has_no_answer() -> None:
    asked = {"asked": ["wm", "size"], "stdout": "ok\n", "stderr": "", "code": 0}
    replay = Replay([asked])
    for _ in range(3):  # the last answer of its kind comes again
        assert (await replay.shell("wm", "size", within=1)).stdout == "ok\n"
    with pytest.raises(DeviceUnavailable, match="does not know: wm density"):
        await replay.shell("wm", "density", within=1)


async def test_files_and_binary_outputs_are_samples(
    recorded: tuple[SimulatedPhone, Handset],
) -> None:
    phone, handset = recorded
    noted: list[Entry] = []
    through: Transport = Recording(handset.beside, noted)
    data = b"\x89PNG secret picture" * 9000
    await through.push(data, "/sdcard/Download/x.png", within=5)
    assert await through.pull("/sdcard/Download/x.png", within=5) == data
    assert (await through.exec_out("screencap", "-p", within=5)).startswith(b"\x89PNG")
    assert "secret picture" * 2 not in str(noted)

    replay = Replay(noted)
    await replay.push(b"another", "/sdcard/Download/x.png", within=5)
    again = await replay.pull("/sdcard/Download/x.png", within=5)
    assert (again[:4], len(again)) == (data[:4], len(data))
    assert (await replay.exec_out("screencap", "-p", within=5)).startswith(b"\x89PNG\r\n\x1a\n")
    assert phone.state.files.read("/sdcard/Download/x.png") == data


def test_a_number_is_the_same_made_up_one_however_it_is_written() -> None:
    said = "tel:+491517654321 and +49 151 7654321, IMEI 490154203237518, a.b@c.de, 10.0.0.7"
    entry = {"asked": ["x"], "stdout": said, "stderr": "", "code": 0}
    [clean] = Scrubber().scrubbed([entry])
    first, _, second = clean["stdout"].partition(" and ")
    number, rest = second.split(", ", 1)
    assert number.replace(" ", "") == first.removeprefix("tel:")
    assert "7654321" not in clean["stdout"]
    assert rest == "IMEI 000000000000000, person3@example.org, 192.0.2.1"
