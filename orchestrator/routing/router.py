"""Which device runs a step: the one the sentence means, else the speaker's own, else the only one
that can. Pure; nobody is guessed, and no device stands in for another."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from orchestrator import texts
from orchestrator.catalogue import Catalogue
from orchestrator.routing import clauses, entities, fan_out, spoken
from orchestrator.routing.entities import Target
from orchestrator.routing.mentions import Mention
from orchestrator.routing.shares import Share, shares
from schemas.device import Device, Kind
from schemas.errors import HubError
from schemas.function import Function, ParameterType
from schemas.plan import Plan, Step

_CALLED = {"phone": "phone", "pc": "PC", "car": "car", "home": "home device", "hub": "hub"}
_FEW = 3
"""So many devices are named where none of them can do what was said."""
_MANY = frozenset({"them", "those", "these"})


class NoDevice(HubError):
    """No device can do this."""

    code = "no_device"


class CannotFanOut(NoDevice):
    """the result of several devices cannot go into one call: name one"""

    code = "cannot_fan_out"


class WhichDevice(HubError):
    """Several devices can do this, and the sentence does not say which."""

    code = "which_device"

    def __init__(self, step: int, candidates: Iterable[Device]) -> None:
        self.step = step
        self.candidates = tuple(sorted(candidates, key=lambda device: (device.name, device.id)))
        super().__init__(f"which one: {_listed(self.candidates, 'or')}?")


class _Case(NamedTuple):
    """One step with everything that decides about its device."""

    step: Step
    function: Function
    devices: tuple[Device, ...]
    able: tuple[Device, ...]
    share: Share
    sentence: str
    defaults: Mapping[Kind, str]
    recent: tuple[str, ...]
    before: tuple[str, ...]  # the devices of the last step that the sentence names one for


def route(
    plan: Plan,
    devices: tuple[Device, ...],
    sentence: str,
    catalogue: Catalogue,
    *,
    defaults: Mapping[Kind, str] = {},
    owners: Mapping[str, Mapping[Kind, str]] = {},
    chosen: Mapping[int, tuple[str, ...]] = {},
    recent: tuple[str, ...] = (),
) -> Plan:
    """The plan with a device for every step, and a step for every device that is meant; NoDevice,
    WhichDevice or CannotFanOut where that cannot be. `defaults` are the speaker's own devices,
    `owners` every speaker's by user name, `chosen` is what a person answered (by the plan's step),
    `recent` are the devices of the last command where the sentence says "it"."""
    targets: list[list[Target]] = []
    before: tuple[str, ...] = ()
    said = shares(plan, devices, sentence, catalogue, owners)
    for step, share in zip(plan.steps, said, strict=True):
        able = tuple(device for device in devices if step.function in device.functions)
        function = catalogue[step.function]
        case = _Case(step, function, devices, able, share, sentence, defaults, recent, before)
        targets.append(_targets(case, chosen.get(step.index, ())))
        if share.serving or share.entity:
            before = tuple(target.device.id for target in targets[-1])
    if any(len(targets[needed]) > 1 for step in plan.steps for needed in step.needs):
        raise CannotFanOut
    return fan_out.steps(plan, targets, catalogue)


def _targets(case: _Case, chosen: tuple[str, ...]) -> list[Target]:
    said = _entity(case)
    if chosen:
        return [_as_chosen(case, device, said) for device in chosen]
    if not case.able:
        raise NoDevice(_none_can(case))
    if said and not entities.refers(said):
        return _by_entity(case, said)
    return [Target(device, device.name if said else "") for device in _devices(case)]


def _as_chosen(case: _Case, wanted: str, said: str) -> Target:
    device = next((device for device in case.devices if device.id == wanted), None)
    if device is None:
        raise NoDevice(f"the device {wanted} that was chosen is not there any more")
    if case.step.function not in device.functions:
        raise NoDevice(_unable(case, [device]))
    if not said:
        return Target(device)
    found = entities.meant(entities.phrase(said, every=False), [device])
    return found[0] if found else Target(device, device.name)


def _devices(case: _Case) -> list[Device]:
    """By the sentence's words, the speaker's own, the last command's, the only one: in this order;
    the catalogue lists kinds in the order in which the speaker's own are asked."""
    if case.share.serving:
        return _by_mentions(case, case.share.serving)
    if case.share.refused:
        raise NoDevice(_cannot(case, case.share.refused[0]))
    if case.share.rooms and (found := _in_rooms(case, case.able)):
        return found if len(case.share.rooms) > 1 else [_one(case, found)]
    words = frozenset(spoken.words(case.share.text)) | frozenset(spoken.words(_entity(case)))
    if "everything" in words and Kind.HOME in case.function.kinds:
        return list(case.able)
    return (
        _pointed_at(case, words)
        or _recent(case, words)
        or _own(case)
        or [_one(case, [d for d in case.able if d.kind in case.function.kinds] or case.able)]
    )


