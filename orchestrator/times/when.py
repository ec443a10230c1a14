"""Where in a sentence it is said when to act."""

import re
from datetime import datetime

from orchestrator.times import moments, timecontext, timeparts, timewords
from orchestrator.times.numerals import spelled
from orchestrator.times.timewords import Piece
from schemas.base import Value
from schemas.when import When


class Found(Value):
    """The time expression of a sentence, which may stand in several places of it."""

    spans: tuple[tuple[int, int], ...]
    words: str
    when: When


_QUESTION = re.compile(
    r"\s*(?:and\s+|please\s+|hey\s+)?(?:what(?:['’]?s)?|which|who(?:['’]?s)?|where|how|why"
    r"|when(?:['’]s|\s+(?:is|are|does|do|did|will|was))|is|are|was|were|does|do|did|am"
    r"|will\s+(?:it|there|the))\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:when(?:ever)?|if|unless|while|as\s+(?:soon|long)\s+as|once(?!\s+(?:a|per|every|more)\b)"
    r"|until|till?|before|after|since|in\s+case)\b",
    re.IGNORECASE,
)
_CLAUSE_LENGTH = 100
"""Letters before a piece among which its clause's verb is looked for."""
_STOP = re.compile(r"[,;]")
_GAP = re.compile(r",?\s{0,2}")
_SPLIT_VERB = re.compile(
    r"\b(?:turn|switch|put|leave|keep|power)\b(?!.*\b(?:on|off|up|down|to|at|in)\b)[^,;]*$", re.I
)
_TODAY = re.compile(r"(?:(?:for|by|from)\s+)?today", re.IGNORECASE)


def find(sentence: str, now: datetime) -> Found | None:
    """The time to act, or None where that is now or hangs on a condition; Unclear where no such
    time can be kept. Somebody's own texts and names are spaces in the sentence."""
    text = spelled(sentence)
    if _QUESTION.match(text):
        return None
    found = timewords.pieces(text)
    conditions = _conditions(text, found)
    kept = timecontext.meant(text, [p for p in found if _outside(p.match.start(), conditions)])
    if (ambiguous := timecontext.ambiguous(text, kept)) is not None:
        raise timeparts.vague(ambiguous.words)
    if {piece.kind for piece in kept}.isdisjoint(("clock", "ahead", "vague")):
        _refuse_vague(text, conditions)
    if all(piece.kind == "day" and _TODAY.fullmatch(piece.words) for piece in kept):
        return None
    spans = _spans(sentence, text, kept)
    words = " ".join(sentence[start:end] for start, end in spans)
    return Found(spans=spans, words=words, when=moments.settle(kept, now))


def _conditions(text: str, found: tuple[Piece, ...]) -> list[tuple[int, int]]:
    """From each condition's first word to the end of its clause; a piece's own words are none."""
    taken = [piece.match.span() for piece in found]
    starts = [match.start() for match in _CONDITION.finditer(text)]
    return [
        (start, stop.start() if (stop := _STOP.search(text, start)) else len(text))
        for start in starts
        if _outside(start, taken)
    ]


def _outside(place: int, spans: list[tuple[int, int]]) -> bool:
    return not any(start <= place < end for start, end in spans)


def _refuse_vague(text: str, conditions: list[tuple[int, int]]) -> None:
    for vague in timewords.VAGUE.finditer(text):
        # "after lunch" begins like a condition, and is none.
        others = [span for span in conditions if span[0] != vague.start()]
        if _outside(vague.start(), others):
            raise timeparts.vague(vague[0])


def _spans(sentence: str, text: str, kept: tuple[Piece, ...]) -> tuple[tuple[int, int], ...]:
    """Where the pieces stand in the sentence, neighbours as one."""
    spans: list[tuple[int, int]] = []
    for piece in kept:
        start, end = piece.match.span()
        if text[start : start + 3].lower() == "on " and _SPLIT_VERB.search(
            text, max(0, start - _CLAUSE_LENGTH), start
        ):
            start += 3  # "turn the lamp on Friday": the "on" is the verb's
        # A number in digits leaves spaces behind that are letters in the sentence.
        reach = len(text) - len(text[end:].lstrip())
        end = start + len(sentence[start:reach].rstrip())
        if spans and _GAP.fullmatch(sentence, spans[-1][1], start):
            start = spans.pop()[0]
        spans.append((start, end))
    return tuple(spans)
