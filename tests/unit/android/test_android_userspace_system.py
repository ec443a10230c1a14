"""What the phone says of itself, its packages and its files."""

import re

import pytest

from device_adapters.simulated.phone import Phone
from device_adapters.simulated.phone.makers import SAMSUNG, XIAOMI, Maker
from device_adapters.simulated.phone.manners import Manners
from device_adapters.simulated.phone.values import Battery
from tests.unit.android.conftest import NewPhone
from tests.unit.android.userspace_kit import line, out, run


def test_properties(new_phone: NewPhone) -> None:
    phone = new_phone(name="SM-S911B", maker=SAMSUNG, sdk=33)
    assert out(phone, "getprop ro.product.manufacturer") == "samsung\n"
    assert out(phone, "getprop ro.build.version.release") == "13\n"
    assert out(phone, "getprop ro.no.such") == "\n"
    assert out(phone, "getprop ro.no.such other") == "other\n"
    rows = re.findall(r"^\[([\w.]+)\]: \[(.*)\]$", out(phone, "getprop"), re.MULTILINE)
    assert dict(rows)["ro.serialno"] == "SIM0001"


@pytest.mark.parametrize(
    ("maker", "missing", "there"),
    [
        (SAMSUNG, "com.google.android.deskclock", "com.sec.android.app.clockpackage"),
        (XIAOMI, "com.google.android.GoogleCamera", "com.android.camera"),
    ],
)
def test_makers_have_their_own_apps(
    new_phone: NewPhone, maker: Maker, missing: str, there: str
) -> None:
    phone = new_phone(maker=maker)
    names = out(phone, "pm list packages").split()
    assert (f"package:{missing}" in names, f"package:{there}" in names) == (False, True)
    assert out(phone, f"pm path {there}").startswith("package:/data/app/")
    assert line(phone, f"pm path {missing}") == ("", "", 1)


def test_packages(phone: Phone) -> None:
    assert "com.android.shell" not in out(phone, "pm list packages -3")
    assert out(phone, "cmd package list packages --user 0 spot") == "package:com.spotify.music\n"
    brief = "cmd package resolve-activity --brief"
    assert out(phone, f"{brief} com.spotify.music").endswith("com.spotify.music/.MainActivity\n")
    assert out(phone, f"{brief} com.nobody") == "No activity found\n"
    camera = "-a android.media.action.STILL_IMAGE_CAMERA"
    assert "packageName=com.google.android.GoogleCamera" in out(
        phone, f"cmd package resolve-activity {camera}"
    )
    home = "-a android.intent.action.MAIN -c android.intent.category.LAUNCHER"
    said = out(phone, f"cmd package query-activities {home}")
    assert "packageName=com.spotify.music" in said
    assert "com.android.systemui" not in said
    phone.permissions["READ_SMS"] = False
    said = out(phone, "dumpsys package com.android.shell")
    assert "android.permission.READ_SMS: granted=false" in said
    assert "Unable to find package: com.nobody" in out(phone, "dumpsys package com.nobody")


def test_a_monkey_opens_what_has_an_icon(phone: Phone) -> None:
    launch = "-c android.intent.category.LAUNCHER 1"
    assert "Events injected: 1" in out(phone, f"monkey -p com.spotify.music {launch}")
    assert phone.resumed == "com.spotify.music/.MainActivity"
    for words in (f"com.android.systemui {launch}", "com.spotify.music -c LEANBACK 1"):
        said, _, code = line(phone, f"monkey -p {words}")
        assert ("No activities found" in said, code) == (True, 252)


def test_battery_and_storage(new_phone: NewPhone) -> None:
    phone = new_phone(battery=Battery(level=41, plugged=None))
    said = out(phone, "dumpsys battery")
    assert "  level: 41\n" in said
    assert "  status: 3\n" in said
    assert "  USB powered: false\n" in said
    free = re.search(r"Data-Free: (\d+)K / (\d+)K total", out(phone, "dumpsys diskstats"))
    assert free
    phone.files.write("/sdcard/big", b"x" * 4_096_000)
    less = re.search(r"Data-Free: (\d+)K", out(phone, "dumpsys diskstats"))
    assert less
    assert int(free[1]) - int(less[1]) == 4000
    rows = [row.split() for row in out(phone, "df /sdcard").splitlines()[1:]]
    used = str(int(free[2]) - int(less[1]))
    assert rows == [["/dev/fuse", free[2], used, less[1], "28%", "/storage/emulated"]]


