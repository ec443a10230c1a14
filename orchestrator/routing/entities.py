"""Which devices of the home the words of an argument mean: pure."""

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from orchestrator.routing import names, spoken
from schemas.device import Device, Kind

REFERRING = frozenset("it its that this them those these there one".split())  # noqa: SIM905
"""Words that mean the devices of the last command."""
_EVERYTHING = frozenset({"everything", "all"})
_DULL = spoken.LEADING | {"of"}
"""Words that say nothing about which device is meant."""
_LEADING = _DULL | spoken.COUNTS.keys()


class Target(NamedTuple):
    """A device, and what it calls the thing meant; "" where it understands the words as said."""

    device: Device
    name: str = ""


class Phrase(NamedTuple):
    """An argument's words as they are compared."""

    said: str
    words: frozenset[str]
    noun: str  # the last word, where it is one
    every: bool


def phrase(said: str, *, every: bool) -> Phrase:
    """The words of an argument; `every` where "all" or "both" was said, or stands before it."""
    plain = spoken.words(said)
    kept = [word for word in plain[len(leading(said)) :] if word not in _DULL]
    singular = [names.singular(word) for word in kept]
    noun = next((word for word in reversed(singular) if word in names.NOUNS), "")
    plural = any(a != b for a, b in zip(kept, singular, strict=True))
    every = every or plural or bool(spoken.QUANTIFIERS & set(plain)) or "everything" in plain
    return Phrase(said, frozenset(singular) - _EVERYTHING, noun, every)


def refers(said: str) -> bool:
    """Whether the words only point back: "it", "that one"."""
    kept = frozenset(spoken.words(said)) - _DULL
    return bool(kept) and kept <= REFERRING


def called(said: str, devices: Iterable[Device]) -> list[Target]:
    """The devices, or parts of them, that have exactly this name."""
    asked = "".join(spoken.core(said))
    found = []
    for device in devices if asked else ():
        if any("".join(spoken.core(name)) == asked for name in (device.name, *device.aliases)):
            found.append(Target(device, _own_name(said, device)))
            continue
        parts = [part for part in device.parts if asked in names.part_names(device.name, part)]
        found += [Target(device, part) for part in parts[:1]]
    return found


def pieces(said: str) -> list[tuple[str, ...]]:
    """What is joined by "and", each with the ways to read it: "kitchen and hall lights" are the
    kitchen lights and the hall lights."""
    texts = [text.strip() for text in re.split(r",|\band\b", said) if spoken.words(text)]
    last = spoken.words(said)[-1:]
    noun = f" {last[0]}" if last and names.singular(last[0]) in names.NOUNS else ""
    return [(f"{text}{noun}", text) for text in texts[:-1]] + [(text,) for text in texts[-1:]]


def leading(said: str) -> list[str]:
    """The words before what is meant: "all the", "both"."""
    return list(itertools.takewhile(_LEADING.__contains__, spoken.words(said)))


def inside(room: str, said: str) -> str:
    """The words with a room among them: "the 2 lights" are "the 2 kitchen lights"."""
    before = leading(said)
    return " ".join([*before, room, *spoken.words(said)[len(before) :]])


def matches(
    said: str, devices: tuple[Device, ...], able: Iterable[Device], *, every: bool
) -> list[Target]:
    """Whoever has the very name, else who of the able fits, else who fits at all."""
    asked, capable = phrase(said, every=every), {device.id: device for device in able}
    # "every lamp" is not the one that is called "Lamp".
    sort = asked.every and asked.words == {asked.noun}
    exact = [] if sort else called(said, _namesakes(said, devices))
    of_able = [target for target in exact if target.device.id in capable]
    return of_able or exact or meant(asked, capable.values()) or meant(asked, devices)


def _namesakes(said: str, devices: tuple[Device, ...]) -> list[Device]:
    """The few of the devices that `called` has to look at."""
    known = names.index(devices)
    return [devices[place] for place in sorted(known.exact.get("".join(spoken.core(said)), ()))]


