"""Several requests in one sentence, for weights that know single calls only.

A sentence is cut at what joins clauses, and only where the model agrees: no argument it copies from
the whole goes across the cut, and each part by itself asks for something.
"""

import re
from collections.abc import Iterator, Sequence

from orchestrator import decoder
from orchestrator.catalogue import IRRELEVANT, Catalogue
from orchestrator.octopus.engine import Decoder
from orchestrator.octopus.grammar import MAX_CALLS
from orchestrator.octopus.words import quotations
from orchestrator.octopus.words import whole as is_whole
from orchestrator.tokens import END
from schemas.call import Call
from schemas.decoded import Decoded

_JOINT = re.compile(
    r"(?:;|[,.!?](?=\s)|,?(?<![^\s;,.!?])(?:and\s+then|and\s+also|and|then|also)\b)[\s,]*"
    # What goes on like this belongs to what stands before it.
    r"(?![\s,]*(?:because|since|so|which|who|as|for|while|but|or|by|with|if|when|unless|until|it['’]?s)\b)",
    re.IGNORECASE,
)
Span = tuple[int, int]
"""Where something begins in the sentence, and where it ends."""


class Splitting:
    """A decoder of single calls that is asked about each clause by itself."""

    def __init__(self, single: Decoder, catalogue: Catalogue, threshold: float) -> None:
        """Below `threshold` a clause asks for nothing by itself."""
        self._single = single
        self._catalogue = catalogue
        self._threshold = threshold

    def decode_all(self, sentences: Sequence[str]) -> list[Decoded]:
        """See `engine.Decoder`. The model is asked three times at most, each time about all at
        once: the wholes, their clauses, and those that were joined again."""
        known = dict(zip(sentences, self._single.decode_all(sentences), strict=True))
        parts = [self._clauses(sentence, known[sentence]) for sentence in sentences]
        self._ask(known, sentences, parts)
        parts = [self._joined(*pair, known) for pair in zip(sentences, parts, strict=True)]
        self._ask(known, sentences, parts)
        return [self._written(*pair, known) for pair in zip(sentences, parts, strict=True)]

    def _ask(
        self, known: dict[str, Decoded], sentences: Sequence[str], parts: Sequence[list[Span]]
    ) -> None:
        """Have what is not known decoded."""
        texts = [s[a:b] for s, spans in zip(sentences, parts, strict=True) for a, b in spans]
        if new := [text for text in dict.fromkeys(texts) if text not in known]:
            known.update(zip(new, self._single.decode_all(new), strict=True))

    def _joined(self, sentence: str, spans: list[Span], known: dict[str, Decoded]) -> list[Span]:
        """What asks for nothing joined to the clause before it, at the beginning to the one
        behind."""
        joined: list[Span] = []
        fit = True
        for start, end in spans:
            fits = self._asks(known[sentence[start:end]])
            if joined and not (fit and fits):
                joined[-1] = (joined[-1][0], end)
                fit = True  # once joined, it is asked about again
            else:
                joined.append((start, end))
                fit = fits
        return joined

    def _written(self, sentence: str, spans: list[Span], known: dict[str, Decoded]) -> Decoded:
        """The calls of the clauses, if each asks for something and the whole's call is among them:
        else a request was cut that belongs together, and the whole counts."""
        whole = known[sentence]
        told = [known[sentence[start:end]] for start, end in spans]
        among = _call(whole) in map(_call, told) or not self._asks(whole)
        if len(told) < 2 or not among or not all(map(self._asks, told)):
            return whole
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
        spans = [(start, end) for start, end in trimmed if start < end]
        return spans if 2 <= len(spans) <= MAX_CALLS else []

    def _copied(self, sentence: str, whole: Decoded) -> Iterator[Span]:
        """Where the pieces lie that the model copied from the whole sentence."""
        for value in (value for call in self._read(whole) for value in call.arguments):
            if isinstance(value, str) and value:
                places = (match.span() for match in re.finditer(re.escape(value), sentence))
                yield from (place for place in places if is_whole(sentence, *place))

    def _asks(self, one: Decoded) -> bool:
        """Whether it asks for something by itself."""
        return self._read(one)[0].function != IRRELEVANT and one.confidence >= self._threshold

    def _read(self, one: Decoded) -> tuple[Call, ...]:
        return decoder.read(one.text, self._catalogue)


def _trimmed(sentence: str, start: int, end: int) -> Span:
    """The same without the spaces around it."""
    text = sentence[start:end]
    return start + len(text) - len(text.lstrip()), start + len(text.rstrip())


def _call(one: Decoded) -> str:
    return one.text.casefold()
