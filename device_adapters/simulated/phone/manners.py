"""How one phone fails, the way real ones do; without any of it a phone behaves."""

from dataclasses import dataclass
from enum import StrEnum


class Put(StrEnum):
    """What `settings put` does."""

    OBEYED = "obeyed"
    IGNORED = "ignored"  # exits 0 and changes nothing (a policy, or the maker's own scale)
    DENIED = "denied"  # SecurityException: Xiaomi without "USB debugging (Security settings)"


class Camera(StrEnum):
    """What the camera app does with the shutter key."""

    WORKS = "works"
    ASKS = "asks"  # first wants its own permissions
    KEEPS_NOTHING = "keeps_nothing"  # no picture reaches the gallery


@dataclass(frozen=True)
class Manners:
    """One phone's bad manners."""

    settings_put: Put = Put.OBEYED
    input_blocked: bool = False  # `input` may not inject events (Xiaomi's second debugging switch)
    inserts_dropped: bool = False  # `content insert` says nothing and adds nothing
    calendars_writable: bool = True
    brightest: int = 255  # the top of screen_brightness; some Xiaomi count to 4095
    safe_volume: int | None = None  # louder media wants a person's OK on a dialog
    start_looks: int = 0  # what a started activity does is seen only after so many looks
    start_times_out: bool = False  # `am start -W` gives up waiting
    camera: Camera = Camera.WORKS
    asks_which: bool = False  # "Open with": two apps fit, and none was chosen for always
    clock_saves: bool = True  # False: the clock app shows an alarm, and a person must save it
    bluetooth_connects: bool = True  # False: a device in reach waits until it is tapped
    notifications_shown: bool = True  # False: the shell's notifications are switched off
    dnd_settable: bool = True  # False: the maker's own rule keeps zen_mode as it is
    sent_kept: bool = True  # False: a message that went out is in nobody's sent box
    busy_dumps: int = 0  # so many `uiautomator dump`s fail first: the screen does not get still
    refused_dumps: frozenset[str] = frozenset()  # `dumpsys` services that answer with a denial


POLITE = Manners()
