"""What in a sentence forbids acting on it now, whatever calls were read from it."""

import re

from schemas.function import Effect, Function, ParameterType

_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|(?<!\w)'[^']*'(?!\w)")
_NEGATED = re.compile(
    r"\b(?:do not|don'?t|never|no longer|no need|not now|must(?: not|n't)|should(?: not|n't)"
    r"|you (?:can't|cannot|can not|won't)|did(?: not|n't) (?:ask|want|mean|say|tell))\b"
    r"|\b(?:forget|cancel|undo) (?:it|that|this)\b",
    re.IGNORECASE,
)
_NOT_NEGATED = re.compile(
    r"\bdo not disturb\b|\bdon'?t (?:forget|mind|want to miss|let me forget)\b", re.IGNORECASE
)
_CONDITION = re.compile(
    r"\b(?:if|when|once|unless|whenever|until|before|after|in case|as (?:soon|long) as)\b"
    r"(?!\s+(?:you (?:can|could|would|like|get|have|do)|possible|done|that))"
    r"|^should (?:it|he|she|they|we|the|my|any\w*)\b",
    re.IGNORECASE,
)
_NO_CONDITION = re.compile(
    r"\b(?:wonder(?:ing)?|see|check|know|tell \w+|ask \w+|find out)\s+(?:if|when)\b",
    re.IGNORECASE,
)
_EXCEPTION = re.compile(
    r"\b(?:except|apart from|other than|all but|everything but|but not|but leave)\b", re.IGNORECASE
)
_HOURS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon|midnight"
_LATER = re.compile(
    rf"\b(?:tomorrow|tonight|later|next \w+day|on \w+days?|every \w+"
    rf"|this (?:morning|afternoon|evening|weekend)"
    rf"|in (?:\w+ ){{1,3}}(?:sec\w*|min\w*|hours?|days?|weeks?)"
    rf"|at (?:{_HOURS}|\d{{1,2}}(?::\d\d)?)\b(?!\s*(?:%|percent|degrees)))",
    re.IGNORECASE,
)
_TIMED = frozenset({ParameterType.TIME, ParameterType.DATETIME})


def _straight(text: str) -> str:
    """Apostrophes as a typewriter has them; phones type the other one."""
    return text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


def objection(sentence: str, functions: tuple[Function, ...], said: tuple[str, ...]) -> str | None:
    """Why nothing may be done now, or None. `said`: the arguments copied from the sentence, whose
    words are somebody's content and mean nothing here."""
    rest = _QUOTED.sub(" ", _straight(sentence))
    for piece in sorted(said, key=len, reverse=True):
        rest = re.sub(rf"(?<!\w){re.escape(_straight(piece))}(?!\w)", " ", rest)
    if _NEGATED.search(_NOT_NEGATED.sub(" ", rest)):
        return "the sentence says not to"
    if _EXCEPTION.search(rest):
        return "the sentence makes an exception, which is not supported yet"
    acting = any(function.effect is not Effect.READ for function in functions)
    if acting and _CONDITION.search(_NO_CONDITION.sub(" ", rest)):
        return "the sentence sets a condition, which is not supported yet"
    timed = any(p.type in _TIMED for f in functions for p in f.parameters)
    if acting and not timed and _LATER.search(rest):
        return "the sentence names a later time, and commands for later are not supported yet"
    return None
