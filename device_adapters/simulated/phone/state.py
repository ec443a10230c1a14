"""The phone's state: what commands change and tests read."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from device_adapters.simulated.phone.files import Files
from device_adapters.simulated.phone.makers import PIXEL, SYSTEM, Maker
from device_adapters.simulated.phone.manners import POLITE, Manners
from device_adapters.simulated.phone.provider import Contact, Event, Photo, Provider, Sms
from device_adapters.simulated.phone.values import (
    ALARM,
    CALL,
    IDLE,
    MUSIC,
    NOTIFICATION,
    PAUSED,
    PLAYING,
    RING,
    STOPPED,
    Alarm,
    Battery,
    Bluetooth,
    Dialog,
    Draft,
    Notification,
    Sim,
    Timer,
    Volume,
)
from device_adapters.simulated.phone.values import SYSTEM as SYSTEM_STREAM

__all__ = [
    "ALARM",
    "IDLE",
    "MUSIC",
    "PAUSED",
    "PLAYING",
    "RING",
    "STOPPED",
    "Alarm",
    "Battery",
    "Bluetooth",
    "Notification",
    "Phone",
    "Sim",
    "Timer",
    "Volume",
]

RELEASES = {29: "10", 30: "11", 31: "12", 32: "12", 33: "13", 34: "14", 35: "15", 36: "16"}
SHELL_PERMISSIONS = (
    "READ_CONTACTS WRITE_CONTACTS READ_CALENDAR WRITE_CALENDAR READ_SMS SEND_SMS CALL_PHONE"
)


def _settings() -> dict[str, dict[str, str]]:
    return {
        "system": {
            "accelerometer_rotation": "0",
            "screen_brightness": "102",
            "screen_brightness_float": "0.397638",
            "screen_brightness_mode": "1",
            "screen_off_timeout": "30000",
            "user_rotation": "0",
        },
        "global": {
            "adb_enabled": "1",
            "airplane_mode_on": "0",
            "bluetooth_on": "1",
            "device_name": "Pixel 8",
            "multi_sim_sms": "1",
            "multi_sim_voice_call": "1",
            "wifi_on": "1",
            "zen_mode": "0",
        },
        "secure": {"android_id": "9774d56d682e549c", "ui_night_mode": "1"},
    }


def _volumes() -> dict[int, Volume]:
    return {
        CALL: Volume(4, 1, 5),
        SYSTEM_STREAM: Volume(5, 0, 7),
        RING: Volume(5, 0, 7),
        MUSIC: Volume(5, 0, 15),
        ALARM: Volume(6, 1, 7),
        NOTIFICATION: Volume(5, 0, 7),
    }


@dataclass
class Phone:
    """One phone; `maker` and `manners` say how it differs from a Pixel that behaves."""

    name: str = "Pixel 8"
    serial: str = "SIM0001"
    sdk: int = 34
    timezone: str = "Europe/Berlin"
    maker: Maker = PIXEL
    manners: Manners = POLITE
    clock: Callable[[], float] = time.time
    settings: dict[str, dict[str, str]] = field(default_factory=_settings)
    packages: dict[str, str] = field(default_factory=dict)  # the maker's, where none are given
    permissions: dict[str, bool] = field(
        default_factory=lambda: dict.fromkeys(SHELL_PERMISSIONS.split(), True)
    )
    volumes: dict[int, Volume] = field(default_factory=_volumes)
    bluetooth: Bluetooth = field(default_factory=Bluetooth)
    battery: Battery = field(default_factory=Battery)
    sims: list[Sim] = field(default_factory=lambda: [Sim()])
    computers: set[bytes] = field(default_factory=set)  # keys of those that may debug it
    files: Files = field(default_factory=Files)
    provider: Provider = field(default_factory=Provider)
    alarms: list[Alarm] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    call_state: int = IDLE
    call_slot: int = 0  # which SIM the call goes over
    called: list[str] = field(default_factory=list)
    radioed: list[tuple[str, str]] = field(default_factory=list)  # sent, and in no sent box
    mailed: list[tuple[str, str]] = field(default_factory=list)  # to whom, and the whole URI
    media_state: int = PAUSED
    media_keys: list[str] = field(default_factory=list)
    awake: bool = True
    locked: bool = False
    secure: bool = False  # whether unlocking takes a person
    camera_works: bool = True
    camera_allowed: bool = False  # whether a person let the camera app use the camera
    resumed: str = ""  # the component in front; the launcher where none is given
    behind: str | None = None  # what was started behind the lock screen
    draft: Draft | None = None
    dialog: Dialog | None = None
    shade: bool = False  # whether the notifications are pulled down
    typed: str = ""  # what `input text` wrote where nothing takes it
    stopped: set[str] = field(default_factory=set)  # packages that were stopped by force
    rang: list[str] = field(default_factory=list)  # the sound system's log of alarms
    intents: list[str] = field(default_factory=list)  # the data of every started activity
    commands: list[tuple[str, ...]] = field(default_factory=list)  # everything that was run
    busy_dumps: int = 0  # how many dumps of the screen have failed
    looks: int = 0  # how often somebody looked at how the phone is
    _pending: list[tuple[int, Callable[[], None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """What was not given is the maker's; a time zone that is none raises."""
        ZoneInfo(self.timezone)  # here, for the first one takes a while to load
        if not self.packages:
            launcher = self.maker.home.partition("/")[0]
            self.packages = dict(self.maker.packages) | dict.fromkeys((*SYSTEM, launcher), "")
        self.resumed = self.resumed or self.maker.home
        self.settings["global"]["device_name"] = self.name

    @property
    def banner(self) -> str:
        """What the phone says of itself when a computer connects."""
        model = self.name.replace(" ", "_")
        return f"ro.product.name={model};ro.product.model={model};ro.product.device={model};"

    @property
    def release(self) -> str:
        """Android's version as people say it."""
        return RELEASES.get(self.sdk, str(self.sdk))

    def now(self) -> datetime:
        """The phone's own clock."""
        return datetime.fromtimestamp(self.clock(), ZoneInfo(self.timezone))

    def soon(self, effect: Callable[[], None]) -> None:
        """Do it now, or after as many looks as this phone takes to start an activity."""
        if self.manners.start_looks:
            self._pending.append((self.looks + self.manners.start_looks, effect))
        else:
            effect()

    def look(self) -> None:
        """Somebody looks: what has waited for long enough happens first."""
        self.looks += 1
        due = [effect for when, effect in self._pending if when <= self.looks]
        self._pending = [later for later in self._pending if later[0] > self.looks]
        for effect in due:
            effect()

    def handler(self, role: str) -> str | None:
        """The installed component that takes a role, the preferred one."""
        some = self.handlers(role)
        return some[0] if some else None

    def handlers(self, role: str) -> tuple[str, ...]:
        """Every installed component that takes a role."""
        candidates = self.maker.handlers.get(role, ())
        return tuple(one for one in candidates if one.partition("/")[0] in self.packages)

    def in_front(self, role: str) -> bool:
        """Whether the app of a role is what the screen shows, with nothing over it."""
        package = self.resumed.partition("/")[0]
        packages = {one.partition("/")[0] for one in self.handlers(role)}
        return self.awake and not self.locked and self.dialog is None and package in packages

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
        data = b"\xff\xd8\xff photo " + name.encode() + b"\xff\xd9"
        self.files.write(path, data, mtime=int(self.clock()))
        self.provider.add_photo(path, int(self.clock()))
