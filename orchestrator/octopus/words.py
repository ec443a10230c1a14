"""Where an argument may begin and end: at whole words, and inside no half of a quotation."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]

_TOKEN = re.compile(r"(?:[^\s\"“”„,;:()<>|]|:(?=//|\d))+")
"""What may be an e-mail or web address, with a port or a scheme."""
_ADDRESS = re.compile(
    r"\w@\w|\w://\w|\bwww\.\w|\w\.[^\W\d_]{2,}(?:/|:\d)"
    r"|\w\.(?:com|net|org|edu|gov|info|biz|io|dev|app|ai|tv|local|co|uk|de|fr|es|nl|eu|pl|se|dk|fi|ch|pt"
    r"|ie|cz|gr|hu|ro|bg|ua|tr|il|za|ke|ng|br|mx|ca|au|nz|jp|kr|cn|example|test|wiki|blog|xyz|cloud)$",
    re.IGNORECASE,
)
"""By its end, too; not by one that is a word, since people forget the space behind a full stop."""
_LAST = re.compile(r".*[\w/]", re.DOTALL)
_WORD = re.compile(r"\d+(?:[.,:]\d+)+|\w+")
_DOUBLE = re.compile(r"(?<!\d)\"([^\"]+)\"|“([^”]+)”")
_OPENING = re.compile(
    r"(?<!\w)['‘](?=\S)(?!(?:\d+s|n|til|cause|em|bout|tis|twas)\b)", re.IGNORECASE
)
_CLOSING = re.compile(r"(?<=\S)['’](?!\w)")


@dataclass(frozen=True)
class Words:
    """A sentence cut into word pieces that know where they stand in it."""

    sentence: str
    ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]

    @cached_property
    def starts(self) -> Flags:
        """Which pieces an argument may begin with; the markers around the sentence are none."""
        inside = self._inside(1, 0)
        starts: Flags = self._letters & [start not in inside for start, _ in self.offsets]
        return starts

    def ends(self, start: int) -> Flags:
        """Which pieces an argument may end with that begins with piece `start`; at least one."""
        later = self._letters.copy()
        later[:start] = False
        whole = later & self._whole_ends
        quoted = whole & (self._quotation == self._quotation[start])
        # Quotes and words may disagree ("it's.'so"): the later ones give way.
        return next(open_ for open_ in (quoted, whole, later) if open_.any())

    def between(self, first: int, last: int) -> str:
        """The person's own letters from piece `first` to piece `last`, both included."""
        return self.sentence[self.offsets[first][0] : self.offsets[last][1]]

    def _inside(self, after: int, before: int) -> set[int]:
        """Places in the text that are in a word: not its first `after`, nor its last `before`."""
        return {
            place for start, end in self._units for place in range(start + after, end + 1 - before)
        }

    @cached_property
    def _letters(self) -> Flags:
        """Which pieces are not the markers around the sentence."""
        return np.array([end > start for start, end in self.offsets])

    @cached_property
    def _whole_ends(self) -> Flags:
        """Behind which pieces no word goes on."""
        inside = self._inside(0, 1)
        return np.array([end not in inside for _, end in self.offsets])

    @cached_property
    def _units(self) -> tuple[tuple[int, int], ...]:
        return tuple(units(self.sentence))

    @cached_property
    def _quotation(self) -> NDArray[np.int64]:
        """The number of the quotation that each piece stands in; 0 outside of any."""
        numbers = np.zeros(len(self.offsets), np.int64)
        for number, (start, end) in enumerate(quotations(self.sentence), 1):
            for at, (s, e) in enumerate(self.offsets):
                if start <= s and e <= end:
                    numbers[at] = number
        return numbers


def whole(sentence: str, start: int, end: int) -> bool:
    """Whether there is text from `start` to `end` that cuts no word and no quotation."""
    cut = any(s < place < e for s, e in units(sentence) for place in (start, end))
    half = any((s <= start < e) != (s < end <= e) for s, e in quotations(sentence))
    return start < end and not cut and not half


def units(sentence: str) -> Iterator[tuple[int, int]]:
    """Where the things lie that nobody says half of: words, numbers, e-mail and web addresses."""
    end = 0
    for match in _TOKEN.finditer(sentence):
        inner = _LAST.match(match[0])
        text = re.sub(r"['’]s$", "", inner[0]) if inner else ""
        if _ADDRESS.search(text):
            yield from (word.span() for word in _WORD.finditer(sentence, end, match.start()))
            end = match.start() + len(text)
            yield match.start() + len(text) - len(text.lstrip("'‘[")), end
    yield from (word.span() for word in _WORD.finditer(sentence, end))


def quotations(sentence: str) -> Iterator[tuple[int, int]]:
    """Where quoted words lie, without their quotes. Single quotes count only where as many open as
    close, with or without those behind an s: in "'the kids' room'" they may be apostrophes."""
    for match in _DOUBLE.finditer(sentence):
        yield match.span(match.lastindex or 0)
    opening = [match.end() for match in _OPENING.finditer(sentence)]
    closing = [match.start() for match in _CLOSING.finditer(sentence)]
    sure = [place for place in closing if sentence[place - 1] != "s"]
    for places in (closing, sure):
        pairs = list(zip(opening, places, strict=False))
        if len(opening) == len(places) and all(start < end for start, end in pairs):
            yield from pairs
            return
