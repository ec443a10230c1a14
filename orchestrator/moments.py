"""Clock times, lengths of time and dates in words, against a given now."""

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from text_to_num import alpha2digit

from orchestrator import rhythms
from schemas.errors import HubError
from schemas.when import When

Problem = Literal["past", "contradiction", "no_such_date", "unknown_zone", "not_a_time", "vague"]


class Unclear(HubError):
    """The words name no one moment that is still to come."""

    code = "unclear"

    def __init__(self, problem: Problem, message: str) -> None:
        super().__init__(message)
        self.problem = problem


MAX_AMOUNT = 100_000
"""Of any unit; what is longer was not meant."""

_COUNT = r"""(?:\d+(?:\.\d+)?(?:\s+and\s+an?\s+half\b)?|(?:(?:an?\s+)?half(?:\s+an?)?
    |an?\s+couple(?:\s+of)?|(?:an?|3)\s+quarters?\s+of\s+an|an?)\b)"""
_UNIT = r"""(?:s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?|fortnights?
    |months?|years?)\b"""
_LENGTH = re.compile(
    rf"(?<![\w.])(?P<count>{_COUNT})(?:\s*-)?\s*(?P<unit>{_UNIT})(?P<more>\s+and\s+a\s+half)?",
    re.VERBOSE | re.IGNORECASE,
)
_ONE = rf"{_COUNT}(?:\s*-)?\s*{_UNIT}(?:\s+and\s+a\s+half)?"
_LONG = rf"{_ONE}(?:(?:\s*,)?(?:\s+and\b)?\s*{_ONE}){{0,3}}"
_WEEKDAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b"
_SHORT = r"(?:(?<=on\ )|(?<=next\ )|(?<=this\ ))(?:mon|tues?|wed|thu(?:rs?)?|fri|sat|sun)\b"
_MONTH = r"""(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?
    |sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b"""
_YEAR = r"(?:19|20)\d\d(?!\d|\s*hours)"
_OFDAY = r"(?:morning|afternoon|evening|night)"
_DATED = rf"""(?:(?:(?:next|this|coming)\s+)*(?:mon|tue|wed|thu|fri|sat|sun|week)|work|every|each
    |the\s+(?:\d|last|week)|\d+(?:st|nd|rd|th|-\d|\.\d|\s+(?:of\s+)?{_MONTH})|{_MONTH})"""
