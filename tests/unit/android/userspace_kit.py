"""What the tests of the simulated phone's commands share."""

import re
import shlex
from datetime import datetime
from zoneinfo import ZoneInfo

from device_adapters.simulated.phone import Phone, shell
from device_adapters.simulated.phone.result import Result

NOON = datetime(2025, 12, 22, 12, 0, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
CONTACTS, EVENTS = "content://com.android.contacts", "content://com.android.calendar/events"


def run(phone: Phone, *words: str) -> Result:
    """What a command does, its words quoted for the phone's shell."""
    return shell.run(phone, shlex.join(words))


def line(phone: Phone, text: str) -> tuple[str, str, int]:
    """What a whole shell line says on stdout and stderr, and its exit code."""
    result = shell.run(phone, text)
    return result.stdout.decode(), result.stderr.decode(), result.code


def out(phone: Phone, text: str) -> str:
    """The stdout of a line that must succeed without a complaint."""
    said, wrong, code = line(phone, text)
    assert (wrong, code) == ("", 0), (said, wrong, code)
    return said


def bounds(phone: Phone, words: str) -> tuple[int, int]:
    """The middle of what the screen shows under these words, as `uiautomator dump` has it."""
    xml = out(phone, "uiautomator dump /dev/tty")
    found = re.search(
        rf'(?:text|content-desc)="{re.escape(words)}"[^>]*'
        r'bounds="\[(\d+),(\d+)\]\[(\d+),(\d+)\]"',
        xml,
    )
    assert found, xml
    left, top, right, bottom = map(int, found.groups())
    return (left + right) // 2, (top + bottom) // 2


def tap(phone: Phone, words: str) -> None:
    """Tap what the screen shows under these words."""
    x, y = bounds(phone, words)
    out(phone, f"input tap {x} {y}")


def at(phone: Phone, seconds: float) -> None:
    """Let the phone's clock show so many seconds past noon."""
    phone.clock = lambda: NOON + seconds
