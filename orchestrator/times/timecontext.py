"""Whether words of a time, where they stand in a sentence, say when to act."""

import re
from collections.abc import Callable
from typing import NamedTuple

from orchestrator.times.timewords import VERBS, Piece

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
    r"\b(?:to(?!\s+(?:set|keep|hold|leave|put|have|let|fix|stay)\b)|on|off|up|down|raise|lower"
    r"|increase|decrease|reduce|boost|mute|open|close|start|stop|alarm|timer|reminder|event|meeting"
    r"|appointment)\b",
    re.IGNORECASE,
)
_EXACT = re.compile(
    r"[:h]\s?\d\d|clock|past|after|quarter|noon|midday|midnight|[ap]\.?\s?m\b|hours", re.IGNORECASE
)
_AT = re.compile(r"@|\bat\b", re.IGNORECASE)
_NEAR = 30
"""Letters before a piece among which the word before it ends."""
_HOURS = 23
"""The last hour of a day; a larger number is no time of it."""
_OF_DAY = re.compile(
    r"\s+(?:tonight|(?:in\s+the|this|at)\s+(?:morning|afternoon|evening|night))\b", re.IGNORECASE
)
_DAY_BEHIND = re.compile(rf"\s+(?:today|tomorrow)\b|{_OF_DAY.pattern}", re.IGNORECASE)
_READY = re.compile(
    r"(?:^|[,;:]|\b(?:me|us|it|them|him|her|on|off|please|alarm|reminder|and|then))\s*$", re.I
)
"""What a bare hour stands behind ("wake me eight tonight"): "channel 8 tonight" is none."""
_END = re.compile(rf"\s*(?:$|[,.;!?]|{VERBS})", re.VERBOSE | re.IGNORECASE)
"""What a bare hour ends before ("tomorrow nine, …"): "tomorrow 5 lamps" has none."""
_CLAUSE = re.compile(r"[,;]|\band\b", re.IGNORECASE)
_SWITCH = re.compile(r"\b(?:turn|switch|put)\s+$", re.IGNORECASE)
_DATED = re.compile(
    r"\s*(?:$|[,.;!?]|(?:at|to|in\s+the|every|each|of\s+(?:every|each|next|this))\b)", re.IGNORECASE
)
_COUNTED = re.compile(
    r"\s+(?:(?:lamp|light|bulb|floor|room|channel|plug|socket|speaker|screen|phone|device|door|window"
    r"|ring|time|one|try)s?|tvs?)\b",
    re.IGNORECASE,
)
"""What an ordinal counts where it is no day of the month."""
_OPENS = re.compile(r"\s*(?:at\s+(?:\d|noon|mid)|of\s+(?:every|each|next|this)\b)", re.IGNORECASE)
_ON = re.compile(r"\b(?:on|for|from|by|of|starting|beginning)\b")
_SWITCHED = re.compile(
    r"\b(?:on|off|open|closed?|lock(?:ed)?|run(?:ning)?|play|record|charge|water)\b", re.IGNORECASE
)
_NAMED = re.compile(
    r"(?:\s+(?:Morning|Afternoon|Evening|Night))?"
    r"\s+(?!(?:Morning|Afternoon|Evening|Night|Noon|Midnight|At|In|From|Please)\b)[A-Z][a-z]"
)
"""Behind a weekday that is part of a name, "Sun Records"."""


class _Spot(NamedTuple):
    """A piece in its sentence, and the last piece before it that says when."""

    text: str
    piece: Piece
    last: Piece | None

    @property
    def before(self) -> str:
        start = self.piece.match.start()
        return self.text[max(0, start - _NEAR) : start]

    @property
    def clause(self) -> str:
        """From the last piece, comma or "and" on."""
        since = self.last.match.end() if self.last else 0
        return _CLAUSE.split(self.text[since : self.piece.match.start()])[-1]

    @property
    def beside(self) -> bool:
        """Whether the last piece ends where this one starts."""
        between = self.text[self.last.match.end() : self.piece.match.start()] if self.last else "-"
        return not between.strip(" ,")

    def followed(self, by: "re.Pattern[str]") -> bool:
        return by.match(self.text, self.piece.match.end()) is not None


def meant(text: str, found: list[Piece]) -> tuple[Piece, ...]:
    """The pieces that say when, not what; each may lean on the last before it."""
    kept: list[Piece] = []
    for piece in found:
        if _says_when(_Spot(text, piece, kept[-1] if kept else None)):
            kept.append(piece)
    return tuple(kept)