def _pointed_at(case: _Case, words: frozenset[str]) -> list[Device]:
    """What the sentence named before, where it is "it" now."""
    found = [device for device in case.able if device.id in case.before]
    if not found or not entities.REFERRING & words:
        return []
    return found if _MANY & words else [_one(case, found)]


def _recent(case: _Case, words: frozenset[str]) -> list[Device]:
    """The last command's. The sentence may have words for "it" already ("the volume"), so its first
    clause needs none."""
    if not (case.share.first or entities.REFERRING & words):
        return []
    return [device for device in case.able if device.id in case.recent]


def _own(case: _Case) -> list[Device]:
    """The speaker's own of the first kind that they have; the hub itself is everybody's."""
    for kind in case.function.kinds:
        wanted, everybodys = case.defaults.get(Kind(kind)), kind == Kind.HUB
        found = [d for d in case.able if d.id == wanted or (everybodys and d.kind is Kind.HUB)]
        if len(found) == 1:
            return found
    return []


def _by_mentions(case: _Case, said: Sequence[Mention]) -> list[Device]:
    """One phrase, several phrases for one device, or several that are joined by "and"."""
    found = [_able(case, mention) for mention in said]
    ids = frozenset.intersection(*(frozenset(d.id for d in devices) for devices in found))
    common = [device for device in found[0] if device.id in ids]
    if common:
        return _of_mention(case, common, said)
    between = [case.sentence[a.end : b.start] for a, b in itertools.pairwise(said)]
    if all(map(clauses.together, between)):
        each = [_of_mention(case, *one) for one in zip(found, ([m] for m in said), strict=True)]
        return [device for devices in each for device in devices]
    raise WhichDevice(case.step.index, {d.id: d for devices in found for d in devices}.values())


def _able(case: _Case, mention: Mention) -> list[Device]:
    """The mention's devices that can do it; of those that are the speaker's own, only these."""
    meant = frozenset(mention.devices)
    if mention.own and not mention.every and not mention.strange:
        meant = meant.intersection(case.defaults.values()) or meant
    found = [device for device in case.able if device.id in meant]
    if not found:
        raise NoDevice(_cannot(case, mention.model_copy(update={"devices": tuple(meant)})))
    return found


def _of_mention(case: _Case, found: list[Device], said: Sequence[Mention]) -> list[Device]:
    found = _in_rooms(case, found) if case.share.rooms else found
    if any(mention.every for mention in said):
        _count(case, found, max(mention.count for mention in said))
        return found
    return [_one(case, found, own=not any(mention.strange for mention in said))]


def _one(case: _Case, found: Sequence[Device], *, own: bool = True) -> Device:
    """The only one; among several the speaker's own, or the default of the kind that all are of."""
    mine = [d for d in found if own and d.id in case.defaults.values()]
    alike = own and len({device.kind for device in found}) == 1
    usual = [d for d in found if alike and d.default]
    for devices in (found, mine, usual):
        if len(devices) == 1:
            return devices[0]
    raise WhichDevice(case.step.index, found)


def _count(case: _Case, found: list[Device], count: int) -> None:
    if count and len(found) != count:
        raise WhichDevice(case.step.index, found)


def _in_rooms(case: _Case, found: Sequence[Device]) -> list[Device]:
    """Those in the rooms that were said; a thing of the home that is known to be nowhere else may
    be there, while a phone or a computer is where its owner is."""
    rooms = case.share.rooms
    there = frozenset(itertools.chain.from_iterable(room.devices for room in rooms))
    inside = [device for device in found if device.id in there]
    if inside or any(device.kind is not Kind.HOME for device in found):
        return inside or ([] if found is case.able else list(found))
    if len(found) == 1 and found[0].room is None:
        return list(found)
    raise NoDevice(f"no approved home device in the {_words(case, rooms[0])} "
                   f"can {texts.spoken(case.step.function)}")  # fmt: skip


