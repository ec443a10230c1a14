"""Alarms, timers and calendar events."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from device_adapters.android import content, quoting
from device_adapters.android.recipe import Arguments, text
from device_adapters.android.session import Session
from schemas.errors import DeviceRefused, DeviceUncertain
from schemas.outcome import Done, Evidence

CALENDAR = "content://com.android.calendar"
MAY_WRITE = 500
"""The lowest access level that may add events."""

ACTION, EXTRA = "android.intent.action", "android.intent.extra.alarm"
LONGEST_TIMER = timedelta(hours=24)
_LENGTH = re.compile(r"PT(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?")


async def set_timer_alarm(session: Session, arguments: Arguments) -> Done:
    """An alarm for HH:MM, or a timer for a length of time."""
    when, label = text(arguments, "time"), str(arguments.get("label") or "alarm")
    quietly = ("--es", f"{EXTRA}.MESSAGE", label, "--ez", f"{EXTRA}.SKIP_UI", "true")
    if (length := _length(when)) is not None:
        return await _set_timer(session, length, quietly)
    hour, minute = _time_of_day(when)
    at = ("--ei", f"{EXTRA}.HOUR", str(hour), "--ei", f"{EXTRA}.MINUTES", str(minute))
    await session.tell("am", "start", "-W", "-a", f"{ACTION}.SET_ALARM", *at, *quietly)

    async def look() -> Done | None:
        return await _alarm_at(session, hour, minute)

    found = await session.until(look)
    return found or Done(evidence=Evidence.UNVERIFIED, detail=f"Alarm for {when}")


async def _set_timer(session: Session, length: timedelta, quietly: tuple[str, ...]) -> Done:
    """Proved only where no timer ran before: Android shows just the next one to end."""
    before = await _timer_runs(session)
    seconds = str(int(length.total_seconds()))
    wanted = ("--ei", f"{EXTRA}.LENGTH", seconds)
    await session.tell("am", "start", "-W", "-a", f"{ACTION}.SET_TIMER", *wanted, *quietly)

    async def look() -> bool | None:
        return await _timer_runs(session) or None

    seen = not before and await session.until(look)
    evidence = Evidence.VERIFIED if seen else Evidence.UNVERIFIED
    return Done(evidence=evidence, detail=f"Timer for {length}")


async def find_alarm(session: Session, arguments: Arguments) -> Done | None:
    """The alarm at this time, if there is one; a running timer does not tell its length."""
    when = text(arguments, "time")
    if _length(when) is None:
        return await _alarm_at(session, *_time_of_day(when))
    if await _timer_runs(session):
        raise DeviceUncertain("a timer runs, and the phone does not tell which")
    return None


async def _alarm_at(session: Session, hour: int, minute: int) -> Done | None:
    dump = await session.ask("dumpsys", "alarm")
    if re.search(rf"triggerTime=\d{{4}}-\d\d-\d\d {hour:02}:{minute:02}:", dump) is None:
        return None
    return Done(evidence=Evidence.VERIFIED, detail=f"Alarm for {hour:02}:{minute:02}")


async def _timer_runs(session: Session) -> bool:
    return "TIMER_EXPIRED" in await session.ask("dumpsys", "alarm")


def _time_of_day(when: str) -> tuple[int, int]:
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", when)
    if match is None:
        raise DeviceRefused(f"{when} is not a time of day")
    return int(match[1]), int(match[2])


def _length(when: str) -> timedelta | None:
    """An ISO 8601 length of time; None for anything else."""
    match = _LENGTH.fullmatch(when)
    if match is None or not any(match.groups()):
        return None
    hours, minutes, seconds = (int(group or 0) for group in match.groups())
    length = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if not timedelta(0) < length <= LONGEST_TIMER:
        raise DeviceRefused(f"a timer cannot run for {length}")
    return length


async def create_calendar_event(session: Session, arguments: Arguments) -> Done:
    """Put an event into the first calendar that may be written, the primary one before others."""
    title = text(arguments, "title")
    start, end, zone = await _span(session, arguments)
    calendar = await _calendar(session)
    same = await content.watch(session, f"{CALENDAR}/events", _where(title, start))
    await content.insert(
        session,
        f"{CALENDAR}/events",
        calendar_id=calendar,
        title=title,
        dtstart=start,
        dtend=end,
        eventTimezone=zone,
    )
    if not await session.until(same.new):
        raise DeviceRefused("the phone took the event and did not keep it")
    return _event(title, arguments)


async def find_event(session: Session, arguments: Arguments) -> Done | None:
    """The event of this title and start, if there is one."""
    title = text(arguments, "title")
    start, _, _ = await _span(session, arguments)
    rows = await content.query(session, f"{CALENDAR}/events", ("_id",), _where(title, start))
    return _event(title, arguments) if rows else None


def _event(title: str, arguments: Arguments) -> Done:
    detail = f"{title}: {_moment(text(arguments, 'start_time')):%A %d %B, %H:%M}"
    return Done(evidence=Evidence.VERIFIED, detail=detail)


def _where(title: str, start: int) -> str:
    return f"title={quoting.sql(title)} AND dtstart={start} AND deleted=0"


async def _span(session: Session, arguments: Arguments) -> tuple[int, int, str]:
    """Start and end in milliseconds since 1970, and the phone's time zone they are meant in."""
    zone = (await session.ask("getprop", "persist.sys.timezone")).strip()
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise DeviceRefused(f"the phone's time zone is unknown: {zone}") from exc
    start = _moment(text(arguments, "start_time")).replace(tzinfo=place)
    end = start + timedelta(hours=1)
    if arguments.get("end_time") is not None:
        end = _moment(text(arguments, "end_time")).replace(tzinfo=place)
    if end <= start:
        raise DeviceRefused("the event would end before it starts")
    return int(start.timestamp() * 1000), int(end.timestamp() * 1000), zone


def _moment(said: str) -> datetime:
    try:
        return datetime.strptime(said, "%Y-%m-%d-%H-%M")
    except ValueError as exc:
        raise DeviceRefused(f"{said} is not a date with a time") from exc


async def _calendar(session: Session) -> int:
    columns = ("_id", "calendar_access_level", "isPrimary")
    where = f"calendar_access_level>={MAY_WRITE}"
    rows = await content.query(session, f"{CALENDAR}/calendars", columns, where)
    if not rows:
        raise DeviceRefused("no calendar on the phone may be written")
    return int(min(rows, key=lambda row: (row[2] != "1", int(row[0])))[0])