def ambiguous(text: str, kept: tuple[Piece, ...]) -> Piece | None:
    """A piece that may be a time or a length ("off for a week from Friday")."""
    for piece in kept:
        if piece.kind == "day" and piece.match["shift"] and "for" in piece.lead.split():
            clause = _CLAUSE.split(text[: piece.match.start()])[-1]
            if _SWITCHED.search(clause):
                return piece
    return None


def _says_when(spot: _Spot) -> bool:
    """Whether the piece is a time to act."""
    piece, lead = spot.piece, spot.piece.lead
    if piece.kind == "zone":
        return spot.beside
    if piece.kind != "vague" and _BOUND.search(spot.before):
        return False
    if not lead and (_OWNER.search(spot.before) or spot.followed(_THING)):
        return False
    rule = _RULES.get(piece.kind)
    return rule is None or rule(spot)


def _is_past(spot: _Spot) -> bool:
    return not {"of", "from", "for"} & set(spot.piece.lead.split())


def _is_ahead(spot: _Spot) -> bool:
    return not spot.followed(_STEPS)


def _is_vague(spot: _Spot) -> bool:
    """Whether two numbers are times, and no levels ("dim from 20 to 9")."""
    said = spot.piece.match["range"]
    if said is None or _EXACT.search(said):
        return True
    clause = _CLAUSE.split(spot.text[: spot.piece.match.start()])[-1]
    held = _HELD.search(clause) or spot.followed(_MEASURED)
    return bool(_SWITCHED.search(clause)) and not held


def _is_date(spot: _Spot) -> bool:
    match = spot.piece.match
    if match["monthdays"]:
        return _is_monthday(spot)
    if match["month2"] and not match["year2"]:  # "heating 21.5. Lamp on." has no date
        return bool(_ON.search(spot.piece.lead)) or spot.beside or spot.followed(_OPENS)
    return not spot.followed(_MEASURED)


def _is_monthday(spot: _Spot) -> bool:
    """Whether "on the 3rd" is a date, and no third lamp."""
    match, lead = spot.piece.match, spot.piece.lead
    if spot.beside and spot.last and spot.last.kind in ("day", "period", "rhythm", "part"):
        return True
    opens = not spot.before.strip()
    if not lead:
        return opens and match["date"].lower().startswith("the") and spot.followed(_OPENS)
    if _SWITCH.search(spot.before) or not _ON.search(lead):
        return False
    return not spot.followed(_COUNTED) if opens or spot.beside else spot.followed(_DATED)


def _is_day(spot: _Spot) -> bool:
    match, lead = spot.piece.match, spot.piece.lead
    if match["weekday"] and not lead and match["weekday"][0].isupper() and spot.followed(_NAMED):
        return False
    return "of" not in lead.split()


def _is_part(spot: _Spot) -> bool:
    match = spot.piece.match
    led = bool({"at", "by", "from", "around", "about"} & set(spot.piece.lead.split()))
    return spot.beside or led or bool(match["whose"]) or match["part"].lower() == "tonight"


def _is_clock(spot: _Spot) -> bool:
    """Whether a number is a time of day, and no level or amount."""
    match = spot.piece.match
    if _EXACT.search(match["clock"]):
        return True
    if int(match["bare"] or 0) > _HOURS:
        return False
    if not _AT.search(spot.piece.lead):
        return not spot.followed(_MEASURED) and _beside_a_day(spot)
    if spot.followed(_OF_DAY):
        return True
    level = _HELD.search(spot.clause) and not _CHANGED.search(spot.clause)
    return not level and not spot.followed(_MEASURED)


def _beside_a_day(spot: _Spot) -> bool:
    """Whether a day stands with a number that has no "at" ("tomorrow nine thirty")."""
    bare = spot.piece.match["bare"] is not None
    if spot.beside and spot.last and spot.last.kind != "clock":
        return not bare or spot.followed(_END) or spot.followed(_DAY_BEHIND)
    ready = not bare or _READY.search(spot.before) is not None
    return ready and spot.followed(_DAY_BEHIND)


_RULES: dict[str, Callable[[_Spot], bool]] = {
    "past": _is_past,
    "ahead": _is_ahead,
    "vague": _is_vague,
    "date": _is_date,
    "day": _is_day,
    "part": _is_part,
    "clock": _is_clock,
}
"""What is a time only in some places; other kinds are one in any."""
