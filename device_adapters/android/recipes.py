"""Every function a phone serves, by name."""

import re
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from device_adapters.addresses import web_page
from device_adapters.android import agenda, capture, controls, people
from device_adapters.android.people import SENDTO
from device_adapters.android.quoting import part
from device_adapters.android.recipe import (
    Arguments,
    Change,
    Page,
    Present,
    Reading,
    Run,
    number,
    text,
)
from device_adapters.android.session import Session
from schemas.outcome import Done, Evidence

Probe = Callable[[Session, Arguments], Awaitable[Done | None]]
Look = Callable[[Session, Arguments], Awaitable[Present | None]]

BRIGHTEST = 255
_SYSTEM, _GLOBAL = ("settings", "put", "system"), ("settings", "get", "global")
_BRIGHTNESS = ("settings", "get", "system", "screen_brightness")
_PLAYBACK = {"play": "3", "pause": "2", "stop": "01"}
_STATE = re.compile(r"state=PlaybackState \{state=(?:\w+\()?(\d+)")


def _brightness(arguments: Arguments) -> str:
    return str(controls.scaled(number(arguments, "level"), 0, BRIGHTEST))


def _present_brightness(said: str) -> int | None:
    """The level; None on a phone that counts further than `BRIGHTEST`."""
    index = int(said) if said.isdecimal() else None
    # An automatic brightness comes back as the level it had: the function sets levels only.
    return None if index is None or index > BRIGHTEST else controls.level_of(index, 0, BRIGHTEST)


def _present_quiet(said: str) -> bool | None:
    """Whether calls are held back; "alarms only" and "nothing" come back as "priority only"."""
    return said != "0" if said.isdecimal() else None


def _playback(said: str, arguments: Arguments) -> bool:
    """Whether the first session does what was asked; skipping cannot be seen."""
    state = _STATE.search(said)
    return state is not None and state[1] in _PLAYBACK.get(text(arguments, "action"), "")


def _route(arguments: Arguments) -> str:
    origin = f"&origin={part(str(arguments['origin']))}" if arguments.get("origin") else ""
    mode = part(str(arguments.get("mode") or "driving"))
    destination = part(text(arguments, "destination"))
    base = "https://www.google.com/maps/dir/?api=1"
    return f"{base}{origin}&destination={destination}&travelmode={mode}"


def _mail(arguments: Arguments) -> str:
    to = part(text(arguments, "recipient")).replace("%40", "@")
    subject = part(str(arguments.get("title") or ""))
    return f"mailto:{to}?subject={subject}&body={part(text(arguments, 'content'))}"


RECIPES: Mapping[str, Run] = MappingProxyType(
    {
        "take_a_photo": capture.take_a_photo,
        "send_email": Page(
            uri=_mail,
            action=SENDTO,
            shown=Evidence.DRAFTED,
            detail="E-mail to {recipient} drafted",
        ),
        "search_youtube_videos": Page(
            uri=lambda a: f"https://www.youtube.com/results?search_query={part(text(a, 'query'))}",
            package="com.google.android.youtube",
            detail="YouTube shows {query}",
        ),
        "find_route_google_maps": Page(
            uri=_route,
            package="com.google.android.apps.maps",
            detail="The map shows the way to {destination}",
        ),
        "send_text_message": people.send_text_message,
        "make_phone_call": people.make_phone_call,
        "create_contact": people.create_contact,
        "list_contacts": people.list_contacts,  # for the hub itself; no sentence asks for it
        "set_timer_alarm": agenda.set_timer_alarm,
        "change_screen_brightness": Change(
            say=lambda a: (
                (*_SYSTEM, "screen_brightness_mode", "0"),
                (*_SYSTEM, "screen_brightness", _brightness(a)),
            ),
            look=_BRIGHTNESS,
            holds=lambda said, a: said.strip() == _brightness(a),
            detail="Brightness {level} of 10",
        ),
        "create_calendar_event": agenda.create_calendar_event,
        "set_volume": controls.set_volume,
        "connect_to_bluetooth_device": controls.connect_to_bluetooth_device,
        "enable_do_not_disturb": Change(
            say=lambda a: (
                ("cmd", "notification", "set_dnd", "priority" if a["enabled"] else "off"),
            ),
            look=(*_GLOBAL, "zen_mode"),
            holds=lambda said, a: said.strip() == ("1" if a["enabled"] else "0"),
            detail="Do not disturb: {enabled}",
        ),
        "open_application": controls.open_application,
        "open_url": Page(uri=lambda a: web_page(text(a, "url")), detail="{url} is open"),
        "media_control": Change(
            say=lambda a: (("cmd", "media_session", "dispatch", text(a, "action")),),
            look=("dumpsys", "media_session"),
            holds=_playback,
            insists=False,
            detail="Media: {action}",
        ),
        "lock_screen": controls.lock_screen,
        "take_screenshot": capture.take_screenshot,
        "show_notification": controls.show_notification,
    }
)

PROBES: Mapping[str, Probe] = MappingProxyType(
    {
        "create_contact": people.find_contact,
        "set_timer_alarm": agenda.find_alarm,
        "create_calendar_event": agenda.find_event,
    }
)

PRESENT: Mapping[str, Look] = MappingProxyType(
    {
        "set_volume": controls.present_volume,
        "change_screen_brightness": Reading(_BRIGHTNESS, "level", _present_brightness),
        "enable_do_not_disturb": Reading((*_GLOBAL, "zen_mode"), "enabled", _present_quiet),
    }
)

PERMISSIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "make_phone_call": ("CALL_PHONE",),
        "send_text_message": ("READ_CONTACTS",),
        "create_contact": ("READ_CONTACTS", "WRITE_CONTACTS"),
        "list_contacts": ("READ_CONTACTS",),
        "create_calendar_event": ("READ_CALENDAR", "WRITE_CALENDAR"),
    }
)
"""What the phone's shell must be allowed to do."""
