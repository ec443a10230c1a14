"""Whether a sentence only points at what it means."""

import re

from orchestrator.guard.text import BLANK, Said
from orchestrator.guard.words import VERBS, listed, phrases
from schemas.function import ParameterType

_NAMES = frozenset(
    {ParameterType.ENTITY, ParameterType.CONTACT, ParameterType.PHONE_NUMBER, ParameterType.EMAIL}
)
_VERBS = frozenset(VERBS.split("|"))
_ARTICLES = frozenset({"a", "an", "the", "my", "this", "that"})
_ANY = r"(?:some|any)(?:thing|one|body)"
_EMPTY = listed(
    ", a an the this that these those it its them him her he she they i we you me us my your one"
    " ones some any all both either other another same such thing things something anything"
    " someone somebody anyone anybody whatever usual again back more less much little bit even too"
    " as like in on off up down over out at to for of with by from there here away and or but so"
    " then now please can could would will do does did is are be was were not no yes yeah ok okay"
    " sure just once time times half twice first second last two how what when where which who if"
    " about let got want like need know mean try fix sort handle deal care help happen going good"
    " made had well also ready delete remove bigger red left right way direction still done yet"
    " between"
)
"""Words that name nothing."""
_POINTING = re.compile(
    r"it|this|that|these|those|them|him|her|he|she|they|whatever|both|(?:the )?usual"
    rf"|the other|(?:(?:this|that|the|the other) )?(?:ones?|thing)|{_ANY}"
)
_PLAIN = re.compile(
    r", (?:\w+ ){0,4}(?:pause|resume|skip|mute|unmute|silence|play (?:me |us )?(?:some|any)thing"
    r"|(?:turn|bring) (?:it|this|that) (?:up|down)|(?:up|down) ,)"
)
"""What everybody knows the meaning of: whatever is playing."""
_REFERRING = phrases(
    "it|this|that|these|those|them|him|her|ones?|thing|whatever|both|usual|other|same|again|there"
    f"|here|back|more|less|another|everything|{_ANY}"
)
_VAGUE = phrases(
    r"do the (?:usual|same)|the usual(?: one)?|same (?:again|as)|that thing",
    r"the other (?:ones?|number|way|side)|the (?:thing|ones?) (?:we|i|from|you|in|over|on|s?he)",
    r"(?:like|as) (?:before|last time|always|usual)|you know (?:which|where|who|what (?:to|i))",
    r"(?:do|same) (?:as|what|like|whatever) (?:i|we|you|s?he)|play what(?:ever)? (?:i|we|you|s?he)",
    r"or (?:something|whatever)",
)
_EITHER = phrases(r"or (?!(?:not|so|else|more|less|later|maybe|anything|two)\b)(?:\w+|~)")


def is_vague(text: str, said: Said, *, acting: bool, asking: bool) -> bool:
    """Whether the normal form `text` names nothing, or one of its names is a pronoun for nothing;
    where it is `acting`, also whether it leaves open which; with `asking` for words about anything,
    it need name nothing."""
    names = [piece.lower() for piece, kind in said if kind in _NAMES]
    if any(_POINTING.fullmatch(name) and not _names(text.split(f" {name} ")[0]) for name in names):
        return True
    if acting and _EITHER.search(text):
        return True
    return _VAGUE.search(text) is not None or (not asking and _empty(text))


def _empty(text: str) -> bool:
    if _names(text) or _PLAIN.match(text):
        return False
    return _REFERRING.search(text) is not None or _VERBS.isdisjoint(text.split())


def _names(text: str) -> bool:
    """Whether any word names something; `mail` does after an article, and is a verb elsewhere."""
    words = text.split()
    return BLANK in text or any(
        not (word in _EMPTY or word.isdecimal() or (word in _VERBS and before not in _ARTICLES))
        for before, word in zip(["", *words], words, strict=False)
    )
