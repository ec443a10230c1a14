"""`content`, `settings` and `service call isms`: rows, and how much goes wrong without a word."""

import pytest

from device_adapters.simulated.phone import Phone
from device_adapters.simulated.phone.manners import Manners, Put
from device_adapters.simulated.phone.state import Sim
from tests.unit.android.conftest import NewPhone
from tests.unit.android.userspace_kit import CONTACTS, EVENTS, line, out, run

GOOD = {
    "calendar_id": "l:3",
    "title": "s:Lunch",
    "dtstart": "l:1766574000000",
    "dtend": "l:1766577600000",
    "eventTimezone": "s:Europe/Berlin",
}


def insert(phone: Phone, uri: str, binds: dict[str, str]) -> tuple[str, str, int]:
    words = [word for name, bind in binds.items() for word in ("--bind", f"{name}:{bind}")]
    result = run(phone, "content", "insert", "--uri", uri, *words)
    return result.stdout.decode(), result.stderr.decode(), result.code


def test_a_good_event_is_kept(phone: Phone) -> None:
    assert insert(phone, EVENTS, GOOD) == ("", "", 0)
    assert phone.events == [("Lunch", 1766574000000, 1766577600000, "Europe/Berlin")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"calendar_id": "l:9"},
        {"calendar_id": "l:1"},  # one that may only be read
        {"dtend": "l:1766573000000"},
        {"eventTimezone": "s:Nowhere/Land"},
    ],
)
def test_a_bad_event_vanishes(phone: Phone, wrong: dict[str, str]) -> None:
    assert insert(phone, EVENTS, GOOD | wrong) == ("", "", 0)
    assert phone.events == []


@pytest.mark.parametrize("missing", ["calendar_id", "dtstart", "dtend", "eventTimezone"])
def test_half_an_event_is_an_exception_that_exits_0(phone: Phone, missing: str) -> None:
    said, wrong, code = insert(phone, EVENTS, {k: v for k, v in GOOD.items() if k != missing})
    assert (said, code, "java.lang.IllegalArgumentException" in wrong) == ("", 0, True)


def test_no_calendar_may_be_written(new_phone: NewPhone) -> None:
    phone = new_phone(manners=Manners(calendars_writable=False))
    uri = "content://com.android.calendar/calendars"
    where = "calendar_access_level>=500"
    assert out(phone, f"content query --uri {uri} --where '{where}'") == "No result found.\n"
    assert insert(phone, EVENTS, GOOD) == ("", "", 0)
    assert phone.events == []


@pytest.mark.parametrize(
    ("command", "permission"),
    [
        ("content query --uri content://com.android.contacts/data/phones", "READ_CONTACTS"),
        ("content query --uri content://sms/sent", "READ_SMS"),
        ("content delete --uri content://com.android.contacts/raw_contacts/1", "WRITE_CONTACTS"),
        (f"content insert --uri {EVENTS} --bind title:s:x", "WRITE_CALENDAR"),
    ],
)
def test_what_the_shell_may_not(phone: Phone, command: str, permission: str) -> None:
    phone.permissions[permission] = False
    said, wrong, code = line(phone, command)
    assert (said, code) == ("", 0)
    assert "java.lang.SecurityException: Permission Denial" in wrong
    assert f"requires android.permission.{permission}" in wrong


def test_inserts_that_are_dropped(new_phone: NewPhone) -> None:
    phone = new_phone(manners=Manners(inserts_dropped=True))
    assert insert(phone, f"{CONTACTS}/raw_contacts", {"account_name": "n:"}) == ("", "", 0)
    assert out(phone, f"content query --uri {CONTACTS}/raw_contacts") == "No result found.\n"


def test_only_the_messages_app_writes_messages(phone: Phone) -> None:
    row = {"address": "s:+49151", "body": "s:hi", "type": "i:2"}
    assert insert(phone, "content://sms", row) == ("", "", 0)
    assert phone.sent == []


def test_a_picture_can_be_read(phone: Phone) -> None:
    phone.take_photo()
    uri = "content://media/external/images/media/1"
    result = run(phone, "content", "read", "--uri", uri)
    assert result.stdout == phone.files.read(phone.photos[0].path)
    assert (
        "No item at" in line(phone, "content read --uri content://media/external/images/media/7")[1]
    )


def test_settings_through_the_provider(phone: Phone) -> None:
    row = {"name": "s:user_rotation", "value": "i:1"}
    assert insert(phone, "content://settings/system", row) == ("", "", 0)
    assert out(phone, "settings get system user_rotation") == "1\n"
    uri = "content://settings/system/user_rotation"
    assert out(phone, f"content query --uri {uri} --projection name:value") == (
        "Row: 0 name=user_rotation, value=1\n"
    )
    call = "content call --uri content://settings/system --method GET_system --arg user_rotation"
    assert out(phone, call) == "Result: Bundle[{value=1}]\n"