def _by_entity(case: _Case, said: str) -> list[Target]:
    """The devices of the home, or their parts, that an argument's words mean, with the rooms that
    are said beside it: "turn on the light in the kitchen"."""
    rooms = [_words(case, room) for room in case.share.rooms]
    ways = [(entities.inside(room, said),) for room in rooms] or entities.pieces(said)
    if len(ways) < 2 or (not rooms and _matches(case, said)):
        return _by_phrase(case, ways[0][0] if ways else said)
    texts = [next((text for text in way if _matches(case, text)), way[-1]) for way in ways]
    found = [target for text in texts for target in _by_phrase(case, text)]
    return [_by_its_name(t) for t in {(t.device.id, t.name): t for t in found}.values()]


def _by_phrase(case: _Case, said: str) -> list[Target]:
    found = _matches(case, said)
    if not found:
        raise NoDevice(f"no approved home device is called '{' '.join(spoken.core(said)) or said}'")
    able = [target for target in found if case.step.function in target.device.functions]
    if not able:
        raise NoDevice(_unable(case, [target.device for target in found]))
    devices = list({target.device.id: target.device for target in able}.values())
    every, number = _quantity(case, said)
    if every and not (len(devices) == 1 and entities.called(said, devices)):
        _count(case, devices, number)  # "both tea lights" may be the one called "Tea lights"
    elif len(devices) > 1:
        last = _one(case, _recent(case, frozenset()) or devices)
        able = [target for target in able if target.device.id == last.id]
    return able if len(able) == 1 else [_by_its_name(target) for target in able]


def _by_its_name(target: Target) -> Target:
    return Target(target.device, target.name or target.device.name)


def _matches(case: _Case, said: str) -> list[Target]:
    every = _quantity(case, said)[0]
    return entities.matches(said, case.devices, case.able, every=every)


def _quantity(case: _Case, said: str) -> tuple[bool, int]:
    """Whether every one is said, before the argument or in it, and how many there are."""
    span = case.share.entity
    before = spoken.words(case.sentence[: span.start]) if span else ()
    every, number, _ = spoken.quantity([*before, *entities.leading(said)])
    return entities.phrase(said, every=every).every, number


def _entity(case: _Case) -> str:
    """The argument that names a device of the home; "" where the function has none."""
    named = [p.name for p in case.function.parameters if p.type is ParameterType.ENTITY]
    said = case.step.arguments.get(named[0]) if named else None
    return said if isinstance(said, str) else ""


def _cannot(case: _Case, mention: Mention) -> str:
    meant = [device for device in case.devices if device.id in mention.devices]
    if meant:
        return _unable(case, meant)
    said = f" called {'' if mention.strange else 'the '}{_words(case, mention)}"
    kinds = (mention.kind,) if mention.kind in case.function.kinds else case.function.kinds
    return _nobody(case.step, kinds, said)


def _none_can(case: _Case) -> str:
    """Those that the sentence names, else the few that might have been meant, cannot."""
    if case.share.refused:
        return _cannot(case, case.share.refused[0])
    fitting = [device for device in case.devices if device.kind in case.function.kinds]
    mine = [device for device in fitting if device.id in case.defaults.values()]
    meant = mine or fitting
    return (
        _unable(case, meant) if 0 < len(meant) <= _FEW else _nobody(case.step, case.function.kinds)
    )


def _unable(case: _Case, devices: Sequence[Device]) -> str:
    """The devices by their names, what they cannot do, and why, where one says so."""
    what = texts.spoken(case.step.function)
    if len(devices) == 1 and not devices[0].functions:
        return f"{devices[0].name} was never reached: whether it can {what} is not known"
    told = f"{_listed(devices, 'and')} cannot {what}"
    why = devices[0].lacking.get(case.step.function) if len(devices) == 1 else None
    return f"{told}: {why}" if why else told


def _nobody(step: Step, kinds: tuple[str, ...], called: str = "") -> str:
    return (
        f"no approved device{called} can {texts.spoken(step.function)}: it takes a "
        f"{' or '.join(_CALLED[kind] for kind in kinds)}; `octopus devices` lists what was found"
    )


def _words(case: _Case, mention: Mention) -> str:
    return case.sentence[mention.start : mention.end]


def _listed(devices: Sequence[Device], joining: str) -> str:
    """The names in a sentence; two of one name with their rooms, or ids."""
    called = [device.name for device in devices]
    told = [name if called.count(name) == 1 else f"{name} ({device.room or device.id})"
            for name, device in zip(called, devices, strict=True)]  # fmt: skip
    return f" {joining} ".join(filter(None, (", ".join(told[:-1]), *told[-1:])))
