"""What of a sentence its calls do not explain, and that could change what is meant; pure."""

import re
from collections.abc import Iterable

from orchestrator.times import numerals

_NUMBER = re.compile(r"(?<![\w.,:@/'’-])\d+(?:[.,]\d+)?(?![\w@/-])")
_OWN_NAME = re.compile(r"(?<=\w )[A-Z]\w+ \d+\b")
"""A name with a number ("the Pixel 8"): capitals inside a sentence."""


def number(sentence: str, explained: Iterable[str], names: Iterable[str] = ()) -> str | None:
    """A number that is in no argument, no time and no device's name; None where all are explained.

    "Volume eight, on second thoughts five" has one call with 8: the five is somebody's change of
    mind, or a second request. "One" is left out, for it mostly is no number.
    """
    rest = sentence
    for piece in sorted(explained, key=len, reverse=True):
        # Whole words: the 5 of "brightness 5" is not that of "Phone 57".
        rest = re.sub(rf"(?<!\w){re.escape(piece)}(?!\w)", " " * len(piece), rest)
    lower = rest.lower()
    said = [name for name in names if name.lower() in lower]
    for name in sorted(said, key=len, reverse=True):  # "Lamp 11" before "Lamp 1"
        rest = re.sub(re.escape(name), " ", rest, flags=re.IGNORECASE)
    rest = re.sub(r"\bones?\b", " ", _OWN_NAME.sub(" ", rest), flags=re.IGNORECASE)
    found = _NUMBER.search(numerals.digits(rest))
    return found[0] if found else None
