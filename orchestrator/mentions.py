"""The words of a sentence that mean devices: names, kinds and rooms. Pure."""

import itertools
from collections.abc import Collection, Iterator, Mapping
from typing import Literal, NamedTuple

from orchestrator import names, nouns
from orchestrator.nouns import Token
from schemas.base import Value
from schemas.device import Device, Kind

Owners = Mapping[str, Mapping[Kind, str]]
"""Every speaker's own devices (ids), by the user's name."""
BLANK = "\0"
"""What stands where the sentence's own texts were: no phrase reaches across it."""
_ENDS = frozenset(",;:.!?\n")
_SOMEBODYS = frozenset({"his", "her", "their"})
_NAMES_ONLY = frozenset({"tab", "tower"})
_VERBS = frozenset({"light", "lock", "plug", "switch", "shade"})
_COMPOUNDS = frozenset(
    """
    app apps book call calls charger data dealer news number numbers page park price series shop
    shows stock store wash website
    """.split()
)
_ON = frozenset({"on", "onto", "in", "with", "via", "using"})
_PICTURES = frozenset({"photo", "picture", "pic", "selfie", "image"})
_RELATIVE = frozenset({"other", "second", "old", "new"})


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
    loose: bool = False  # something else where the function is none for the kind: "the car's lights"


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
    owners: Owners = {},
) -> tuple[Mention, ...]:
    """Every mention in its place; `ordinary` are words that are no device's by themselves."""
    return tuple(_Reading(sentence, names.index(devices), ordinary, owners))


