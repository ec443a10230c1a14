"""Sentences for the hub itself: undo, call off, list what is scheduled; no model is needed."""

import re
from enum import StrEnum

from schemas.base import Value

UNDO, CANCEL = "undo that", "cancel that"
"""Two of them, for whoever has a button instead of words."""


class Wish(StrEnum):
    """What the hub is to do with its own records."""

    CANCEL = "cancel"  # what is under way, asked about, or was scheduled last
    UNDO = "undo"  # what was done last
    LIST = "list"  # what is scheduled
    UNSCHEDULE = "unschedule"  # one schedule, or all of them


class Order(Value):
    """A wish, and the words that say which schedule is meant; none: whichever there is."""

    wish: Wish
    words: str = ""


_THAT = (
    r"(?:it|that|this|the last (?:one|thing|command|action|change)|what you (?:just )?did"
    r"|everything)"
)
_POLITE = (
    r"(?:(?:oh|no|ok|okay|please|hey|sorry|actually|well|wait|um|uh|just|can you|could you) )*"
)
_END = r"(?: (?:please|again|thanks|thank you|now|right now|right away))*"


def _whole(*ways: str) -> re.Pattern[str]:
    """A sentence that says nothing but one of these."""
    return re.compile(f"{_POLITE}(?:{'|'.join(ways)}){_END}")


_ORDERS = {
    Wish.UNDO: _whole(
        rf"(?:undo|revert|reverse|take back)(?: {_THAT})?",
        rf"(?:put|set|change|turn) {_THAT} back(?: (?:to )?(?:how|the way|what) it was)?",
        r"undo (?:my|the) (?:last|previous) \w+",
    ),
    Wish.CANCEL: _whole(
        rf"(?:cancel|abort|stop|scrap|drop)(?: {_THAT})?",
        rf"forget (?:about )?{_THAT}|never ?mind(?: {_THAT})?",
        r"(?:cancel|abort|stop) (?:my|the) (?:last|current) (?:command|request)",
    ),
    Wish.LIST: _whole(
        r"(?:list|show(?: me)?|tell me|read(?: me)?|what are) (?:all )?(?:of )?(?:my |the )?"
        r"schedule[sd]?(?: \w+)?",
        r"what(?: is|s)? (?:have i )?(?:scheduled|planned)(?: \w+)?",
        r"what have (?:i|you|we) scheduled|do i have (?:any(?:thing)? )?schedule[sd]?",
    ),
    Wish.UNSCHEDULE: _whole(
        r"(?:cancel|delete|remove|stop|drop|scrap|clear) (?P<all>(?:all|every)(?: of)? )?"
        r"(?:my |the |that )?(?P<words>.*?) ?schedules?"
        r"(?: (?:for|of|to|at|with|about) (?P<more>.+))?",
    ),
}


def read(sentence: str) -> Order | None:
    """The order that a sentence is, as a whole; None for any other sentence."""
    plain = " ".join(re.sub(r"[^\w:]", " ", re.sub(r"['’]", "", sentence.casefold())).split())
    for wish, pattern in _ORDERS.items():
        if found := pattern.fullmatch(plain):
            return Order(wish=wish, words=_which(found) if wish is Wish.UNSCHEDULE else "")
    return None


def _which(found: "re.Match[str]") -> str:
    """The words for the schedule that is meant; "all" for all of them."""
    words = " ".join(filter(None, (found["words"], found["more"])))
    return "all" if found["all"] and not words.strip() else words.strip()