_PIECE = re.compile(
    rf"""(?<![\w.:/-])(?P<lead>(?:(?:starting|beginning)\s+)?(?:(?:of|from|for|by)\s+)?
        (?:@\s?|at\s+|on\s+(?={_DATED}))?(?:(?:about|around)\s+)?)(?:
    (?P<rhythm>{rhythms.WORDS})
  | (?P<past>yesterday|last\s+(?:{_WEEKDAY}|{_OFDAY}|week|month|year)|{_LONG}\s+ago)
  | (?P<ahead>(?:in|after)\s+{_LONG}(?:['’]?\s+time\b)?|{_LONG}\s+from\s+(?:now|today)\b)
  | (?P<date>(?P<year1>\d{{4}})-(?P<month1>\d\d)-(?P<monthday1>\d\d)
      | (?P<monthday2>\d{{1,2}})\.(?P<month2>\d{{1,2}})\.(?P<year2>{_YEAR})?
      | (?:the\s+)?(?P<monthday3>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month3>{_MONTH})
            (?:,?\s+(?P<year3>{_YEAR}))?
      | (?P<month4>{_MONTH})\s+(?:the\s+)?(?P<monthday4>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)
            (?!\s*(?:[:.]\d|[ap]\.?\s?m\b|o['’]?\s?clock))(?:,?\s+(?P<year4>{_YEAR}))?
      | (?:the\s+)?(?:(?P<monthday5>\d+)(?:st|nd|rd|th)|(?P<last>last\s+day))
            (?:\s+of\s+the\s+month)?)
  | (?P<period>(?:next|this)\s+(?:week|month)\b(?!\s*end))
  | (?P<day>(?P<offset>(?:the\s+)?day\s+after\s+tomorrow|today|tomorrow)
      | (?:(?P<next>next|this|coming|this\s+coming)\s+)?(?P<weekday>{_WEEKDAY}|{_SHORT})
            (?P<late>\s+after\s+next)?)
  | (?P<part>tonight|(?:(?P<whose>this|in\s+the)\s+)?{_OFDAY})
  | (?P<clock>(?:(?:12\s+)?(?P<named>noon|midday|midnight)
      | (?<!from\ )(?P<minutes>half|(?:a\s+)?quarter|\d{{1,2}})(?:\s+minutes?)?\s+
            (?P<side>past|to|before|after|till?)\s+(?P<of>\d{{1,2}}|noon|midnight)(?![\d:.])
      | half\s+(?P<british>\d{{1,2}})
      | (?P<hour>\d{{1,2}})(?:\s?[:h]\s?(?P<exact>\d\d)|(?:\.|\s+)(?P<minute>[0-5]\d))(?!\d)
      | (?P<military>\d{{4}})\s+hours
      | (?P<bare>\d{{1,2}})(?![.:]?\d))
      (?:\s*o['’]?\s?clock)?(?:\s*(?P<half>[ap])\.?\s?m\b\.?)?)
    )(?!\w|['’]s\b|\s?%)""",
    re.VERBOSE | re.IGNORECASE,
)
_ABBREVIATED = {
    "utc": "UTC",
    "gmt": "UTC",
    "cet": "Europe/Brussels",
    "cest": "Europe/Brussels",
    "bst": "Europe/London",
} | {
    letter + kind: f"America/{city}"
    for letter, city in zip("ecmp", ("New_York", "Chicago", "Denver", "Los_Angeles"), strict=True)
    for kind in ("st", "dt")
}
_ZONE = re.compile(
    rf"\s+(?:in\s+)?(?P<zone>{'|'.join(_ABBREVIATED)}|(?P<place>(?!\b(?:this|every|each|any|next)\b)"
    r"[a-z]+(?:[\s_/-]+[a-z]+){0,2}?)(?:\s+(?:standard|daylight))?\s+time)\b",
    re.IGNORECASE,
)
_FILLER = re.compile(
    r"\b(?:in|for|of|and|the|on|at|by|a|timer|about|around|from now|please)\b|[,.!?]", re.I
)
_NUMERAL = (
    r"(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred|thousand"
    r"|(?:thir|four|fif|six|seven|eigh|nine)teen(?:th)?|first|third|fourth|fifth|sixth|seventh"
    r"|(?:twen|thir|for|fif|six|seven|eigh|nine)(?:ty|tieth)|eighth|ninth|tenth|eleventh|twelfth"
    r"|(?<=the )second|(?<=y[ -])second)"
)
_NUMERALS = re.compile(rf"\b{_NUMERAL}(?:[\s-]+(?:and\s+)?{_NUMERAL})*\b", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:on |at |in )?(?:the )?", re.IGNORECASE)
_GAP = re.compile(r"\s{3,}")
_ISO = re.compile(r"(?<=\d-\d\d)T(?=\d\d:)")
_OH = re.compile(r"\b(\d{1,2})\s+(?:0|oh|o) ?(\d)\b", re.IGNORECASE)
_BLANK = "\0"
_DAY = timedelta(days=1)


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


class Piece(NamedTuple):
    """One part of a time expression, and where it stands."""

    kind: str  # rhythm, past, ahead, date, period, day, part, clock or zone
    match: "re.Match[str]"

    @property
    def words(self) -> str:
        """As it was said, but for the numbers."""
        return " ".join(self.match[0].split())


class Length(NamedTuple):
    """A length of time: months and days keep the wall time, seconds just pass."""

    months: int
    days: float
    seconds: float


class Clock(NamedTuple):
    """A time of day as it was said."""

    hour: int
    minute: int
    fixed: bool  # no part of the day moves it


@dataclass(frozen=True, slots=True)
class _Said:
    """What the pieces say together."""

    words: str
    rule: str | None = None
    ahead: Length | None = None
    days: int | None = None  # from today
    weekday: int | None = None
    week: int | None = None  # from this one
    months: int | None = None  # from this one
    year: int | None = None
    month: int | None = None
    monthday: int | None = None  # -1: the last
    part: str | None = None
    clock: Clock | None = None
    zone: str | None = None
    starts: bool = False


