"""What in a sentence forbids acting on it now, whatever calls were read from it.

The sentence is brought into a normal form, polite lead-ins and idioms are taken away, and each
clause gets a mood. Statements beside a request only go with it ("I'm not home, lock the door");
what is left is searched for the words of each kind, and something must be asked for in it.
"""

import re
from collections.abc import Iterator

from orchestrator.guard import patterns
from orchestrator.guard.clauses import Mood, moods
from orchestrator.guard.idioms import plain
from orchestrator.guard.patterns import Kind
from orchestrator.guard.text import Said, normal
from orchestrator.guard.vague import is_vague
from schemas.base import Value
from schemas.function import Effect, Function, ParameterType

REASONS = {
    Kind.NEGATION: "the sentence says not to",
    Kind.EXCEPTION: "the sentence makes an exception, which is not supported yet",
    Kind.CONDITION: "the sentence sets a condition, which is not supported yet",
    Kind.TIME: "the sentence means another time, and does not say exactly when",
    Kind.HYPOTHETICAL: "the sentence only considers it",
    Kind.INFORMATIONAL: "that is a question about it, not a request",
    Kind.REPORTED: "the sentence says what somebody else said",
    Kind.PAST: "the sentence says what happens or has happened, and asks for nothing",
    Kind.CORRECTION: "the sentence corrects itself: say it once more as you mean it",
    Kind.CANCELLATION: "the sentence takes something back: nothing was done",
    Kind.VAGUE: "it is not clear what is meant: name it",
}
_SOMEHOW = "the sentence does not ask for it now"
_SHOWING = frozenset({"find_route_google_maps", "search_youtube_videos"})
"""What answers a question, though it changes what a screen shows."""
_UNASKED = {Mood.QUESTION: Kind.INFORMATIONAL, Mood.DEED: Kind.PAST}


def reason(kind: str) -> str:
    """What a person is told of a kind by its name; of one nobody knows, only that it forbids."""
    return next((said for known, said in REASONS.items() if known == kind), _SOMEHOW)


class Objection(Value):
    """Why nothing may be done now."""

    kind: Kind
    reason: str


def objection(sentence: str, functions: tuple[Function, ...], said: Said) -> Objection | None:
    """What forbids acting now, or None. `said`: the arguments copied from the sentence; free texts
    among them are somebody's content, whose words mean nothing here."""
    text = normal(sentence, said)
    kind = next(_kinds(text, functions, said), None)
    return Objection(kind=kind, reason=REASONS[kind]) if kind else None


def _kinds(text: str, functions: tuple[Function, ...], said: Said) -> Iterator[Kind]:
    """Every kind of objection; one is enough."""
    whole = plain(text, several=len(functions) > 1)
    clauses = moods(whole)
    asked = Mood.REQUEST in clauses.values()
    core = _without_asides(clauses) if asked else whole
    acting = any(function.effect is not Effect.READ for function in functions)
    ordered = acting or patterns.READING.search(text) is not None
    yield from _found(whole, {Kind.CORRECTION: patterns.CORRECTION})
    yield from _found(whole, {Kind.CANCELLATION: patterns.CANCELLATION})
    if not ordered:
        whole, core = (patterns.NEGATIVE_QUESTION.sub(" ", text) for text in (whole, core))
    yield from _found(core, {Kind.NEGATION: patterns.NEGATION})
    yield from _found(whole, {Kind.EXCEPTION: patterns.EXCEPTION})
    if ordered:
        showing = all(f.name in _SHOWING for f in functions) and patterns.WAY.match(whole)
        yield from _of_orders(whole, core, asking=bool(showing))
        if not _own_time(functions):
            yield from _found(core, {Kind.TIME: patterns.TIME})
        if not asked and not showing:
            yield from (_UNASKED[mood] for mood in clauses.values() if mood in _UNASKED)
    asking = all(_about_anything(f) for f in functions)
    if is_vague(text, said, acting=acting, asking=asking):
        yield Kind.VAGUE


def _of_orders(whole: str, core: str, *, asking: bool) -> Iterator[Kind]:
    """What makes an order no order, but says nothing of a mere question."""
    yield from _found(whole, {Kind.REPORTED: patterns.REPORTED})
    if not asking:
        yield from _found(core, {Kind.HYPOTHETICAL: patterns.HYPOTHETICAL})
    yield from _found(core, {Kind.CONDITION: patterns.CONDITION})


def _found(text: str, by_kind: dict[Kind, re.Pattern[str]]) -> Iterator[Kind]:
    return (kind for kind, pattern in by_kind.items() if pattern.search(text))


def _without_asides(clauses: dict[str, Mood]) -> str:
    """The clauses but those statements that only go with a request."""
    kept = (
        clause
        for clause, mood in clauses.items()
        if mood not in (Mood.STATEMENT, Mood.DEED)
        or patterns.NOT_ASIDE.search(clause)
        or patterns.CONDITION.search(clause)
    )
    return f", {' , '.join(kept)} ,"


def _own_time(functions: tuple[Function, ...]) -> bool:
    """Whether words for times are the functions' own business: told to them, or asked about."""
    acting = [f for f in functions if f.effect is not Effect.READ]
    timed = [f for f in acting if any(p.timed for p in f.parameters)]
    return any(_about_anything(f) for f in functions) or (bool(acting) and timed == acting)


def _about_anything(function: Function) -> bool:
    """Whether it answers about whatever is named ("the weather at noon")."""
    free = any(parameter.type is ParameterType.TEXT for parameter in function.parameters)
    return free and function.effect is Effect.READ
