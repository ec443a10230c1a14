"""The small values a phone's state is made of."""

from collections.abc import Callable
from dataclasses import dataclass, field

from device_adapters.simulated.phone.intent import Intent

IDLE, RINGING, OFFHOOK = 0, 1, 2
STOPPED, PAUSED, PLAYING = 1, 2, 3
CALL, SYSTEM, RING, MUSIC, ALARM, NOTIFICATION = range(6)


@dataclass(frozen=True)
class Alarm:
    """An alarm of the clock app; it rings when the phone's clock next shows its time."""

    hour: int
    minute: int
    label: str
    made: float | None = field(default=None, compare=False)  # seconds since 1970; None for now


@dataclass(frozen=True)
class Timer:
    """A running timer."""

    seconds: int
    label: str
    made: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Notification:
    """A notification in the shade; `intent` is what a tap on it starts."""

    tag: str
    title: str
    text: str
    package: str = "com.android.shell"
    id: int = 2020
    uid: int = 2000
    channel: str = "shell_cmd"
    big: str | None = None  # the long text of the style bigtext
    lines: tuple[str, ...] = ()  # of the style inbox
    intent: Intent | None = None
    snoozed: bool = False

    @property
    def key(self) -> str:
        """What Android calls it: user, package, id, tag and uid."""
        return f"0|{self.package}|{self.id}|{self.tag}|{self.uid}"


@dataclass(frozen=True)
class Volume:
    """A stream's index and its range."""

    index: int
    lowest: int
    highest: int
    muted: bool = False


@dataclass
class Bluetooth:
    """The radio and the devices it is bonded with."""

    on: bool = True
    bonded: dict[str, str] = field(default_factory=lambda: {"WH-1000XM4": "AC:80:0A:12:34:56"})
    connected: set[str] = field(default_factory=set)
    in_reach: set[str] = field(default_factory=set)  # these connect by themselves, if it does


@dataclass(frozen=True)
class Sim:
    """A SIM card: `subscription` is the number that Android's settings and services mean it by."""

    subscription: int = 1
    carrier: str = "Telekom"


@dataclass(frozen=True)
class Battery:
    """How full it is and what fills it."""

    level: int = 83
    temperature: int = 274  # tenths of a degree
    plugged: str | None = "USB"  # or AC, Wireless, or None

    @property
    def status(self) -> int:
        """BatteryManager's number: 2 charging, 3 discharging, 5 full."""
        if self.plugged is None:
            return 3
        return 5 if self.level == 100 else 2


@dataclass
class Draft:
    """What an app shows unsent; `send` is what its button does."""

    to: str
    body: str
    send: Callable[["Draft"], None]


@dataclass(frozen=True)
class Dialog:
    """A question on the screen: buttons by their words, and what each does."""

    component: str  # of the activity it belongs to; empty where it is only a window
    text: str
    buttons: tuple[tuple[str, Callable[[], None]], ...]
