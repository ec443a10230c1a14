"""What the single words of a time say, and what they say together."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from orchestrator.times import lengths, rhythms, rhythmwords, zones
from orchestrator.times.lengths import Length
from orchestrator.times.timewords import Piece
from schemas.errors import HubError

Problem = Literal["past", "contradiction", "no_such_date", "unknown_zone", "not_a_time", "vague"]


class Unclear(HubError):
    """The words name no one moment that is still to come."""

    code = "unclear"

    def __init__(self, problem: Problem, message: str) -> None:
        super().__init__(message)
        self.problem = problem


class Clock(NamedTuple):
    """A time of day as it was said."""

    hour: int
    minute: int
    fixed: bool  # no part of the day moves it


@dataclass(frozen=True, slots=True)
class Said:
    """What the pieces say together; what none of them says is None, empty or False."""

    words: str
    rule: str | None = None
    ahead: Length | None = None
    days: int | None = None  # from today
    shift: int | None = None  # days on from the weekday
    weekday: int | None = None
    week: int | None = None  # from this one
    months: int | None = None  # from this one
    year: int | None = None
    month: int | None = None
    monthdays: tuple[int, ...] = ()  # -1: the last
    part: str | None = None
    clock: Clock | None = None
    zone: str | None = None
    starts: bool = False
    later: bool = False


def together(found: tuple[Piece, ...]) -> Said:
    """What all pieces say; Unclear where two disagree."""
    words = " ".join(piece.words for piece in found)
    slots: dict[str, Any] = {}
    for piece in found:
        for name, value in (_READERS[piece.kind](piece.match) | _lead(piece)).items():
            if slots.setdefault(name, value) != value:
                raise contradiction(words)
    return Said(words, **slots)


def no_such(words: str) -> Unclear:
    return Unclear("no_such_date", f"there is no {_ARTICLE.sub('', words)}")


def contradiction(words: str) -> Unclear:
    return Unclear("contradiction", f"{words!r} contradicts itself")


def vague(words: str) -> Unclear:
    return Unclear("vague", f"{words!r} is no definite time")


_ARTICLE = re.compile(r"^(?:on |at |in )?(?:the )?", re.IGNORECASE)
_STARTS = re.compile("from|starting|beginning")


def _lead(piece: Piece) -> dict[str, Any]:
    starts = piece.kind in ("day", "date") and _STARTS.search(piece.lead)
    return ({"starts": True} if starts else {}) | ({"later": True} if "later" in piece.lead else {})


def _read_rhythm(match: "re.Match[str]") -> dict[str, Any]:
    read = rhythmwords.read(match["rhythm"])
    if read is None or "SECONDLY" in read.rule:
        raise Unclear("not_a_time", f"{match['rhythm']!r} is no rhythm that can be kept")
    return {"rule": read.rule} | ({"part": read.part} if read.part else {})


def _read_past(_: "re.Match[str]") -> dict[str, Any]:
    return {"days": -1}  # which of the past days does not matter


def _read_ahead(match: "re.Match[str]") -> dict[str, Any]:
    if (ahead := lengths.total(match["ahead"])) is None:
        raise Unclear("no_such_date", f"{match['ahead']!r} is too far")
    return {"ahead": ahead}


def _read_vague(match: "re.Match[str]") -> dict[str, Any]:
    raise vague(" ".join(match["vague"].split()))


def _read_date(match: "re.Match[str]") -> dict[str, Any]:
    if match["monthdays"]:
        days = re.findall(r"\d+|last", match["monthdays"].lower())
        return {"monthdays": tuple(-1 if day == "last" else int(day) for day in days)}
    slots: dict[str, Any] = {}
    for group, value in match.groupdict().items():
        if value and group[-1] in "1234":
            number = "".join(value.split())  # the year may be "20 28"
            slots[group[:-1]] = _month(value) if group[:-1] == "month" else int(number)
    return {"monthdays": (slots.pop("monthday"),)} | slots


def _month(word: str) -> int:
    names = [name[:3].lower() for name in rhythms.MONTHS]
    return int(word) if word.isdecimal() else names.index(word[:3].lower()) + 1


def _read_period(match: "re.Match[str]") -> dict[str, Any]:
    which, unit = match["period"].lower().split()
    return {"months" if unit == "month" else "week": int(which == "next")}


def _read_day(match: "re.Match[str]") -> dict[str, Any]:
    late = (match["late"] or "").lower().split()
    shift = 7 if late == ["week"] else 0
    if match["shift"]:
        length = lengths.total(match["shift"])
        shift += int(length.days) if length else 0
    if match["offset"]:
        ahead = {"today": 0, "tomorrow": 1}.get(match["offset"].lower(), 2)
        return {"days": ahead + shift}
    slots: dict[str, Any] = {"weekday": rhythms.CODES.index(match["weekday"][:2].upper())}
    if late[:1] == ["after"]:
        slots["week"] = 2
    elif (match["next"] or "").lower() == "next":
        slots["week"] = 1
    return slots | ({"shift": shift} if shift else {})


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
        raise no_such(match["clock"].strip())
    if half == "a" and said > 12:
        raise contradiction(match["clock"].strip())
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
    if (zone := zones.name(match)) is None:
        words = f"{match['zone']!r} names no one zone"
        raise Unclear("unknown_zone", f'{words}: say a large city of it, as in "London time"')
    return {"zone": zone} if zone else {}


_READERS: dict[str, Callable[["re.Match[str]"], dict[str, Any]]] = {
    "rhythm": _read_rhythm,
    "past": _read_past,
    "ahead": _read_ahead,
    "vague": _read_vague,
    "date": _read_date,
    "period": _read_period,
    "day": _read_day,
    "part": _read_part,
    "clock": _read_clock,
    "zone": _read_zone,
}