def test_settings(phone: Phone) -> None:
    assert out(phone, "settings get --user 0 secure nothing") == "null\n"
    assert out(phone, "settings --user 0 put secure a 'b c'") == ""
    assert out(phone, "settings get secure a") == "b c\n"
    assert "a=b c\n" in out(phone, "settings list secure")
    assert out(phone, "settings delete secure a") == "Deleted 1 rows\n"
    assert line(phone, "settings get nowhere a")[2] == 255
    assert line(phone, "settings put system")[2] == 255


def test_settings_that_are_ignored_or_denied(new_phone: NewPhone) -> None:
    phone = new_phone(manners=Manners(settings_put=Put.IGNORED))
    assert line(phone, "settings put system screen_brightness 9") == ("", "", 0)
    phone.manners = Manners(settings_put=Put.DENIED)
    _, wrong, code = line(phone, "settings put system screen_brightness 9")
    assert ("SecurityException" in wrong, code) == (True, 255)
    assert out(phone, "settings get system screen_brightness") == "102\n"


def test_the_brightness_has_two_faces(new_phone: NewPhone) -> None:
    phone = new_phone(manners=Manners(brightest=4095))
    out(phone, "cmd display set-brightness 0.5")
    assert out(phone, "settings get system screen_brightness") == "2048\n"
    phone = new_phone()
    out(phone, "cmd display set-brightness 0.5")
    assert out(phone, "settings get system screen_brightness") == "128\n"
    out(phone, "settings put system screen_brightness 255")
    assert out(phone, "settings get system screen_brightness_float") == "1.000000\n"
    assert "mScreenBrightness=1.000000" in out(phone, "dumpsys display")
    for bad in ("2", "bright"):
        assert "between 0 and 1" in line(phone, f"cmd display set-brightness {bad}")[1]


NEW = "i32 1 s16 com.android.mms.service s16 null s16 +49151 s16 null s16 hello"
NEW_END = "i32 0 i32 0 i32 1 i64 0"
OLD = "i32 1 s16 com.android.mms.service s16 +49151 s16 null s16 hello i32 0 i32 0 i32 1"


@pytest.mark.parametrize(
    ("sdk", "call"),
    [
        (29, f"6 {OLD}"),
        (29, f"7 {OLD}"),
        *((sdk, f"5 {NEW} {NEW_END}") for sdk in range(30, 36)),
    ],
)
def test_the_releases_own_code_sends_a_text(new_phone: NewPhone, sdk: int, call: str) -> None:
    phone = new_phone(sdk=sdk)
    assert out(phone, f"service call isms {call}") == "Result: Parcel(00000000    '....')\n"
    assert phone.sent == [("+49151", "hello")]


@pytest.mark.parametrize(
    ("sdk", "call"),
    [
        (34, f"7 {OLD}"),  # another method
        (29, f"5 {NEW} {NEW_END}"),
        (34, f"5 {NEW.replace('i32 1', 'i32 7')} {NEW_END}"),  # no such SIM
        (34, f"5 {NEW.replace('hello', 'x' * 161)} {NEW_END}"),  # too long for one message
    ],
)
def test_a_wrong_call_looks_like_a_right_one(new_phone: NewPhone, sdk: int, call: str) -> None:
    phone = new_phone(sdk=sdk)
    assert out(phone, f"service call isms {call}").startswith("Result: Parcel(00000000 ")
    assert phone.sent == []


def test_an_old_call_on_a_new_phone_has_no_text(phone: Phone) -> None:
    said = out(phone, f"service call isms 5 {OLD}")
    assert said.startswith("Result: Parcel(\n  0x00000000: ffffffff ")
    assert phone.sent == []


def test_a_text_may_be_denied_unkept_or_held_back(new_phone: NewPhone) -> None:
    phone = new_phone()
    phone.permissions["SEND_SMS"] = False
    said = out(phone, f"service call isms 5 {NEW} {NEW_END}")
    assert said.startswith("Result: Parcel(\n  0x00000000: ffffffff ")
    phone.permissions["SEND_SMS"] = True
    out(phone, f"service call isms 5 {NEW} i32 0 i32 0 i32 0 i64 0")
    assert (phone.sent, phone.radioed) == ([], [("+49151", "hello")])
    phone.settings["global"]["airplane_mode_on"] = "1"
    out(phone, f"service call isms 5 {NEW} {NEW_END}")
    assert (phone.sent, len(phone.radioed)) == ([], 1)


def test_two_sims(new_phone: NewPhone) -> None:
    phone = new_phone(sims=[Sim(1, "Red"), Sim(4, "Blue")])
    out(phone, f"service call isms 5 {NEW.replace('i32 1', 'i32 4')} {NEW_END}")
    assert phone.sent == [("+49151", "hello")]
    assert out(phone, "dumpsys telephony.registry").count("mCallState=0") == 2
    assert "[gsm.operator.alpha]: [Red,Blue]" in out(phone, "getprop")
