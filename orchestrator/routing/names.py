"""What devices are called, and whom such words fit, even misspelt: names, rooms, sorts. Pure."""

from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from orchestrator.routing import spoken
from orchestrator.routing.spoken import set_of
from schemas.device import Device, Kind

MAX_WORDS = 6
"""Words of a name that are compared as a whole; of a longer one only single words are."""
ROOMS = frozenset(
    {
        *("attic", "balcony", "basement", "bathroom", "bedroom", "cellar", "diningroom"),
        *("downstairs", "garden", "guestroom", "hall", "hallway", "kitchen", "laundryroom"),
        *("livingroom", "loft", "nursery", "patio", "porch", "upstairs"),
    }
)
"""Rooms of any home: where no device is known to be in one, none is meant."""
SPELLED, LONG = 5, 9
"""From so many letters on, a word may have one slip, or two."""
_REAL = set_of(
    """
    belly bland blink blond certain eight fight flight frost garbage giving header heading hearing
    heather heaving jelly kelly leading lightning living loving lower might nelly night phoned
    phony pocket power ratio right rocket seating shake shame shape share shave sight slight
    stitch stuck sutter table theater tight towel track trick trunk
    """
)
"""Words that are one letter from a noun for a device, and right as they are."""


class Group(NamedTuple):
    """Words for one sort of device. A device whose name says no sort is meant too: always, if none
    says it (`rest`), or never; and then only where it serves one function and lacks another."""

    kind: Kind
    words: frozenset[str]
    rest: Literal["always", "if none", "never"] = "always"
    wide: bool = False  # every device of the kind, whatever its name says
    serves: str = ""
    lacks: str = ""


_GROUPS = (
    Group(Kind.PHONE, set_of("phone mobile cell cellphone smartphone handset android iphone")),
    Group(Kind.PHONE, set_of("tablet tab ipad"), rest="never"),
    Group(Kind.PC, set_of("computer pc"), wide=True),
    Group(Kind.PC, set_of("laptop notebook macbook chromebook"), rest="if none"),
    Group(Kind.PC, set_of("desktop workstation tower"), rest="if none"),
    Group(Kind.CAR, set_of("car vehicle auto automobile truck van suv ev pickup"), wide=True),
    Group(Kind.HOME, set_of("light lamp bulb lighting chandelier"), serves="set_light"),
    Group(Kind.HOME, set_of("fan ventilator"), rest="never"),
    Group(Kind.HOME, set_of("socket plug outlet switch"), serves="turn_on", lacks="set_light"),
    Group(Kind.HOME, set_of("blind curtain shutter shade awning"), serves="set_cover"),
    Group(Kind.HOME, set_of("garage gate door"), rest="never"),
    Group(Kind.HOME, set_of("door gate lock"), serves="open_or_lock_door"),
    Group(Kind.HOME, set_of("thermostat heating heater radiator"), serves="set_nest_temperature"),
    Group(Kind.HOME, set_of("tv television telly"), serves="media_control"),
    Group(Kind.HOME, set_of("speaker soundbar stereo"), serves="media_control"),
    Group(Kind.HOME, set_of("radio"), serves="media_control"),
    Group(Kind.HOME, set_of("detector"), serves="check_nest_smoke_detector_status"),
)
NOUNS = {word: group.kind for group in _GROUPS for word in group.words}
"""Every such word, and the kind of device it is for."""
_GENERIC = NOUNS.keys() & set_of(
    "phone mobile cell cellphone smartphone handset android car vehicle"
)
"""Words so common that having one in its name makes no device more meant than another."""
ITSELF = set_of("iphone ipad macbook chromebook chandelier awning garage gate")
"""Nouns for nothing but what is called so: a lamp is no chandelier."""
SHARED = set_of(
    "light lamp bulb lighting door lock fan heating heater radio speaker stereo plug switch"
)
"""Nouns of the home for what other devices have as well: "the lights of the car"."""
_MAKES = {
    Kind.PHONE: """
        samsung nokia motorola huawei xiaomi oneplus blackberry oppo realme fairphone redmi kindle
        fitbit garmin
        """,
    Kind.PC: "thinkpad imac dell lenovo asus acer alienware zenbook ideapad toshiba",
    Kind.CAR: """
        tesla cybertruck volvo bmw audi mercedes porsche volkswagen vw skoda toyota honda hyundai
        kia nissan mazda subaru renault peugeot citroen fiat ferrari lamborghini maserati bentley
        chevrolet chevy buick cadillac chrysler jeep lexus acura mitsubishi suzuki dacia cupra byd
        polestar rivian opel vauxhall prius corolla camry passat tiguan octavia ioniq qashqai corsa
        """,
    Kind.HOME: """
        playstation ps4 ps5 xbox nintendo wii sonos homepod alexa bose chromecast roku bravia
        roomba dyson
        """,
}
_EVERYDAY = {
    Kind.PHONE: "pixel galaxy",
    Kind.PC: "mac surface razer",
    Kind.CAR: """
        ford golf polo mini smart leaf bolt zoe kona fiesta focus civic accord mustang jaguar beetle
        """,
    Kind.HOME: "echo",
}
MAKES = {word: kind for kind, text in _MAKES.items() for word in text.split()}
"""Makes and products, and the kind of device that they are."""
EVERYDAY = {word: kind for kind, text in _EVERYDAY.items() for word in text.split()}
"""The same that mean something else as well."""
KINDS = NOUNS | MAKES | EVERYDAY
_WIDE = frozenset(word for group in _GROUPS if group.wide for word in group.words)
_PLURALS = {f"{word}{'es' if word.endswith('ch') else 's'}": word for word in NOUNS}
SPELLINGS = NOUNS.keys() | {plural for plural, word in _PLURALS.items() if len(word) > 4}
"""The nouns that a misspelt word may be."""


