"""What typing and speaking do to a sentence, without touching the arguments' places."""

import random
import re
from collections.abc import Callable
from dataclasses import replace

from training.dataset.example import Example, Intended, Span

_QUESTION = re.compile(
    r"(?:can|could|would|will|shall|may|might|is|are|am|was|do|does|did|has|have|any|what|how|who|"
    r"when|where|which|why)\b",
    re.IGNORECASE,
)
_NEIGHBOURS = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        [
            "sq",
            "vn",
            "xv",
            "sf",
            "wr",
            "dg",
            "fh",
            "gj",
            "uo",
            "hk",
            "jl",
            "k",
            "nk",
            "bm",
            "ip",
            "ol",
            "wa",
            "et",
            "ad",
            "ry",
            "yi",
            "cb",
            "qe",
            "zc",
            "tu",
            "xa",
        ],
        strict=True,
    )
)


def noisy(example: Example, rng: random.Random) -> Example:
    """The example as a person might have typed or dictated it."""
    sentence = example.sentence
    if rng.random() < 0.45:
        sentence = sentence.lower()
    elif rng.random() < 0.5:
        sentence = sentence[:1].upper() + sentence[1:]
    if len(sentence) != len(example.sentence):  # a few letters change length in lower case
        sentence = example.sentence
    if sentence[-1:].isalnum() and rng.random() < 0.25:
        # Words behind an argument could belong to it.
        closed = all(span.end < len(sentence) for call in example.calls for span in spans(call))
        marks = [".", ".", "!"]
        # "oven off?" would ask how it is.
        marks += ["?"] if _QUESTION.match(sentence) else []
        sentence += rng.choice([*marks, *([" please", " thanks"] if closed else [])])
    example = replace(example, sentence=sentence)
    if rng.random() < 0.12:
        example = _misspelt(example, rng)
    return example


def _misspelt(example: Example, rng: random.Random) -> Example:
    """One letter outside the arguments lost, doubled, swapped or mistyped."""
    taken = [span for call in example.calls for span in spans(call)]
    free = [
        at
        for at in range(1, len(example.sentence) - 1)
        if example.sentence[at - 1 : at + 2].isalpha()
        and not any(span.start - 1 <= at <= span.end for span in taken)
    ]
    if not free:
        return example
    at = rng.choice(free)
    letter, after = example.sentence[at], example.sentence[at + 1]
    wrong = rng.choice(_NEIGHBOURS.get(letter.lower(), letter))
    old, new = rng.choice(
        [(letter, ""), (letter, letter * 2), (letter, wrong), (letter + after, after + letter)]
    )
    return replaced(example, at, at + len(old), new)


def spans(call: Intended) -> list[Span]:
    """Every span of a call and of the calls inside it."""
    found: list[Span] = []
    for value in call.arguments.values():
        if isinstance(value, Span):
            found.append(value)
        elif isinstance(value, Intended):
            found += spans(value)
    return found


def replaced(example: Example, start: int, end: int, new: str) -> Example:
    """The sentence with characters `start` to `end` replaced; later spans move along."""
    by = len(new) - (end - start)

    def moved(span: Span) -> Span:
        return span.moved(by) if span.start >= end else span

    sentence = example.sentence[:start] + new + example.sentence[end:]
    calls = tuple(_mapped(call, moved) for call in example.calls)
    return replace(example, sentence=sentence, calls=calls)


def _mapped(call: Intended, change: Callable[[Span], Span]) -> Intended:
    return replace(
        call,
        arguments={
            name: change(value)
            if isinstance(value, Span)
            else _mapped(value, change)
            if isinstance(value, Intended)
            else value
            for name, value in call.arguments.items()
        },
    )
