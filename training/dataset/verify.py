"""Stage 3: every row is checked mechanically; what fails is made anew by the caller."""

import re
from collections import Counter

from orchestrator import decoder
from orchestrator.catalogue import Catalogue
from schemas.call import Call
from schemas.errors import MalformedCall
from training.dataset.encode import Encoded, Encoder, Unencodable
from training.dataset.example import Example, Intended, Mark, Span

MAX_PIECES = 96
"""Longer rows cost more to train on than they teach."""


def key(sentence: str) -> str:
    """Two sentences with the same key are the same sentence."""
    return re.sub(r"\W+", " ", sentence.lower()).strip()


class Verifier:
    """Lets a row through once, if it reads back as what it was meant to be."""

    def __init__(self, catalogue: Catalogue, encoder: Encoder, held_out: set[str]) -> None:
        self._catalogue = catalogue
        self._encoder = encoder
        self._seen = set(held_out)
        self.rejected: Counter[str] = Counter()

    def __call__(self, example: Example) -> Encoded | None:
        """The row encoded, or None with the reason counted."""
        same = key(example.sentence)
        if same in self._seen:
            return self._rejected("repeated")
        try:
            encoded = self._encoder(example)
        except Unencodable:
            return self._rejected("not encodable")
        if len(encoded.pieces) > MAX_PIECES:
            return self._rejected("too long")
        try:
            calls = decoder.read(encoded.text, self._catalogue)
        except MalformedCall:
            return self._rejected("not readable")
        meant = tuple(_meant(call, example.sentence, self._catalogue) for call in example.calls)
        if calls != meant:
            return self._rejected("reads back differently")
        self._seen.add(same)
        return encoded

    def _rejected(self, reason: str) -> Encoded | None:
        self.rejected[reason] += 1
        return None


def _meant(call: Intended, sentence: str, catalogue: Catalogue) -> Call:
    arguments: list[str | int | float | bool | Call | None] = []
    for parameter in catalogue[call.function].parameters:
        value = call.arguments.get(parameter.name, Mark.NOT_SAID)
        if isinstance(value, Span):
            arguments.append(sentence[value.start : value.end])
        elif isinstance(value, Intended):
            arguments.append(_meant(value, sentence, catalogue))
        elif isinstance(value, Mark):
            arguments.append(parameter.default)
        else:
            arguments.append({"true": True, "false": False}.get(value, value))
    return Call(function=call.function, arguments=tuple(arguments))