def read(words: str, now: datetime) -> When | timedelta:
    """When the words say, or how long ("20 minutes"); Unclear where they say neither."""
    text = spelled(" ".join(words.split()))
    found = pieces(text)
    rest = _rest(text, found)
    if found and not rest:
        return settle(found, now)
    if (lasting := length(words)) is not None:
        return lasting
    if found and rest.lower().endswith(" time"):
        raise Unclear("unknown_zone", f"{rest!r} is not known here")
    raise Unclear("not_a_time", f"{words.strip()!r} is no time")


def clock(words: str) -> time | None:
    """A time of day ("half past seven tonight"), or None; a bare hour is the 24 h clock's."""
    text = spelled(" ".join(words.split()))
    found = pieces(text)
    if not {"clock"} <= {piece.kind for piece in found} <= {"clock", "part"} or _rest(text, found):
        return None
    try:
        return (datetime.min + _time_of_day(_said(found)) % _DAY).time()
    except Unclear:
        return None


def length(words: str) -> timedelta | None:
    """A length of time ("an hour and a half", "20 min"), or None."""
    text = spelled(" ".join(words.split()))
    lasting = _length(text)
    if lasting is None or lasting.months or _FILLER.sub("", _LENGTH.sub("", text)).strip():
        return None
    return timedelta(days=lasting.days, seconds=lasting.seconds) or None


def moment(words: str, now: datetime) -> datetime | None:
    """A date with a time ("tomorrow at 3pm", "in 20 minutes"), or None where one is missing."""
    if (ahead := length(words)) is not None:
        return (now.astimezone(UTC) + ahead).astimezone(now.tzinfo) if now.tzinfo else now + ahead
    if {piece.kind for piece in pieces(spelled(" ".join(words.split())))}.isdisjoint(
        ("clock", "ahead")
    ):
        return None
    try:
        when = read(words, now)
    except Unclear:
        return None
    if not isinstance(when, When) or when.rule:
        return None
    at = rhythms.instant(when)
    return at.astimezone(now.tzinfo) if now.tzinfo else at.replace(tzinfo=None)


def next_time(at: time, now: datetime) -> datetime:
    """When the clock next shows `at`."""
    today = datetime.combine(now.date(), at, now.tzinfo)
    return today if today > now else today + _DAY


def digits(words: str) -> str:
    """The words in lower case, with numbers in digits ("seven oh five" is "7:05")."""
    text: str = alpha2digit(words.lower(), "en", threshold=0)
    text = re.sub(r"(?<![.\d])(\d+) and (?:a|1) half\b", r"\1.5", text)
    return re.sub(r"\b(\d{1,2}) (?:0|oh|o) ?(\d)\b", r"\1:0\2", text)


def spelled(words: str) -> str:
    """The words with numbers in digits, and every other word where it was; nothing is read across
    three spaces or more, where somebody's own words may have been."""
    words = _GAP.sub(lambda match: f" {_BLANK * (len(match[0]) - 2)} ", words)
    lower = words.lower()
    if alpha2digit(lower, "en", threshold=0) != lower:
        words = _NUMERALS.sub(_in_digits, words)
    words = _ISO.sub(" ", words)
    return _OH.sub(lambda match: f"{match[1]}:0{match[2]}".ljust(len(match[0])), words)


def _in_digits(match: "re.Match[str]") -> str:
    number: str = alpha2digit(match[0].lower(), "en", threshold=0)
    return number.ljust(len(match[0]))


def pieces(text: str) -> tuple[Piece, ...]:
    """Whatever may belong to a time expression, in a text whose numbers are `spelled`."""
    found: list[Piece] = []
    match = _PIECE.search(text)
    while match is not None:
        found.append(Piece(str(match.lastgroup), match))
        zone = _ZONE.match(text, match.end())
        if zone is not None and any(piece.kind == "clock" for piece in found):
            # "at 7 play party time" is no zone: an unknown one is a single word.
            alone = match["clock"] and not re.search(r"\W", zone["place"] or "")
            if alone or _zone(zone) is not None:
                found.append(Piece("zone", zone))
        match = _PIECE.search(text, found[-1].match.end())
    return tuple(found)


def _rest(text: str, found: tuple[Piece, ...]) -> str:
    """What the pieces leave of the text, without filler."""
    for piece in reversed(found):
        text = text[: piece.match.start()] + " " + text[piece.match.end() :]
    return " ".join(_FILLER.sub("", text).split())


