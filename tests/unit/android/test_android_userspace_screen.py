"""What is in front, what a tap does, and the lock screen between."""

import xml.etree.ElementTree as ET

import pytest

from device_adapters.simulated.phone import Phone
from device_adapters.simulated.phone.makers import BARE, SAMSUNG
from device_adapters.simulated.phone.manners import Camera, Manners
from device_adapters.simulated.phone.state import Sim
from device_adapters.simulated.phone.values import OFFHOOK
from tests.unit.android.conftest import NewPhone
from tests.unit.android.userspace_kit import bounds, line, out, run, tap

WEB = "am start -W -a android.intent.action.VIEW -d https://example.org/"
CAMERA = "am start -W -a android.media.action.STILL_IMAGE_CAMERA"
CALL = "am start -W -a android.intent.action.CALL -d tel:+49151"
BLUETOOTH = "am start -a android.settings.BLUETOOTH_SETTINGS"


def front(phone: Phone) -> str:
    """The package that `dumpsys` says is in front."""
    said = out(phone, "dumpsys activity activities | grep -m 1 ResumedActivity")
    return said.split(" u0 ")[1].partition("/")[0]


def test_starting_tells_who_started(phone: Phone) -> None:
    said = out(phone, WEB)
    assert said.startswith("Starting: Intent { act=android.intent.action.VIEW dat=https://example")
    assert "Status: ok\n" in said
    assert "Activity: com.android.chrome/com.google.android.apps.chrome.Main\n" in said
    assert front(phone) == "com.android.chrome"
    _, wrong, code = line(phone, WEB)
    assert (wrong[:34], code) == ("Warning: Activity not started, int", 0)


@pytest.mark.parametrize(
    ("sdk", "options", "where", "code"),
    [(33, "-W", 0, 0), (33, "", 1, 0), (34, "-W", 1, 1), (34, "", 1, 1)],
)
def test_where_a_failed_start_is_told(
    new_phone: NewPhone, sdk: int, options: str, where: int, code: int
) -> None:
    phone = new_phone(sdk=sdk)
    for words, error in (
        (
            "-a android.intent.action.VIEW -d foo:bar",
            "Error: Activity not started, unable to resolve",
        ),
        (
            "-n com.android.chrome/.Nothing",
            "Error type 3\nError: Activity class {com.android.chrome",
        ),
    ):
        *said, ended = line(phone, f"am start {options} {words}")
        assert (error in said[where], error in said[1 - where], ended) == (True, False, code)
    assert phone.intents == []


def test_private_parts_of_an_intent_are_not_printed(phone: Phone) -> None:
    assert "dat=tel:xxxxxx" in out(phone, CALL)
    assert "example.org/..." in out(phone, f"{WEB}private")


def test_behind_the_lock_screen(phone: Phone) -> None:
    out(phone, "input keyevent SLEEP")
    out(phone, WEB)
    assert front(phone) == "com.google.android.apps.nexuslauncher"
    out(phone, "input keyevent 224")
    assert "showing=true" in out(phone, "dumpsys window policy")
    assert "mCurrentFocus=Window{3f2a1b0 u0 NotificationShade}" in out(phone, "dumpsys window")
    phone.secure = True
    out(phone, "wm dismiss-keyguard; input swipe 500 2000 500 300")
    assert phone.locked
    phone.secure = False
    out(phone, "input swipe 500 2000 500 300")
    assert (phone.locked, front(phone)) == (False, "com.android.chrome")


def test_a_call_shows_over_the_lock_screen(phone: Phone) -> None:
    out(phone, "input keyevent SLEEP")
    out(phone, CALL)
    assert (phone.call_state, front(phone)) == (OFFHOOK, "com.google.android.dialer")
    assert "mCallState=2" in out(phone, "dumpsys telephony.registry")
    out(phone, "input keyevent ENDCALL")
    assert "mCallState=0" in out(phone, "dumpsys telephony.registry")


def test_a_call_that_is_not_allowed(phone: Phone) -> None:
    phone.permissions["CALL_PHONE"] = False
    _, wrong, code = line(phone, CALL)
    assert ("SecurityException: Permission Denial" in wrong, code) == (True, 255)
    assert phone.called == []


def test_two_sims_without_a_default_ask(new_phone: NewPhone) -> None:
    phone = new_phone(sims=[Sim(1, "Red"), Sim(2, "Blue")])
    phone.settings["global"]["multi_sim_voice_call"] = "-1"
    out(phone, CALL)
    assert (phone.called, front(phone)) == ([], "com.google.android.dialer")
    tap(phone, "Blue")
    assert phone.called == ["+49151"]
    said = out(phone, "dumpsys telephony.registry")
    assert said.index("Phone Id=1") < said.index("mCallState=2")


