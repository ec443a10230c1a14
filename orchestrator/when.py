"""Where in a sentence it is said when to act."""

import re
from datetime import datetime

from orchestrator import moments
from orchestrator.moments import Piece, Unclear
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
_MEAL = r"(?:breakfast|lunch|dinner|supper|work|school|bed(?:time)?|sun(?:rise|set)|dawn|dusk|dark)"
_VAGUE = re.compile(
    rf"\b(?:(?<!as\ )soon|later|(?<!for\ )(?:at\s+)?some\s?(?:time|day|point)|eventually|shortly"
    rf"|in\s+(?:a|the)\s+(?:bit|while|moment|few\s+\w+|near\s+future|future)"
    rf"|(?:after|before|at|around|by|during)\s+{_MEAL}\b(?!\s+(?:is|was)\b)"
    rf"|(?:this|next)\s+(?:year|week\s?end)|(?:at|on|over)\s+the\s+week\s?end"
    rf"|(?:\d+(?:st|nd|rd|th)|last)\s+\w+day\s+(?:of|in)"
    rf"|(?:twice|\d+\s+times)\s+(?:a|per)\s+\w+)\b",
    re.IGNORECASE,
)
_OWNER = re.compile(
    r"\b(?:the|an?|my|our|your|his|her|its|their|this|these|\w+['’]s"
    r"|\d+(?:st|nd|rd|th))\s+$",
    re.I,
)
_BOUND = re.compile(r"\b(?:until|till?|before|after|since|than|between)\s+$", re.IGNORECASE)
_THING = re.compile(
    r"\s+(?:news|alarms?|reminders?|meetings?|bulletin|train|bus|flight|class|appointments?"
    r"|episode|routine|scene|mode|playlist|timers?|weather|forecast)\b",
    re.IGNORECASE,
)
_MEASURED = re.compile(
    r"\s*(?:%|°|(?:per\s?cent|degrees?|celsius|fahrenheit|kelvin|[cfkwmx]|km/?h|kph|mph|watts?"
    r"|lumens?|lux|volts?|amps?|db|decibels?|hz|rpm|mm|cm|met(?:er|re)s?|inch(?:es)?|steps?"
    r"|notch(?:es)?|points?|bars?|times|speed|volume|brightness|level|(?:minute|second|hour)s?"
    r"|dollars?|euros?|out|of)\b)",
    re.IGNORECASE,
)
_STEPS = re.compile(r"\s+(?:steps?|intervals?|increments?)\b", re.IGNORECASE)
_HELD = re.compile(
    r"\b(?:set|keep|hold|leave|put|fix|maintain|cap|limit|stay|volume|level|brightness|temperature"
    r"|thermostat|speed|intensity|dimmer)\b",
    re.IGNORECASE,
)
_CHANGED = re.compile(
    r"\b(?:to|on|off|up|down|raise|lower|increase|decrease|reduce|boost|mute|open|close|start|stop"
    r"|alarm|timer|reminder|event|meeting|appointment)\b",
    re.IGNORECASE,
)
_EXACT = re.compile(
    r"[:h]\s?\d\d|clock|past|after|quarter|noon|midday|midnight|[ap]\.?\s?m\b|hours", re.IGNORECASE
)
_AT = re.compile(r"@|\bat\b", re.IGNORECASE)
_NEAR = 30
"""Letters before a piece among which the word before it ends."""
_CLAUSE_LENGTH = 100
"""Letters before a piece among which its clause's verb is looked for."""
_HOURS = 24
"""The hours of a day; a larger number is no time of it."""
_OF_DAY = re.compile(
    r"\s+(?:tonight|(?:in\s+the|this|at)\s+(?:morning|afternoon|evening|night))\b", re.IGNORECASE
)
_STOP = re.compile(r"[,;]")
_CLAUSE = re.compile(r"[,;]|\band\b", re.IGNORECASE)
_GAP = re.compile(r",?\s{0,2}")
_SPLIT_VERB = re.compile(
    r"\b(?:turn|switch|put|leave|keep|power)\b(?!.*\b(?:on|off|up|down|to|at|in)\b)[^,;]*$", re.I
)
_SWITCH = re.compile(r"\b(?:turn|switch|put)\s+$", re.IGNORECASE)
_DATED = re.compile(
    r"\s*(?:$|[,.;!?]|(?:at|to|in\s+the|every|each|of\s+(?:every|each|next|this))\b)", re.IGNORECASE
)


def find(sentence: str, now: datetime) -> Found | None:
    """The time to act, or None where that is now or hangs on a condition; Unclear where no such
    time can be kept. Somebody's own texts and names are spaces in the sentence."""
    text = moments.spelled(sentence)
    if _QUESTION.match(text):
        return None
    found = moments.pieces(text)
    conditions = _conditions(text, found)
    kept = _kept(text, [p for p in found if _outside(p.match.start(), conditions)])
    kinds = {piece.kind for piece in kept}
    if kinds.isdisjoint(("clock", "ahead")):
        _refuse_vague(text, conditions)
    if kinds == {"period"}:
        raise Unclear("vague", f"{kept[0].words!r} is no definite time")
    if all(piece.kind == "day" and piece.words.lower() == "today" for piece in kept):
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
    for vague in _VAGUE.finditer(text):
        # "after lunch" begins like a condition, and is none.
        others = [span for span in conditions if span[0] != vague.start()]
        if _outside(vague.start(), others):
            raise Unclear("vague", f"{vague[0]!r} is no definite time")


def _kept(text: str, found: list[Piece]) -> tuple[Piece, ...]:
    """The pieces that say when, not what."""
    kept: list[Piece] = []
    for piece in found:
        if _says_when(text, piece, kept[-1].match.end() if kept else None):
            kept.append(piece)
    return tuple(kept)


def _says_when(text: str, piece: Piece, since: int | None) -> bool:
    """Whether the piece is a time to act; the last that is one ends at `since`."""
    start, end = piece.match.span()
    beside = since is not None and not text[since:start].strip(" ,")
    if piece.kind == "zone":
        return beside
    before, lead = text[max(0, start - _NEAR) : start], piece.match["lead"].lower()
    if _BOUND.search(before) or (not lead and (_OWNER.search(before) or _THING.match(text, end))):
        return False
    if piece.kind == "part":
        return beside or bool(lead or piece.match["whose"] or piece.words.lower() == "tonight")
    if piece.kind == "ahead":
        return not _STEPS.match(text, end)
    if piece.kind in ("day", "past") and "of" in lead.split():
        return False
    if piece.kind == "past":
        return "from" not in lead and "for" not in lead
    if piece.kind == "date" and (piece.match["monthday5"] or piece.match["last"]):
        return beside or not before.strip() or (bool(lead) and _dated(text, piece))
    return piece.kind != "clock" or _is_clock(text, piece, text[since:start])


def _dated(text: str, piece: Piece) -> bool:
    """Whether "on the 3rd" is a date, and no third lamp."""
    start, end = piece.match.span()
    return bool(_DATED.match(text, end)) and not _SWITCH.search(text[max(0, start - _NEAR) : start])


def _is_clock(text: str, piece: Piece, clause: str) -> bool:
    """Whether a number is a time of day, and no level or amount."""
    match = piece.match
    if _EXACT.search(match["clock"]):
        return True
    if not _AT.search(match["lead"]) or int(match["bare"] or 0) > _HOURS:
        return False
    if _OF_DAY.match(text, match.end()):
        return True
    clause = _CLAUSE.split(clause)[-1]
    level = _HELD.search(clause) and not _CHANGED.search(clause)
    return not level and not _MEASURED.match(text, match.end())


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