def settle(found: tuple[Piece, ...], now: datetime) -> When:
    """The one moment or rhythm that the pieces name; Unclear where they do not."""
    said, now = _said(found), _zoned(now)
    try:
        if said.rule is not None:
            return _recurring(said, said.rule, now)
        if said.ahead is not None:
            return _later(said, said.ahead, now)
        return _once(said, _days(said, _today(said, now)), now)
    except (OverflowError, ValueError) as exc:
        raise _no_such(said.words) from exc


def _said(found: tuple[Piece, ...]) -> _Said:
    """What all pieces say; Unclear where two disagree."""
    words = " ".join(piece.words for piece in found)
    slots: dict[str, Any] = {}
    for piece in found:
        for name, value in _READERS[piece.kind](piece.match).items():
            if slots.setdefault(name, value) != value:
                raise _contradiction(words)
    return _Said(words, **slots)


def _no_such(words: str) -> Unclear:
    return Unclear("no_such_date", f"there is no {_ARTICLE.sub('', words)}")


def _contradiction(words: str) -> Unclear:
    return Unclear("contradiction", f"{words!r} contradicts itself")


def _read_rhythm(match: "re.Match[str]") -> dict[str, Any]:
    read = rhythms.rhythm(match["rhythm"])
    if read is None or "SECONDLY" in read.rule:
        raise Unclear("not_a_time", f"{match['rhythm']!r} is too often")
    return {"rule": read.rule} | ({"part": read.part} if read.part else {})


def _read_past(_: "re.Match[str]") -> dict[str, Any]:
    return {"days": -1}  # which of the past days does not matter


def _read_ahead(match: "re.Match[str]") -> dict[str, Any]:
    if (ahead := _length(match["ahead"])) is None:
        raise Unclear("no_such_date", f"{match['ahead']!r} is too far")
    return {"ahead": ahead}


def _read_date(match: "re.Match[str]") -> dict[str, Any]:
    slots = {
        name[:-1]: _month(value) if name.startswith("month") and name[5].isdecimal() else int(value)
        for name, value in match.groupdict().items()
        if value and name[-1] in "12345"
    }
    return slots | ({"monthday": -1} if match["last"] else {}) | _start(match)


def _month(word: str) -> int:
    names = [name[:3].lower() for name in rhythms.MONTHS]
    return int(word) if word.isdecimal() else names.index(word[:3].lower()) + 1


def _read_period(match: "re.Match[str]") -> dict[str, Any]:
    which, unit = match["period"].lower().split()
    return {"months" if unit == "month" else "week": int(which == "next")}


def _read_day(match: "re.Match[str]") -> dict[str, Any]:
    if match["offset"]:
        ahead = {"today": 0, "tomorrow": 1}.get(match["offset"].lower(), 2)
        return {"days": ahead} | _start(match)
    weekday = rhythms.CODES.index(match["weekday"][:2].upper())
    week = 2 if match["late"] else 1 if (match["next"] or "").lower() == "next" else None
    return {"weekday": weekday} | ({"week": week} if week else {}) | _start(match)


def _start(match: "re.Match[str]") -> dict[str, Any]:
    said = re.search("from|starting|beginning", match["lead"], re.IGNORECASE)
    return {"starts": True} if said else {}


def _read_part(match: "re.Match[str]") -> dict[str, Any]:
    words = match["part"].lower().split()
    name = "this evening" if words == ["this", "evening"] else words[-1]
    return {"part": name} | ({"days": 0} if words[0] in ("this", "tonight") else {})


def _read_clock(match: "re.Match[str]") -> dict[str, Any]:
    """Unclear for a time that no clock shows."""
    hour, minute, half = *_numbers(match), (match["half"] or "").lower()
    said = hour
    if half:
        hour = hour % 12 + (12 if half == "p" else 0) if hour < 13 else hour
    if hour > 23 or minute > 59:
        raise _no_such(match["clock"].strip())
    if half == "a" and said > 12:
        raise _contradiction(match["clock"].strip())
    if (match["side"] or "past").lower() not in ("past", "after"):
        hour, minute = ((hour - 1) % 24, 60 - minute) if minute else (hour, 0)
    fixed = half or match["named"] or said == 0 or said > 12
    return {"clock": Clock(hour, minute, bool(fixed))}


_NAMED = {"noon": 12, "midday": 12, "midnight": 0}