@pytest.mark.parametrize("sims", [[], [Sim()]])
def test_no_sim_or_no_radio_no_call(new_phone: NewPhone, sims: list[Sim]) -> None:
    phone = new_phone(sims=sims)
    phone.settings["global"]["airplane_mode_on"] = "1"
    out(phone, CALL)
    assert (phone.called, phone.call_state) == ([], 0)
    tap(phone, "OK")
    assert phone.dialog is None


def test_bluetooth_settings_connect_what_is_tapped(new_phone: NewPhone) -> None:
    phone = new_phone(manners=Manners(bluetooth_connects=False))
    phone.bluetooth.in_reach = {"WH-1000XM4"}
    out(phone, "cmd bluetooth_manager enable")
    assert "state=Disconnected" in out(phone, "dumpsys bluetooth_manager")
    out(phone, BLUETOOTH)
    tap(phone, "WH-1000XM4")
    assert "state=Connected" in out(phone, "dumpsys bluetooth_manager")
    assert bounds(phone, "Active")
    phone.bluetooth.in_reach = set()
    tap(phone, "WH-1000XM4")  # lets go of it
    tap(phone, "WH-1000XM4")  # out of reach
    assert phone.bluetooth.connected == set()


def test_a_drafted_text_goes_out_when_send_is_tapped(phone: Phone) -> None:
    words = ("-a", "android.intent.action.SENDTO", "-d", "smsto:%2B49151", "--es", "sms_body", "Hi")
    run(phone, "am", "start", *words)
    out(phone, "input text %sthere")
    assert phone.sent == []
    tap(phone, "Send SMS")
    assert (phone.sent, phone.draft) == ([("+49151", "Hi there")], None)


def test_a_drafted_mail_goes_out_when_send_is_tapped(phone: Phone) -> None:
    uri = "mailto:a@b.org?subject=x&body=Hello"
    run(phone, "am", "start", "-a", "android.intent.action.SENDTO", "-d", uri)
    assert front(phone) == "com.google.android.gm"
    assert bounds(phone, "Hello")
    tap(phone, "Send")
    assert phone.mailed == [("a@b.org", uri)]


def test_two_apps_that_fit_are_a_question(new_phone: NewPhone) -> None:
    phone = new_phone(maker=SAMSUNG, manners=Manners(asks_which=True))
    assert "Activity: android/com.android.internal.app.ResolverActivity" in out(phone, WEB)
    assert front(phone) == "android"
    tap(phone, "Chrome")
    assert front(phone) == "com.android.chrome"
    out(
        phone,
        "am start -a android.intent.action.VIEW -d https://www.youtube.com/results?search_query=x",
    )
    assert front(phone) == "com.google.android.youtube"  # that app owns the address
    out(phone, f"{WEB} -p com.sec.android.app.sbrowser")
    assert front(phone) == "com.sec.android.app.sbrowser"


def test_a_question_stays_behind_the_lock_screen_and_goes_with_its_app(
    new_phone: NewPhone,
) -> None:
    phone = new_phone(manners=Manners(camera=Camera.ASKS))
    out(phone, f"input keyevent SLEEP WAKEUP; {CAMERA}")
    assert "Allow Camera" not in out(phone, "uiautomator dump /dev/tty")
    out(phone, "wm dismiss-keyguard")
    assert bounds(phone, "Allow Camera to take pictures?")
    out(phone, WEB)
    assert (phone.dialog, front(phone)) == (None, "com.android.chrome")


def test_a_phone_without_googles_apps(new_phone: NewPhone) -> None:
    phone = new_phone(maker=BARE)
    out(phone, f"{WEB}maps -d https://www.google.com/maps/dir/")
    assert front(phone) == "org.lineageos.jelly"
    assert line(phone, "am start -a android.intent.action.SENDTO -d mailto:a@b.org")[2] == 1


def test_a_phone_without_a_messages_app(phone: Phone) -> None:
    del phone.packages["com.google.android.apps.messaging"]
    _, wrong, code = line(phone, "am start -a android.intent.action.SENDTO -d smsto:%2B49151")
    assert ("unable to resolve Intent" in wrong, code, phone.draft) == (True, 1, None)


