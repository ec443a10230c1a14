"""What in a sentence forbids acting on it now, whatever calls were read from it."""

import re

from schemas.function import Function, ParameterType

_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|(?<!\w)'[^']*'(?!\w)")
_NEGATED = re.compile(
    r"\b(?:do not|don'?t|never|no longer|must(?: not|n'?t)|should(?: not|n'?t))\s+\w+"
    r"|\b(?:forget|cancel|undo) (?:it|that|this)\b",
    re.IGNORECASE,
)
_NOT_NEGATED = re.compile(r"\bdo not disturb\b|\bdon'?t (?:forget|mind|want to miss)\b", re.I)
_CONDITION = re.compile(
    r"\b(?:if|when|once|unless|whenever|as soon as)\b"
    r"(?!\s+(?:you (?:can|could|would|like|get|have)|possible|done|that))",
    re.IGNORECASE,
)
_NO_CONDITION = re.compile(
    r"\b(?:wonder(?:ing)?|see|check|know|tell \w+|ask \w+|find out)\s+(?:if|when)\b",
    re.IGNORECASE,
)
_EXCEPTION = re.compile(r"\b(?:except|apart from|other than|all but|everything but)\b", re.I)
_LATER = re.compile(
    r"\b(?:tomorrow|tonight|next \w+day|every (?:day|morning|evening|night|week\w*|\w+day)"
    r"|in \w+ (?:minutes?|hours?|days?|weeks?)|at \d{1,2}(?::\d\d)?\s?(?:[ap]\.?m|o'?clock))\b",
    re.IGNORECASE,
)
_TIMED = frozenset({ParameterType.TIME, ParameterType.DATETIME})


def objection(sentence: str, functions: tuple[Function, ...], said: tuple[str, ...]) -> str | None:
    """Why nothing may be done now, or None. `said`: the arguments copied from the sentence, whose
    words are somebody's content and mean nothing here."""
    rest = _QUOTED.sub(" ", sentence)
    for piece in sorted(said, key=len, reverse=True):
        rest = re.sub(rf"(?<!\w){re.escape(piece)}(?!\w)", " ", rest)
    if _NEGATED.search(_NOT_NEGATED.sub(" ", rest)):
        return "the sentence says not to"
    if _EXCEPTION.search(rest):
        return "the sentence makes an exception, which is not supported yet"
    acting = [f for f in functions if f.effect != "read"]
    if acting and _CONDITION.search(_NO_CONDITION.sub(" ", rest)):
        return "the sentence sets a condition, which is not supported yet"
    timed = any(p.type in _TIMED for f in functions for p in f.parameters)
    if acting and not timed and _LATER.search(rest):
        return "the sentence names a later time, and commands for later are not supported yet"
    return None
