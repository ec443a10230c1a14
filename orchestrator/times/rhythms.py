"""Recurrences: their next occurrence across changes of the clock, and how a person would say
them."""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from schemas.when import When

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_ELAPSED = {"MINUTELY": timedelta(minutes=1), "HOURLY": timedelta(hours=1)}
_HORIZON = 366 * 41
"""Days looked ahead: every fifth year's 29 February lies within."""


class _Rule(NamedTuple):
    freq: str
    interval: int = 1
    weekdays: tuple[tuple[int, int], ...] = ()  # (which of the month or 0, weekday)
    monthdays: tuple[int, ...] = ()
    months: tuple[int, ...] = ()


@lru_cache(maxsize=256)
def _parsed(rule: str) -> _Rule:
    given = dict(part.split("=", 1) for part in rule.split(";"))
    named = re.findall(r"(-?\d*)([A-Z]{2})", given.get("BYDAY", ""))
    return _Rule(
        freq=given["FREQ"],
        interval=int(given.get("INTERVAL", 1)),
        weekdays=tuple((int(which or 0), CODES.index(code)) for which, code in named),
        monthdays=tuple(map(int, re.findall(r"-?\d+", given.get("BYMONTHDAY", "")))),
        months=tuple(map(int, re.findall(r"\d+", given.get("BYMONTH", "")))),
    )


def instant(when: When) -> datetime:
    """`at` in UTC: a time the clock skips is later by the gap, of one it shows twice the first."""
    return utc(datetime.fromisoformat(when.at), when.zone)


def utc(wall: datetime, zone: str) -> datetime:
    """The same for a naive wall time."""
    # fold=0 is the offset before the change, and that is both conventions at once.
    return wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def elapsed(rule: str) -> timedelta | None:
    """What passes between two occurrences of an hourly or minutely rule; None for any other."""
    unit = _ELAPSED.get(_parsed(rule).freq)
    return unit * _parsed(rule).interval if unit else None