class _Reading:
    """One sentence, read from left to right."""

    def __init__(
        self, sentence: str, index: names.Index, ordinary: frozenset[str], owners: Owners
    ) -> None:
        self._index = index
        self._ordinary = ordinary
        self._owners = {"".join(spoken.words(user)): own for user, own in owners.items()}
        self._places = {device.id: place for place, device in enumerate(index.devices)}
        self._fits: dict[tuple[str, bool], list[Device]] = {}
        self._past = 0  # the word behind the last mention
        plain = spoken.tokens(sentence)
        gaps = [sentence[a.end : b.start] for a, b in itertools.pairwise(plain)]
        self._joined = [False, *map(_joins, gaps)] if plain else []
        self._blank = [*(BLANK in gap for gap in gaps), BLANK in sentence[plain[-1].end :]] \
            if plain else []  # fmt: skip
        self._tokens = [self._corrected(token) for token in plain]

    def __iter__(self) -> Iterator[Mention]:
        at = 0
        while at < len(self._tokens):
            run = self._run(at)
            if run.found is None:
                at += 1
                continue
            if (mention := self._mention(at, run)) is not None:
                yield mention
            at = self._past = run.stop

    def _corrected(self, token: Token) -> Token:
        """With the word of a device that it must be a slip of; else as it is."""
        if token.stem in spoken.STOP or token.stem in self._ordinary:
            return token
        word = names.corrected(token.stem, self._index.spellings)
        return token if word == token.stem else token._replace(word=word, stem=word)

    def _word(self, at: int) -> str:
        return self._tokens[at].word if 0 <= at < len(self._tokens) else ""

    def _beside(self, at: int) -> str:
        """The word before the one at `at`, where nothing stands between them."""
        return self._word(at - 1) if 0 < at < len(self._tokens) and self._joined[at] else ""

    def _run(self, at: int) -> _Run:
        run = _Run(stop=at)
        while run.stop < len(self._tokens) and (run.stop == at or self._joined[run.stop]):
            longer = self._longer(run, at)
            if longer is None:
                break
            run = longer
        return run

    def _longer(self, run: _Run, start: int) -> _Run | None:
        """The run with the next words, where some device answers to all of it."""
        at = run.stop
        for size in range(min(self._index.longest, len(self._tokens) - at), 0, -1):
            if not all(self._joined[at + 1 : at + size]):
                continue
            if size == 1 and (nouny := self._noun(run, start)) is not None:
                return nouny
            for key in self._keys(at, size):
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

    def _keys(self, at: int, size: int) -> set[str]:
        """The words joined, with the last one's possessive ending and without."""
        before = "".join(token.word for token in self._tokens[at : at + size - 1])
        last = self._tokens[at + size - 1]
        return {before + last.word, before + last.stem}

    def _partly(self, run: _Run) -> _Run | None:
        token = self._tokens[run.stop]
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
        word = self._tokens[run.stop].stem
        if run.found is not None or word in self._ordinary or self._no_noun(run.stop, word):
            return None
        letters = word.rstrip("0123456789")
        other = letters != word and self._numbered(self._index.words.get(letters, ()))
        if not other and not self._made(run.stop, word):
            return None
        return run._replace(stop=run.stop + 1, found=frozenset(), absent=word)

    def _made(self, at: int, word: str) -> bool:
        """Whether the word is a make, said as a device is said, and no part's name."""
        parts = (part for device in self._index.devices for part in device.parts)
        if any(word in spoken.words(part) for part in parts):
            return False
        before, after = self._beside(at), self._word(at + 1)
        owned = bool(before) and self._tokens[at - 1].stem != before
        leads = owned or before in spoken.ARTICLES | _SOMEBODYS
        if word in names.MAKES:
            return leads or before in _ON or bool(before and at == self._past)
        ends = at + 1 == len(self._tokens) or not self._joined[at + 1]
        return word in names.EVERYDAY and leads and (ends or after in spoken.STOP)

    def _noun(self, run: _Run, start: int) -> _Run | None:
        at = run.stop
        word = names.singular(self._tokens[at].stem)
        if word not in names.NOUNS or word in _NAMES_ONLY:
            return None
        every = word != self._tokens[at].stem or self._quantity(start).every
        # A device called just "Laptop" is meant before every other laptop.
        alone = run.found is None and not every
        if alone and (word in self._index.names or self._no_noun(at, word)):
            return None
        # "My PC" is the speaker's own one, even if another has "pc" in its name.
        all_of_them = every or (names.wide(word) and self._quantity(start).own)
        found = frozenset(self._places[d.id] for d in self._fitting(word, run, all_of_them))
        if run.found is not None and not found:
            return None
        return run._replace(stop=at + 1, found=found, noun=word, every=every)

    def _fitting(self, word: str, run: _Run, every: bool) -> list[Device]:
        """The devices of a run that a noun fits; of all devices they are found once a sentence."""
        devices = self._index.devices
        if run.found is not None:
            return names.fitting(word, [devices[place] for place in run.found], every=every)
        if (word, every) not in self._fits:
            self._fits[word, every] = names.fitting(word, devices, every=every)
        return self._fits[word, every]

    def _no_noun(self, at: int, word: str) -> bool:
        """Whether the word is a verb, or a piece of something that is no device."""
        before, after = self._beside(at), self._word(at + 1)
        leads = before in spoken.ARTICLES | spoken.QUANTIFIERS | spoken.PREPOSITIONS | _SOMEBODYS
        acts = not leads and (not before or before in spoken.STOP)
        if word in _VERBS and acts:
            return True
        if word == "phone" and acts and (self._blank[at] or after in spoken.ARTICLES):
            return True
        pictured = at - (before in spoken.ARTICLES)
        of = self._beside(pictured) == "of" and self._beside(pictured - 1) in _PICTURES
        bare = word == "auto" and before not in spoken.ARTICLES | spoken.QUANTIFIERS
        return of or before == "by" or after in _COMPOUNDS or bare

    def _quantity(self, start: int) -> spoken.Quantity:
        first = start
        while self._beside(first):
            first -= 1
        return spoken.quantity([token.word for token in self._tokens[first:start]])

    def _mention(self, at: int, run: _Run) -> Mention | None:
        if (owned := self._owned(run)) is not None:
            return owned
        start, strange, somebodys = self._strange(at, run)
        theirs = self._word(start) in _SOMEBODYS
        if somebodys and theirs and self._beside(start) in ("on", "to", "at"):
            return None  # "call him on his mobile" says whose number it is
        every, count, own = self._quantity(start)
        every = every or run.every
        another = self._another(run)
        found = frozenset[int]() if somebodys or another else run.found or frozenset()
        known = [self._index.devices[place] for place in sorted(found)]
        if strange and self._word(at - 1) not in _RELATIVE:
            known = [d for d in known if _may_be(d, run.noun)]
        return Mention(
            start=self._tokens[start].start,
            end=self._tokens[run.stop - (not another)].end,
            devices=tuple(device.id for device in known),
            how=_how(run),
            every=every,
            count=count if every else 0,
            own=own,
            kind=_kind(run),
            sure=another or self._sure(at, run),
            strange=strange,
            loose=_how(run) != "name" and run.noun in names.SHARED or run.absent in names.EVERYDAY,
        )

    def _owned(self, run: _Run) -> Mention | None:
        """A speaker's own device of the noun's kind, "Bob's car", unless one is called just that."""
        last, kind = run.stop - 1, names.NOUNS.get(run.noun)
        for start in range(last - 1, max(-1, last - names.MAX_WORDS), -1):
            if kind is None or not self._joined[start + 1]:
                return None
            own = self._owners.get(self._possessor(start, last), {})
            called = self._keys(start, last - start) 
            if kind in own and not any(key + run.noun in self._index.names for key in called):
                fits = names.fitting(run.noun, self._of(own[kind]), every=False)
                return Mention(
                    start=self._tokens[start].start, end=self._tokens[last].end,
                    devices=tuple(device.id for device in fits), how="kind", kind=kind, strange=True,
                )  # fmt: skip
        return None

    def _possessor(self, start: int, end: int) -> str:
        """Who is said to own what follows the words, joined: "Bob's", "bobs", "James'"."""
        before = "".join(token.word for token in self._tokens[start : end - 1])
        last = self._tokens[end - 1]
        forms = [last.stem] if last.stem != last.word else [last.word[:-1], last.word]
        said = [before + form for form in forms if last.word.endswith("s")]
        return next((one for one in said if one in self._owners), "")

    def _of(self, identity: str) -> list[Device]:
        place = self._places.get(identity)
        return [] if place is None else [self._index.devices[place]]

    def _strange(self, at: int, run: _Run) -> tuple[int, bool, bool]:
        """Where a bare noun's phrase begins, with a word before it that no device has in its name
        ("the other phone"), and whether that is somebody ("Dad's phone", "Dad's old phone")."""
        word = self._beside(at) if at != self._past else ""
        bare = (run.noun or run.absent) and not (run.named or run.room or run.part)
        if not bare or not word:
            return at, False, False
        if word in _SOMEBODYS:
            return at - 1, True, True
        if word in spoken.STOP or word in spoken.COUNTS:
            return at, False, False
        if self._possessive(at - 2) and self._joined[at - 1]:
            return at - 2, True, True
        leads = self._beside(at - 1) in spoken.ARTICLES | spoken.PREPOSITIONS | spoken.QUANTIFIERS
        somebodys = self._possessive(at - 1) or (leads and len(word) > 3 and word[-1] == "s")
        strange = somebodys or (leads and word not in self._ordinary and word.isalpha())
        return (at - 1, True, somebodys) if strange else (at, False, False)

    def _possessive(self, at: int) -> bool:
        token = self._tokens[at] if at >= 0 else None
        return token is not None and token.stem != token.word and token.stem not in spoken.STOP

    def _another(self, run: _Run) -> bool:
        """Whether a number follows that the devices have otherwise: Pixel 9, not Pixel 8."""
        after = self._word(run.stop)
        joined = run.stop < len(self._tokens) and self._joined[run.stop]
        if run.exact or not run.named or not joined or not after[:1].isdecimal():
            return False
        return self._numbered(run.found or ())

    def _numbered(self, places: Collection[int]) -> bool:
        """Whether there are such devices, and all have a number in their names."""
        called = [self._index.devices[place].name for place in places]
        return bool(called) and all(any(c.isdecimal() for c in name) for name in called)

    def _sure(self, at: int, run: _Run) -> bool:
        if run.noun or run.room or run.absent:
            return True
        words = [token.word for token in self._tokens[at : run.stop]]
        if all(word in self._ordinary or word in spoken.STOP for word in words):
            return False
        if run.exact or run.named > 1:
            return True
        if all(self._index.devices[place].kind is Kind.HOME for place in run.found or ()):
            return False  # "the studio" of a "Studio fan" is a room
        leads = self._beside(at) in spoken.ARTICLES | spoken.PREPOSITIONS | spoken.QUANTIFIERS
        ends = run.stop == len(self._tokens) or not self._joined[run.stop]
        return bool(run.named) and leads and (ends or self._word(run.stop) in spoken.STOP)


def _joins(gap: str) -> bool:
    """Whether words with this between them may be one phrase."""
    stops = any(c in _ENDS and gap[i + 1 : i + 2].isspace() for i, c in enumerate(gap))
    return BLANK not in gap and "\n" not in gap and not stops


def _both(found: frozenset[int] | None, more: set[int] | None) -> frozenset[int]:
    if not more:
        return frozenset()
    return frozenset(more) if found is None else found & more


def _kind(run: _Run) -> Kind | None:
    known = names.NOUNS | names.MAKES | names.EVERYDAY
    return known.get(run.noun or run.absent)


def _how(run: _Run) -> Literal["name", "kind", "room"]:
    if run.named or run.part or run.absent:
        return "name"
    return "kind" if run.noun else "room"


def _may_be(device: Device, noun: str) -> bool:
    """Whether a noun behind a word that no name has may be it: a red car is no "Blue car"."""
    called = [spoken.core(name) for name in (device.name, *device.aliases)]
    return not any(len(name) > 1 and names.singular(name[-1]) == noun for name in called)
