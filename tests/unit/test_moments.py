"""Times in words, at a fixed clock: Sunday 22 November 2026, 17:00."""

from datetime import datetime

import pytest

from orchestrator import moments

NOW = datetime(2026, 11, 22, 17, 0)


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
        ("6:15 in the morning", "06:15"),
        ("17:45", "17:45"),
        ("eight o'clock", "08:00"),
        ("six oh five am", "06:05"),
        ("5 p.m.", "17:00"),
        ("9:05pm", "21:05"),
        ("tomorrow", None),
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
        ("twenty five minutes", 25),
        ("an hour and a half", 90),
        ("half an hour", 30),
        ("two hours and ten minutes", 130),
        ("90s", 1.5),
        ("1 hour 30 min", 90),
        ("a while", None),
    ],
)
def test_lengths_of_time(words: str, minutes: float | None) -> None:
    found = moments.length(words)
    assert (found.total_seconds() / 60 if found else None) == minutes


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("tomorrow at 3pm", "2026-11-23 15:00"),
        ("next friday at noon", "2026-11-27 12:00"),
        ("friday 7:30 pm", "2026-11-27 19:30"),
        ("in 20 minutes", "2026-11-22 17:20"),
        ("the day after tomorrow at 10", "2026-11-24 10:00"),
        ("march 3 at 5 pm", "2027-03-03 17:00"),
        ("this evening at 8", "2026-11-22 20:00"),
        ("tonight at half past seven", "2026-11-22 19:30"),
        ("at 9am on monday", "2026-11-23 09:00"),
        ("9 am", "2026-11-23 09:00"),
        ("tomorrow", None),
        ("blue moon at 5 pm", None),
    ],
)
def test_dates_with_a_time(words: str, expected: str | None) -> None:
    found = moments.moment(words, NOW)
    assert (found.strftime("%Y-%m-%d %H:%M") if found else None) == expected
