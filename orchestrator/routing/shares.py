"""Which of a sentence's mentions of devices each step of a plan takes: pure."""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from orchestrator.catalogue import Catalogue
from orchestrator.routing import clauses, mentions, names, spoken
from orchestrator.routing.clauses import Said, Span
from orchestrator.routing.mentions import Mention
from schemas.device import Device, Kind
from schemas.function import Function, ParameterType
from schemas.plan import Plan, Step


class Share(NamedTuple):
    """What the sentence says of one step's device."""

    serving: tuple[Mention, ...]  # at least one of their devices can do it
    refused: tuple[Mention, ...]  # nobody meant can, nor can they do what is said beside it
    rooms: tuple[Mention, ...]
    text: str  # the step's clause
    first: bool  # whether that is the sentence's first
    entity: Span | None  # where the name of a device of the home stands


class _Sentence(NamedTuple):
    text: str
    plan: Plan
    found: tuple[Mention, ...]
    clauses: tuple[Span, ...]
    places: tuple[int, ...]  # every step's clause
    able: dict[int, frozenset[str]]
    catalogue: Catalogue


def shares(
    plan: Plan,
    devices: tuple[Device, ...],
    sentence: str,
    catalogue: Catalogue,
    owners: Mapping[str, Mapping[Kind, str]] = {},
) -> tuple[Share, ...]:
    """One share for every step; a mention is taken in its own clause, and one that stands apart
    ("on the tablet, …") by every step that has none."""
    said = clauses.located(plan, sentence, catalogue)
    blank = clauses.blanked(sentence, said)
    found = mentions.find(blank, devices, _ordinary(catalogue), owners)
    spans = clauses.split(blank, found)
    places = clauses.assigned(plan, said, sentence, spans, catalogue)
    able = {
        step.index: frozenset(d.id for d in devices if step.function in d.functions)
        for step in plan.steps
    }
    read = _Sentence(blank, plan, found, spans, places, able, catalogue)
    return tuple(_share(step, own, read) for step, own in zip(plan.steps, said, strict=True))


def _share(step: Step, said: Said, read: _Sentence) -> Share:
    function = read.catalogue[step.function]
    places = frozenset(read.places[index] for index in _linked(step.index, read.plan))
    beside = [other for other in read.plan.steps if read.places[other.index] in places]
    spans = [read.clauses[place] for place in sorted(places)]
    here = _relevant([m for span in spans for m in _within(span, read.found)], function)
    named = [mention for mention in here if mention.how != "room"]
    serving = _own(step, beside, _serving(named, step, read), named, read)
    refused = [m for m in named if m.sure and _nobodys(m, step, beside, read)]
    rooms = [mention for mention in here if mention.how == "room"]
    apart, unable, elsewhere = _apart(step, function, read)
    if serving:
        serving += apart  # two that were said for one step are asked about
    elif not refused:
        serving, refused, rooms = apart, unable, rooms or elsewhere
    place = read.places[step.index]
    clause = read.clauses[place]
    text = read.text[clause.start : clause.end]
    found = tuple(serving), tuple(refused), tuple(rooms)
    return Share(*found, text, first=place == 0, entity=said.entity)


def _linked(index: int, plan: Plan) -> frozenset[int]:
    """The steps that are said as one call: those whose results go into each other."""
    linked = frozenset({index})
    for step in (*plan.steps, *reversed(plan.steps)):
        if linked & {step.index, *step.needs}:
            linked |= {step.index, *step.needs}
    return linked


def _own(
    step: Step,
    beside: Sequence[Step],
    serving: list[Mention],
    named: Sequence[Mention],
    read: _Sentence,
) -> list[Mention]:
    """What is this step's among the mentions that serve it: one each for steps of one function, and
    none that is all that another step has."""
    alike = [other.index for other in beside if other.function == step.function]
    if len(alike) > 1 and len(alike) == len(serving):
        return [serving[alike.index(step.index)]]
    others = [_serving(named, s, read) for s in beside if s.function != step.function]
    theirs = [found[0] for found in others if len(found) == 1]
    return [mention for mention in serving if mention not in theirs] or serving


def _nobodys(mention: Mention, step: Step, beside: Sequence[Step], read: _Sentence) -> bool:
    """Whether no step can be done by what is meant, and this is one that might have been."""
    fits = [other for other in beside if mention.kind in read.catalogue[other.function].kinds]
    mine = not fits or step in fits
    return mine and not any(_serving([mention], other, read) for other in beside)


def _apart(
    step: Step, function: Function, read: _Sentence
) -> tuple[list[Mention], list[Mention], list[Mention]]:
    """What clauses that are no step's say: those that can, cannot, and rooms."""
    taken = set(read.places)
    free = [span for place, span in enumerate(read.clauses) if place not in taken]
    bare = [span for span in free if _only_mentions(span, read)]
    found = [m for span in free for m in _relevant(_within(span, read.found), function)]
    alone = [m for m in found if any(span.holds(m.start) for span in bare)]
    named = [mention for mention in alone if mention.how != "room"]
    refused = [m for m in named if m.sure and _nobodys(m, step, read.plan.steps, read)]
    rooms = [mention for mention in alone if mention.how == "room"]
    return _serving([m for m in found if m.how != "room"], step, read), refused, rooms


def _serving(named: Sequence[Mention], step: Step, read: _Sentence) -> list[Mention]:
    known = _relevant(named, read.catalogue[step.function])
    able = [mention for mention in known if not read.able[step.index].isdisjoint(mention.devices)]
    return [mention for mention in able if mention.sure] or able


def _relevant(found: Sequence[Mention], function: Function) -> list[Mention]:
    """Without words that mean no device beside such a function: "the lights of the car", "her
    cell", and any where the hub itself answers: "is it a day for golf"."""
    if function.kinds == (Kind.HUB,):
        return []
    calls = any(p.type in (ParameterType.CONTACT, ParameterType.PHONE_NUMBER)
                for p in function.parameters)  # fmt: skip
    return [
        mention
        for mention in found
        if (mention.kind in function.kinds or not mention.loose) and not (calls and mention.number)
    ]


def _within(clause: Span, found: Sequence[Mention]) -> list[Mention]:
    return [mention for mention in found if clause.holds(mention.start)]


def _only_mentions(clause: Span, read: _Sentence) -> bool:
    within = _within(clause, read.found)
    text = read.text[clause.start : clause.end]
    dull = spoken.STOP - spoken.COMMANDS
    return bool(within) and all(
        token.word in dull
        or any(m.start <= clause.start + token.start < m.end for m in within)
        for token in spoken.tokens(text)
    ) and spoken.BLANK not in text  # fmt: skip


@lru_cache(maxsize=4)
def _ordinary(catalogue: Catalogue) -> frozenset[str]:
    """Words of the functions: a device may be called "Alarm", and an alarm be set nonetheless."""
    texts: list[Collection[str]] = []
    for function in catalogue:
        texts.append(spoken.words(function.name))
        for parameter in function.parameters:
            texts.append(spoken.words(parameter.name))
            texts += map(spoken.words, parameter.values)
    phrases = frozenset(word for text in texts for word in text)
    return phrases - frozenset(w for w, kind in names.NOUNS.items() if kind is not Kind.HOME)
