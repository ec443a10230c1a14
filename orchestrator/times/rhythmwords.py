"""The words of recurrences, to rules."""

import re
from typing import NamedTuple

from orchestrator.times import lengths
from orchestrator.times.rhythms import CODES

_WORKING, _WEEKEND = range(5), (5, 6)
_NAME = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_ABBREVIATED = r"(?:mon|tues?|wed|thu(?:rs?)?|fri|sat|sun)\b"
_SHORT = rf"{_ABBREVIATED}(?!\s+(?:lamp|light|room|shade))"
_TO = r"(?:\s+(?:to|thru|through|till)\s+|\s*[-–]\s*)"
_JOIN = rf"""(?:\s*,\s*(?:and\s+)?|\s+(?:and|or)\s+|\s*&\s*|{_TO}|\s+(?={_NAME}))
    (?:(?:on|every|each)\s+)?"""
_SET = r"(?:week\s?day|work(?:ing)?\s?day|week\s?end)"
_PART = r"(?:morning|afternoon|evening|night)"
_ORDINAL = r"\d+(?:st|nd|rd|th)"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_LONGER = r"(?!\s+and\s+(?:an?\s+(?:half|quarter)\b|\d+\s*m))"
_GRAMMAR = rf"""
    (?:every|each|the(?=\s+\w+\s+\w+\s+(?:of|in)\s+(?:every|each|a)\b))\s+
        (?P<week>{_ORDINAL}|last)\s+(?P<weekly>{_NAME})\s+(?:of|in)\s+(?:every|each|the|a)\s+month
  | (?:every|each)\s+(?:single\s+)?(?:(?:(?P<nth>other|second|\d+(?:st|nd|rd|th)?)\s+)?(?:
        (?P<unit>(?:secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|weeks?|fortnight|months?
            |years?)\b{_LONGER})
      | (?P<days>(?:{_SET}s?|{_NAME}s?|{_SHORT})(?:{_JOIN}(?:{_SET}s?|{_NAME}s?|{_SHORT})){{0,6}})
            (?:\s+(?P<daypart>{_PART})s?)?
      | (?P<part>{_PART})s?)
    | (?P<length>{lengths.LONG}|(?:hour|day|week|month|year)\s+and\s+an?\s+(?:half|quarter)))
  | (?:every|each)(?=\s+(?:the\s+)?(?:
        {_ORDINAL}(?:\s*(?:,|and|&)\s*(?:the\s+)?{_ORDINAL})*\s*(?:$|[,.;]|(?:of|at|in|{_MONTH})\b)
        |\d+\s+{_MONTH}|{_MONTH}\s+\d|last\s+day))
  | (?P<adverb>daily|every\s?day|nightly|hourly|weekly|fortnightly|monthly|yearly|annually)
        (?=\s*(?:$|[,.;!?]|\d|(?:at|on|in|from|around|by|starting)\b))
  | once\s+(?:an?|per|every)\s+(?P<once>hour|day|week|month|year)
  | (?P<plural>(?:(?:the\s+)?{_SET}s|{_NAME}s)(?:{_JOIN}(?:{_SET}s|{_NAME}s?)){{0,6}})
        (?:\s+(?P<pluralpart>{_PART})s?)?
  | (?P<mixed>{_NAME}(?:{_JOIN}{_NAME}){{0,5}}{_JOIN}{_NAME}s)
  | (?P<range>(?:{_NAME}|{_ABBREVIATED}){_TO}(?:{_NAME}|{_ABBREVIATED}))
  | (?P<partly>(?:weekday|{_NAME}(?:{_JOIN}{_NAME}){{0,6}})\s+{_PART}s)
  | (?P<parts>{_PART}s)(?=\s*$|\s+at\b)
"""
WORDS = re.sub(r"\(\?P<\w+>", "(?:", _GRAMMAR)
"""Verbose pattern of a recurrence, its numbers in digits, to be part of a larger one."""
_WORDS = re.compile(_GRAMMAR, re.VERBOSE | re.IGNORECASE)
_DAYS = ("weekly", "days", "plural", "mixed", "range", "partly")
"""The groups that name weekdays."""
_UNITS = {
    "se": "SECONDLY",
    "mi": "MINUTELY",
    "ho": "HOURLY",
    "hr": "HOURLY",
    "da": "DAILY",
    "ev": "DAILY",
    "ni": "DAILY",
    "we": "WEEKLY",
    "fo": "WEEKLY",
    "mo": "MONTHLY",
    "ye": "YEARLY",
    "an": "YEARLY",
}


class Rhythm(NamedTuple):
    """What words say of a recurrence; a rule without FREQ takes it from the date beside it."""

    rule: str
    part: str = ""  # of the day: "evening"


def read(words: str) -> Rhythm | None:
    """The rule of "every other friday night", or None where the words are no recurrence."""
    words = words.strip().lower()
    if words in ("every", "each"):
        return Rhythm("")
    match = _WORDS.fullmatch(words)
    if match is None:
        return None
    said = {name: value for name, value in match.groupdict().items() if value}
    part = re.search(rf"\b{_PART}", words)
    name = part[0] if part else "night" if said.get("adverb") == "nightly" else ""
    days = next((said[key] for key in _DAYS if key in said), "")
    if "week" in said:
        return Rhythm(f"FREQ=MONTHLY;BYDAY={_which(said['week'])}{_codes(days)}", name)
    nth = said.get("nth", "")
    if nth == "1st" and days:
        return Rhythm(f"FREQ=MONTHLY;BYDAY=1{_codes(days)}", name)
    freq, interval = ("WEEKLY", 1) if days else _unit(said)
    interval *= 2 if nth in ("other", "second") else int(re.sub(r"\D", "", nth) or 1)
    if interval < 1:
        return None
    rule = f"FREQ={freq}" + (f";INTERVAL={interval}" if interval > 1 else "")
    return Rhythm(rule + (f";BYDAY={_codes(days)}" if days else ""), name)


def _which(week: str) -> int:
    return -1 if week == "last" else int(week[:-2])


def _unit(said: dict[str, str]) -> tuple[str, int]:
    """FREQ and INTERVAL, the latter 0 where no rule has it."""
    if "length" in said:
        return _step(said["length"])
    words = next((said[key] for key in ("unit", "adverb", "once") if key in said), "day")
    return _UNITS[words[:2]], 2 if words.startswith("fortnight") else 1


def _step(words: str) -> tuple[str, int]:
    """Of "half an hour", "2½ hours": whole minutes, or whole days."""
    length = lengths.total(words) or lengths.total(f"1 {words}")
    if length is None or length.months or (length.days and length.seconds):
        return "MONTHLY", 0
    freq, steps = ("DAILY", length.days) if length.days else ("MINUTELY", length.seconds / 60)
    return freq, int(steps) if steps == int(steps) else 0


def _codes(days: str) -> str:
    """The BYDAY of "monday, thursday": "MO,TH"."""
    found: set[int] = set()
    for span in re.split(r",|\b(?:and|or)\b|&|(?<=day)\s+(?=\w+day)", days):
        names = re.findall(r"\b(?:mon|tue|wed|thu|fri|sat|sun)", span)
        numbers = [CODES.index(name[:2].upper()) for name in names]
        if re.search(r"week|work", span):
            found.update(_WEEKEND if "end" in span else _WORKING)
        elif re.search(_TO, span) and len(numbers) > 1:
            start, end = numbers[0], numbers[-1]
            found.update((start + step) % 7 for step in range((end - start) % 7 + 1))
        else:
            found.update(numbers)
    return ",".join(CODES[number] for number in sorted(found))