def meant(asked: Phrase, devices: Iterable[Device]) -> list[Target]:
    """The devices and parts that all the words fit: by name before by part before by room and sort;
    all of these together where every one is said."""
    known = list(devices)
    found = _fitting(asked, known)
    corrected = asked if found else _corrected(asked, known)
    return found if corrected == asked else _fitting(corrected, known)


def _fitting(asked: Phrase, known: list[Device]) -> list[Target]:
    if not asked.words:
        return [Target(d, d.name) for d in known if asked.every and d.kind is Kind.HOME]
    fits = {d.id for d in names.fitting(asked.noun, known, every=True)} if asked.noun else {
        device.id for device in known
    }  # fmt: skip
    ways = (_by_name(asked, known, fits), _by_part(asked, known), _by_place(asked, known, fits))
    if not asked.every:
        return next((found for way in ways if (found := list(way))), [])
    named, parts, placed = map(list, ways)
    with_parts = {target.device.id for target in parts}
    whole = {target.device.id: target for target in (*placed, *named)}
    return parts + [target for one, target in whole.items() if one not in with_parts]


def _by_name(asked: Phrase, devices: list[Device], fits: set[str]) -> Iterator[Target]:
    for device in devices:
        called = (device.name, *device.aliases)
        if device.id in fits and any(asked.words <= _words(name) for name in called):
            yield Target(device, _own_name(asked.said, device))


def _by_part(asked: Phrase, devices: list[Device]) -> Iterator[Target]:
    for device in devices:
        around = _words(device.name).union(*map(_words, (*device.aliases, device.room or "")))
        fitting = [
            part
            for part in device.parts
            if asked.words <= _words(part) | around
            and (asked.words & _words(part)) - around
            and (not asked.noun or _ends_in(asked.noun, part))
        ]
        if asked.every:
            yield from (Target(device, part) for part in fitting)
        elif fitting:
            yield Target(device, _part_name(asked.said, device, fitting))


def _by_place(asked: Phrase, devices: list[Device], fits: set[str]) -> Iterator[Target]:
    """By room and sort: the "kitchen light" is a lamp in the kitchen that is called "Ceiling"."""
    for device in devices:
        around = _words(device.room or "").union(
            *map(_words, (device.name, *device.aliases)), {asked.noun}
        )
        if device.id in fits and device.kind is Kind.HOME and asked.words <= around:
            yield Target(device, _own_name(asked.said, device))


def _corrected(asked: Phrase, devices: list[Device]) -> Phrase:
    """With words that no device has put right, where they are slips of one that some device has."""
    called = [(d.name, *d.aliases, *d.parts, d.room or "") for d in devices]
    own = itertools.chain.from_iterable(map(_words, itertools.chain.from_iterable(called)))
    known = names.spellings([*own, *names.SPELLINGS])
    words = frozenset(names.singular(names.corrected(word, known)) for word in asked.words)
    noun = asked.noun or next((word for word in words if word in names.NOUNS), "")
    return asked._replace(words=words, noun=noun)


def _words(text: str) -> frozenset[str]:
    return frozenset(map(names.singular, spoken.words(text))) - _DULL


def _own_name(said: str, device: Device) -> str:
    """The name to send; "" where the words as said are words of the device's own name."""
    heard = frozenset(spoken.words(said)) - {"the", "my"}
    return "" if heard <= frozenset(spoken.words(device.name)) else device.name


def _ends_in(noun: str, part: str) -> bool:
    """Whether a part is one: "Porch light 2" is a light, "Light level" is not."""
    named = [word for word in spoken.words(part) if not word.isdecimal()]
    return bool(named) and names.singular(named[-1]) == noun


def _part_name(said: str, device: Device, parts: list[str]) -> str:
    asked = frozenset(spoken.words(said)) - {"the", "my"}
    heard = all(asked <= frozenset(spoken.words(f"{device.name} {part}")) for part in parts)
    return "" if heard or len(parts) > 1 else parts[0]