def singular(word: str) -> str:
    """The noun a word is the plural of; any other word as it is."""
    return _PLURALS.get(word, word)


@lru_cache(maxsize=16_384)
def head(name: str, kind: Kind) -> str:
    """The last word of a name that is a noun of its kind of device; "" where it has none."""
    said = (singular(word) for word in reversed(spoken.words(name)))
    return next((word for word in said if any(word in g.words for g in _of(kind))), "")


def heads(device: Device) -> frozenset[str]:
    """The nouns a device's name and aliases end in."""
    return frozenset(head(name, device.kind) for name in (device.name, *device.aliases)) - {""}


def _named(device: Device) -> frozenset[str]:
    called = (device.name, *device.aliases)
    return frozenset(singular(word) for name in called for word in spoken.words(name))


def may_be(device: Device, noun: str) -> bool:
    """Whether a noun behind a word that no name has may be it: a red car is no "Blue car"."""
    called = [spoken.core(name) for name in (device.name, *device.aliases)]
    return not any(len(name) > 1 and singular(name[-1]) == noun for name in called)


def numbered(devices: Sequence[Device]) -> bool:
    """Whether there are any, and all have a number in their names."""
    return bool(devices) and all(any(c.isdecimal() for c in device.name) for device in devices)


def fitting(noun: str, devices: Iterable[Device], *, every: bool) -> list[Device]:
    """The devices a noun fits; where not every one is said, those that the very word is in."""
    known = list(devices)
    groups = [group for group in _GROUPS if noun in group.words]
    found = {device.id: device for group in groups for device in _of_group(group, known)}
    if noun in ITSELF:
        return [device for device in found.values() if noun in _named(device)]
    very = [device for device in found.values() if noun in heads(device)]
    return list(found.values()) if every or noun in _GENERIC or not very else very


def wide(noun: str) -> bool:
    """Whether the noun is for every device of its kind."""
    return noun in _WIDE


def _of(kind: Kind) -> list[Group]:
    return [group for group in _GROUPS if group.kind is kind]


def _of_group(group: Group, devices: list[Device]) -> list[Device]:
    here = [(device, heads(device)) for device in devices if device.kind is group.kind]
    said = [device for device, called in here if called & group.words]
    if group.rest == "never" or (group.rest == "if none" and said):
        return said
    found = [
        device
        for device, called in here
        if called & group.words or group.wide or (not called - _WIDE and _serves(device, group))
    ]
    # Somebody who owns a tablet alone may well call it the phone.
    return found or [device for device, _ in here if "phone" in group.words]


def _serves(device: Device, group: Group) -> bool:
    able = not group.serves or group.serves in device.functions
    return able and not (group.lacks and group.lacks in device.functions)


