"""On every release, every make and with every bad manner: no claim that the phone contradicts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from device_adapters.simulated.phone import Fault, SimulatedPhone, makers
from device_adapters.simulated.phone.makers import Maker
from device_adapters.simulated.phone.manners import POLITE, Camera, Manners, Put
from device_adapters.simulated.phone.state import Phone
from device_adapters.simulated.phone.values import MUSIC, OFFHOOK, PLAYING, Alarm, Timer
from schemas.base import Scalar
from schemas.errors import DeviceNeedsPerson, DeviceRefused, DeviceUncertain
from schemas.outcome import Evidence
from tests.contract.android.android_kit import adapter_for, invocation

HEADPHONES, NUMBER = "WH-1000XM4", "+15550100"


@dataclass(frozen=True)
class Deed:
    """A call, and whether a phone shows that it happened."""

    function: str
    arguments: dict[str, Scalar | None]
    happened: Callable[[Phone], bool]


def in_front(role: str) -> Callable[[Phone], bool]:
    """Whether the app of a role is what the screen shows."""
    return lambda phone: phone.in_front(role)


DEEDS = [
    Deed("take_a_photo", {"camera": "front"}, lambda p: len(p.photos) == 1),
    Deed(
        "send_text_message",
        {"contact_name": NUMBER, "message": "hi"},
        lambda p: [m.address for m in p.sent] == [NUMBER] or bool(p.radioed),
    ),
    Deed("make_phone_call", {"phone_number": NUMBER}, lambda p: p.call_state == OFFHOOK),
    Deed(
        "create_contact",
        {"name": "Ann", "phone_number": NUMBER},
        lambda p: p.contacts == [("Ann", NUMBER)],
    ),
    Deed(
        "set_timer_alarm",
        {"time": "07:30", "label": "up"},
        lambda p: Alarm(7, 30, "up") in p.alarms,
    ),
    Deed(
        "set_timer_alarm",
        {"time": "PT10M", "label": "tea"},
        lambda p: Timer(600, "tea") in p.timers,
    ),
    Deed(
        "create_calendar_event",
        {"title": "T", "start_time": "2030-01-02-10-00", "end_time": None},
        lambda p: [event.title for event in p.events] == ["T"],
    ),
    Deed("set_volume", {"level": 2}, lambda p: p.volumes[MUSIC].index == 3),
    Deed("set_volume", {"level": 10}, lambda p: p.volumes[MUSIC].index == 15),
    Deed(
        "change_screen_brightness",
        {"level": 3},
        lambda p: (
            p.settings["system"]["screen_brightness_mode"] == "0"
            and abs(int(p.settings["system"]["screen_brightness"]) / p.manners.brightest - 0.3)
            < 0.01
        ),
    ),
    Deed(
        "enable_do_not_disturb",
        {"enabled": True},
        lambda p: p.settings["global"]["zen_mode"] == "1",
    ),
    Deed(
        "connect_to_bluetooth_device",
        {"device_name": HEADPHONES},
        lambda p: HEADPHONES in p.bluetooth.connected,
    ),
    Deed("media_control", {"action": "play"}, lambda p: p.media_state == PLAYING),
    Deed("show_notification", {"text": "hi"}, lambda p: len(p.notifications) == 1),
    Deed("lock_screen", {}, lambda p: p.locked),
    Deed("search_youtube_videos", {"query": "cats"}, in_front("youtube")),
    Deed("find_route_google_maps", {"destination": "Rome"}, in_front("maps")),
    Deed("open_url", {"url": "example.org"}, in_front("browser")),
]
"""Whatever a sentence can ask a phone for and a phone can show."""

BAD = [
    Manners(settings_put=Put.IGNORED),
    Manners(settings_put=Put.DENIED),
    Manners(input_blocked=True),
    Manners(inserts_dropped=True),
    Manners(calendars_writable=False),
    Manners(safe_volume=8),
    Manners(start_looks=3),
    Manners(start_looks=10_000),
    Manners(start_times_out=True),
    Manners(camera=Camera.ASKS),
    Manners(camera=Camera.KEEPS_NOTHING),
    Manners(asks_which=True),
    Manners(clock_saves=False),
    Manners(bluetooth_connects=False),
    Manners(notifications_shown=False),
    Manners(dnd_settable=False),
    Manners(sent_kept=False),
    Manners(busy_dumps=2),
]


MAKERS = {"pixel": makers.PIXEL, "samsung": makers.SAMSUNG, "xiaomi": makers.XIAOMI}


Ended = Evidence | type[Exception]


async def outcome(deed: Deed, phone: Phone, key: Path, *faults: Fault) -> tuple[Ended, bool]:
    """How the call ended, and whether it happened."""
    phone.bluetooth.in_reach.add(HEADPHONES)
    async with SimulatedPhone(state=phone) as running:
        for fault in faults:
            running.inject(fault)
        adapter = adapter_for(running, key)
        assert not deed.happened(phone), "it is so already"
        try:
            done = await adapter.call(invocation(deed.function, **deed.arguments))
        except (DeviceRefused, DeviceUncertain, DeviceNeedsPerson) as error:
            return type(error), deed.happened(phone)
        finally:
            await adapter.close()
        return done.evidence, deed.happened(phone)


def told(manners: Manners) -> str:
    """What is bad about them."""
    changed = {k: v for k, v in vars(manners).items() if v != vars(POLITE)[k]}
    return ",".join(f"{name}={value}" for name, value in changed.items())


@pytest.mark.parametrize("sdk", range(29, 36))
@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
async def test_every_release_does_it(key: Path, maker: Maker, sdk: int) -> None:
    for deed in DEEDS:
        ended, happened = await outcome(deed, Phone(sdk=sdk, maker=maker), key)
        if deed.function == "enable_do_not_disturb" and sdk == 29:
            assert (ended, happened) == (Evidence.DRAFTED, False)  # its shell may not
        else:
            assert (ended, happened) == (Evidence.VERIFIED, True), deed


def lies(ended: Ended, *, happened: bool) -> bool:
    """Whether the phone contradicts what was claimed."""
    denied = ended in (DeviceRefused, DeviceNeedsPerson)
    return (ended is Evidence.VERIFIED and not happened) or (denied and happened)


@pytest.mark.parametrize("sdk", [29, 34])
@pytest.mark.parametrize("manners", BAD, ids=told)
async def test_no_bad_manner_makes_it_lie(key: Path, manners: Manners, sdk: int) -> None:
    for deed in DEEDS:
        ended, happened = await outcome(deed, Phone(sdk=sdk, manners=manners), key)
        assert not lies(ended, happened=happened), (deed, ended)


@pytest.mark.parametrize("secure", [False, True])
async def test_no_lock_makes_it_lie(key: Path, secure: bool) -> None:
    for deed in DEEDS:
        if deed.function != "lock_screen":
            ended, happened = await outcome(deed, Phone(locked=True, secure=secure), key)
            assert not lies(ended, happened=happened), (deed, ended)
