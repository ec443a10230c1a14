"""Whatever words a command of the simulated phone gets, it answers."""

import random

import pytest

from device_adapters.simulated.phone import Phone, cmd, dumpsys, shell
from device_adapters.simulated.phone.makers import BARE, PIXEL, SAMSUNG, XIAOMI
from tests.unit.android.conftest import NewPhone
from tests.unit.android.userspace_kit import run

WORDS = [
    *("", "-", "--", "-a", "-c", "-d", "-n", "-p", "-t", "-W", "-S", "-3", "--user", "--brief"),
    *("--ei", "--es", "--ez", "--uri", "--bind", "--where", "--projection", "--stream", "--set"),
    *("0", "1", "3", "-1", "07", "0x7", "9" * 30, "1.5", "x", "é", "漢字🙂", "a b", "'", "null"),
    *("i32", "s16", "get", "put", "list", "system", "global", "post", "set_dnd", "volume"),
    *("start", "broadcast", "force-stop", "keyevent", "tap", "swipe", "text", "motionevent"),
    *("query", "insert", "read", "call", "isms", "dump", "path", "packages", "resolve-activity"),
    *("content://sms", "content://com.android.calendar/events", "content://settings/system"),
    *("title:s:x", "dtstart:l:1", "_id=1", "/sdcard", "/sdcard/none", "/", "/dev/tty", "%s"),
    *(
        "android.intent.action.VIEW",
        "android.intent.action.MAIN",
        "https://example.org/",
        "http://[",
    ),
    *("android.intent.category.LAUNCHER", "com.android.chrome", "com.android.chrome/.Main"),
]


@pytest.mark.parametrize("sdk", [29, 31, 34])
@pytest.mark.parametrize("maker", [PIXEL, SAMSUNG, XIAOMI, BARE])
def test_every_command_answers(new_phone: NewPhone, sdk: int, maker: object) -> None:
    chance = random.Random(sdk)
    phone: Phone = new_phone(sdk=sdk, maker=maker)
    heads = [
        *((name,) for name in shell.COMMANDS),
        *(("cmd", name) for name in cmd.SERVICES),
        *(("dumpsys", name) for name in dumpsys.PARTS),
        *(("input", name) for name in ("keyevent", "tap", "swipe", "text", "motionevent")),
        *(("content", name) for name in ("query", "insert", "update", "delete", "read", "call")),
        *(("service", "call", "isms", code) for code in ("4", "5", "6", "7", "99")),
        *(("am", name) for name in ("start", "broadcast", "force-stop", "stack")),
        ("cmd", "notification", "post"),
    ]
    for head in heads * 12:
        words = chance.choices(WORDS, k=chance.randint(0, 7))
        result = run(phone, *head, *words)
        assert 0 <= result.code <= 255
