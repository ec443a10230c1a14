"""Clock times, lengths of time and dates in words, against a given now."""

import re
from datetime import date, datetime, time, timedelta

import dateparser
from text_to_num import alpha2digit

_CLOCK = re.compile(
    r"""(?:\b(?:at|for|by|around|from)\s+)?(?:
        (?P<named>noon|midday|midnight)
      | (?P<part>half|quarter|\d{1,2})(?:\s+minutes?)?\s+
        (?P<side>past|to|before|after)\s+(?P<of>\d{1,2})
      | (?P<hour>\d{1,2})(?:\s?[:.h]\s?|\s+)(?P<minute>[0-5]\d)(?!\d)
      | (?P<bare>\d{1,2})(?=
            \s?(?:[ap]\.?\s?m\b|o'?\s?clock)|\s*$|\s+(?:in\sthe|tonight|tomorrow|today|on|this)
        )
    )\s?(?:o'?\s?clock)?\s*(?P<half>[ap])?(?(half)\.?\s?m\b\.?)""",
    re.VERBOSE | re.IGNORECASE,
)
_PART_OF_DAY = re.compile(r"\b(?:in the |this )?(morning|afternoon|evening|night|tonight)\b", re.I)
MAX_AMOUNT = 100_000
"""Of any unit; what is longer was not meant."""
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = re.compile(
    r"\b(?:today|tonight|tomorrow|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b", re.I
)
_RHYTHM = re.compile(r"\b(?:every|each|daily|weekdays|weekends|\w+days)\b", re.I)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LENGTH = re.compile(
    r"(?P<count>\d+(?:\.\d+)?|\b(?:half )?an?\b)\s*-?\s*"
    r"(?P<unit>s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)\b(?P<half> and a half)?",
    re.IGNORECASE,
)
_FILLER = re.compile(
    r"\b(?:in|for|of|and|the|on|at|by|a|timer|about|around|from now)\b|[,.!?]", re.I
)


def clock(words: str) -> time | None:
    """A time of day ("half past seven tonight"), or None; a bare hour is the 24 h clock's."""
    found, rest = _clock(digits(words))
    rest = _FILLER.sub("", rest.replace("tonight", "")).strip()
    return found if not rest else None


def length(words: str) -> timedelta | None:
    """A length of time ("an hour and a half", "20 min"), or None."""
    text = digits(words)
    total = timedelta()
    for match in _LENGTH.finditer(text):
        count = match["count"].lower()
        amount = 0.5 if count.startswith("half") else 1.0 if count in ("a", "an") else float(count)
        amount += 0.5 if match["half"] else 0.0
        if amount > MAX_AMOUNT:
            return None
        total += timedelta(**{_UNITS[match["unit"][0].lower()]: amount})
    rest = _FILLER.sub("", _LENGTH.sub("", text)).strip()
    return total if total and not rest else None


def moment(words: str, now: datetime) -> datetime | None:
    """A date with a time ("tomorrow at 3pm", "in 20 minutes"), or None where one is missing."""
    if (ahead := length(words)) is not None:
        return now + ahead
    at, rest = _clock(digits(words))
    if at is None:
        return None
    day_words = _FILLER.sub(" ", rest.replace("tonight", "today")).strip()
    if not day_words:
        return next_time(at, now)
    settings = {"RELATIVE_BASE": now.replace(tzinfo=None), "PREFER_DATES_FROM": "future"}
    day = dateparser.parse(" ".join(day_words.split()), languages=["en"], settings=settings)
    return datetime.combine(day.date(), at, now.tzinfo) if day else None


def next_time(at: time, now: datetime) -> datetime:
    """When the clock next shows `at`."""
    today = datetime.combine(now.date(), at, now.tzinfo)
    return today if today > now else today + timedelta(days=1)


def named_day(sentence: str, now: datetime) -> date | None:
    """The day a sentence names ("tomorrow", "on Friday"), or None; 1 January 1 for a rhythm."""
    if _RHYTHM.search(sentence):
        return date.min
    match = _DAY.search(sentence)
    if match is None:
        return None
    word = match[0].lower()
    if word in ("today", "tonight"):
        return now.date()
    ahead = 1 if word == "tomorrow" else (_WEEKDAYS.index(word[:3]) - now.weekday() - 1) % 7 + 1
    return now.date() + timedelta(days=ahead)


def digits(words: str) -> str:
    """The words in lower case, with numbers in digits ("seven oh five" is "7:05")."""
    text: str = alpha2digit(words.lower(), "en", threshold=0)
    text = re.sub(r"(?<![.\d])(\d+) and (?:a|1) half\b", r"\1.5", text)
    return re.sub(r"\b(\d{1,2}) (?:0|oh|o) ?(\d)\b", r"\1:0\2", text)


def _clock(text: str) -> tuple[time | None, str]:
    """The time of day in `text` and what is left without it."""
    match = _CLOCK.search(text)
    if match is None:
        return None, text
    rest = text[: match.start()] + " " + text[match.end() :]
    part = _PART_OF_DAY.search(rest)
    if part is not None and part[1] != "tonight":
        rest = rest[: part.start()] + " " + rest[part.end() :]
    if match["named"]:
        return time(0 if match["named"] == "midnight" else 12), rest
    hour, minute = _numbers(match)
    afternoon = match["half"] == "p" or (not match["half"] and part and part[1] != "morning")
    if afternoon and hour < 12:
        hour += 12
    elif hour == 12 and (match["half"] == "a"):
        hour = 0
    return (time(hour, minute), rest) if hour < 24 and minute < 60 else (None, text)


def _numbers(match: "re.Match[str]") -> tuple[int, int]:
    if match["part"]:
        minutes = {"half": 30, "quarter": 15}.get(match["part"].lower()) or int(match["part"])
        hour = int(match["of"])
        if match["side"].lower() in ("past", "after"):
            return hour, minutes
        return (hour - 1) % 24, 60 - minutes
    return int(match["hour"] or match["bare"]), int(match["minute"] or 0)
