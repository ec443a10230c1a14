"""The words of a sentence or a name, as they are compared: pure."""

import itertools
import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple


def set_of(text: str) -> frozenset[str]:
    """The words of a text that lists them."""
    return frozenset(text.split())


ARTICLES = set_of("the a an my our your")
COUNTS = {"two": 2, "three": 3, "four": 4, "2": 2, "3": 3, "4": 4}
QUANTIFIERS = set_of("all both every each")
PREPOSITIONS = set_of("on in at of from with using via to into for by inside near onto")
LEADING = ARTICLES | QUANTIFIERS | PREPOSITIONS
"""What a phrase for a device comes after."""
COMMANDS = set_of(
    """
    ask begin bring call change check close connect decrease dim do find flash get give go have
    increase let lock look lower make move navigate open pause play please press put raise read
    resume say send set show shut skip start stop switch take tell text toggle turn unlock use
    """
)
STOP = (
    LEADING
    | COMMANDS
    | set_of(
        """
        and or but then also as so if is are was be it its that this these those there here them
        they he she her his their him me i we us you up down off out away not no yes now again
        too just can could would will should what which who how when where only than until
        everything anything something one ones ok hey hi room home house
        """
    )
)
"""Words that name nothing: a name of these alone is never found in a sentence."""

BLANK = "\0"
"""What stands where the sentence's own texts were: no phrase reaches across it."""
_ENDS = frozenset(",;:.!?\n")
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


class Words:
    """The words of a sentence in their places, and which of them stand beside each other."""

    def __init__(self, sentence: str, corrected: Callable[[Token], Token]) -> None:
        plain = tokens(sentence)
        gaps = [sentence[a.end : b.start] for a, b in itertools.pairwise(plain)]
        self._tokens = [corrected(token) for token in plain]
        self._joined = [False, *map(_joins, gaps)]
        rest = sentence[plain[-1].end :] if plain else ""
        self._blank = [BLANK in gap for gap in (*gaps, rest)]

    def __len__(self) -> int:
        return len(self._tokens)

    def __getitem__(self, at: int) -> Token:
        return self._tokens[at]

    def word(self, at: int) -> str:
        """The word at a place; "" where there is none."""
        return self._tokens[at].word if 0 <= at < len(self._tokens) else ""

    def follows(self, at: int) -> bool:
        """Whether the word at a place may be of one phrase with the one before."""
        return 0 < at < len(self._tokens) and self._joined[at]

    def joined(self, start: int, end: int) -> bool:
        """Whether the words from one place up to another may be one phrase."""
        return start >= 0 and all(self._joined[start + 1 : end])

    def before(self, at: int) -> str:
        """The word before the one at a place; "" where something stands between them."""
        return self.word(at - 1) if self.follows(at) else ""

    def after(self, at: int) -> str:
        """The word after the one at a place; "" where something stands between them."""
        return self.word(at + 1) if self.follows(at + 1) else ""

    def blank_after(self, at: int) -> bool:
        """Whether one of the sentence's own texts stands behind a word."""
        return self._blank[at]

    def possessive(self, at: int) -> bool:
        """Whether a word says whose something is: "Dad's"; not "what's"."""
        token = self._tokens[at] if at >= 0 else None
        return token is not None and token.stem != token.word and token.stem not in STOP

    def forms(self, start: int, end: int) -> set[str]:
        """The words joined, with the last one's possessive ending and without."""
        before = "".join(token.word for token in self._tokens[start : end - 1])
        last = self._tokens[end - 1]
        return {before + last.word, before + last.stem}

    def owners(self, start: int, end: int) -> list[str]:
        """Whom the words may say that the next thing belongs to: "Bob's", "bobs", "James'"."""
        last = self._tokens[end - 1]
        if not last.word.endswith("s") and last.stem == last.word:
            return []
        before = "".join(token.word for token in self._tokens[start : end - 1])
        forms = [last.stem] if last.stem != last.word else [last.word[:-1], last.word]
        return [before + form for form in forms]

    def quantity(self, start: int) -> Quantity:
        """What the words before a phrase say of it."""
        first = start
        while self.before(first):
            first -= 1
        return quantity([token.word for token in self._tokens[first:start]])


def _joins(gap: str) -> bool:
    """Whether words with this between them may be one phrase."""
    stops = any(c in _ENDS and gap[i + 1 : i + 2].isspace() for i, c in enumerate(gap))
    return BLANK not in gap and "\n" not in gap and not stops
