"""The words of a sentence that mean devices: names, kinds and rooms. Pure."""

from collections.abc import Collection, Iterator, Mapping
from typing import Literal, NamedTuple

from orchestrator.routing import names, spoken
from orchestrator.routing.spoken import Token, Words, set_of
from schemas.base import Value
from schemas.device import Device, Kind

_Owners = Mapping[str, Mapping[Kind, str]]
_SOMEBODYS, _RELATIVE = set_of("his her their"), set_of("other second old new")
_NAMES_ONLY, _VERBS = set_of("tab tower"), set_of("light lock plug switch shade")
_ON, _PICTURES = set_of("on onto in with via using"), set_of("photo picture pic selfie image")
_COMPOUNDS = set_of(
    "app apps book call calls charger data dealer dealership news number numbers page park price "
    "series shop shows stock store wash website"
)


class Mention(Value):
    """Words that mean devices (ids); none where what is said is not there."""

    start: int
    end: int
    devices: tuple[str, ...]
    how: Literal["name", "kind", "room"]
    every: bool = False
    count: int = 0  # how many there are, as said: "both", "the two"
    own: bool = False
    kind: Kind | None = None  # of a noun
    sure: bool = True  # False for everyday words that may be no device at all
    strange: bool = False  # a word before the noun is in no device's name: "the other phone"
    number: bool = False  # where somebody is called, whose number: "on her cell"
    loose: bool = False  # no device where the function is none for the kind: "the car's lights"


class _Run(NamedTuple):
    """Words in a row that one set of devices answers to."""

    stop: int
    found: frozenset[int] | None = None
    exact: bool = False
    part: bool = False
    named: int = 0  # words out of names
    room: bool = False
    noun: str = ""
    every: bool = False
    absent: str = ""  # a make or a number that no device has


def find(
    sentence: str,
    devices: tuple[Device, ...],
    ordinary: frozenset[str] = frozenset(),
    owners: Mapping[str, Mapping[Kind, str]] = {},
) -> tuple[Mention, ...]:
    """Every mention in its place; `ordinary` are words that are no device's by themselves,
    `owners` every speaker's own devices (ids) by the user's name."""
    return tuple(_Reading(sentence, names.index(devices), ordinary, owners))


