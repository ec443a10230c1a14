"""Times in words to the moment, the rhythm or the length they mean, against a given now."""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from orchestrator.times import lengths, rhythms, timewords
from orchestrator.times.lengths import Length
from orchestrator.times.numerals import spelled
from orchestrator.times.timeparts import Said, Unclear, contradiction, no_such, together, vague
from orchestrator.times.timewords import Piece
from schemas.when import When

__all__ = ["Unclear", "clock", "length", "read", "settle"]

_DAY = timedelta(days=1)
_BOUNDS = ("until", "till", "til", "before", "after", "since", "between", "from", "to")


class _Part(NamedTuple):
    """A part of the day, in hours of it; 24 is the midnight that ends it."""

    usual: int
    first: int
    last: int


_ANY_PART = _Part(9, 0, 23)
_PARTS = {
    "morning": _Part(8, 0, 11),
    "afternoon": _Part(15, 12, 19),
    "evening": _Part(19, 16, 24),
    "this evening": _Part(20, 16, 24),
    "night": _Part(21, 18, 29),
    "tonight": _Part(20, 17, 28),
}


def read(words: str, now: datetime) -> When | timedelta:
    """When the words say, or how long ("20 minutes"); Unclear where they say neither."""
    text = spelled(" ".join(words.split()))
    found = timewords.pieces(text)
    rest = timewords.rest(text, found)
    if found and not rest:
        return settle(found, now)
    if (lasting := length(words)) is not None:
        return lasting
    if timewords.VAGUE.search(text) or (found and rest.lower() in _BOUNDS):
        raise vague(" ".join(words.split()))
    raise Unclear("not_a_time", f"{words.strip()!r} is no time")


def clock(words: str) -> time | None:
    """A time of day ("half past seven tonight"), or None; a bare hour is the 24 h clock's."""
    text = spelled(" ".join(words.split()))
    found = timewords.pieces(text)
    kinds = {piece.kind for piece in found}
    if not {"clock"} <= kinds <= {"clock", "part"} or timewords.rest(text, found):
        return None
    try:
        return (datetime.min + _time_of_day(together(found)) % _DAY).time()
    except Unclear:
        return None


def length(words: str) -> timedelta | None:
    """A length of time ("an hour and a half", "20 min"), or None."""
    text = spelled(" ".join(words.split()))
    lasting = lengths.total(text)
    if lasting is None or lasting.months:
        return None
    if timewords.without_filler(lengths.PATTERN.sub("", text)):
        return None
    return timedelta(days=lasting.days, seconds=lasting.seconds) or None


def settle(found: tuple[Piece, ...], now: datetime) -> When:
    """The one moment or rhythm that the pieces name; Unclear where they do not."""
    said, now = together(found), _zoned(now)
    try:
        if said.rule is not None:
            return _recurring(said, said.rule, now)
        if len(said.monthdays) > 1:
            raise Unclear("contradiction", f"{said.words!r} names several days")
        if said.later and not (said.clock or said.ahead):
            raise vague(said.words)
        if said.ahead is not None:
            return _later(said, said.ahead, now)
        return _once(said, _days(said, _today(said, now)), now)
    except (OverflowError, ValueError) as exc:
        raise no_such(said.words) from exc


def _zoned(now: datetime) -> datetime:
    """The same instant in a zone with a name; Unclear where its offset belongs to none."""
    if isinstance(now.tzinfo, ZoneInfo):
        return now
    hours, rest = divmod(now.utcoffset() or timedelta(), timedelta(hours=1))
    if rest:
        raise Unclear("unknown_zone", "the hub's clock is in no zone with a name")
    aware = now if now.tzinfo else now.replace(tzinfo=UTC)
    # POSIX counts offsets westward.
    return aware.astimezone(ZoneInfo(f"Etc/GMT{-hours:+d}" if hours else "UTC"))


def _today(said: Said, now: datetime) -> date:
    """Of the speaker; where no day is said, of the place whose clock is meant."""
    return now.astimezone(ZoneInfo(said.zone)).date() if said.zone else now.date()


def _time_of_day(said: Said) -> timedelta:
    """Since the midnight that begins the day; a night's small hours follow the one that ends it."""
    part = _PARTS[said.part] if said.part else _ANY_PART
    if said.clock is None:
        return timedelta(hours=part.usual)
    hour, minute, fixed = said.clock
    if said.part is None:
        ends_today = said.days == 0 and hour == minute == 0
        return timedelta(hours=24 if ends_today else hour, minutes=minute)
    for candidate in range(hour if fixed else hour % 12, 36, 24 if fixed else 12):
        if part.first <= candidate <= part.last:
            return timedelta(hours=candidate, minutes=minute)
    raise contradiction(said.words)


def _days(said: Said, today: date) -> Iterator[date]:
    """The days that may be meant, the nearest first."""
    if said.days is not None:
        if said.days == 0:
            yield today - _DAY  # its night is not over yet
        yield today + timedelta(said.days)
    elif said.monthdays:
        yield from _dates(said, said.monthdays[0], today)
    elif said.weekday is not None and said.week is not None:
        yield today + timedelta(said.weekday - today.weekday() + 7 * said.week + (said.shift or 0))
    elif said.weekday is not None:
        nearest = today + timedelta((said.weekday - today.weekday()) % 7 + (said.shift or 0))
        yield from (nearest, nearest + 7 * _DAY)
    elif said.week is not None or said.months is not None:
        raise vague(said.words)
    else:
        yield from (today, today + _DAY)


