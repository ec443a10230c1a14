"""Lengths of time in words whose numbers are in digits."""

import re
from typing import NamedTuple

MAX_AMOUNT = 100_000
"""Of any unit; what is longer was not meant."""

_FRACTIONS = {"½": 0.5, "¼": 0.25, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3}
_FRACTION = rf"(?:[{''.join(_FRACTIONS)}]|(?<![\d/.])[1-9]/[2-9](?![\d/]))"
_AND_PART = r"\s+and\s+(?:an?\s+(?:half|quarter)|3\s+quarters?)\b"
COUNT = rf"""(?:\d+(?:\.\d+)?(?:\s*{_FRACTION}|{_AND_PART})?|{_FRACTION}(?:\s+of\s+an?\b)?
    |(?:(?:an?\s+)?half(?:\s+an?)?|an?\s+couple(?:\s+of)?
    |(?:(?:an?|3)\s+)?quarters?(?:\s+of)?(?:\s+an)?|an?)\b)"""
_UNIT = r"""(?:s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?|fortnights?
    |months?|y|yrs?|years?)\b"""
_MINUTES = rf"""[0-5]\d(?:\s*m(?:in(?:ute)?s?)?)?
    (?!\w|[.:/]\d|\s*(?:%|°|degrees?\b|per\s?cent\b|times\b|[ap]\.?\s?m\b|o['’]|{_UNIT}))"""
_GRAMMAR = rf"""(?P<count>{COUNT})(?:\s*-)?\s*(?:
    (?:h|hrs?|hours?)\s*(?P<minutes>{_MINUTES})
  | (?P<unit>{_UNIT})(?P<more>{_AND_PART})?)"""
ONE = re.sub(r"\(\?P<\w+>", "(?:", _GRAMMAR)
"""Verbose pattern of one amount with its unit, to be part of a larger one; LONG: of several."""
LONG = rf"{ONE}(?:(?:\s*,)?(?:\s+and\b)?\s*{ONE}){{0,3}}"
PATTERN = re.compile(rf"(?<![\w.]){_GRAMMAR}", re.VERBOSE | re.IGNORECASE)


class Length(NamedTuple):
    """A length of time: months and days keep the wall time, seconds just pass."""

    months: int
    days: float
    seconds: float


def total(text: str) -> Length | None:
    """The sum of the lengths in the text; None where there is none, or one nobody means."""
    months, days, seconds = 0, 0.0, 0.0
    found = list(PATTERN.finditer(text))
    for match in found:
        amount = _count(match["count"].lower()) + _part(match["more"] or "")
        if amount > MAX_AMOUNT:
            return None
        unit = (match["unit"] or "h").lower()
        if unit.startswith(("mo", "y")):
            months += int(amount * (12 if unit.startswith("y") else 1))
        elif unit[0] in "dwf":
            days += amount * {"d": 1, "w": 7, "f": 14}[unit[0]]
        else:
            seconds += amount * {"s": 1, "m": 60, "h": 3600}[unit[0]]
        seconds += 60 * int((match["minutes"] or "0")[:2])
    return Length(months, days, seconds) if found else None


def _count(words: str) -> float:
    number = re.match(r"\d+(?:\.\d+)?(?![/\d]|\s*quarter)", words)
    if number is None:
        return _part(words) or (2.0 if "couple" in words else 1.0)
    return float(number[0]) + _part(words[number.end() :])


def _part(words: str) -> float:
    """The fraction in the words ("and a half", "3 quarters", "½", "1/2"), or 0."""
    if (ratio := re.search(r"(\d)/(\d)", words)) is not None:
        return int(ratio[1]) / int(ratio[2])
    if "quarter" in words:
        return 0.75 if "3" in words else 0.25
    if "half" in words:
        return 0.5
    return next((value for sign, value in _FRACTIONS.items() if sign in words), 0.0)
