"""Recurrences: their days, the changes of the clock, and how they are said."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.times import rhythms, rhythmwords
from schemas.when import When

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Sydney")
NOW = datetime(2026, 11, 25, 17, 0, tzinfo=ZoneInfo("Europe/Berlin"))  # a Wednesday


def when(at: str, rule: str = "", zone: str = "Europe/Berlin") -> When:
    return When(at=f"{at.replace(' ', 'T')}:00", zone=zone, rule=rule)


def occurrences(rhythm: When, count: int) -> list[str]:
    """The first ones, as wall time."""
    found, after = [], datetime.min.replace(year=2000, tzinfo=UTC)
    for _ in range(count):
        following = rhythms.following(rhythm, after)
        assert following is not None
        found.append(following.astimezone(ZoneInfo(rhythm.zone)).strftime("%m-%d %H:%M"))
        after = following
    return found


def test_a_single_moment_happens_once() -> None:
    once = when("2026-12-24 18:00")
    at = datetime(2026, 12, 24, 17, 0, tzinfo=UTC)
    assert rhythms.instant(once) == at
    assert rhythms.following(once, at - timedelta(seconds=1)) == at
    assert rhythms.following(once, at) is None


@pytest.mark.parametrize(
    ("at", "rule", "expected"),
    [
        ("2026-12-30 07:00", "FREQ=DAILY", ["12-30", "12-31", "01-01"]),
        ("2026-12-30 07:00", "FREQ=DAILY;INTERVAL=2", ["12-30", "01-01", "01-03"]),
        ("2026-11-26 07:00", "FREQ=WEEKLY", ["11-26", "12-03", "12-10"]),
        ("2026-11-26 07:00", "FREQ=WEEKLY;BYDAY=MO,TH", ["11-26", "11-30", "12-03"]),
        ("2026-11-26 07:00", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", ["11-26", "11-27", "11-30"]),
        ("2026-12-01 07:00", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", ["12-01", "12-15", "12-29"]),
        ("2026-01-31 07:00", "FREQ=MONTHLY", ["01-31", "03-31", "05-31"]),
        ("2026-12-01 07:00", "FREQ=MONTHLY;BYMONTHDAY=1", ["12-01", "01-01", "02-01"]),
        ("2027-12-31 07:00", "FREQ=MONTHLY;BYMONTHDAY=-1", ["12-31", "01-31", "02-29"]),
        ("2026-12-07 07:00", "FREQ=MONTHLY;BYDAY=1MO", ["12-07", "01-04", "02-01"]),
        ("2026-11-27 07:00", "FREQ=MONTHLY;BYDAY=-1FR", ["11-27", "12-25", "01-29"]),
        ("2026-12-24 07:00", "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24", ["12-24", "12-24"]),
        ("2028-02-29 07:00", "FREQ=YEARLY", ["02-29", "02-29"]),
    ],
)
def test_days(at: str, rule: str, expected: list[str]) -> None:
    found = occurrences(when(at, rule), len(expected))
    assert found == [f"{day} 07:00" for day in expected]


def test_no_day_at_all() -> None:
    never = when("2026-02-28 07:00", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")
    assert rhythms.following(never, NOW) is None


@pytest.mark.parametrize(
    ("zone", "at", "expected"),
    [
        # Spring: the hour after 02:00 is missing, the time moves on by it.
        ("Europe/Berlin", "2026-03-28 02:30", ["03-28 02:30", "03-29 03:30", "03-30 02:30"]),
        ("America/New_York", "2026-03-07 02:30", ["03-07 02:30", "03-08 03:30", "03-09 02:30"]),
        ("Australia/Sydney", "2026-10-03 02:30", ["10-03 02:30", "10-04 03:30", "10-05 02:30"]),
        # Autumn: the hour before 03:00 (02:00) comes twice, and counts once.
        ("Europe/Berlin", "2026-10-24 02:30", ["10-24 02:30", "10-25 02:30", "10-26 02:30"]),
        ("America/New_York", "2026-10-31 01:30", ["10-31 01:30", "11-01 01:30", "11-02 01:30"]),
        ("Australia/Sydney", "2026-04-04 02:30", ["04-04 02:30", "04-05 02:30", "04-06 02:30"]),
    ],
)
def test_daily_keeps_the_wall_time(zone: str, at: str, expected: list[str]) -> None:
    assert occurrences(when(at, "FREQ=DAILY", zone), 3) == expected


@pytest.mark.parametrize(
    ("zone", "at", "offset"),
    [
        ("Europe/Berlin", "2026-10-25 02:30", 2),
        ("America/New_York", "2026-11-01 01:30", -4),
        ("Australia/Sydney", "2026-04-05 02:30", 11),
    ],
)
def test_of_a_time_shown_twice_the_first_is_meant(zone: str, at: str, offset: int) -> None:
    local = rhythms.instant(when(at, zone=zone)).astimezone(ZoneInfo(zone))
    assert local.utcoffset() == timedelta(hours=offset)
    twice = when(at, "FREQ=DAILY", zone)
    again = rhythms.following(twice, rhythms.instant(twice))
    assert again is not None
    assert again - rhythms.instant(twice) == timedelta(hours=25)


@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24"])
def test_hours_and_minutes_pass(day: str) -> None:
    for rule, step in (("FREQ=HOURLY;INTERVAL=2", 120), ("FREQ=MINUTELY;INTERVAL=20", 20)):
        rhythm = when(f"{day} 23:00", rule)
        at = rhythms.instant(rhythm)
        for count in range(1, 20):
            late = at + timedelta(minutes=step, seconds=-1)
            at += timedelta(minutes=step)
            assert rhythms.following(rhythm, late) == at, count


def test_an_old_rhythm_is_not_counted_through() -> None:
    old = when("1990-01-01 07:00", "FREQ=MINUTELY;INTERVAL=7")
    found = rhythms.following(old, NOW)
    assert found is not None
    assert NOW < found <= NOW + timedelta(minutes=7)


@given(
    zone=st.sampled_from(ZONES),
    start=st.dates(date(2025, 1, 1), date(2027, 12, 31)),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
)
def test_a_daily_rule_has_every_day_once(zone: str, start: date, hour: int, minute: int) -> None:
    rhythm = when(f"{start} {hour:02}:{minute:02}", "FREQ=DAILY", zone)
    at = rhythms.instant(rhythm)
    for ahead in range(1, 367):
        following = rhythms.following(rhythm, at)
        assert following is not None
        assert following > at
        at = following
        assert at.astimezone(ZoneInfo(zone)).date() == start + timedelta(days=ahead)


RULES = st.one_of(
    st.builds("FREQ=DAILY;INTERVAL={}".format, st.integers(1, 9)),
    st.builds(
        lambda every, days: f"FREQ=WEEKLY;INTERVAL={every};BYDAY={','.join(sorted(days))}",
        st.integers(1, 4),
        st.sets(st.sampled_from(rhythms.CODES), min_size=1),
    ),
    st.builds(
        "FREQ=MONTHLY;INTERVAL={};BYMONTHDAY={}".format, st.integers(1, 4), st.integers(1, 31)
    ),
    st.builds(
        "FREQ=MONTHLY;BYMONTHDAY={},{}".format, st.integers(1, 15), st.sampled_from([16, 31, -1])
    ),
    st.builds(
        "FREQ=MONTHLY;BYDAY={}{}".format,
        st.sampled_from([-1, 1, 2, 3, 4]),
        st.sampled_from(rhythms.CODES),
    ),
    st.builds(
        "FREQ=YEARLY;BYMONTH={};BYMONTHDAY={}".format, st.integers(1, 12), st.integers(1, 28)
    ),
)


@given(rule=RULES, start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)))
def test_the_days_are_those_of_rfc_5545(rule: str, start: datetime) -> None:
    start = start.replace(second=0, microsecond=0)
    rhythm = When(at=start.isoformat(timespec="seconds"), zone="UTC", rule=rule)
    oracle, at = rrulestr(rule, dtstart=start), start - timedelta(seconds=1)
    for _ in range(4):
        following = rhythms.following(rhythm, at.replace(tzinfo=UTC))
        at = oracle.after(at)
        assert following == at.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "rule", "part"),
    [
        ("every day", "FREQ=DAILY", ""),
        ("Every Single Day", "FREQ=DAILY", ""),
        ("nightly", "FREQ=DAILY", "night"),
        ("every 3rd day", "FREQ=DAILY;INTERVAL=3", ""),
        ("every fortnight", "FREQ=WEEKLY;INTERVAL=2", ""),
        ("every mon and thu", "FREQ=WEEKLY;BYDAY=MO,TH", ""),
        ("every friday to monday", "FREQ=WEEKLY;BYDAY=MO,FR,SA,SU", ""),
        ("every hour and a half", "FREQ=MINUTELY;INTERVAL=90", ""),
        ("every quarter of an hour", "FREQ=MINUTELY;INTERVAL=15", ""),
        ("every 1.5 hours", "FREQ=MINUTELY;INTERVAL=90", ""),
        ("once a week", "FREQ=WEEKLY", ""),
        ("the last friday of every month", "FREQ=MONTHLY;BYDAY=-1FR", ""),
        ("every", "", ""),
    ],
)
def test_words(words: str, rule: str, part: str) -> None:
    assert rhythmwords.read(words) == rhythmwords.Rhythm(rule, part)


@pytest.mark.parametrize(
    "words", ["", "friday", "every lamp", "daily news", "every 0 days", "every half month"]
)
def test_words_of_no_recurrence(words: str) -> None:
    assert rhythmwords.read(words) is None


@pytest.mark.parametrize(
    ("at", "rule", "expected"),
    [
        ("2026-11-25 19:30", "", "today at 19:30"),
        ("2026-11-26 07:00", "", "tomorrow at 07:00"),
        ("2026-11-27 18:00", "", "on Friday at 18:00"),
        ("2026-12-01 18:00", "", "on Tuesday at 18:00"),
        ("2026-12-02 18:00", "", "on 2 December at 18:00"),
        ("2026-12-24 18:00", "", "on 24 December at 18:00"),
        ("2027-01-01 18:00", "", "on 1 January 2027 at 18:00"),
        ("2026-11-24 18:00", "", "on 24 November at 18:00"),
        ("2026-11-26 07:00", "FREQ=DAILY", "every day at 07:00"),
        ("2026-11-26 12:00", "FREQ=DAILY;INTERVAL=2", "every 2nd day at 12:00"),
        ("2026-11-26 12:00", "FREQ=DAILY;INTERVAL=3", "every 3rd day at 12:00"),
        ("2026-11-26 07:00", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "every weekday at 07:00"),
        ("2026-11-28 10:00", "FREQ=WEEKLY;BYDAY=SA,SU", "every weekend at 10:00"),
        ("2026-11-26 20:00", "FREQ=WEEKLY;BYDAY=MO,TH", "every Monday and Thursday at 20:00"),
        (
            "2026-11-25 20:00",
            "FREQ=WEEKLY;BYDAY=MO,WE,FR",
            "every Monday, Wednesday and Friday at 20:00",
        ),
        ("2026-11-26 20:00", "FREQ=WEEKLY", "every Thursday at 20:00"),
        ("2026-12-01 20:00", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "every 2nd Tuesday at 20:00"),
        (
            "2026-12-01 20:00",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,FR",
            "every 2nd week on Tuesday and Friday at 20:00",
        ),
        ("2026-11-25 17:20", "FREQ=MINUTELY;INTERVAL=20", "every 20 minutes"),
        ("2026-11-25 17:01", "FREQ=MINUTELY", "every minute"),
        ("2026-11-25 18:00", "FREQ=HOURLY", "every hour"),
        ("2026-11-25 19:00", "FREQ=HOURLY;INTERVAL=2", "every 2 hours"),
        ("2026-12-01 09:00", "FREQ=MONTHLY;BYMONTHDAY=1", "on the 1st of every month at 09:00"),
        ("2026-12-12 09:00", "FREQ=MONTHLY", "on the 12th of every month at 09:00"),
        (
            "2026-11-30 09:00",
            "FREQ=MONTHLY;BYMONTHDAY=-1",
            "on the last day of every month at 09:00",
        ),
        (
            "2026-12-01 09:00",
            "FREQ=MONTHLY;BYMONTHDAY=1,15",
            "on the 1st and 15th of every month at 09:00",
        ),
        (
            "2026-12-07 09:00",
            "FREQ=MONTHLY;BYDAY=1MO",
            "on the 1st Monday of every month at 09:00",
        ),
        (
            "2026-11-27 09:00",
            "FREQ=MONTHLY;BYDAY=-1FR",
            "on the last Friday of every month at 09:00",
        ),
        (
            "2026-12-24 18:00",
            "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24",
            "every year on 24 December at 18:00",
        ),
    ],
)
def test_spoken(at: str, rule: str, expected: str) -> None:
    assert rhythms.spoken(when(at, rule), NOW) == expected


def test_spoken_abroad() -> None:
    assert rhythms.spoken(when("2026-11-26 09:00", zone="America/New_York"), NOW) == (
        "tomorrow at 15:00"
    )
    assert rhythms.spoken(when("2026-11-26 09:00", "FREQ=DAILY", "America/New_York"), NOW) == (
        "every day at 09:00 New York time"
    )