def test_a_camera_that_works_asks_or_keeps_nothing(new_phone: NewPhone) -> None:
    phone = new_phone()
    out(phone, "input keyevent CAMERA")
    assert phone.photos == []
    out(phone, f"{CAMERA}; input keyevent 27")
    assert len(phone.photos) == 1
    tap(phone, "Take photo")
    assert len(phone.photos) == 2

    phone = new_phone(manners=Manners(camera=Camera.ASKS))
    out(phone, f"{CAMERA}; input keyevent 27")
    assert (phone.photos, front(phone)) == ([], "com.google.android.permissioncontroller")
    tap(phone, "While using the app")
    out(phone, "input keyevent 27")
    assert len(phone.photos) == 1

    phone = new_phone(manners=Manners(camera=Camera.KEEPS_NOTHING))
    out(phone, f"{CAMERA}; input keyevent 27")
    assert phone.photos == []


def test_a_slow_start_is_seen_later(new_phone: NewPhone) -> None:
    phone = new_phone(manners=Manners(start_looks=3, start_times_out=True))
    assert "Status: timeout" in out(phone, CALL)
    states = [out(phone, "dumpsys telephony.registry | grep mCallState").strip() for _ in range(3)]
    assert states == ["mCallState=0", "mCallState=0", "mCallState=2"]


def test_input_that_is_blocked(new_phone: NewPhone) -> None:
    phone = new_phone(manners=Manners(input_blocked=True))
    for words in ("keyevent 26", "tap 1 1", "text x"):
        _, wrong, code = line(phone, f"input {words}")
        assert ("requires INJECT_EVENTS permission" in wrong, code) == (True, 255)
    assert (phone.awake, phone.typed) == (True, "")


def test_keys_and_typing(phone: Phone) -> None:
    out(phone, "input keyevent VOLUME_UP KEYCODE_VOLUME_UP 25 NOSUCHKEY 164")
    assert (phone.volumes[3].index, phone.volumes[3].muted) == (6, True)
    run(phone, "input", "text", "a%sb'c")
    assert phone.typed == "a b'c"
    _, wrong, code = line(phone, "input text Grüße")
    assert ("NullPointerException" in wrong, code) == (True, 255)
    assert line(phone, "input nosuch")[2] == 255
    out(phone, "input keyevent POWER POWER")
    assert (phone.awake, phone.locked) == (True, True)
    out(phone, "input keyevent MENU")
    assert not phone.locked


def test_motion_events_tap_where_the_finger_leaves(phone: Phone) -> None:
    x, y = bounds(phone, "Spotify")
    out(phone, f"input motionevent DOWN {x} {y}")
    assert front(phone) == "com.google.android.apps.nexuslauncher"
    out(phone, f"input motionevent UP {x} {y}")
    assert front(phone) == "com.spotify.music"
    out(phone, "input keyevent BACK")
    assert front(phone) == "com.google.android.apps.nexuslauncher"


def test_the_dump_is_xml_wherever_it_goes(phone: Phone) -> None:
    run(phone, "cmd", "notification", "post", "-t", "<&\"'\x01", "t1", "漢字 🙂\nnext")
    out(phone, "cmd statusbar expand-notifications")
    assert out(phone, "uiautomator dump") == "UI hierchary dumped to: /sdcard/window_dump.xml\n"
    root = ET.fromstring(out(phone, "cat /sdcard/window_dump.xml"))
    texts = [node.get("text") for node in root.iter("node")]
    assert texts[1:3] == ["<&\"'.", "漢字 🙂\nnext"]
    said, wrong, code = line(phone, "uiautomator dump /system/x.xml")
    assert (said, "FileNotFoundException" in wrong, code) == ("", True, 0)


def test_a_dump_that_fails_exits_0(new_phone: NewPhone) -> None:
    phone = new_phone(manners=Manners(busy_dumps=1))
    said = line(phone, "uiautomator dump")
    assert said == ("", "ERROR: could not get idle state.\n", 0)
    assert out(phone, "uiautomator dump")
    phone.awake = False
    assert line(phone, "uiautomator dump")[1].startswith("ERROR: null root node")


def test_the_screen_can_be_turned(phone: Phone) -> None:
    out(phone, "settings put system user_rotation 1")
    assert 'rotation="1"' in out(phone, "uiautomator dump /dev/tty")
    assert "SurfaceOrientation: 1" in out(phone, "dumpsys input")
    picture = run(phone, "screencap", "-p").stdout
    assert (int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])) == (2400, 1080)
    out(phone, "screencap -p /sdcard/s.png")
    assert phone.files.read("/sdcard/s.png") == picture
