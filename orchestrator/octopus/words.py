"""Where an argument may begin and end: at whole words, and inside no half of a quotation."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]

_ADDRESS = re.compile(r"(?:[^\s\"“”„,;:()<>|]|:(?=//|\d))+")
"""What may be an e-mail or web address, with a port or a scheme."""
_IS_ADDRESS = re.compile(r"\w@\w|\w\.[^\W\d_]{2}")
_TRAILING = re.compile(r"(?:['’]s|[^\w/])+$")
_WORD = re.compile(r"\d+(?:[.,:]\d+)+|\w+")
_DOUBLE = re.compile(r"\"([^\"]+)\"|“([^”]+)”")
_OPENING, _CLOSING = re.compile(r"(?<!\w)['‘](?=\S)"), re.compile(r"(?<=\S)['’](?!\w)")


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
        return np.array([e > s and s not in inside for s, e in self.offsets])

    def ends(self, start: int) -> Flags:
        """Which pieces an argument may end with that begins with piece `start`; at least one."""
        inside = self._inside(0, 1)
        later = np.array([at >= start and e > s for at, (s, e) in enumerate(self.offsets)])
        whole = later & np.array([e not in inside for _, e in self.offsets])
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


def units(sentence: str) -> Iterator[tuple[int, int]]:
    """Where the things lie that nobody says half of: words, numbers, e-mail and web addresses."""
    end = 0
    for match in _ADDRESS.finditer(sentence):
        text = _TRAILING.sub("", match[0])
        if _IS_ADDRESS.search(text):
            yield from (word.span() for word in _WORD.finditer(sentence, end, match.start()))
            end = match.start() + len(text)
            yield match.start() + len(text) - len(text.lstrip("'‘[")), end
    yield from (word.span() for word in _WORD.finditer(sentence, end))


def quotations(sentence: str) -> Iterator[tuple[int, int]]:
    """Where quoted words lie, without their quotes. Single quotes count only where as many open as
    close: in "'the kids' room'" they may be apostrophes."""
    for match in _DOUBLE.finditer(sentence):
        yield match.span(match.lastindex or 0)
    opening = [match.end() for match in _OPENING.finditer(sentence)]
    closing = [match.start() for match in _CLOSING.finditer(sentence)]
    if len(opening) == len(closing):
        yield from zip(opening, closing, strict=True)
