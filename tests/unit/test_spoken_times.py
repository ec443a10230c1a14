"""Random moments, put into English in every way that this file knows, are read back."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.times import moments, when
from orchestrator.times.rhythms import MONTHS, WEEKDAYS, ordinal
from schemas.when import When

ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
TENS = ("", "", "twenty", "thirty", "forty", "fifty")
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
REQUESTS = (
    *("turn on the lamp", "lock the front door", "play some jazz", "water the plants"),
    *("close the blinds in the kitchen", "set the heating to 21 degrees", "dim the lamp to 30%"),
    *("start the washing machine", "turn the second lamp off", "remind me to call May"),
)


def in_words(number: int) -> str:
    if number < len(ONES):
        return ONES[number]
    tens, ones = divmod(number, 10)
    return f"{TENS[tens]} {ONES[ones]}" if ones else TENS[tens]


def clocks(hour: int, minute: int) -> Iterator[str]:
    """The time of day, to stand behind "at"."""
    half, twelve = "ap"[hour > 11], (hour - 1) % 12 + 1
    yield f"{hour:02}:{minute:02}"
    yield from (f"{twelve}:{minute:02} {half}m", f"{twelve}:{minute:02}{half}m")
    yield f"{twelve}.{minute:02} {half}.m."
    if minute == 0:
        yield from (f"{twelve} {half}m", f"{in_words(twelve)} {half}m")
    else:
        small = f"oh {in_words(minute)}" if minute < 10 else in_words(minute)
        yield f"{in_words(twelve)} {small} {half}m"
    if (hour, minute) == (12, 0):
        yield "noon"
    if hour > 0:
        part = "morning" if hour < 12 else "afternoon" if hour < 18 else "evening"
        yield from (f"{clock} in the {part}" for clock in by_the_face(twelve, minute))


def by_the_face(twelve: int, minute: int) -> Iterator[str]:
    """What the hands of a clock show."""
    following = in_words(twelve % 12 + 1)
    yield f"{twelve}:{minute:02}"
    if minute == 0:
        yield f"{in_words(twelve)} o'clock"
    elif minute == 30:
        yield from (f"half past {in_words(twelve)}", f"half {in_words(twelve)}")
    elif minute == 15:
        yield f"quarter past {in_words(twelve)}"
    elif minute == 45:
        yield f"a quarter to {following}"
    elif minute < 30:
        yield f"{in_words(minute)} past {in_words(twelve)}"
    elif minute > 30 and minute % 5 == 0:
        yield f"{in_words(60 - minute)} to {following}"
    elif minute > 30:
        yield f"{in_words(60 - minute)} minutes to {following}"


def days(day: date, today: date) -> Iterator[str]:
    """The day, with its preposition."""
    ahead, name, month = (day - today).days, WEEKDAYS[day.weekday()], MONTHS[day.month - 1]
    yield from {0: ("today",), 1: ("tomorrow",), 2: ("the day after tomorrow",)}.get(ahead, ())
    if ahead == 7:
        yield from ("a week today", "a week from today")
    if 1 <= ahead < 7:
        yield from (f"on {name}", f"this {name.lower()}", f"on {name.lower()}")
    if 7 <= ahead < 14:
        yield from (f"{name} week", f"a week on {name}", f"a week from {name.lower()}")
    if (day - today + timedelta(today.weekday())).days // 7 == 1:
        yield from (f"next {name}", f"{name.lower()} next week")
    if 1 <= ahead < 28:
        yield f"on the {ordinal(day.day)}"
    if 2 <= ahead < 60:
        yield f"in {in_words(ahead)} days"
    dates = [f"{day.day} {month}", f"the {ordinal(day.day)} of {month.lower()}"]
    dates += [f"{month} {ordinal(day.day)}", f"{month[:3]} {day.day}"]
    if day.day < 10:
        dates.append(f"{month} the {ORDINALS[day.day - 1]}")
    if ahead in range(1, 365):
        yield from (f"on {date}" for date in dates)
    yield from (f"on {date} {day.year}" for date in dates)
    yield from (f"{day}", f"on {day.day}.{day.month}.{day.year}")


@st.composite
def spoken(draw: st.DrawFn) -> tuple[datetime, datetime, str]:
    """Now, a moment after it, and its words."""
    now = draw(st.datetimes(datetime(2025, 1, 1), datetime(2028, 12, 31))).replace(tzinfo=UTC)
    days_ahead = draw(st.integers(0, 15) | st.integers(0, 400))
    at = now.replace(second=0, microsecond=0) + timedelta(
        days=days_ahead, minutes=draw(st.integers(1, 1439))
    )
    clock = draw(st.sampled_from(list(clocks(at.hour, at.minute))))
    day = draw(st.sampled_from(list(days(at.date(), now.date()))))
    rendered = [f"{day} at {clock}", f"at {clock} {day}", f"at {clock}, {day}"]
    if "in the" in clock and day in ("tomorrow", "today"):
        rendered = [f"{day} at {clock}"]
    iso = [at.strftime("%Y-%m-%dT%H:%M")]
    return now, at, draw(st.sampled_from(rendered * 4 + iso))


def meant(at: datetime) -> When:
    return When(at=at.replace(tzinfo=None).isoformat(timespec="seconds"), zone="UTC")


@settings(max_examples=1500)
@given(spoken())
def test_what_was_said_is_read(said: tuple[datetime, datetime, str]) -> None:
    now, at, words = said
    assert moments.read(words, now) == meant(at)


@settings(max_examples=1000)
@given(spoken(), st.sampled_from(REQUESTS), st.sampled_from(("{1} {0}", "{0} {1}", "{0}, {1}")))
def test_it_is_found_in_a_sentence(
    said: tuple[datetime, datetime, str], request: str, order: str
) -> None:
    now, at, words = said
    sentence = order.format(words, request)
    found = when.find(sentence, now)
    assert found is not None
    assert found.when == meant(at)
    start = sentence.index(words)
    assert found.spans == ((start, start + len(words)),)


AMOUNTS = st.integers(1, 59)


@given(AMOUNTS, AMOUNTS, st.sampled_from(REQUESTS))
def test_lengths_are_read_and_found(hours: int, minutes: int, request: str) -> None:
    now = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)
    meant = timedelta(hours=hours, minutes=minutes)
    for words in (
        f"{hours} hours and {minutes} minutes",
        f"{in_words(hours)} hours {in_words(minutes)} minutes",
        f"{hours}h{minutes:02}",
        f"{hours} h {minutes:02} min",
    ):
        if len(str(hours)) == 1 or "h " in words or "hours" in words:
            assert moments.read(words, now) == meant
        found = when.find(f"{request} in {words}", now)
        assert found is not None
        assert found.words == f"in {words}"
        assert datetime.fromisoformat(found.when.at).replace(tzinfo=UTC) == now + meant
