"""Volumes, media keys and what rings: the commands' words are those of AOSP's sources."""

import re

import pytest

from device_adapters.simulated.phone import Phone
from device_adapters.simulated.phone.makers import SAMSUNG
from device_adapters.simulated.phone.manners import Manners
from device_adapters.simulated.phone.state import MUSIC, PAUSED, PLAYING, RING, Alarm, Timer
from tests.unit.android.conftest import NewPhone
from tests.unit.android.userspace_kit import at, line, out, tap

TIMER = "am start -W -a android.intent.action.SET_TIMER --ei android.intent.extra.alarm.LENGTH 1"
QUIETLY = "--ez android.intent.extra.alarm.SKIP_UI true"
RINGS = re.compile(
    r"AudioPlaybackConfiguration .* state:started attr:AudioAttributes: usage=USAGE_ALARM"
)


def test_a_volume_is_told_as_android_tells_it(phone: Phone) -> None:
    assert out(phone, "cmd media_session volume --stream 3 --get") == (
        "[V] will control stream=3 (STREAM_MUSIC)\n[V] will get volume\n"
        "[V] Connecting to AudioService\n[V] volume is 5 in range [0..15]\n"
    )
    out(phone, "cmd media_session volume --show --stream 3 --set 9")
    out(phone, "cmd media_session volume --stream 3 --adj lower")
    assert phone.volumes[MUSIC].index == 8


@pytest.mark.parametrize(
    ("words", "error", "code"),
    [
        ("--stream 3 --set 16", "Error: invalid volume index 16 for stream 3", 0),
        ("--stream 3 --adj up", "Error: no valid volume adjustment", 0),
        ("--stream 77 --get", "Bad stream type 77", 255),
        ("--stream 3 --set", 'Argument expected after "--set"', 255),
        ("--stream 3 --set x", "NumberFormatException", 255),
        ("--louder", "Unknown argument --louder", 255),
    ],
)
def test_a_wrong_volume_changes_nothing(phone: Phone, words: str, error: str, code: int) -> None:
    before = dict(phone.volumes)
    said, wrong, ended = line(phone, f"cmd media_session volume {words}")
    assert (error in wrong, "usage: media_session" in said, ended) == (True, True, code)
    assert phone.volumes == before


def test_an_old_android_has_another_command_for_it(new_phone: NewPhone) -> None:
    phone = new_phone(sdk=29)
    said = line(phone, "cmd media_session volume --stream 3 --set 2")
    assert said == ("", "No shell command implementation.\n", 0)
    assert phone.volumes[MUSIC].index == 5
    assert out(phone, "media volume --stream 3 --set 2 --get").endswith(
        "[v] volume is 2 in range [0..15]\n"
    )


def test_audio_does_not_mention_what_it_does_not_know(new_phone: NewPhone) -> None:
    assert out(new_phone(sdk=34), "cmd audio get-stream-volume 3") == ""
    assert "-> 5" in out(new_phone(sdk=36), "cmd audio get-stream-volume 3")
    for sdk, index in ((33, 5), (34, 4)):
        phone = new_phone(sdk=sdk)
        out(phone, "cmd audio set-volume 3 4")
        assert phone.volumes[MUSIC].index == index
    phone = new_phone()
    out(phone, "cmd audio adj-mute 3")
    assert "volume is 0" in out(phone, "cmd media_session volume --stream 3 --get")
    assert "   Muted: true" in out(phone, "dumpsys audio")


def test_the_ring_is_the_notifications_too_until_they_were_parted(new_phone: NewPhone) -> None:
    for sdk, index in ((33, 7), (34, 5)):
        phone = new_phone(sdk=sdk)
        out(phone, "cmd media_session volume --stream 2 --set 7")
        assert (phone.volumes[RING].index, phone.volumes[5].index) == (7, index)


def test_loud_media_waits_for_a_persons_ok(new_phone: NewPhone) -> None:
    phone = new_phone(manners=Manners(safe_volume=8))
    out(phone, "cmd media_session volume --stream 3 --set 15")
    assert phone.volumes[MUSIC].index == 5
    tap(phone, "OK")
    assert (phone.volumes[MUSIC].index, phone.dialog) == (15, None)
    out(phone, "cmd media_session volume --stream 4 --set 7")
    assert phone.volumes[4].index == 7