def _numbers(match: "re.Match[str]") -> tuple[int, int]:
    """Hour and minute as they were said."""
    if match["military"]:
        return int(match["military"][:2]), int(match["military"][2:])
    if match["named"]:
        return _NAMED[match["named"].lower()], 0
    if match["british"]:
        return int(match["british"]), 30
    if match["minutes"]:
        minutes, of = match["minutes"].lower(), match["of"].lower()
        minute = {"half": 30, "quarter": 15}.get(minutes.split()[-1]) or int(minutes)
        return _NAMED[of] if of in _NAMED else int(of), minute
    return int(match["hour"] or match["bare"]), int(match["exact"] or match["minute"] or 0)


def _read_zone(match: "re.Match[str]") -> dict[str, Any]:
    if (zone := _zone(match)) is None:
        raise Unclear("unknown_zone", f"{match['zone']!r} is not known here")
    return {"zone": zone} if zone else {}


_READERS: dict[str, Callable[["re.Match[str]"], dict[str, Any]]] = {
    "rhythm": _read_rhythm,
    "past": _read_past,
    "ahead": _read_ahead,
    "date": _read_date,
    "period": _read_period,
    "day": _read_day,
    "part": _read_part,
    "clock": _read_clock,
    "zone": _read_zone,
}


def _length(text: str) -> Length | None:
    """The sum of the lengths in the text; None where there is none, or one nobody means."""
    months, days, seconds = 0, 0.0, 0.0
    found = list(_LENGTH.finditer(text))
    for match in found:
        amount = _count(match["count"].lower()) + (0.5 if match["more"] else 0.0)
        if amount > MAX_AMOUNT:
            return None
        unit = match["unit"].lower()
        if unit.startswith(("mo", "y")):
            months += int(amount * (12 if unit.startswith("y") else 1))
        elif unit[0] in "dwf":
            days += amount * {"d": 1, "w": 7, "f": 14}[unit[0]]
        else:
            seconds += amount * {"s": 1, "m": 60, "h": 3600}[unit[0]]
    return Length(months, days, seconds) if found else None


def _count(words: str) -> float:
    number = re.match(r"\d+(?:\.\d+)?", words)
    if "quarter" in words:
        return 0.75 if number else 0.25
    if "half" in words:
        return float(number[0]) + 0.5 if number else 0.5
    return float(number[0]) if number else 2.0 if "couple" in words else 1.0


def _zone(match: "re.Match[str]") -> str | None:
    """The IANA name; "" for the zone here, None for a place that has none."""
    if match["place"] is None:
        return _ABBREVIATED[match["zone"].lower()]
    place = re.sub(r"[\s_-]+", " ", match["place"].lower())
    return "" if place in ("local", "my", "our") else _places().get(place)


@lru_cache(maxsize=1)
def _places() -> Mapping[str, str]:
    """Cities, and regions such as "Pacific", to the names of their zones."""
    names = sorted(available_timezones())
    return MappingProxyType(
        {
            name.rpartition("/")[2].lower().replace("_", " ").replace("-", " "): name
            for name in names
        }
    )


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


def _today(said: _Said, now: datetime) -> date:
    """Of the speaker; where no day is said, of the place whose clock is meant."""
    return now.astimezone(ZoneInfo(said.zone)).date() if said.zone else now.date()


def _time_of_day(said: _Said) -> timedelta:
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
    raise _contradiction(said.words)


def _days(said: _Said, today: date) -> Iterator[date]:
    """The days that may be meant, the nearest first."""
    if said.days is not None:
        if said.days == 0:
            yield today - _DAY  # its night is not over yet
        yield today + timedelta(said.days)
    elif said.monthday is not None:
        yield from _dates(said, said.monthday, today)
    elif said.weekday is not None and said.week is not None:
        yield today + timedelta(said.weekday - today.weekday() + 7 * said.week)
    elif said.weekday is not None:
        nearest = today + timedelta((said.weekday - today.weekday()) % 7)
        yield from (nearest, nearest + 7 * _DAY)
    elif said.week is not None or said.months is not None:
        raise Unclear("not_a_time", f"{said.words!r} names no day")
    else:
        yield from (today, today + _DAY)


