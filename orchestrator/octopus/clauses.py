"""Several requests in one sentence, for weights that know single calls only.

A sentence is cut at what joins clauses, and only where the model agrees: no argument it copies from
the whole goes across the cut, and each part by itself asks for something.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from orchestrator import decoder
from orchestrator.catalogue import IRRELEVANT, Catalogue
from orchestrator.octopus.grammar import MAX_CALLS
from orchestrator.octopus.words import quotations
from orchestrator.octopus.words import whole as is_whole
from orchestrator.tokens import END
from schemas.call import Call
from schemas.decoded import Decoded

_JOINT = re.compile(
    r"(?:;|[,.!?](?=\s)|,?(?<![^\s;,.!?])(?:and\s+then|and\s+also|and|then|also)\b)[\s,]*",
    re.IGNORECASE,
)
MAX_CLAUSES = 2 * MAX_CALLS
"""A sentence with more is no list of requests; each costs the model a sentence."""
Span = tuple[int, int]
"""Where something begins in the sentence, and where it ends."""


class Decoder(Protocol):
    """What decodes sentences."""

    def decode_all(self, sentences: Sequence[str]) -> list[Decoded]:
        """Several at once; an error of one is an error of all."""
        ...


class Splitting:
    """A decoder of single calls that is asked about each clause by itself."""

    def __init__(self, single: Decoder, catalogue: Catalogue, threshold: float) -> None:
        """Below `threshold` a clause asks for nothing by itself."""
        self._single = single
        self._catalogue = catalogue
        self._threshold = threshold

    def decode_all(self, sentences: Sequence[str]) -> list[Decoded]:
        """See `Decoder`."""
        wholes = self._single.decode_all(sentences)
        return [self._split(*pair) for pair in zip(sentences, wholes, strict=True)]

    def _split(self, sentence: str, whole: Decoded) -> Decoded:
        clauses = self._clauses(sentence, whole)
        if not 2 <= len(clauses) <= MAX_CLAUSES:
            return whole
        told = self._single.decode_all([sentence[start:end] for start, end in clauses])
        while (at := self._unfit(told)) is not None:
            if len(clauses) == 2:
                return whole
            # What asks for nothing belongs to the clause before it, the first to the one behind.
            before = max(at - 1, 0)
            start, end = clauses[before][0], clauses[before + 1][1]
            clauses[before : before + 2] = [(start, end)]
            told[before : before + 2] = self._single.decode_all([sentence[start:end]])
        return Decoded(
            text=";".join(one.text.removesuffix(END) for one in told) + END,
            confidence=min(one.confidence for one in told),
            steps=whole.steps + sum(one.steps for one in told),
            model=whole.model,
        )

    def _clauses(self, sentence: str, whole: Decoded) -> list[Span]:
        """Where the clauses lie: cut where nothing is cut that belongs together."""
        kept = [*quotations(sentence), *self._copied(sentence, whole)]
        found, at = [], 0
        for joint in _JOINT.finditer(sentence):
            if not any(start < joint.end() and joint.start() < end for start, end in kept):
                found.append((at, joint.start()))
                at = joint.end()
        trimmed = (_trimmed(sentence, *span) for span in [*found, (at, len(sentence))])
        return [(start, end) for start, end in trimmed if start < end]

    def _copied(self, sentence: str, whole: Decoded) -> Iterator[Span]:
        """Where the pieces lie that the model copied from the whole sentence."""
        for value in (value for call in self._read(whole) for value in call.arguments):
            if isinstance(value, str) and value:
                places = (match.span() for match in re.finditer(re.escape(value), sentence))
                yield from (place for place in places if is_whole(sentence, *place))

    def _unfit(self, told: Sequence[Decoded]) -> int | None:
        """The first clause that asks for nothing by itself."""
        for at, one in enumerate(told):
            calls = self._read(one)
            if calls[0].function == IRRELEVANT or one.confidence < self._threshold:
                return at
        return None

    def _read(self, one: Decoded) -> tuple[Call, ...]:
        return decoder.read(one.text, self._catalogue)


def _trimmed(sentence: str, start: int, end: int) -> Span:
    """The same without the spaces around it."""
    text = sentence[start:end]
    return start + len(text) - len(text.lstrip()), start + len(text.rstrip())
