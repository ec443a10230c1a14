"""What the hub asks, and how an answer to it reads; pure."""

import re

from rapidfuzz import fuzz

from orchestrator.people import Contact
from orchestrator.spelling import NEAR
from schemas.base import Value
from schemas.errors import HubError
from schemas.question import Option, Question


class Ask(HubError):
    """Something must be asked before the command can go on."""

    code = "question"

    def __init__(self, question: Question, known: tuple[Contact, ...] = ()) -> None:
        """`known`: whom a phone knows, where it is about somebody."""
        super().__init__(question.text)
        self.question = question
        self.known = known


class Reply(Value):
    """An answer: which options it picks, or the person's own words, without and with what only
    leads to them; `no` calls it off."""

    picked: tuple[Option, ...] = ()
    words: str = ""
    text: str = ""
    no: bool = False


_ORDINALS = {
    **{word: n for n, word in enumerate(("first", "second", "third", "fourth", "fifth"))},
    **{f"{n + 1}{end}": n for n, end in enumerate(("st", "nd", "rd", "th", "th"))},
    **{word: n for n, word in enumerate(("one", "two", "three", "four", "five"))},
    **{str(n + 1): n for n in range(9)},
    "last": -1,
    "latter": -1,
    "former": 0,
}
_FILLING = frozenset(
    {
        *("the", "a", "an", "one", "ones", "my", "on", "in", "of", "to", "please", "thanks", "use"),
        *("take", "with", "i", "mean", "meant", "want", "id", "like", "is", "it", "its", "that"),
        *("thats", "number", "option", "s", "well", "uh", "um", "oh", "er"),
    }
)
_EVERY = frozenset({"both", "all", "every", "each", "everyone", "them"})
_YES = re.compile(
    r"(?:(?:oh|well|ok|okay) )?"
    r"(?:y|yes|yeah|yep|yup|sure|ok|okay|correct|right|confirm(?:ed)?|do it|go ahead|of course"
    r"|absolutely|please do|affirmative|go for it|thats right)"
    r"(?: (?:please|thanks|thank you|do it|go ahead|sure|do|that is right|yes|thats right))*"
)
_NO = re.compile(
    r"(?:(?:oh|well|ok|okay|no|actually|sorry) )?"
    r"(?:n|no|nope|nah|cancel(?: (?:it|that))?|stop(?: it)?|never ?mind(?: (?:it|that))?"
    r"|forget (?:it|that|about it)|nothing|none(?: of (?:them|those))?|neither"
    r"|(?:dont|do not)(?: do (?:it|that))?|leave it|abort|negative|dont bother|no way"
    r"|better not|not now)"
    r"(?: (?:please|thanks|thank you|dont|do not|cancel|never ?mind|leave it|no))*"
)
_LEAD = re.compile(
    r"^\s*(?:(?:please|well|uh|um|oh|ok|okay|yes|sure)[ ,]+)*"
    r"(?:(?:can you |could you )?(?:make|set|put|turn|change) (?:it|that)(?: to| at| on)?|make that"
    r"|i(?:'d| would) (?:like|say)|i (?:mean|meant|want)|let'?s (?:say|take|make it)"
    r"|go (?:for|with)|it(?:'s| is| should (?:be|say))"
    r"|(?:just )?(?:say|tell (?:him|her|them)(?: that)?)|to|at)\b[ ,:]*",
    re.IGNORECASE,
)
_SAY = re.compile(
    r"^\s*(?:it should say|(?:just |please )?say|tell (?:him|her|them) that)\b[ ,:]*", re.IGNORECASE
)
"""What leads to a text; nothing else is taken from one."""
_TRAIL = re.compile(r"[ ,]*(?:please|thanks|thank you)?[ .!?]*$", re.IGNORECASE)


def consent(text: str) -> Reply | None:
    """A plain yes or a plain no; None for anything else, "yes, but …" included."""
    plain = _plain(text)
    if _NO.fullmatch(plain):
        return Reply(no=True)
    return Reply() if _YES.fullmatch(plain) else None


def reply(text: str, question: Question) -> Reply | None:
    """What a sentence answers to a question; None where it answers something else."""
    agreed = consent(text)
    if agreed and agreed.no:
        return agreed
    if agreed and len(question.options) == 1:
        return Reply(picked=question.options)
    picked = _picked(_plain(text), question.options)
    if picked:
        return Reply(picked=picked)
    if not question.words or agreed:
        return None
    words = _TRAIL.sub("", _LEAD.sub("", text)).strip()
    return Reply(words=words, text=_SAY.sub("", text).strip()) if words else None


def _picked(plain: str, options: tuple[Option, ...]) -> tuple[Option, ...]:
    """The options that are named, by their words or their place; none where it is not clear."""
    said = [word for word in plain.split() if word not in _FILLING]
    if not options:
        return ()
    if named := _named(set(said), options):
        return named
    if said and set(said) <= _EVERY:
        return options if "both" not in said or len(options) == 2 else ()
    places = [_ORDINALS[word] for word in said or plain.split() if word in _ORDINALS]
    if len(places) == 1 and len(said) <= 1 and places[0] < len(options):
        return (options[places[0]],)
    return ()


def _named(said: set[str], options: tuple[Option, ...]) -> tuple[Option, ...]:
    """The one option that has all the words that were said."""
    if not said:
        return ()
    for alike in (str.__eq__, _alike):
        found = [o for o in options if all(any(alike(w, v) for v in _words(o)) for w in said)]
        exact = [o for o in found if said >= _words(o)]
        if len(exact) == 1 or len(found) == 1:
            return tuple(exact if len(exact) == 1 else found)
    return ()


def _alike(said: str, word: str) -> bool:
    return len(said) > 3 and fuzz.ratio(said, word) >= NEAR


def _words(option: Option) -> set[str]:
    return set(_plain(option.label).split()) - _FILLING


def _plain(text: str) -> str:
    """In lower case, apostrophes gone, every other sign a space."""
    joined = re.sub(r"['\N{RIGHT SINGLE QUOTATION MARK}]", "", text.casefold())
    return " ".join(re.sub(r"[^\w+]", " ", joined).split())
