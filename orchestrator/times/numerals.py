"""Numbers in words, to digits."""

import re

from text_to_num import alpha2digit

_NUMERAL = (
    r"(?:zero|(?<!first )(?<!second )(?<!third )one|two|three|four|five|six|seven|eight|nine|ten"
    r"|eleven|twelve|hundred|thousand|(?:thir|four|fif|six|seven|eigh|nine)teen(?:th)?|first|third"
    r"|fourth|fifth|sixth|seventh|(?:twen|thir|for|fif|six|seven|eigh|nine)(?:ty|tieth)|eighth"
    r"|ninth|tenth|eleventh|twelfth|(?<=the )second|(?<=y[ -])second)"
)
_NUMERALS = re.compile(rf"\b{_NUMERAL}(?:[\s-]+(?:(?:and|oh)\s+)?{_NUMERAL})*\b", re.IGNORECASE)
_PHONE = re.compile(r"\+\d[\d ().-]{5,}\d|(?<![\d.:-])\d{1,2}(?:[ .-]\d{1,2}){3,}(?![\d:])")
_MOST = 3
"""Numbers in a row that are no telephone number yet."""
_GAP = re.compile(r"\s{3,}")
_ISO = re.compile(r"(?<=\d-\d\d)T(?=\d\d:)", re.IGNORECASE)
_OH = re.compile(r"(?<![-.\d])(\d{1,2})\s+(?:0|oh|o) ?(\d)\b(?![:.]\d)", re.IGNORECASE)
_HYPHEN = re.compile(r"(?<=[a-z])-(?=(?:second|minute|hour|day|week|month)s?\b)", re.IGNORECASE)
"""Between a number in words and its unit ("a twelve-minute timer")."""
_BLANK = "\0"


def digits(words: str) -> str:
    """The words in lower case, with numbers in digits ("seven oh five" is "7:05")."""
    text: str = alpha2digit(_HYPHEN.sub(" ", words).lower(), "en", threshold=0)
    text = re.sub(r"(?<![.\d])(\d+) and (?:a|1) half\b", r"\1.5", text)
    return re.sub(r"\b(\d{1,2}) (?:0|oh|o) ?(\d)\b", r"\1:0\2", text)


def spelled(words: str) -> str:
    """The words with numbers in digits, and every other word where it was. Telephone numbers are
    blank, and nothing is read across three spaces or more: somebody's own words may have stood
    there."""
    words = _GAP.sub(lambda match: f" {_BLANK * (len(match[0]) - 2)} ", words)
    words = _HYPHEN.sub(" ", _PHONE.sub(_blank, words))
    lower = words.lower()
    if alpha2digit(lower, "en", threshold=0) != lower:
        words = _NUMERALS.sub(_in_digits, words)
    words = _ISO.sub(" ", words)
    return _OH.sub(lambda match: f"{match[1]}:0{match[2]}".ljust(len(match[0])), words)


def _in_digits(match: "re.Match[str]") -> str:
    number: str = alpha2digit(match[0].lower(), "en", threshold=0)
    if len(re.findall(r"\d+", number)) > _MOST:
        return _blank(match)
    return number.ljust(len(match[0]))


def _blank(match: "re.Match[str]") -> str:
    return _BLANK * len(match[0])
