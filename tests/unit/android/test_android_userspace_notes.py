"""Notifications and do not disturb, in the words of AOSP's NotificationShellCmd."""

import pytest

from device_adapters.simulated.phone import Phone
from device_adapters.simulated.phone.manners import Manners
from tests.unit.android.conftest import NewPhone
from tests.unit.android.userspace_kit import line, out, run, tap

KEY = "0|com.android.shell|2020|t1|2000"


def test_a_posted_notification_is_dumped_whole_only_without_redaction(phone: Phone) -> None:
    assert out(phone, "cmd notification post -t 'A title' t1 'some words'").startswith("posting:\n")
    assert out(phone, "cmd notification list") == f"{KEY}\n"
    whole, cut = out(phone, "dumpsys notification --noredact"), out(phone, "dumpsys notification")
    for said in (whole, cut):
        assert (
            f"pkg=com.android.shell user=UserHandle{{0}} id=2020 tag=t1 importance=3 key={KEY}"
            in said
        )
    assert "android.title=String (A title)\n" in whole
    assert "android.text=String (some words)\n" in whole
    assert "android.title=String [length=7]\n" in cut
    assert "some words" not in cut


def test_the_same_tag_takes_the_old_ones_place(phone: Phone) -> None:
    for text in ("one", "two"):
        run(phone, "cmd", "notification", "post", "t1", text)
    run(phone, "cmd", "notification", "post", "t2", "three")
    assert [note.text for note in phone.notifications] == ["two", "three"]


def test_styles_have_their_own_words(phone: Phone) -> None:
    out(phone, "cmd notification post -S bigtext --bigtext 'long words' t1 short")
    out(phone, "cmd notification post -S inbox --line a --line b -t T t2 short")
    said = out(phone, "dumpsys notification --noredact")
    assert "android.bigText=String (long words)" in said
    assert "android.textLines=CharSequence[] (2)" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("post -t", 'Error occurred. Check logcat for details. Argument expected after "-t"'),
        ("post t1", "usage: cmd notification post"),
        ("post --nope t1 x", "usage: cmd notification post"),
        ("post -S fancy t1 x", "unrecognized notification style: fancy"),
        ("post --line a t1 x", "--line requires --style inbox"),
        ("set_dnd maybe", "Invalid filter: 0"),
        ("set_dnd", "Argument expected"),
        ("get 0|nobody", "No active notification"),
    ],
)
def test_what_goes_wrong_is_told_and_exits_0(phone: Phone, words: str, said: str) -> None:
    answer = run(phone, "cmd", "notification", *words.split())
    assert (said in answer.stdout.decode(), answer.stderr, answer.code) == (True, b"", 0)
    assert (phone.notifications, phone.settings["global"]["zen_mode"]) == ([], "0")


def test_an_intent_takes_the_next_bare_word_whosever_it_is(phone: Phone) -> None:
    view = "cmd notification post -t Q -c activity -a android.intent.action.VIEW"
    assert "usage" in out(phone, f"{view} -d https://example.org/ t1 text")  # t1 became the app
    out(phone, f"{view} https://example.org/ t1 'tap me'")
    (note,) = phone.notifications
    assert note.intent is not None
    assert (note.tag, note.text, note.intent.data) == ("t1", "tap me", "https://example.org/")


def test_a_tap_on_a_notification_opens_what_it_means(phone: Phone) -> None:
    view = "cmd notification post -t Q -c activity -a android.intent.action.VIEW"
    out(phone, f"{view} https://example.org/yes t1 'tap me'")
    out(phone, "cmd statusbar expand-notifications")
    tap(phone, "tap me")
    assert phone.intents == ["https://example.org/yes"]
    assert (phone.resumed.partition("/")[0], phone.shade) == ("com.android.chrome", False)


def test_a_snoozed_notification_is_out_of_sight(phone: Phone) -> None:
    out(phone, "cmd notification post t1 x")
    out(phone, f"cmd notification snooze --for 60000 '{KEY}'")
    assert out(phone, "cmd notification list") == ""
    out(phone, f"cmd notification unsnooze '{KEY}'")
    assert out(phone, "cmd notification list") == f"{KEY}\n"


def test_do_not_disturb(phone: Phone) -> None:
    for mode, zen in (("priority", "1"), ("on", "2"), ("alarms", "3"), ("off", "0")):
        assert out(phone, f"cmd notification set_dnd {mode}") == ""
        assert out(phone, "settings get global zen_mode") == f"{zen}\n"
    out(phone, "settings put global zen_mode 2")  # its owner sets it back
    assert out(phone, "settings get global zen_mode") == "0\n"


def test_an_old_android_only_posts(new_phone: NewPhone) -> None:
    phone = new_phone(sdk=29)
    said = line(phone, "cmd notification set_dnd on")
    assert said == ("Unknown command: set_dnd\n", "", 255)
    out(phone, "cmd notification post t1 x")
    assert "id=1138 tag=t1" in out(phone, "dumpsys notification")


def test_notifications_that_are_switched_off_say_nothing_of_it(new_phone: NewPhone) -> None:
    phone = new_phone(manners=Manners(notifications_shown=False, dnd_settable=False))
    assert out(phone, "cmd notification post t1 x").startswith("posting:")
    assert "tag=t1" not in out(phone, "dumpsys notification --noredact")
    assert out(phone, "cmd notification set_dnd on") == ""
    assert phone.settings["global"]["zen_mode"] == "0"
