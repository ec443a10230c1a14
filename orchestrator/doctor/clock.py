"""Does the hub know what time it is?"""

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tzlocal

from orchestrator.doctor.checks import Check, good, output, warning, wrong
from orchestrator.settings import Settings

_DAY = 86400
_UTC = {"UTC", "Etc/UTC", "Etc/GMT", "GMT", "Etc/UCT", "UCT", "Zulu", "Etc/Zulu"}
_SET = "set hub.time_zone in hub.toml, such as Europe/Berlin"


def clock_checks(settings: Settings, now: float | None = None) -> Iterator[Check]:
    """The time zone, the clock, and whether something keeps it right."""
    yield _zone(settings.hub.time_zone)
    yield _clock(time.time() if now is None else now)
    synchronised = (output("timedatectl", "show", "-p", "NTPSynchronized", "--value") or "").strip()
    if synchronised == "yes":
        yield good("network time", "the clock is kept right")
    elif synchronised == "no":
        todo = "timedatectl set-ntp true, or another time service"
        yield warning("network time", "nothing keeps the clock right, as timedatectl knows", todo)


def _zone(configured: str) -> Check:
    try:
        name = ZoneInfo(configured).key if configured else tzlocal.get_localzone_name()
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        said = f"hub.time_zone: no time zone {configured!r}" if configured else str(error)
        return wrong("time zone", said, _SET)
    if not name:
        return warning("time zone", "this machine's has no name, so no summer time is known", _SET)
    if not configured and name in _UTC:
        return warning("time zone", f"this machine's is {name}: “at 7 pm” is meant so", _SET)
    return good("time zone", str(name))


def _clock(now: float) -> Check:
    installed = Path(__file__).stat().st_mtime
    said = f"{datetime.fromtimestamp(now):%Y-%m-%d %H:%M}"
    if now < installed - _DAY:
        day = f"{datetime.fromtimestamp(installed):%Y-%m-%d}"
        return wrong("clock", f"{said}, and this program is of {day}", "set the clock")
    return good("clock", said)
