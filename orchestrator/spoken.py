"""The words of a sentence or a name, as they are compared: pure."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from schemas.device import Device, Kind


def said(text: str) -> frozenset[str]:
    return frozenset(text.split())


ARTICLES = said("the a an my our your")
COUNTS = {"two": 2, "three": 3, "four": 4, "2": 2, "3": 3, "4": 4}
QUANTIFIERS = said("all both every each")
PREPOSITIONS = said("on in at of from with using via to into for by inside near onto")
COMMANDS = said(
    """
    ask begin bring call change check close connect decrease dim do find flash get give go have
    increase let lock look lower make move navigate open pause play please press put raise read
    resume say send set show shut skip start stop switch take tell text toggle turn unlock use
    """
)
STOP = (
    ARTICLES
    | QUANTIFIERS
    | PREPOSITIONS
    | COMMANDS
    | said(
        """
        and or but then also as so if is are was be it its that this these those there here them
        they he she her his their him me i we us you up down off out away not no yes now again
        too just can could would will should what which who how when where only than until
        everything anything something one ones ok hey hi room home house
        """
    )
)
"""Words that name nothing: a name of these alone is never found in a sentence."""

_TOKEN = re.compile(r"[^\W_]+(?:['’`´][^\W_]+)*")
_POSSESSIVE = re.compile(r"['’`´]s?$")
_APOSTROPHES = re.compile(r"['’`´]")


class Token(NamedTuple):
    """One word of a sentence: as compared, and without a possessive's ending."""

    start: int
    end: int
    word: str
    stem: str


def tokens(text: str) -> list[Token]:
    """The words with their places; without case, accents, apostrophes and underscores."""
    found = []
    for match in _TOKEN.finditer(text):
        folded = fold(match[0])
        stem = _POSSESSIVE.sub("", folded)
        word = _APOSTROPHES.sub("", folded)
        found.append(Token(match.start(), match.end(), word, _APOSTROPHES.sub("", stem)))
    return found


def fold(text: str) -> str:
    """The text without case and accents."""
    plain = text.casefold()
    if plain.isascii():
        return plain
    decomposed = unicodedata.normalize("NFKD", plain)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


@lru_cache(maxsize=16_384)
def words(text: str) -> tuple[str, ...]:
    """The words of a name, as they are compared; kept, since names are read for every sentence."""
    return tuple(token.word for token in tokens(text))


@lru_cache(maxsize=16_384)
def core(text: str) -> tuple[str, ...]:
    """The words of a name without articles at its beginning; none where they name nothing."""
    found = words(text)
    while found and found[0] in ARTICLES:
        found = found[1:]
    return () if all(word in STOP for word in found) else found


class Quantity(NamedTuple):
    """What is said before a phrase: every one of them, how many (0: not said), the speaker's."""

    every: bool = False
    number: int = 0
    own: bool = False


def quantity(before: Sequence[str]) -> Quantity:
    """What the last of the words before a phrase say of it: "both of my", "all the", "the two"."""
    left = list(before)
    number = COUNTS.get(left.pop(), 0) if left and left[-1] in COUNTS else 0
    own = False
    while left and (left[-1] in ARTICLES or left[-1] in ("of", "these", "those")):
        own = left.pop() in ("my", "our") or own
    last = left[-1] if left else ""
    return Quantity(last in QUANTIFIERS, 2 if last == "both" else number, own)