class Index(NamedTuple):
    """Places in `devices` by joined name, joined part, distinctive word and joined room."""

    devices: tuple[Device, ...]
    names: dict[str, set[int]]
    parts: dict[str, set[int]]
    words: dict[str, set[int]]
    rooms: dict[str, set[int]]
    exact: dict[str, set[int]]  # whole names and parts' names, of any length
    places: dict[str, int]  # by id
    spellings: frozenset[str]
    longest: int


class Called(NamedTuple):
    """What a device may be called."""

    name: str
    aliases: tuple[str, ...]
    parts: tuple[str, ...]
    room: str | None


_lately: deque[Index] = deque(maxlen=4)


def index(devices: tuple[Device, ...]) -> Index:
    """Every device under what it may be called. The same tuple is not read again: between two
    sentences, a thousand devices are mostly the very same."""
    known = next((made for made in _lately if made.devices is devices), None)
    if known is None:
        called = tuple(Called(d.name, d.aliases, d.parts, d.room) for d in devices)
        places = {device.id: place for place, device in enumerate(devices)}
        known = _index(called)._replace(devices=devices, places=places)
        _lately.append(known)
    return known


@lru_cache(maxsize=16)
def _index(devices: tuple[Called, ...]) -> Index:
    """For a thousand devices it takes ten milliseconds, and names seldom change."""
    made = Index((), {}, {}, {}, {}, {}, {}, frozenset(), longest=1)
    longest = 2
    for place, device in enumerate(devices):
        for name in (device.name, *device.aliases):
            said = spoken.core(name)
            made.exact.setdefault("".join(said), set()).add(place)
            for word in said:
                made.words.setdefault(word, set()).add(place)
            longest = max(longest, _enter(made.names, said, place))
            for room in ROOMS & {*said[:1], "".join(said[:2])}:
                made.rooms.setdefault(room, set()).add(place)
        for part in device.parts:
            longest = max(longest, _enter(made.parts, spoken.core(part), place))
            for joined in part_names(device.name, part):
                made.exact.setdefault(joined, set()).add(place)
        longest = max(longest, _enter(made.rooms, spoken.core(device.room or ""), place))
    _widen(made, devices)
    rooms = (word for device in devices for word in spoken.words(device.room or ""))
    known = spellings([*made.words, *SPELLINGS, *ROOMS, *rooms])
    return made._replace(spellings=known, longest=longest)


def spellings(known: Iterable[str]) -> frozenset[str]:
    """The words that a misspelt one may be: none with a digit, which tells devices apart."""
    return frozenset(word for word in known if len(word) >= SPELLED and word.isalpha())


def corrected(word: str, known: frozenset[str]) -> str:
    """The only nearest of the known words that it may be a slip of; else the word as it is."""
    if len(word) < SPELLED or not word.isalpha() or word in known:
        return word
    if word.removesuffix("s") in _REAL or word in MAKES:
        return word
    slips = 1 + (len(word) >= LONG)
    near = process.extract(word, known, scorer=OSA.distance, score_cutoff=slips, limit=None)
    best = min((slip for _, slip, _ in near), default=0)
    found = {singular(one): one for one, slip, _ in near if slip == best}
    if len(found) != 1:
        return word
    (meant,) = found.values()
    return meant if best < 2 or len(meant) >= LONG else word


def part_names(device: str, part: str) -> frozenset[str]:
    """What a device's part is called as a whole, joined: with the device's name and without."""
    own, whole = "".join(spoken.core(part)), "".join(spoken.core(f"{device} {part}"))
    return frozenset({own, whole} - {""})


def _widen(made: Index, devices: tuple[Called, ...]) -> None:
    """Let a room mean what is called after it too, and "upstairs" every room upstairs."""
    whole = frozenset(made.rooms)
    for place, device in enumerate(devices):
        said = spoken.core(device.room or "")
        for word in said if len(said) > 1 else ():
            if word not in whole | spoken.STOP | {"room"}:
                made.rooms.setdefault(word, set()).add(place)
    for room, places in made.rooms.items():
        places |= made.words.get(room, set())


def _enter(places: dict[str, set[int]], said: tuple[str, ...], place: int) -> int:
    """Joined, since people write "office pc", "office-pc" and "officepc"; the number of words."""
    if not said or len(said) > MAX_WORDS:
        return 1
    places.setdefault("".join(said), set()).add(place)
    return len(said)