def test_media_keys_reach_the_session(phone: Phone) -> None:
    out(phone, "cmd media_session dispatch play")
    assert phone.media_state == PLAYING
    assert "state=PLAYING(3)" in out(phone, "dumpsys media_session")
    assert "usage=USAGE_MEDIA" in re.findall(r"state:started.*", out(phone, "dumpsys audio"))[0]
    out(phone, "input keyevent KEYCODE_MEDIA_PLAY_PAUSE 87")
    assert (phone.media_state, phone.media_keys) == (PAUSED, ["play", "play-pause", "next"])
    assert "package=com.spotify.music" in out(phone, "cmd media_session list-sessions")
    said, wrong, code = line(phone, "cmd media_session dispatch louder")
    assert ("usage" in said, wrong, code) == (True, "Error: unknown dispatch code 'louder'\n", 0)


def test_without_a_player_a_media_key_reaches_nobody(phone: Phone) -> None:
    del phone.packages["com.spotify.music"]
    out(phone, "cmd media_session dispatch play")
    assert (phone.media_state, phone.media_keys) == (PAUSED, ["play"])
    assert "have 0 sessions" in out(phone, "dumpsys media_session")


@pytest.mark.parametrize("sdk", [29, 31, 34])
def test_a_timer_rings_until_its_app_is_stopped(new_phone: NewPhone, sdk: int) -> None:
    phone = new_phone(sdk=sdk)
    out(phone, f"{TIMER} {QUIETLY}")
    assert not RINGS.search(out(phone, "dumpsys audio"))
    assert "TIMER_EXPIRED" in out(phone, "dumpsys alarm")
    at(phone, 1)
    assert RINGS.search(out(phone, "dumpsys audio"))
    assert "TIMER_EXPIRED" not in out(phone, "dumpsys alarm")
    out(phone, "am force-stop com.google.android.deskclock")
    said = out(phone, "dumpsys audio")
    assert not RINGS.search(said)
    assert re.search(r"player piid:423 (state|event):started", said)  # a log of what was


def test_dismissing_timers_leaves_those_that_run(new_phone: NewPhone) -> None:
    phone = new_phone(sdk=31)
    out(phone, f"{TIMER} {QUIETLY}")
    out(phone, f"{TIMER}00 {QUIETLY}")
    at(phone, 2)
    out(phone, "am start -W -a android.intent.action.DISMISS_TIMER")
    assert not RINGS.search(out(phone, "dumpsys audio"))
    assert phone.timers == [Timer(100, "")]
    old = new_phone(sdk=30)
    assert "unable to resolve" in line(old, "am start -a android.intent.action.DISMISS_TIMER")[1]


def test_an_alarm_rings_at_its_time_and_not_for_ever(phone: Phone) -> None:
    extra = "android.intent.extra.alarm"
    out(phone, f"am start -a android.intent.action.SET_ALARM --ei {extra}.HOUR 12 {QUIETLY}")
    assert phone.alarms == [Alarm(12, 0, "")]
    assert "triggerTime=2025-12-23 12:00:00.000" in out(phone, "dumpsys alarm")
    at(phone, 24 * 3600 + 30)
    assert RINGS.search(out(phone, "dumpsys audio"))
    at(phone, 24 * 3600 + 1200)
    assert not RINGS.search(out(phone, "dumpsys audio"))


def test_a_stopped_clock_forgets_to_wake_anybody(phone: Phone) -> None:
    phone.alarms.append(Alarm(7, 30, "work"))
    assert "ALARM_ALERT" in out(phone, "dumpsys alarm")
    out(phone, "am force-stop com.google.android.deskclock")
    assert "ALARM_ALERT" not in out(phone, "dumpsys alarm")
    out(phone, "monkey -p com.google.android.deskclock -c android.intent.category.LAUNCHER 1")
    assert "ALARM_ALERT" in out(phone, "dumpsys alarm")


@pytest.mark.parametrize(
    ("extras", "alarms"),
    [
        ("--ei HOUR 24", []),
        ("--ei HOUR 7 --ei MINUTES 60", []),
        ("--es HOUR 7", []),  # a text is no number: the app only shows itself
        ("--el HOUR 7", []),
        ("--ei HOUR 7 --ei MINUTES 5", [Alarm(7, 5, "")]),
    ],
)
def test_the_clock_takes_whole_numbers_of_a_clock(
    phone: Phone, extras: str, alarms: list[Alarm]
) -> None:
    named = re.sub(r"(HOUR|MINUTES)", r"android.intent.extra.alarm.\1", extras)
    out(phone, f"am start -a android.intent.action.SET_ALARM {named} {QUIETLY}")
    assert phone.alarms == alarms


def test_a_clock_that_wants_a_person_to_save(new_phone: NewPhone) -> None:
    phone = new_phone(maker=SAMSUNG, manners=Manners(clock_saves=False))
    out(phone, f"{TIMER} {QUIETLY}")
    assert phone.timers == []
    assert phone.resumed.startswith("com.sec.android.app.clockpackage/")
    tap(phone, "Save")
    assert phone.timers == [Timer(1, "")]
