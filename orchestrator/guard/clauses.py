"""The mood of each clause: whether somebody asks for something, asks about it, or tells of it."""

import re
from enum import Enum, auto

from orchestrator.guard.words import (
    ACTED,
    ACTING,
    BASES,
    DETERMINER,
    FINITE,
    PRONOUN,
    SUBJECT,
    VERBS,
    WORD,
    listed,
)


class Mood(Enum):
    """What a clause does."""

    REQUEST = auto()
    QUESTION = auto()
    STATEMENT = auto()
    DEED = auto()  # a statement about doing something
    FRAGMENT = auto()  # "kitchen lamp off"


_FILLER = re.compile(
    r"(?:(?:please|kindly|just|only|now|also|and|then|so|but|well|uh|um|er|erm|ok|okay|hey|hi|hello|yo"
    r"|oi|right|all right|alright|sure|yes|yeah|yep|oh|ah|hmm|go on|come on|listen|computer|hub"
    r"|assistant|alexa|siri|google|olly|cortana|jarvis|quickly|simply|quick|next|first|finally"
    r"|again|sorry|dear|dude|mate|buddy|honey|always|maybe|perhaps|actually|really|immediately"
    r"|today|because|since|as|once again|once more|first of all|excuse me|right (?:now|away)"
    r"|good (?:morning|evening|day|afternoon|night)|at once"
    rf"|do(?= (?:please |just )?(?:{VERBS})\b)) )*"
)
"""What may stand before a clause begins."""
_GERUND = re.compile(ACTING)
_WISH = re.compile(
    r"(?:(?:i|we) (?:(?:really|just|do|am|was|would|will|also|have) )*(?:want|need|like|love|wish"
    r"|prefer|got|hoping|fancy|require)|want|need|wish to|(?:give|get) (?:me|us)|what about"
    r"|it would be (?:great|nice|lovely|good|wonderful|helpful|cool) (?:to|if)"
    r"|(?:can|could|may|might) (?:i|we) (?:\w+ )?(?:have|hear|get|see|listen|watch)"
    rf"|(?:can|could|would|will|might|may) (?:{DETERMINER}|~) (?:{WORD} ){{0,5}}?"
    rf"(?:be|go|come|turn) {WORD}|do not disturb"
    r"|(?!no).* (?:should|must|needs? to|(?:has|have|is|are) to) (?:now |please )?be \w+)\b"
    r"(?! not\b)"
)
_WH = r"(?:who|whose|why|how|what|when|where|which)"
_TELL = re.compile(
    rf"(?:tell|teach|advise|ask) (?:me|us) (?:{_WH}|if|whether|about|something)\b"
    r"|(?:give|read|tell|teach) (?:me|us) (?:\w+ )*(?:facts|part|about|opinion)"
    r"|explain|describe|consider|imagine|suppose|pretend|picture (?:this|that|how)"
    r"|list the (?:pros|cons)|.*\b(?:find out|say) (?:who|why|when)"
    rf"|.*(?<!not )(?<!never )\b(?:know|curious|remember) {_WH}\b"
)
"""Requests for words about something."""
_ASKED = re.compile(
    rf"(?:{_WH}|whom|since when|{FINITE}(?= {SUBJECT}\b)|any (?:idea|reason|point)|whether"
    r"|wondering)\b"
)
_TOLD = re.compile(
    rf"(?:\w+ly )?(?:{PRONOUN}(?= )|(?:this|that|these|those) (?={FINITE}\b)"
    rf"|{SUBJECT} (?:\w+ly )?(?:{FINITE}|says?|said|keeps?|thinks?|goes|never)\b"
    r"|thanks? (?:you )?(?:for|that)|done\b)"
)
_DEED = re.compile(
    rf"(?:{PRONOUN}|to) (?:\w+ly |always |never |often )*(?!have\b)(?:{VERBS})s?\b"
    r"|\bthanks? (?:you )?for\b"
    r"|\b(?:is|are|was|were) (?:already |still |now )?"
    r"(?:on|off|open|closed|up|down|running|fine|done)\b"
    rf"|\b(?:was|were|been|done|finished|spent|caught|regret|remember)\b.* {ACTING}"
    r"|\b(?:says?|said|told|goes|yelling|shouted|whispered|like) ~"
    r"|\bwants? (?!to\b)|\b(?:is|are) (?:charging|playing|running|opening|closing)$"
)
_ASKED_OF = frozenset({"i", "you", "we", "they", "he", "she"})
"""After `do` and `have`, these make a question."""
_AFTER = listed(
    "the a an my our your his her their this that these those it him them me us ~ on off up down"
    " in out to some all every any with from for by at into so ages itself himself"
)
_BEFORE = listed(
    "i we you he she they it who someone somebody anyone nobody everyone just already never"
    " finally also not have has had must been was is are"
)
_NAMING = listed("the a an my our your his her their be get all to very too more ~")
"""Before a participle, these make it a name ("the heated blanket")."""
_JOINT = re.compile(r" , |(?<!long)(?<!soon) (?=(?:so|but|because|since|as i)\b)")


def moods(text: str) -> dict[str, Mood]:
    """The clauses of a plain text: what stands between commas or begins with a word that joins."""
    return {clause: _mood(clause) for clause in _JOINT.split(text.strip(", ")) if clause}


def _mood(clause: str) -> Mood:
    filler = _FILLER.match(clause + " ")
    said = clause[filler.end() :] if filler else clause
    words = said.split() or [""]
    gerund = _GERUND.fullmatch(words[0]) is not None
    if _TELL.match(said):
        return Mood.QUESTION
    led_in = clause.startswith("please") and (gerund or words[0] in ACTED)
    if led_in or _asks(words) or _WISH.match(said):
        return Mood.REQUEST
    if _ASKED.match(said):
        return Mood.QUESTION
    if gerund or _done(words):
        return Mood.DEED
    if _TOLD.match(said):
        return Mood.DEED if _DEED.search(said) else Mood.STATEMENT
    return Mood.FRAGMENT


def _asks(words: list[str]) -> bool:
    """Whether a clause begins with an imperative; "do you" and "have I" are none."""
    return words[0] in BASES and not (len(words) > 1 and words[1] in _ASKED_OF)


def _done(words: list[str]) -> bool:
    """Whether somebody is said to have done something ("Ann locked the door"), rather than a thing
    named by its state ("the heated blanket", "doors locked")."""
    around = zip(words, words[1:], [*words[2:], ""], strict=False)
    return any(
        word in ACTED and before not in _NAMING and (after in _AFTER or before in _BEFORE)
        for before, word, after in around
    )
