"""Where each step of a plan is said: its own words, and its clause of the sentence. Pure."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from orchestrator.catalogue import Catalogue
from orchestrator.routing import spoken
from orchestrator.routing.mentions import Mention
from orchestrator.routing.spoken import Token
from schemas.call import Person
from schemas.function import Function, ParameterType
from schemas.plan import Argument, Plan, Step

_COPIED = frozenset({
    ParameterType.TEXT, ParameterType.CONTACT, ParameterType.PHONE_NUMBER, ParameterType.EMAIL,
    ParameterType.URL, ParameterType.ENTITY,
})  # fmt: skip
_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905
_SPLITTING = frozenset({"and", "then", "but", "while"})
_STOPS = frozenset(",;.!?\n")
_STEM = 4
"""Letters that make two words of a function's and a clause's the same: "charge", "charging"."""


_NEW = 0.5
"""What a step in a clause of its own is worth, where nothing else says which it is in."""
_Way = tuple[float, tuple[int, ...]]


class Span(NamedTuple):
    """A piece of the sentence."""

    start: int
    end: int

    def holds(self, place: int) -> bool:
        """Whether a character of the sentence is in it."""
        return self.start <= place < self.end


class Said(NamedTuple):
    """Where a step's arguments stand; `entity` is that of the name of a device of the home."""

    anchors: tuple[Span, ...] = ()
    copied: tuple[Span, ...] = ()
    entity: Span | None = None


def located(plan: Plan, sentence: str, catalogue: Catalogue) -> tuple[Said, ...]:
    """For every step where its arguments were said; no word is two steps' own."""
    words = spoken.tokens(sentence)
    taken: set[int] = set()
    found, begin = [], 0
    for step in plan.steps:
        said = _of_step(step, catalogue[step.function], words, begin, taken)
        begin = max([begin, *(_at(words, span.start) for span in said.anchors)])
        found.append(said)
    return tuple(found)


def blanked(sentence: str, said: Sequence[Said]) -> str:
    """The sentence without what is copied from it: a message may speak of a phone."""
    for span in itertools.chain.from_iterable(one.copied for one in said):
        blank = spoken.BLANK * (span.end - span.start)
        sentence = sentence[: span.start] + blank + sentence[span.end :]
    return sentence


def split(sentence: str, mentions: Sequence[Mention]) -> tuple[Span, ...]:
    """The clauses of a sentence (blanked); "the phone and the tablet" stays in one."""
    inside = [Span(a.start, b.end) for a, b in itertools.pairwise(mentions)
              if together(sentence[a.end : b.start])]  # fmt: skip
    inside += [Span(mention.start, mention.end) for mention in mentions]
    borders = [place for place in _borders(sentence) if not any(s.holds(place) for s in inside)]
    ends = itertools.pairwise([0, *borders, len(sentence)])
    return tuple(Span(a, b) for a, b in ends if sentence[a:b].strip(" ,;.!?\n")) or (
        Span(0, len(sentence)),
    )


def together(between: str) -> bool:
    """Whether the words between two mentions only join them ("and the", "as well as my")."""
    if spoken.BLANK in between or ("," not in between and "and" not in spoken.words(between)):
        return False
    joining = spoken.LEADING | {"and", "also", "as"}
    return all(word in joining for word in spoken.words(between))


def assigned(
    plan: Plan, said: Sequence[Said], sentence: str, clauses: Sequence[Span], catalogue: Catalogue
) -> tuple[int, ...]:
    """The clause of every step: the best way through both in their order, by the arguments that
    stand in a clause and the words of the functions in it."""
    texts = [frozenset(_stems(spoken.words(sentence[c.start : c.end]))) for c in clauses]
    ways: list[_Way] = [(0.0, ())] * len(clauses)
    for step, own in zip(plan.steps, said, strict=True):
        fits = [_fit(step, own, clause, text, catalogue)
                for clause, text in zip(clauses, texts, strict=True)]  # fmt: skip
        ways = _further(ways, fits)
    return max(ways, key=_merit)[1]


def _further(ways: Sequence[_Way], fits: Sequence[float]) -> list[_Way]:
    """The best way to every clause with one more step in it, from the best ones to each clause."""
    further: list[_Way] = []
    earlier: _Way | None = None
    for here, (stay, fit) in enumerate(zip(ways, fits, strict=True)):
        come = [stay] if earlier is None else [stay, (earlier[0] + _NEW, earlier[1])]
        score, path = max(come, key=_merit)
        further.append((score + fit, (*path, here)))
        earlier = stay if earlier is None else max(earlier, stay, key=_merit)
    return further


def _merit(way: _Way) -> tuple[float, list[int]]:
    return way[0], [-clause for clause in way[1]]


def _of_step(step: Step, function: Function, words: list[Token], begin: int,
             taken: set[int]) -> Said:  # fmt: skip
    anchors, copied, entity = [], [], None
    for parameter in function.parameters:
        span = _place(step.arguments.get(parameter.name), words, begin, taken)
        if span is None:
            continue
        anchors.append(span)
        if parameter.type in _COPIED:
            copied.append(span)
        if parameter.type is ParameterType.ENTITY:
            entity = span
    return Said(tuple(anchors), tuple(copied), entity)


def _place(value: Argument, words: list[Token], begin: int, taken: set[int]) -> Span | None:
    """Where a value stands, after what came before it if it can be, else before that."""
    for wanted in _spellings(value):
        size = len(wanted)
        places = range(len(words) - size + 1)
        for at in sorted(places, key=lambda place: place < begin):
            here = range(at, at + size)
            same = all(words[place].word == word for place, word in zip(here, wanted, strict=True))
            if same and taken.isdisjoint(here):
                taken.update(here)
                return Span(words[at].start, words[at + size - 1].end)
    return None


def _spellings(value: Argument) -> list[tuple[str, ...]]:
    """The words a value may have been said in; none for a choice, whose words say nothing."""
    if isinstance(value, Person):
        value = value.person
    if isinstance(value, str):
        aloud = value.replace(".", " dot ").replace("@", " at ")
        return [said for said in (spoken.words(value), spoken.words(aloud)) if said]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return []
    digits = f"{value:g}"
    spelled = [(_NUMBERS[int(value)],)] if 0 <= value < len(_NUMBERS) else []
    return [spoken.words(digits), *spelled]


def _borders(sentence: str) -> list[int]:
    stops = [
        place
        for place, c in enumerate(sentence)
        if c in _STOPS and (c == "\n" or sentence[place + 1 : place + 2].isspace())
    ]
    splitting = [token.start for token in spoken.tokens(sentence) if token.word in _SPLITTING]
    return sorted([*stops, *splitting])


def _fit(step: Step, own: Said, clause: Span, text: frozenset[str], catalogue: Catalogue) -> float:
    function = catalogue[step.function]
    anchored = sum(clause.holds(span.start) for span in own.anchors)
    chosen = [a for a in step.arguments.values() if isinstance(a, str)]
    named = frozenset(_stems([*spoken.words(function.name), *map(spoken.fold, chosen)]))
    described = frozenset(_stems(spoken.words(function.description))) - named
    return 8 * anchored + 2 * len(text & named) + len(text & described)


def _stems(words: Sequence[str]) -> list[str]:
    return [word[:_STEM] for word in words if word not in spoken.ARTICLES | spoken.PREPOSITIONS]


def _at(words: list[Token], place: int) -> int:
    return next(i for i, token in enumerate(words) if token.start == place)