def following(when: When, after: datetime) -> datetime | None:
    """The first occurrence strictly after `after`, in UTC; None where there is none."""
    start = instant(when)
    if not when.rule:
        return start if start > after else None
    if (step := elapsed(when.rule)) is not None:
        return start if start > after else start + ((after - start) // step + 1) * step
    rule = _parsed(when.rule)
    wall = datetime.fromisoformat(when.at)
    # A day earlier: yesterday's occurrence may lie in today, moved by a gap.
    since = after.astimezone(ZoneInfo(when.zone)).date() - timedelta(days=1)
    for day in _days(rule, wall.date(), max(since, wall.date())):
        occurrence = utc(datetime.combine(day, wall.time()), when.zone)
        if occurrence > after:
            return occurrence
    return None


def first(rule: str, wall: datetime, zone: str, after: datetime) -> When:
    """The daily to yearly recurrence that begins at its first time from `wall` on and past `after`;
    ValueError where it has none."""
    # Only the first counts from itself, so the interval does not matter yet.
    for day in _days(_parsed(rule)._replace(interval=1), wall.date(), wall.date()):
        begun = datetime.combine(day, wall.time())
        if utc(begun, zone) > after:
            return When(at=begun.isoformat(timespec="seconds"), zone=zone, rule=rule)
    raise ValueError(rule)


def _days(rule: _Rule, start: date, since: date) -> Iterator[date]:
    """The rule's days from `since` on, counted from `start`."""
    for ahead in range(_HORIZON):
        day = since + timedelta(days=ahead)
        if _in_step(rule, start, day) and _on(rule, start, day):
            yield day


def _in_step(rule: _Rule, start: date, day: date) -> bool:
    if rule.interval == 1:
        return True
    passed = {
        "DAILY": (day - start).days,
        "WEEKLY": (day.toordinal() - 1) // 7 - (start.toordinal() - 1) // 7,
        "MONTHLY": (day.year - start.year) * 12 + day.month - start.month,
        "YEARLY": day.year - start.year,
    }
    return passed[rule.freq] % rule.interval == 0


def _on(rule: _Rule, start: date, day: date) -> bool:
    """Whether the rule names the day, `start` standing in for what it leaves open."""
    months = rule.months or ((start.month,) if rule.freq == "YEARLY" else ())
    if months and day.month not in months:
        return False
    if rule.weekdays:
        return any(
            day.weekday() == weekday and (not which or which in _weeks(day))
            for which, weekday in rule.weekdays
        )
    if rule.freq == "WEEKLY":
        return day.weekday() == start.weekday()
    if rule.freq in ("MONTHLY", "YEARLY"):
        last = monthrange(day.year, day.month)[1]
        return not {day.day, day.day - last - 1}.isdisjoint(rule.monthdays or (start.day,))
    return True


def _weeks(day: date) -> tuple[int, int]:
    """The day's place among its weekday's days of the month, from the front and from the end."""
    last = monthrange(day.year, day.month)[1]
    return (day.day - 1) // 7 + 1, -((last - day.day) // 7 + 1)


def spoken(when: When, now: datetime) -> str:
    """How a person would say it at `now`: "tomorrow at 07:00", "every weekday at 07:00"."""
    if when.rule:
        return _spoken_rule(when, now)
    at = instant(when).astimezone(now.tzinfo)
    ahead = (at.date() - now.date()).days
    if ahead in (0, 1):
        day = ("today", "tomorrow")[ahead]
    elif 1 < ahead <= 6:
        day = f"on {WEEKDAYS[at.weekday()]}"
    else:
        year = "" if at.year == now.year else f" {at.year}"
        day = f"on {at.day} {MONTHS[at.month - 1]}{year}"
    return f"{day} at {at:%H:%M}"


def _spoken_rule(when: When, now: datetime) -> str:
    rule, at = _parsed(when.rule), datetime.fromisoformat(when.at)
    if rule.freq in _ELAPSED:
        unit = "minute" if rule.freq == "MINUTELY" else "hour"
        return f"every {unit}" if rule.interval == 1 else f"every {rule.interval} {unit}s"
    abroad = now.tzinfo is not None and str(now.tzinfo) != when.zone
    place = f" {when.zone.rpartition('/')[2].replace('_', ' ')} time" if abroad else ""
    return f"{_spoken_days(rule, at)} at {at:%H:%M}{place}"


def _spoken_days(rule: _Rule, at: datetime) -> str:
    every = "every " if rule.interval == 1 else f"every {ordinal(rule.interval)} "
    if rule.freq == "DAILY":
        return f"{every}day"
    if rule.freq == "WEEKLY":
        return every + _spoken_week(rule, at)
    monthdays = rule.monthdays or (at.day,)
    days = _joined([f"{ordinal(day)} day" if day < 0 else ordinal(day) for day in monthdays])
    if rule.freq == "YEARLY":
        months = [MONTHS[month - 1] for month in rule.months or (at.month,)]
        return f"{every}year on {monthdays[0]} {_joined(months)}"
    if rule.weekdays:
        days = _joined([f"{ordinal(which)} {WEEKDAYS[day]}" for which, day in rule.weekdays])
    return f"on the {days} of {every}month"


def _spoken_week(rule: _Rule, at: datetime) -> str:
    days = tuple(day for _, day in rule.weekdays) or (at.weekday(),)
    names = {(0, 1, 2, 3, 4): "weekday", (5, 6): "weekend"}
    joined = names.get(days) or _joined([WEEKDAYS[day] for day in days])
    return joined if rule.interval == 1 or len(days) == 1 else f"week on {joined}"


def ordinal(number: int) -> str:
    """The number as a place in a row, "1st"; "last" for -1."""
    if number < 0:
        return "last"
    teen = number % 100 in (11, 12, 13)
    return f"{number}" + ("th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th"))


def _joined(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