def test_files(phone: Phone) -> None:
    out(phone, "mkdir -p /sdcard/a/b; echo hello > /sdcard/a/b/x")
    assert out(phone, "ls /sdcard/a") == "b\n"
    assert re.search(
        r"^-rw.* 6 2025-12-22 .* x$|^-rw.* 6 .* x$", out(phone, "ls -l /sdcard/a/b"), re.M
    )
    assert out(phone, "md5sum -b /sdcard/a/b/x") == "b1946ac92492d2347c6235b4d2611184\n"
    assert out(phone, "stat -c '%s %F' /sdcard/a/b/x") == "6 regular file\n"
    out(phone, "cp /sdcard/a/b/x /sdcard/Download; mv /sdcard/Download/x /sdcard/y")
    assert out(phone, "cat /sdcard/y") == "hello\n"
    assert out(phone, "ls /sdcard/Download") == ""
    assert line(phone, "rm /sdcard/a") == ("", "rm: /sdcard/a: is directory\n", 1)
    out(phone, "rm -rf /sdcard/a /sdcard/none")
    assert line(phone, "ls /sdcard/a")[1:] == ("ls: /sdcard/a: No such file or directory\n", 1)
    assert line(phone, "rm /system/x")[2] == 1
    assert line(phone, "mkdir /sdcard/y")[1] == "mkdir: '/sdcard/y': File exists\n"


def test_small_programs(phone: Phone) -> None:
    assert out(phone, "date +%s") == "1766401200\n"
    assert out(phone, "date '+%Y-%m-%d %H:%M %Z'") == "2025-12-22 12:00 CET\n"
    assert out(phone, "date -u +%H") == "11\n"
    assert out(phone, "id -u") == "2000\n"
    assert "src 192.168.1.42" in out(phone, "ip route")
    out(phone, "svc wifi disable")
    assert out(phone, "ip route") == ""
    assert "u0_a145" in out(phone, "ps -A")
    assert line(phone, "which am nosuch") == ("/system/bin/am\n", "", 1)
    out(phone, "svc power stayon true")
    assert "mStayOn=true" in out(phone, "dumpsys power")


def test_services_that_are_none(phone: Phone) -> None:
    assert line(phone, "dumpsys nosuch") == ("", "Can't find service: nosuch\n", 0)
    assert line(phone, "cmd nosuch") == ("", "cmd: Can't find service: nosuch\n", 20)
    assert "  notification\n" in out(phone, "cmd -l")
    assert "  battery\n" in out(phone, "dumpsys -l")
    assert line(phone, "service call nosuch 1")[2] == 10
    phone.manners = Manners(refused_dumps=frozenset({"battery"}))
    assert out(phone, "dumpsys battery").startswith("Permission Denial: can't dump battery")


@pytest.mark.parametrize(
    ("sdk", "said", "waits"),
    [
        (30, "", False),
        (31, "Enabling Bluetooth\n", False),
        (33, "BluetoothShellCommand: Execenable\nenable: Success\n", True),
    ],
)
def test_bluetooth_by_release(new_phone: NewPhone, sdk: int, said: str, waits: bool) -> None:
    phone = new_phone(sdk=sdk)
    phone.bluetooth.on = False
    assert line(phone, "cmd bluetooth_manager enable")[0] == said
    assert phone.bluetooth.on is bool(said)
    code = line(phone, "cmd bluetooth_manager wait-for-state:STATE_ON")[2]
    assert (code == 0) is (waits or sdk == 30)
    out(phone, "svc bluetooth enable")
    shown = "XX:XX:XX:XX:34:56" if sdk >= 31 else "AC:80:0A:12:34:56"
    assert f"    {shown} [ DUAL ] WH-1000XM4" in out(phone, "dumpsys bluetooth_manager")


def test_waiting_for_bluetooth_in_vain(phone: Phone) -> None:
    _, wrong, code = line(phone, "cmd bluetooth_manager wait-for-state:STATE_OFF")
    assert ("Failed with status=-1" in wrong, code) == (True, 255)
    assert line(phone, "cmd bluetooth_manager wait-for-state:SOON")[2] == 255


def test_night_and_the_user(phone: Phone) -> None:
    assert out(phone, "cmd uimode night yes") == "Night mode: yes\n"
    assert out(phone, "settings get secure ui_night_mode") == "2\n"
    assert out(phone, "am get-current-user") == "0\n"
    assert "Broadcast completed: result=0" in out(phone, "am broadcast -a com.example.ANY")
    _, wrong, code = line(phone, "am broadcast -a android.intent.action.AIRPLANE_MODE")
    assert ("not allowed to send broadcast" in wrong, code) == (True, 255)
    assert "Error: Not found" in line(phone, "am startservice -n com.a/.B")[1]
    assert "taskId=42: com.google.android.apps.nexuslauncher/" in out(phone, "am stack list")


def test_everything_that_was_run_is_kept(phone: Phone) -> None:
    run(phone, "echo", "x")
    run(phone, "getprop", "ro.serialno")
    assert phone.commands[-1] == ("getprop", "ro.serialno")
