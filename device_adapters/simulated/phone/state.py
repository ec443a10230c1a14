"""The phone's state: what commands change and tests read."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from device_adapters.simulated.phone.files import Files
from device_adapters.simulated.phone.provider import Contact, Event, Photo, Provider, Sms

IDLE, RINGING, OFFHOOK = 0, 1, 2
STOPPED, PAUSED, PLAYING = 1, 2, 3
RING, MUSIC, ALARM = 2, 3, 4
HOME = "com.google.android.apps.nexuslauncher/.NexusLauncherActivity"
SHELL_PERMISSIONS = (
    "READ_CONTACTS WRITE_CONTACTS READ_CALENDAR WRITE_CALENDAR READ_SMS SEND_SMS CALL_PHONE"
)


@dataclass(frozen=True)
class Alarm:
    """An alarm of the clock app."""

    hour: int
    minute: int
    label: str


@dataclass(frozen=True)
class Timer:
    """A running timer."""

    seconds: int
    label: str


@dataclass(frozen=True)
class Notification:
    """A notification in the shade."""

    tag: str
    title: str
    text: str


@dataclass(frozen=True)
class Volume:
    """A stream's index and its range."""

    index: int
    lowest: int
    highest: int


@dataclass
class Bluetooth:
    """The radio and the devices it is bonded with."""

    on: bool = True
    bonded: dict[str, str] = field(default_factory=lambda: {"WH-1000XM4": "AC:80:0A:12:34:56"})
    connected: set[str] = field(default_factory=set)
    in_reach: set[str] = field(default_factory=set)  # these connect by themselves


def _settings() -> dict[str, dict[str, str]]:
    return {
        "system": {"screen_brightness": "102", "screen_brightness_mode": "1"},
        "global": {"zen_mode": "0", "multi_sim_sms": "1"},
        "secure": {},
    }


def _packages() -> dict[str, str]:
    return {
        "com.android.settings": ".Settings",
        "com.android.chrome": "com.google.android.apps.chrome.Main",
        "com.google.android.youtube": ".HomeActivity",
        "com.google.android.apps.maps": "com.google.android.maps.MapsActivity",
        "com.google.android.gm": ".ConversationListActivityGmail",
        "com.google.android.apps.messaging": ".ui.ConversationListActivity",
        "com.google.android.dialer": ".extensions.GoogleDialtactsActivity",
        "com.google.android.deskclock": "com.android.deskclock.DeskClock",
        "com.google.android.GoogleCamera": "com.android.camera.CameraLauncher",
        "com.spotify.music": ".MainActivity",
    }


def _volumes() -> dict[int, Volume]:
    return {RING: Volume(5, 0, 7), MUSIC: Volume(5, 0, 15), ALARM: Volume(6, 1, 7)}


@dataclass
class Phone:
    """One phone."""

    name: str = "Pixel 8"
    serial: str = "SIM0001"
    sdk: int = 34
    timezone: str = "Europe/Berlin"
    clock: Callable[[], float] = time.time
    settings: dict[str, dict[str, str]] = field(default_factory=_settings)
    packages: dict[str, str] = field(default_factory=_packages)
    permissions: dict[str, bool] = field(
        default_factory=lambda: dict.fromkeys(SHELL_PERMISSIONS.split(), True)
    )
    volumes: dict[int, Volume] = field(default_factory=_volumes)
    bluetooth: Bluetooth = field(default_factory=Bluetooth)
    files: Files = field(default_factory=Files)
    provider: Provider = field(default_factory=Provider)
    alarms: list[Alarm] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    call_state: int = IDLE
    called: list[str] = field(default_factory=list)
    media_state: int = PAUSED
    media_keys: list[str] = field(default_factory=list)
    awake: bool = True
    locked: bool = False
    secure: bool = False  # whether unlocking takes a person
    camera_works: bool = True
    resumed: str = HOME
    intents: list[str] = field(default_factory=list)  # the data of every started activity
    commands: list[tuple[str, ...]] = field(default_factory=list)  # everything that was run

    @property
    def banner(self) -> str:
        """What the phone says of itself when a computer connects."""
        model = self.name.replace(" ", "_")
        return f"ro.product.name={model};ro.product.model={model};ro.product.device={model};"

    @property
    def properties(self) -> dict[str, str]:
        """What `getprop` knows."""
        return {
            "persist.sys.timezone": self.timezone,
            "ro.build.version.sdk": str(self.sdk),
            "ro.product.model": self.name,
            "ro.serialno": self.serial,
        }

    def now(self) -> datetime:
        """The phone's own clock."""
        return datetime.fromtimestamp(self.clock(), ZoneInfo(self.timezone))

    @property
    def contacts(self) -> list[Contact]:
        """Names and numbers."""
        return self.provider.contacts()

    @property
    def events(self) -> list[Event]:
        """What is in the calendars."""
        return self.provider.events()

    @property
    def sent(self) -> list[Sms]:
        """Text messages that went out."""
        return self.provider.sent()

    @property
    def photos(self) -> list[Photo]:
        """The pictures the gallery shows."""
        return self.provider.photos()

    def take_photo(self) -> None:
        """What the camera's shutter does."""
        name = f"PXL_{self.now():%Y%m%d_%H%M%S}_{len(self.photos)}.jpg"
        path = f"/storage/emulated/0/DCIM/Camera/{name}"
        self.files.write(path, b"\xff\xd8\xff photo " + name.encode() + b"\xff\xd9")
        self.provider.add_photo(path, int(self.clock()))