def _dates(said: Said, monthday: int, today: date) -> Iterator[date]:
    """The days of that date; Unclear where no calendar has it."""
    known = False
    for year, month in _months(said, today):
        last = monthrange(year, month)[1]
        if monthday <= last:
            known = True
            yield date(year, month, last if monthday < 0 else monthday)
    if not known:
        raise no_such(said.words)


def _months(said: Said, today: date) -> Iterable[tuple[int, int]]:
    """The months that may be meant; 29 February comes round within eight years."""
    if said.month is not None:
        years = range(today.year, today.year + 9) if said.year is None else (said.year,)
        return ((year, said.month) for year in years)
    since = today.year * 12 + today.month - 1 + (said.months or 0)
    counts = range(since, since + (13 if said.months is None else 1))
    return ((count // 12, count % 12 + 1) for count in counts)


def _once(said: Said, days: Iterator[date], now: datetime) -> When:
    """The first of the days on which the time is still ahead."""
    zone, time_of_day = said.zone or str(now.tzinfo), _time_of_day(said)
    for day in days:
        at = rhythms.utc(datetime.combine(day, time()) + time_of_day, zone)
        if at > now:
            if not _agrees(said, day, now.date()):
                raise contradiction(said.words)
            return _when(at, str(now.tzinfo))
    raise Unclear("past", f"{said.words!r} is past")


def _agrees(said: Said, day: date, today: date) -> bool:
    """Whether a day named twice ("tomorrow, 3 May") is one day."""
    monday, named = today - timedelta(today.weekday()), day - timedelta(said.shift or 0)
    asked = (
        (said.days or None, (day - today).days),
        (said.weekday, named.weekday()),
        (said.week, (named - monday).days // 7),
        (said.months, (day.year - today.year) * 12 + day.month - today.month),
        (said.year, day.year),
        (said.month, day.month),
        (said.monthdays or None, (day.day if said.monthdays != (-1,) else -1,)),
    )
    return all(wanted is None or wanted == found for wanted, found in asked)


def _later(said: Said, ahead: Length, now: datetime) -> When:
    """Days on keep the wall time, or take the one that is said; hours just pass."""
    months = now.year * 12 + now.month - 1 + ahead.months
    year, month = months // 12, months % 12 + 1
    monthday = min(now.day, monthrange(year, month)[1])
    wall = now.replace(year=year, month=month, day=monthday, tzinfo=None)
    wall += timedelta(days=ahead.days)
    if said.clock or said.part:
        if ahead.seconds:
            raise contradiction(said.words)
        return _once(said, iter((wall.date(),)), now)
    zone = str(now.tzinfo)
    at = rhythms.utc(wall, zone) if ahead.months or ahead.days else now.astimezone(UTC)
    at += timedelta(seconds=ahead.seconds)
    if at <= now:
        raise Unclear("past", f"{said.words!r} is no time to come")
    return _when(at, zone)


def _when(at: datetime, zone: str, rule: str = "") -> When:
    """The instant as wall time of the zone; in UTC where the clock shows its second pass."""
    wall = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if rhythms.utc(wall, zone) != at.astimezone(UTC):
        wall, zone = at.astimezone(UTC).replace(tzinfo=None), "UTC"
    return When(at=wall.isoformat(timespec="seconds"), zone=zone, rule=rule)


def _recurring(said: Said, rule: str, now: datetime) -> When:
    """The rhythm from its first occurrence on; it keeps the zone that is said."""
    rule, zone, today = _rule(said, rule), said.zone or str(now.tzinfo), _today(said, now)
    if (step := rhythms.elapsed(rule)) is not None and not (said.clock or said.part):
        return _when(now.astimezone(UTC) + step, zone, rule)
    time_of_day = _time_of_day(said)
    if time_of_day >= _DAY and "BYDAY" in rule:
        raise contradiction(said.words)  # "every Friday night at 1": is it still Friday?
    day = next(_days(said, today)) if said.starts else today
    wall = datetime.combine(day, time()) + time_of_day % _DAY
    if step is None:
        return rhythms.first(rule, wall, zone, now)
    at = rhythms.utc(wall, zone)
    return _when(at if at > now else rhythms.utc(wall + _DAY, zone), zone, rule)


def _rule(said: Said, rule: str) -> str:
    """The rule with the day beside it ("every month on the 5th")."""
    if said.starts and rule:
        return rule
    if {said.ahead, said.days, said.shift, said.week, said.months, said.year} != {None}:
        raise contradiction(said.words)
    if said.weekday is not None:
        if "WEEKLY" not in rule or "BYDAY" in rule or said.monthdays:
            raise contradiction(said.words)
        return f"{rule};BYDAY={rhythms.CODES[said.weekday]}"
    if not said.monthdays:
        return rule
    freq = "YEARLY" if said.month else "MONTHLY"
    if (rule and freq not in rule) or "BYDAY" in rule:
        raise contradiction(said.words)
    longest = monthrange(2024, said.month or 1)[1]
    if not all(day == -1 or 1 <= day <= longest for day in said.monthdays):
        raise no_such(said.words)
    month = f";BYMONTH={said.month}" if said.month else ""
    monthdays = ",".join(map(str, sorted(set(said.monthdays), key=lambda day: day % (longest + 1))))
    return f"{rule or 'FREQ=' + freq}{month};BYMONTHDAY={monthdays}"
