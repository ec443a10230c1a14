"""Names as they are compared and shown, whatever they hold."""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from rapidfuzz import fuzz, process

NEAR = 85
"""From this likeness on, of 100, one name may be another."""
SHORTEST, LONGEST = 4, 200
"""Letters that the longer of two names has if they are found alike, and characters that are read of
any name."""
SHOWN = 40
"""Characters of a name that are shown."""


class _Letters(dict[int, str]):
    """What stays of each character, kept once it is known: address books hold thousands."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        accent = 0x300 <= code <= 0x36F or 0xFE00 <= code <= 0xFE0F
        if accent or character in "'’‘" or unicodedata.category(character) == "Cf":
            return self.setdefault(code, "")
        letter = unicodedata.category(character)[0] in "LNM"
        return self.setdefault(code, character if letter else " ")


_LETTERS = _Letters()


@lru_cache(maxsize=32_768)
def fold(name: str) -> str:
    """A name's letters and digits in small words, without accents, apostrophes and pictures."""
    plain = unicodedata.normalize("NFKD", name[:LONGEST]).casefold()
    return " ".join(plain.translate(_LETTERS).split())


def alike(name: str, others: Sequence[str]) -> Iterator[tuple[int, float]]:
    """Which of the others are like a name, by place, and how much; both are folded."""
    for scorer in (fuzz.ratio, fuzz.token_sort_ratio):
        found = process.extract(name, others, scorer=scorer, score_cutoff=NEAR, limit=None)
        yield from (
            (at, score) for other, score, at in found if max(len(name), len(other)) >= SHORTEST
        )


def shown(name: str) -> str:
    """A name as a question may hold it: one short line, whatever somebody called themselves."""
    line = " ".join("".join(c if c.isprintable() and c not in "<>" else " " for c in name).split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"