class _Reading:
    """One sentence, read from left to right."""

    def __init__(
        self, sentence: str, index: names.Index, ordinary: frozenset[str], owners: _Owners
    ) -> None:
        self._index = index
        self._ordinary = ordinary
        self._owners = {"".join(spoken.words(user)): own for user, own in owners.items()}
        self._past = 0  # the word behind the last mention
        self._words = Words(sentence, self._corrected)

    def __iter__(self) -> Iterator[Mention]:
        at = 0
        while at < len(self._words):
            run = self._run(at)
            if run.found is None:
                at += 1
                continue
            yield self._owned(run) or self._mention(at, run)
            at = self._past = run.stop

    def _corrected(self, token: Token) -> Token:
        """With the word of a device that it must be a slip of; else as it is."""
        if token.stem in spoken.STOP or token.stem in self._ordinary:
            return token
        word = names.corrected(token.stem, self._index.spellings)
        return token if word == token.stem else token._replace(word=word, stem=word)

    def _run(self, at: int) -> _Run:
        run = _Run(stop=at)
        while (run.stop == at or self._words.follows(run.stop)) and (
            longer := self._longer(run, at)
        ):
            run = longer
        return run

    def _longer(self, run: _Run, start: int) -> _Run | None:
        """The run with the next words, where some device answers to all of it."""
        at = run.stop
        for size in range(min(self._index.longest, len(self._words) - at), 0, -1):
            if not self._words.joined(at, at + size):
                continue
            if size == 1 and (nouny := self._noun(run, start)) is not None:
                return nouny
            for key in self._words.forms(at, at + size):
                if found := _both(run.found, self._index.names.get(key)):
                    named = run.named + size
                    exact = run.found is None
                    return run._replace(stop=at + size, found=found, exact=exact, named=named)
                if found := _both(run.found, self._index.rooms.get(key)):
                    return run._replace(stop=at + size, found=found, room=True)
                if found := _both(run.found, self._index.parts.get(key)):
                    return run._replace(stop=at + size, found=found, part=True)
                if run.found is None and key in names.ROOMS:
                    return run._replace(stop=at + size, found=frozenset(), room=True)
        return self._partly(run) or self._absent(run)

    def _partly(self, run: _Run) -> _Run | None:
        token = self._words[run.stop]
        word = names.singular(token.stem)
        dull = word in spoken.STOP | names.NOUNS.keys() or not any(c.isalpha() for c in word)
        if run.found is None and (
            (dull and word not in _NAMES_ONLY)
            or token.stem in self._ordinary
            or len(token.stem) < 2
        ):
            return None
        words = self._index.words
        if found := _both(run.found, words.get(token.word) or words.get(token.stem)):
            return run._replace(stop=run.stop + 1, found=found, named=run.named + 1)
        return None

    def _absent(self, run: _Run) -> _Run | None:
        """A make, product or number that no device has: "the Tesla", "on Sonos", "pixel7"."""
        word = self._words[run.stop].stem
        if run.found is not None or word in self._ordinary or self._no_noun(run.stop, word):
            return None
        letters = word.rstrip("0123456789")
        other = letters != word and names.numbered(self._at(self._index.words.get(letters, ())))
        if not other and not self._made(run.stop, word):
            return None
        return run._replace(stop=run.stop + 1, found=frozenset(), absent=word)

    def _made(self, at: int, word: str) -> bool:
        """Whether the word is a make, said as a device is said, and no part's name."""
        parts = (part for device in self._index.devices for part in device.parts)
        if any(word in spoken.words(part) for part in parts):
            return False
        before, after = self._words.before(at), self._words.after(at)
        whose = bool(before) and self._words.possessive(at - 1)
        leads = whose or before in spoken.ARTICLES | _SOMEBODYS
        if word in names.MAKES:
            return leads or before in _ON or bool(before and at == self._past)
        ends = not after or after in spoken.STOP or not after.isalpha()
        return word in names.EVERYDAY and leads and ends

    def _noun(self, run: _Run, start: int) -> _Run | None:
        at = run.stop
        word = names.singular(self._words[at].stem)
        if word not in names.NOUNS or word in _NAMES_ONLY:
            return None
        every = word != self._words[at].stem or self._words.quantity(start).every
        # A device called just "Laptop" is meant before every other laptop.
        alone = not every and (word in self._index.names or self._no_noun(at, word))
        if run.found is None and (alone or self._by(at)):
            return None
        # "My PC" is the speaker's own one, even if another has "pc" in its name.
        all_of_them = every or (names.wide(word) and self._words.quantity(start).own)
        among = self._index.devices if run.found is None else self._at(run.found)
        fits = names.fitting(word, among, every=all_of_them)
        found = frozenset(self._index.places[device.id] for device in fits)
        if run.found is not None and not found:
            return None
        return run._replace(stop=at + 1, found=found, noun=word, every=every)

    def _no_noun(self, at: int, word: str) -> bool:
        """Whether the word is a verb, or a piece of something that is no device."""
        before, after = self._words.before(at), self._words.after(at)
        leads = before in spoken.LEADING | _SOMEBODYS
        acts = not leads and (not before or before in spoken.STOP)
        if word in _VERBS and acts:
            return True
        if word == "phone" and acts and (self._words.blank_after(at) or after in spoken.ARTICLES):
            return True
        pictured = at - (before in spoken.ARTICLES)
        of = self._words.before(pictured) == "of" and self._words.before(pictured - 1) in _PICTURES
        bare = word in ("auto", "radio") and before not in spoken.ARTICLES | spoken.QUANTIFIERS
        return of or self._by(at) or after in _COMPOUNDS or bare

    def _by(self, at: int) -> bool:
        return "by" in (self._words.before(at), self._words.before(at - 1))

    def _mention(self, at: int, run: _Run) -> Mention:
        start, strange, somebodys = self._strange(at, run)
        every, count, own = self._words.quantity(start)
        every = every or run.every
        another = self._another(run)
        known = [] if somebodys or another else self._at(run.found or ())
        if strange and self._words.word(at - 1) not in _RELATIVE:
            known = [d for d in known if names.may_be(d, run.noun)]
        return Mention(
            start=self._words[start].start,
            end=self._words[run.stop - (not another)].end,
            devices=tuple(device.id for device in known),
            how=_how(run),
            every=every,
            count=count if every else 0,
            own=own,
            kind=names.KINDS.get(run.noun or run.absent),
            sure=another or self._sure(at, run, strange),
            strange=strange,
            number=somebodys and self._whose_number(start),
            loose=(run.noun in names.SHARED and _how(run) == "kind")
            or run.absent in names.EVERYDAY,
        )

    def _owned(self, run: _Run) -> Mention | None:
        """A speaker's own of the noun's kind ("Bob's car"), unless one is called just that."""
        last, kind = run.stop - 1, names.NOUNS.get(run.noun)
        for start in range(last - names.MAX_WORDS, last):
            if kind is None or not self._words.joined(start, last + 1):
                continue
            called = {f"{said}{run.noun}" for said in self._words.forms(start, last)}
            own = next(filter(None, map(self._owners.get, self._words.owners(start, last))), {})
            if kind in own and called.isdisjoint(self._index.names):
                mine = [device for device in self._index.devices if device.id == own[kind]]
                fits = names.fitting(run.noun, mine, every=False)
                return Mention(
                    start=self._words[start].start, end=self._words[last].end, how="kind",
                    devices=tuple(device.id for device in fits), kind=kind, strange=True,
                    number=self._whose_number(start),
                )  # fmt: skip
        return None

    def _whose_number(self, start: int) -> bool:
        """Whether "Bob's phone" is what is called, as in "her cell", not what calls."""
        before, theirs = self._words.before(start), self._words.word(start) in _SOMEBODYS
        return before not in spoken.LEADING or (theirs and before in ("on", "to", "at"))

    def _strange(self, at: int, run: _Run) -> tuple[int, bool, bool]:
        """Where a bare noun's phrase begins, with a word before it that no device has in its name
        ("the other phone"), and whether that is somebody ("Dad's phone", "Dad's old phone")."""
        word = self._words.before(at) if at != self._past else ""
        bare = (run.noun or run.absent) and not (run.named or run.room or run.part)
        if not bare or not word:
            return at, False, False
        if word in _SOMEBODYS:
            return at - 1, True, True
        if word in spoken.STOP or word in spoken.COUNTS:
            return at, False, False
        if self._words.possessive(at - 2) and self._words.follows(at - 1):
            return at - 2, True, True
        leads = self._words.before(at - 1) in spoken.LEADING
        somebodys = self._words.possessive(at - 1) or (leads and len(word) > 3 and word[-1] == "s")
        strange = somebodys or (leads and word not in self._ordinary and word.isalpha())
        return (at - 1, True, somebodys) if strange else (at, False, False)

    def _another(self, run: _Run) -> bool:
        """Whether a number follows that the devices have otherwise: "Pixel 9", "Galaxy S24"."""
        after = self._words.after(run.stop - 1)
        if run.exact or not run.named or after.isalpha():
            return False
        return after[:1].isalpha() or (
            after[:1].isdecimal() and names.numbered(self._at(run.found or ()))
        )

    def _at(self, places: Collection[int]) -> list[Device]:
        return [self._index.devices[place] for place in sorted(places)]

    def _sure(self, at: int, run: _Run, strange: bool) -> bool:
        before = self._words.before(at)
        if run.noun and not (run.named or run.room or run.part):
            # "Third eye blind" is a band.
            return strange or not before or before in spoken.STOP | _SOMEBODYS
        if run.noun or run.room or run.absent:
            return True
        words = [self._words.word(place) for place in range(at, run.stop)]
        if all(word in self._ordinary or word in spoken.STOP for word in words):
            return False
        if run.exact or run.named > 1:
            return True
        if all(device.kind is Kind.HOME for device in self._at(run.found or ())):
            return False  # "the studio" of a "Studio fan" is a room
        after = self._words.after(run.stop - 1)
        leads = before in spoken.LEADING | _SOMEBODYS
        return bool(run.named) and leads and (not after or after in spoken.STOP)


def _both(found: frozenset[int] | None, more: set[int] | None) -> frozenset[int]:
    return frozenset(more or ()) if found is None else found.intersection(more or ())


def _how(run: _Run) -> Literal["name", "kind", "room"]:
    if run.named or run.part or run.absent:
        return "name"
    return "kind" if run.noun else "room"
