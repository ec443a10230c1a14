"""Times in words, at a fixed clock."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.times import moments, numerals, rhythms
from schemas.when import When

BERLIN = ZoneInfo("Europe/Berlin")
WEDNESDAY = datetime(2026, 11, 25, 17, 0, tzinfo=BERLIN)


def said(words: str, now: datetime = WEDNESDAY) -> str:
    """The moment the words mean, "2026-11-26 07:00", and the rule behind it."""
    when = moments.read(words, now)
    assert isinstance(when, When)
    return f"{when.at[:-3].replace('T', ' ')} {when.rule}".strip()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("7am", "07:00"),
        ("seven thirty pm", "19:30"),
        ("half past seven tonight", "19:30"),
        ("quarter to nine", "08:45"),
        ("noon", "12:00"),
        ("midnight", "00:00"),
        ("12 am", "00:00"),
        ("12 pm", "12:00"),
        ("6:15 in the morning", "06:15"),
        ("17:45", "17:45"),
        ("eight o'clock", "08:00"),
        ("six oh five am", "06:05"),
        ("5 p.m.", "17:00"),
        ("9:05pm", "21:05"),
        ("half seven", "07:30"),
        ("ten past eight in the evening", "20:10"),
        ("1800 hours", "18:00"),
        ("12 tonight", "00:00"),
        ("7 pm in the morning", None),
        ("tomorrow", None),
        ("7 tomorrow", None),
        ("25:00", None),
    ],
)
def test_clock_times(words: str, expected: str | None) -> None:
    found = moments.clock(words)
    assert (found.strftime("%H:%M") if found else None) == expected


@pytest.mark.parametrize(
    ("words", "minutes"),
    [
        ("20 minutes", 20),
        ("Twelve-minute", 12),
        ("twenty five minutes", 25),
        ("an hour and a half", 90),
        ("half an hour", 30),
        ("three quarters of an hour", 45),
        ("a couple of hours", 120),
        ("five and a half hours", 330),
        ("two hours and ten minutes", 130),
        ("90s", 1.5),
        ("1 hour 30 min", 90),
        ("1h30", 90),
        ("1h 30m", 90),
        ("1h30m", 90),
        ("10h05", 605),
        ("7 1/2 minutes", 7.5),
        ("½ hour", 30),
        ("2½ hours", 150),
        ("3/4 of an hour", 45),
        ("two and three quarter hours", 165),
        ("an hour and a quarter", 75),
        ("an hour fifteen", 75),
        ("two hours thirty", 150),
        ("1 hour 30 seconds", 60.5),
        ("a week", 7 * 24 * 60),
        ("a month", None),
        ("a while", None),
        ("and", None),
        ("100001 minutes", None),
    ],
)
def test_lengths_of_time(words: str, minutes: float | None) -> None:
    found = moments.length(words)
    assert (found.total_seconds() / 60 if found else None) == minutes


CLOCK = {
    "seven": "26 07:00",
    "at seven": "26 07:00",
    "7": "26 07:00",
    "at 17": "26 17:00",
    "at 18": "25 18:00",
    "7 pm": "25 19:00",
    "7pm": "25 19:00",
    "at 7 p.m.": "25 19:00",
    "at 7:30 pm": "25 19:30",
    "7.30 pm": "25 19:30",
    "at seven thirty pm": "25 19:30",
    "seven oh five": "26 07:05",
    "at 19:45": "25 19:45",
    "19h45": "25 19:45",
    "at 7h30": "26 07:30",
    "twelve minutes to nine": "26 08:48",
    "seven past eight": "26 08:07",
    "later today at 8 pm": "25 20:00",
    "at 8 pm later today": "25 20:00",
    "later tonight at nine": "25 21:00",
    "18 o'clock": "25 18:00",
    "at 1800 hours": "25 18:00",
    "half seven": "26 07:30",
    "half past six": "26 06:30",
    "half past six pm": "25 18:30",
    "quarter past nine": "26 09:15",
    "a quarter to nine": "26 08:45",
    "ten to nine": "26 08:50",
    "twenty-five minutes to nine": "26 08:35",
    "twenty past eight in the evening": "25 20:20",
    "a quarter to one in the afternoon": "26 12:45",
    "quarter past twelve at night": "26 00:15",
    "a quarter past midnight": "26 00:15",
    "ten to midnight": "25 23:50",
    "seven tonight": "25 19:00",
    "tonight at half past seven": "25 19:30",
    "at 12 tonight": "26 00:00",
    "at 2 tonight": "26 02:00",
    "at 11 at night": "25 23:00",
    "at 2 at night": "26 02:00",
    "7 in the morning": "26 07:00",
    "3 in the afternoon": "26 15:00",
    "eight in the evening": "25 20:00",
    "8 this evening": "25 20:00",
    "7 pm this evening": "25 19:00",
    "12 in the afternoon": "26 12:00",
    "12 am": "26 00:00",
    "12 pm": "26 12:00",
    "noon": "26 12:00",
    "at midday": "26 12:00",
    "12 noon": "26 12:00",
    "midnight": "26 00:00",
    "at midnight": "26 00:00",
    "tonight at midnight": "26 00:00",
    "today at midnight": "26 00:00",
    "this evening": "25 20:00",
    "tonight": "25 20:00",
    "in the morning": "26 08:00",
    "morning": "26 08:00",
    "in the evening": "25 19:00",
    "at night": "25 21:00",
    "at around 7 pm": "25 19:00",
    "from 7 pm": "25 19:00",
    "At 7 PM, please": "25 19:00",
}
DAYS = {
    "tomorrow": "11-26 09:00",
    "tomorrow at nine": "11-26 09:00",
    "at 7 pm tomorrow": "11-26 19:00",
    "tomorrow 7 pm": "11-26 19:00",
    "tomorrow morning": "11-26 08:00",
    "tomorrow at noon": "11-26 12:00",
    "tomorrow afternoon": "11-26 15:00",
    "tomorrow evening": "11-26 19:00",
    "tomorrow evening at eight": "11-26 20:00",
    "at eight tomorrow evening": "11-26 20:00",
    "tomorrow night": "11-26 21:00",
    "tomorrow night at 12": "11-27 00:00",
    "tomorrow at midnight": "11-26 00:00",
    "tomorrow nine thirty": "11-26 09:30",
    "first thing tomorrow": "11-26 09:00",
    "the day after tomorrow": "11-27 09:00",
    "a week today": "12-02 09:00",
    "a week from today at 8": "12-02 08:00",
    "tomorrow week": "12-03 09:00",
    "three days from tomorrow": "11-29 09:00",
    "a week from Friday at noon": "12-04 12:00",
    "two weeks from friday": "12-11 09:00",
    "Monday week": "12-07 09:00",
    "monday week at 9": "12-07 09:00",
    "a week on Tuesday": "12-08 09:00",
    "a fortnight on tuesday at noon": "12-15 12:00",
    "a week on wednesday": "12-02 09:00",
    "day after tomorrow at noon": "11-27 12:00",
    "today at 18:00": "11-25 18:00",
    "on wednesday at 18:00": "11-25 18:00",
    "on wednesday at 9": "12-02 09:00",
    "on friday at 6 pm": "11-27 18:00",
    "Friday at 6 pm": "11-27 18:00",
    "this friday at 6 pm": "11-27 18:00",
    "on fri at 6 pm": "11-27 18:00",
    "friday evening at 6": "11-27 18:00",
    "friday night at 11": "11-27 23:00",
    "friday night at 1": "11-28 01:00",
    "on sunday": "11-29 09:00",
    "on tuesday morning": "12-01 08:00",
    "next friday": "12-04 09:00",
    "next friday at noon": "12-04 12:00",
    "next wednesday": "12-02 09:00",
    "next monday at 8": "11-30 08:00",
    "friday next week": "12-04 09:00",
    "next week on tuesday at 9": "12-01 09:00",
    "the friday after next at noon": "12-11 12:00",
    "tomorrow, thursday, at 8": "11-26 08:00",
    "3 December at 18:00": "12-03 18:00",
    "December 3rd 6 pm": "12-03 18:00",
    "on the 3rd of december at six pm": "12-03 18:00",
    "dec 3 at noon": "12-03 12:00",
    "december the third": "12-03 09:00",
    "thursday 3 december": "12-03 09:00",
    "24.12. at 18:00": "12-24 18:00",
    "on the 5th at 10": "12-05 10:00",
    "on the 25th at 18:00": "11-25 18:00",
    "on the twenty-fifth at 10": "12-25 10:00",
    "on the 31st": "12-31 09:00",
    "next month on the 3rd at noon": "12-03 12:00",
    "on the third of next month": "12-03 09:00",
    "friday the 27th at noon": "11-27 12:00",
    "on the last day of the month": "11-30 09:00",
    "2026-12-24 18:00": "12-24 18:00",
    "2026-12-24T18:00": "12-24 18:00",
    "2026-12-24T06:30": "12-24 06:30",
    "2026-12-24t06:30:00": "12-24 06:30",
    "at 7 on the 4th": "12-04 07:00",
    "31 december at 23:59": "12-31 23:59",
    "in 20 minutes": "11-25 17:20",
    "in twenty five minutes": "11-25 17:25",
    "in a minute": "11-25 17:01",
    "in two hours": "11-25 19:00",
    "two hours from now": "11-25 19:00",
    "in half an hour": "11-25 17:30",
    "in an hour and a half": "11-25 18:30",
    "in an hour fifteen": "11-25 18:15",
    "in 1h30": "11-25 18:30",
    "in 2½ hours": "11-25 19:30",
    "in a quarter of an hour": "11-25 17:15",
    "in 2 hours and 10 minutes": "11-25 19:10",
    "in one hundred and twenty minutes": "11-25 19:00",
    "in two days": "11-27 17:00",
    "in two days at 9": "11-27 09:00",
    "in a couple of days": "11-27 17:00",
    "in a week": "12-02 17:00",
    "in two weeks' time": "12-09 17:00",
    "a fortnight from now": "12-09 17:00",
    "in a month": "12-25 17:00",
}
LATER = {
    "1 may": "2027-05-01 09:00",
    "november 25th at 9": "2027-11-25 09:00",
    "first of May 2028 at 10": "2028-05-01 10:00",
    "on 24.12.2027": "2027-12-24 09:00",
    "december third twenty twenty eight": "2028-12-03 09:00",
    "29 february": "2028-02-29 09:00",
    "in three months": "2027-02-25 17:00",
    "in a year": "2027-11-25 17:00",
}
RULES = {
    "every day at 7": "11-26 07:00 FREQ=DAILY",
    "at seven every day": "11-26 07:00 FREQ=DAILY",
    "everyday at 18:00": "11-25 18:00 FREQ=DAILY",
    "daily at noon": "11-26 12:00 FREQ=DAILY",
    "every day": "11-26 09:00 FREQ=DAILY",
    "every other day at noon": "11-26 12:00 FREQ=DAILY;INTERVAL=2",
    "every three days at 8 pm": "11-25 20:00 FREQ=DAILY;INTERVAL=3",
    "every weekday at 7": "11-26 07:00 FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "weekdays at half past six": "11-26 06:30 FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "on working days at 6": "11-26 06:00 FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "monday to friday at 7": "11-26 07:00 FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "every monday and thursday at 8 pm": "11-26 20:00 FREQ=WEEKLY;BYDAY=MO,TH",
    "mondays, wednesdays and fridays at 9": "11-27 09:00 FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "at 6 on fridays, mondays and on wednesdays": "11-27 06:00 FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "every monday wednesday and friday at 6": "11-27 06:00 FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "monday, wednesday and friday mornings": "11-27 08:00 FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "monday and thursdays at 6": "11-26 06:00 FREQ=WEEKLY;BYDAY=MO,TH",
    "every tuesday and every thursday at 8": "11-26 08:00 FREQ=WEEKLY;BYDAY=TU,TH",
    "weekdays and saturdays at 9": "11-26 09:00 FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA",
    "every monday to friday and sunday": "11-26 09:00 FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SU",
    "every monday to wednesday saturday": "11-28 09:00 FREQ=WEEKLY;BYDAY=MO,TU,WE,SA",
    "mon-fri at 7": "11-26 07:00 FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "on mondays at 9": "11-30 09:00 FREQ=WEEKLY;BYDAY=MO",
    "every wednesday at 18:00": "11-25 18:00 FREQ=WEEKLY;BYDAY=WE",
    "every wednesday at 9": "12-02 09:00 FREQ=WEEKLY;BYDAY=WE",
    "every second tuesday": "12-01 09:00 FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
    "every other friday evening": "11-27 19:00 FREQ=WEEKLY;INTERVAL=2;BYDAY=FR",
    "every week on friday at 6 pm": "11-27 18:00 FREQ=WEEKLY;BYDAY=FR",
    "every 2 weeks on monday": "11-30 09:00 FREQ=WEEKLY;INTERVAL=2;BYDAY=MO",
    "every weekend at 10": "11-28 10:00 FREQ=WEEKLY;BYDAY=SA,SU",
    "every morning at 6:30": "11-26 06:30 FREQ=DAILY",
    "every evening": "11-25 19:00 FREQ=DAILY",
    "every evening at eight": "11-25 20:00 FREQ=DAILY",
    "each night at eleven": "11-25 23:00 FREQ=DAILY",
    "nightly at 11": "11-25 23:00 FREQ=DAILY",
    "every night at 1": "11-26 01:00 FREQ=DAILY",
    "every friday night at 11": "11-27 23:00 FREQ=WEEKLY;BYDAY=FR",
    "weekday mornings at 7": "11-26 07:00 FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "mornings at 7": "11-26 07:00 FREQ=DAILY",
    "every monday and wednesday to friday": "11-26 09:00 FREQ=WEEKLY;BYDAY=MO,WE,TH,FR",
    "every minute": "11-25 17:01 FREQ=MINUTELY",
    "every 20 minutes": "11-25 17:20 FREQ=MINUTELY;INTERVAL=20",
    "every 30 mins": "11-25 17:30 FREQ=MINUTELY;INTERVAL=30",
    "every 12 hrs": "11-26 05:00 FREQ=HOURLY;INTERVAL=12",
    "every half hour": "11-25 17:30 FREQ=MINUTELY;INTERVAL=30",
    "every 2½ hours": "11-25 19:30 FREQ=MINUTELY;INTERVAL=150",
    "every two hours and 30 minutes": "11-25 19:30 FREQ=MINUTELY;INTERVAL=150",
    "once an hour": "11-25 18:00 FREQ=HOURLY",
    "every hour": "11-25 18:00 FREQ=HOURLY",
    "hourly": "11-25 18:00 FREQ=HOURLY",
    "every two hours": "11-25 19:00 FREQ=HOURLY;INTERVAL=2",
    "every two hours from 8 pm": "11-25 20:00 FREQ=HOURLY;INTERVAL=2",
    "on the first of every month at 9": "12-01 09:00 FREQ=MONTHLY;BYMONTHDAY=1",
    "every month on the first at 9": "12-01 09:00 FREQ=MONTHLY;BYMONTHDAY=1",
    "monthly on the 5th": "12-05 09:00 FREQ=MONTHLY;BYMONTHDAY=5",
    "on the 1st and the 15th of every month at 10 am": ("12-01 10:00 FREQ=MONTHLY;BYMONTHDAY=1,15"),
    "every month on the 15th, 1st and 20th": "12-01 09:00 FREQ=MONTHLY;BYMONTHDAY=1,15,20",
    "every 1st and 15th at noon": "12-01 12:00 FREQ=MONTHLY;BYMONTHDAY=1,15",
    "on the 15th and the last day of each month": "11-30 09:00 FREQ=MONTHLY;BYMONTHDAY=15,-1",
    "on the last day of every month": "11-30 09:00 FREQ=MONTHLY;BYMONTHDAY=-1",
    "every first monday of the month": "12-07 09:00 FREQ=MONTHLY;BYDAY=1MO",
    "every year on 24 December at 18:00": "12-24 18:00 FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24",
    "every december 24th at 18:00": "12-24 18:00 FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24",
    "every weekday from monday at 7": "11-30 07:00 FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "starting tomorrow every day at 18:00": "11-26 18:00 FREQ=DAILY",
}
TABLE = [
    *((words, f"2026-11-{at}") for words, at in CLOCK.items()),
    *((words, f"2026-{at}") for words, at in (DAYS | RULES).items()),
    *LATER.items(),
]


@pytest.mark.parametrize(("words", "expected"), TABLE)
def test_reads(words: str, expected: str) -> None:
    assert said(words) == expected


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("yesterday", "past"),
        ("yesterday at 7", "past"),
        ("last friday", "past"),
        ("two hours ago", "past"),
        ("the day before yesterday", "past"),
        ("last night", "past"),
        ("last Monday at 5", "past"),
        ("this morning", "past"),
        ("today at 7", "past"),
        ("3 january 2020", "past"),
        ("at 7 pm in the morning", "contradiction"),
        ("8 am tonight", "contradiction"),
        ("noon in the evening", "contradiction"),
        ("17 am", "contradiction"),
        ("tomorrow yesterday", "contradiction"),
        ("today tomorrow", "contradiction"),
        ("on Monday on Tuesday", "contradiction"),
        ("at 7 at 8", "contradiction"),
        ("tomorrow on friday", "contradiction"),
        ("monday 3 december", "contradiction"),
        ("in two hours at 9", "contradiction"),
        ("on the 1st and the 15th", "contradiction"),
        ("every day tomorrow", "contradiction"),
        ("every tuesday on friday", "contradiction"),
        ("every day every hour", "contradiction"),
        ("every friday night at 1", "contradiction"),
        ("31 February", "no_such_date"),
        ("on the 31st of november", "no_such_date"),
        ("29 february 2027", "no_such_date"),
        ("on the 32nd", "no_such_date"),
        ("on the 1st and the 32nd of every month", "no_such_date"),
        ("2026-13-01", "no_such_date"),
        ("every year on 31 april", "no_such_date"),
        ("at 25:00", "no_such_date"),
        ("at 7:75", "no_such_date"),
        ("in 99999 years", "no_such_date"),
        ("in 200000 days", "no_such_date"),
        ("at 7 pm Atlantis time", "unknown_zone"),
        ("at 7 pm New Atlantis time", "unknown_zone"),
        ("at 7 pm IST", "unknown_zone"),
        ("at 7 pm dinner time", "not_a_time"),
        ("blue moon", "not_a_time"),
        ("blue moon at 5 pm", "not_a_time"),
        ("the second one", "not_a_time"),
        ("call 3 oh five five five five oh one one five", "not_a_time"),
        ("later", "vague"),
        ("later today", "vague"),
        ("after lunch", "vague"),
        ("from 8 to 10", "vague"),
        ("9 to 5", "vague"),
        ("between 9 am and 5 pm", "vague"),
        ("until 9 pm", "vague"),
        ("next week", "vague"),
        ("this weekend at 10", "vague"),
        ("in december", "vague"),
        ("the first monday of the month", "vague"),
        ("twice a day", "vague"),
        ("every 0 minutes", "not_a_time"),
        ("every 90 seconds", "not_a_time"),
        ("every day and a half", "not_a_time"),
        ("every 30 seconds", "not_a_time"),
        ("", "not_a_time"),
    ],
)
def test_unclear(words: str, problem: str) -> None:
    with pytest.raises(moments.Unclear) as caught:
        moments.read(words, WEDNESDAY)
    assert caught.value.problem == problem
    assert "\n" not in str(caught.value)


def test_the_message_names_the_words() -> None:
    with pytest.raises(moments.Unclear, match="there is no 31 February"):
        moments.read("on 31 February", WEDNESDAY)


@pytest.mark.parametrize("words", ["an hour and a half", "1h30", "90 min"])
def test_lengths_are_no_moments(words: str) -> None:
    assert moments.read(words, WEDNESDAY) == timedelta(minutes=90)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("at 9 am London time", "2026-11-26 10:00"),
        ("tomorrow at 9 am New York time", "2026-11-26 15:00"),
        ("18:00 UTC", "2026-11-25 19:00"),
        ("18:00 gmt", "2026-11-25 19:00"),
        ("at 7 pm eastern time", "2026-11-26 01:00"),
        ("at 9 am in Tokyo time", "2026-11-26 01:00"),
        ("at 7 pm local time", "2026-11-25 19:00"),
        ("at 7 pm PST", "2026-11-26 04:00"),
        ("7 PM ET", "2026-11-26 01:00"),
        ("at 9 am JST", "2026-11-26 01:00"),
    ],
)
def test_other_zones_are_converted(words: str, expected: str) -> None:
    assert said(words) == expected


def test_a_rhythm_keeps_its_zone() -> None:
    when = moments.read("every day at 9 am London time", WEDNESDAY)
    assert when == When(at="2026-11-26T09:00:00", zone="Europe/London", rule="FREQ=DAILY")


@pytest.mark.parametrize(
    ("now", "zone"),
    [
        (WEDNESDAY.replace(tzinfo=None), "UTC"),
        (WEDNESDAY.replace(tzinfo=timezone(timedelta(0))), "UTC"),
        (WEDNESDAY.replace(tzinfo=timezone(timedelta(hours=2))), "Etc/GMT-2"),
        (WEDNESDAY.replace(tzinfo=timezone(timedelta(hours=-5))), "Etc/GMT+5"),
    ],
)
def test_a_clock_without_a_named_zone(now: datetime, zone: str) -> None:
    assert moments.read("at 7 pm", now) == When(at="2026-11-25T19:00:00", zone=zone)


def test_a_clock_in_no_named_zone() -> None:
    with pytest.raises(moments.Unclear):
        moments.read("at 7", WEDNESDAY.replace(tzinfo=timezone(timedelta(hours=5, minutes=30))))


@pytest.mark.parametrize(
    ("now", "words", "expected"),
    [
        ("2026-11-22 17:00", "next friday", "2026-11-27 09:00"),  # a Sunday
        ("2026-11-23 17:00", "next friday", "2026-12-04 09:00"),
        ("2026-11-27 08:00", "next friday", "2026-12-04 09:00"),
        ("2026-11-28 08:00", "next friday", "2026-12-04 09:00"),
        ("2026-11-27 08:00", "on friday", "2026-11-27 09:00"),
        ("2026-11-27 10:00", "on friday", "2026-12-04 09:00"),
        ("2026-11-26 01:00", "tonight at 2", "2026-11-26 02:00"),
        ("2026-11-26 03:00", "tonight at 2", "2026-11-27 02:00"),
        ("2026-12-31 17:00", "tomorrow at 7", "2027-01-01 07:00"),
        ("2026-12-31 23:59", "in 2 minutes", "2027-01-01 00:01"),
        ("2026-12-31 17:00", "on the 1st", "2027-01-01 09:00"),
        ("2028-02-28 17:00", "tomorrow", "2028-02-29 09:00"),
        ("2028-02-29 17:00", "in a year", "2029-02-28 17:00"),
        ("2027-01-31 17:00", "in a month", "2027-02-28 17:00"),
        ("2027-01-31 17:00", "on the 31st", "2027-03-31 09:00"),
    ],
)
def test_the_calendar(now: str, words: str, expected: str) -> None:
    assert said(words, datetime.fromisoformat(now).replace(tzinfo=BERLIN)) == expected


@pytest.mark.parametrize(
    ("zone", "now", "words", "expected"),
    [
        # Spring: the hour after 02:00 is missing.
        ("Europe/Berlin", "2026-03-28 12:00", "tomorrow at 2:30", "2026-03-29T01:30"),
        ("America/New_York", "2026-03-07 12:00", "tomorrow at 2:30", "2026-03-08T07:30"),
        ("Australia/Sydney", "2026-10-03 12:00", "tomorrow at 2:30", "2026-10-03T16:30"),
        ("Europe/Berlin", "2026-03-29 01:30", "in an hour", "2026-03-29T01:30"),
        ("Europe/Berlin", "2026-03-28 12:00", "in a day", "2026-03-29T10:00"),
        ("Europe/Berlin", "2026-03-28 12:00", "in 24 hours", "2026-03-29T11:00"),
        # Autumn: the hour before 03:00 comes twice.
        ("Europe/Berlin", "2026-10-24 12:00", "tomorrow at 2:30", "2026-10-25T00:30"),
        ("America/New_York", "2026-10-31 12:00", "tomorrow at 1:30", "2026-11-01T05:30"),
        ("Australia/Sydney", "2026-04-04 12:00", "tomorrow at 2:30", "2026-04-04T15:30"),
        ("Europe/Berlin", "2026-10-25 01:30", "in two hours", "2026-10-25T01:30"),
        ("Europe/Berlin", "2026-10-24 12:00", "in a day", "2026-10-25T11:00"),
    ],
)
def test_changes_of_the_clock(zone: str, now: str, words: str, expected: str) -> None:
    when = moments.read(words, datetime.fromisoformat(now).replace(tzinfo=ZoneInfo(zone)))
    assert isinstance(when, When)
    assert rhythms.instant(when).strftime("%Y-%m-%dT%H:%M") == expected


@given(st.text(alphabet="at 0179:.,pmevrydaoknxtw’İ", max_size=30) | st.text(max_size=30))
def test_any_words_are_read_or_unclear(words: str) -> None:
    try:
        meant = moments.read(words, WEDNESDAY)
    except moments.Unclear:
        return
    if isinstance(meant, When):
        assert rhythms.instant(meant) > WEDNESDAY


@given(st.text(max_size=40))
def test_spelling_keeps_places(words: str) -> None:
    assert len(numerals.spelled(words)) == len(words)


@pytest.mark.parametrize("now", ["2026-03-29 00:30", "2026-10-25 01:30"])
def test_hourly_begins_an_hour_from_now(now: str) -> None:
    aware = datetime.fromisoformat(now).replace(tzinfo=BERLIN)
    when = moments.read("every two hours", aware)
    assert isinstance(when, When)
    assert rhythms.instant(when).timestamp() - aware.timestamp() == 7200