def _dates(said: _Said, monthday: int, today: date) -> Iterator[date]:
    """The days of that date; Unclear where no calendar has it."""
    known = False
    for year, month in _months(said, today):
        last = monthrange(year, month)[1]
        if monthday <= last:
            known = True
            yield date(year, month, last if monthday < 0 else monthday)
    if not known:
        raise _no_such(said.words)


def _months(said: _Said, today: date) -> Iterable[tuple[int, int]]:
    """The months that may be meant; 29 February comes round within eight years."""
    if said.month is not None:
        years = range(today.year, today.year + 9) if said.year is None else (said.year,)
        return ((year, said.month) for year in years)
    since = today.year * 12 + today.month - 1 + (said.months or 0)
    counts = range(since, since + (13 if said.months is None else 1))
    return ((count // 12, count % 12 + 1) for count in counts)


def _once(said: _Said, days: Iterator[date], now: datetime) -> When:
    """The first of the days on which the time is still ahead."""
    zone, time_of_day = said.zone or str(now.tzinfo), _time_of_day(said)
    for day in days:
        at = rhythms.utc(datetime.combine(day, time()) + time_of_day, zone)
        if at > now:
            if not _agrees(said, day, now.date()):
                raise _contradiction(said.words)
            return _when(at, str(now.tzinfo))
    raise Unclear("past", f"{said.words!r} is past")


def _agrees(said: _Said, day: date, today: date) -> bool:
    """Whether a day named twice ("tomorrow, 3 May") is one day."""
    monday = today - timedelta(today.weekday())
    asked = (
        (said.days or None, (day - today).days),
        (said.weekday, day.weekday()),
        (said.week, (day - monday).days // 7),
        (said.months, (day.year - today.year) * 12 + day.month - today.month),
        (said.year, day.year),
        (said.month, day.month),
        (said.monthday, day.day if said.monthday != -1 else -1),
    )
    return all(wanted is None or wanted == found for wanted, found in asked)


def _later(said: _Said, ahead: Length, now: datetime) -> When:
    """Days on keep the wall time, or take the one that is said; hours just pass."""
    months = now.year * 12 + now.month - 1 + ahead.months
    year, month = months // 12, months % 12 + 1
    monthday = min(now.day, monthrange(year, month)[1])
    wall = now.replace(year=year, month=month, day=monthday, tzinfo=None)
    wall += timedelta(days=ahead.days)
    if said.clock or said.part:
        if ahead.seconds:
            raise _contradiction(said.words)
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


def _recurring(said: _Said, rule: str, now: datetime) -> When:
    """The rhythm from its first occurrence on; it keeps the zone that is said."""
    rule, zone, today = _rule(said, rule), said.zone or str(now.tzinfo), _today(said, now)
    if (step := rhythms.elapsed(rule)) is not None and not (said.clock or said.part):
        return _when(now.astimezone(UTC) + step, zone, rule)
    time_of_day = _time_of_day(said)
    if time_of_day >= _DAY and "BYDAY" in rule:
        raise _contradiction(said.words)  # "every Friday night at 1": is it still Friday?
    day = next(_days(said, today)) if said.starts else today
    wall = datetime.combine(day, time()) + time_of_day % _DAY
    if step is None:
        return rhythms.first(rule, wall, zone, now)
    at = rhythms.utc(wall, zone)
    return _when(at if at > now else rhythms.utc(wall + _DAY, zone), zone, rule)


def _rule(said: _Said, rule: str) -> str:
    """The rule with the day beside it ("every month on the 5th")."""
    if said.starts and rule:
        return rule
    if {said.ahead, said.days, said.week, said.months, said.year} != {None}:
        raise _contradiction(said.words)
    if said.weekday is not None:
        if "WEEKLY" not in rule or "BYDAY" in rule or said.monthday is not None:
            raise _contradiction(said.words)
        return f"{rule};BYDAY={rhythms.CODES[said.weekday]}"
    if said.monthday is None:
        return rule
    freq = "YEARLY" if said.month else "MONTHLY"
    if (rule and freq not in rule) or "BYDAY" in rule:
        raise _contradiction(said.words)
    if not -1 <= said.monthday <= monthrange(2024, said.month or 1)[1] or said.monthday == 0:
        raise _no_such(said.words)
    month = f";BYMONTH={said.month}" if said.month else ""
    return f"{rule or 'FREQ=' + freq}{month};BYMONTHDAY={said.monthday}"
