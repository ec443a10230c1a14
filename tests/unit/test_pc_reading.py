"""What programs of a computer print, read into values."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import pytest

from device_adapters.pc import reading
from device_adapters.pc.commands import How, Way, command, filled
from device_adapters.pc.quoting import powershell, script, windows_line
from device_adapters.pc.reading import Application
from device_adapters.pc.runner import MOST, Answer
from device_adapters.pc.session import parsed
from schemas.errors import DeviceRefused

STAT = "cpu  100 0 100 800 0 0 0 0 0 0\ncpu  150 0 150 1600 100 0 0 0 0 0\n"
BATTERY = "/sys/class/power_supply/BAT0/capacity:88\n"
MOUSE = "/sys/class/power_supply/hid/scope:Device\n/sys/class/power_supply/hid/capacity:12\n"


@pytest.mark.parametrize(
    ("read", "printed", "value"),
    [
        (reading.fraction, "Volume: 0.35 [MUTED]\n", "35"),
        (reading.fraction, "Volume: 1.00\n", "100"),
        (reading.fraction, "Object '@DEFAULT_AUDIO_SINK@' not found", None),
        (reading.percent, "Volume: front-left: 19661 /  30% / -31.37 dB,   front-right: 1", "30"),
        (reading.percent, "  Mono: Playback 28 [32%] [-22.50dB] [on]", "32"),
        (reading.percent, "9" * 99 + "%", None),
        (reading.whole, "30\n", "30"),
        (reading.whole, "missing value\n", None),
        (reading.linux_cpu, STAT, 10.0),
        (reading.linux_cpu, "cpu  1 2 3 4 5\n" * 2, None),
        (reading.linux_cpu, "cpu  1 2 3 4 5\n", None),
        (reading.linux_memory, "MemTotal: 1000 kB\nMemAvailable:  250 kB\n", 75.0),
        (reading.linux_memory, "MemTotal: 0 kB\nMemAvailable:  250 kB\n", None),
        (reading.linux_battery, MOUSE + BATTERY, 88.0),
        (reading.linux_battery, MOUSE, None),
        (reading.linux_battery, "/sys/class/power_supply/BAT0/capacity:¾\n", None),
        (
            reading.disk,
            "Filesystem 1024-blocks Used Available Capacity\n/dev/vda 9 3 6 31% /\n",
            31,
        ),
        (reading.disk, "df: /: Permission denied", None),
        (reading.macos_cpu, "CPU usage: 9% user, 9.0% sys, 82.0% idle\n" * 2, 18.0),
        (reading.macos_memory, "System-wide memory free percentage: 63%\n", 37.0),
        (reading.macos_battery, " -InternalBattery-0 (id=1)\t85%; discharging; 5:00", 85.0),
        (reading.number, "42\r\n", 42.0),
        (reading.number, "", None),
    ],
)
def test_a_value_is_read_or_none(
    read: Callable[[str], object], printed: str, value: object
) -> None:
    assert read(printed) == value
    for rubbish in ("", "\0", "%" * 10_000, "cpu " * 10_000, "Volume: " * 1000, "=" * 10_000):
        assert read(rubbish) in (None, rubbish.strip().lower())


@pytest.mark.parametrize("read", [reading.macos_cpu, reading.linux_cpu, reading.applications])
def test_the_most_that_a_computer_may_print_is_read_at_once(read: Callable[[str], object]) -> None:
    for piece in ("CPU usage: ", "CPU usage: 1.", "cpu 1 2 3 ", "/a.desktop:Name", "\n", "1", "/"):
        before = time.process_time()
        read(piece * (MOST // len(piece)))
        assert time.process_time() - before < 5, "it would hold the event loop"


def test_applications_are_those_of_a_menu() -> None:
    found = reading.applications(
        "/usr/share/applications/a.desktop:Name=Files\n"
        "/usr/share/applications/a.desktop:Name=New window\n"
        "/usr/share/applications/b.desktop:Name=Agent\n"
        "/usr/share/applications/b.desktop:NoDisplay=true\n"
        "rubbish\n/x/../../etc/passwd:Name=Bad\n"
    )
    assert found == [Application("a", "Files")]
    assert len(reading.applications("".join(f"/{n}.desktop:Name=x\n" for n in range(9999)))) == 2000


def test_a_session_is_what_the_computer_says_last() -> None:
    seat = "logind=yes\nsession=2\nType=wayland\nState=active\n"
    session = parsed("WAYLAND_DISPLAY=wayland-0\nWAYLAND_DISPLAY=wayland-1\n" + seat)
    assert (session.id, session.screen) == ("2", "wayland")
    assert session.environment == {"WAYLAND_DISPLAY": "wayland-1"}
    assert parsed(seat.replace("active", "closing")).screen == ""
    assert parsed("logind=yes\nDISPLAY=:0\n").screen == ""  # left from somebody who went
    assert parsed("DISPLAY=:0\n").screen == "x11"
    assert parsed("LD_PRELOAD=/tmp/x\nDISPLAY=$(reboot)\nPATH=/tmp\n").environment == {}


def test_a_value_fills_its_word_and_no_other() -> None:
    way = Way(("say", "--", "{text}", "{other}"))
    assert command(way, {"text": "{other}", "other": "x"}) == ("say", "--", "{other}", "x")
    assert filled(("{text}%", "{}"), {"text": "3"}) == ("3%", "{}")
    picture = command(Way(("scrot",), how=How.WRITES), {})
    assert (picture[:2], picture[-1]) == (("sh", "-c"), "scrot")


def test_a_script_is_quoted_word_by_word() -> None:
    said = script(("notify-send", "it's; reboot"), {"DISPLAY": ":0", "x;y": "1"})
    assert said == (b"export DISPLAY=:0\nexec notify-send 'it'\"'\"'s; reboot' </dev/null\n")


def test_windows_is_told_nothing_that_needs_quotes() -> None:
    assert windows_line(("shutdown", "/s", "/t", "0")) == "shutdown /s /t 0"
    for word in ("a b", "a&b", "%PATH%", '"', "^", "'", "", "é"):
        with pytest.raises(DeviceRefused):
            windows_line(("echo", word))
    for program in ("1", "12", "123", "$x = 'y'; \"z\""):
        *_, encoded = powershell(program)
        assert windows_line(powershell(program)).endswith(encoded)
        assert base64.b64decode(encoded).decode("utf-16-le").strip() == program


def test_a_complaint_is_its_last_line_fit_to_show() -> None:
    assert Answer(1, b"", b"first\nlast \x1b[1m\xff line\r\n\n").reason == "last [1m\ufffd line"
    assert Answer(1, b"", b"x" * 9999).reason == "x" * 200
    assert Answer(1, b"").reason == ""
