"""Who is meant by a name: the speaker's relations, the household's contacts, a phone's own."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from pydantic import Field, TypeAdapter, field_validator

from orchestrator.nearest import hint
from orchestrator.spelling import LONGEST, alike, fold, shown
from schemas.base import Value
from schemas.device import Kind

LOCAL = "local"
"""The speaker at this machine's own command line, as the broker's logins call it too."""

NAMED, MANY = 5, 50
"""How many people a question names, and from how many on their numbers stay as written: reading a
number takes long, and among so many none is called."""

_LABELS = {
    word: label
    for label, words in {
        "mobile": "mobile cell cellphone cellular handy",
        "work": "work office business",
        "home": "home house landline private",
        "other": "other main",
    }.items()
    for word in words.split()
}
_KIN = tuple(
    frozenset(group.split("/"))
    for group in (
        "mom/mum/mother/mama/mommy/mummy", "dad/father/daddy/papa", "parents", "wife",
        "husband/hubby", "partner/spouse", "girlfriend", "boyfriend", "fiance/fiancee", "ex",
        "son", "daughter", "kid/child", "kids/children", "brother/bro", "sister/sis", "brothers",
        "grandma/grandmother/granny/gran/nana", "grandpa/grandfather/granddad/grandad",
        "sisters", "grandparents", "aunt/auntie/aunty", "uncle", "cousin", "niece", "nephew",
        "stepmother/stepmom/stepmum", "stepfather/stepdad", "boss/manager/supervisor",
        "colleague/coworker", "neighbor/neighbour", "roommate/flatmate", "friend",
    )
)  # fmt: skip
_RELATIVE = frozenset[str]().union(*_KIN)
_WHOSE = r"(?:(?:his|her|their|my|the)\s+)?"
_SAID = re.compile(
    r"(?:(?:my|our|the)\s+)?(?P<name>.+?)(?:['’]s?)?(?:\s+(?:phone|number))*"
    rf"(?:(?:\s+(?:on|at|in)\s+{_WHOSE})?\s*(?<=\s)(?P<label>{'|'.join(_LABELS)})"
    r"(?:\s+(?:phone|number|line))*)?",
    re.IGNORECASE | re.DOTALL,
)


class Speaker(Value):
    """What a user means by "my phone" and by "mom"; devices by name or id, people by name."""

    devices: dict[Kind, str] = {}
    relations: dict[str, str] = {}


class Contact(Value):
    """Somebody who can be reached; numbers with their labels, as they were written."""

    name: str = Field(min_length=1)
    aliases: tuple[str, ...] = ()
    numbers: tuple[tuple[str, str], ...] = Field((), json_schema_extra={"default": {}})
    email: str = ""

    @field_validator("numbers", mode="before", json_schema_input_type=dict[str, str])
    @classmethod
    def _listed(cls, numbers: object) -> object:
        """`{ mobile = "…" }` as it stands in the file."""
        return tuple(numbers.items()) if isinstance(numbers, dict) else numbers


class People(Value):
    """`people.toml`: who speaks to the hub, and whom they may mean."""

    users: dict[str, Speaker] = {}
    contacts: tuple[Contact, ...] = ()


class Match(Value):
    """Somebody who may be meant, with one number ("" if there is none); `score` is the likeness of
    the names, 0 to 100. Only a single match that is `sure` needs no question."""

    name: str
    label: str
    number: str
    email: str
    score: float
    sure: bool

    @property
    def callee(self) -> str:
        """`NAME <NUMBER>`, which a phone takes where a name or a number goes."""
        return f"{shown(self.name)} <{self.number}>"


class _Claim(NamedTuple):
    """A contact that may be meant."""

    contact: Contact
    score: float
    sure: bool


def find(
    said: str, user: str, people: People, contacts: Sequence[Contact] = (), region: str = "US"
) -> tuple[Match, ...]:
    """Everybody with an equal claim to the name, best first; `contacts` are a phone's. A relation
    is looked up as the speaker's, or as a contact literally called so, and never by likeness."""
    everybody = (*people.contacts, *contacts)
    name, label = _parts(said)
    found: list[_Claim] = []
    if target := _relation(name, people.users.get(user, Speaker())):
        found = _called(fold(target), everybody) or _partly(fold(target), everybody)
    if not found and (found := _called(fold(said), everybody)):
        label = ""  # somebody is called "Mom Work"
    found = found or _called(name, everybody)
    if not found and _RELATIVE.isdisjoint(name.split()):
        found = _partly(name, everybody) or _near(name, everybody)
    matches: dict[tuple[str, str], Match] = {}
    for claim in found:
        for match in _numbered(claim, label, region if len(found) <= MANY else None):
            matches.setdefault((fold(match.name), match.number), match)
    right = [match for match in matches.values() if label and match.label == label]
    return tuple(sorted(right or matches.values(), key=lambda match: -match.score))


def _parts(said: str) -> tuple[str, str]:
    """The folded name and the label of "my mom's work number", each "" if there is none."""
    found = _SAID.fullmatch(said[:LONGEST].strip())
    if found is None:
        return "", ""
    return fold(found["name"]), _LABELS.get((found["label"] or "").casefold(), "")


def _relation(name: str, speaker: Speaker) -> str | None:
    """Whom the speaker means by a relation: "mum" is "mom" too."""
    known = {fold(word): target for word, target in speaker.relations.items() if fold(word)}
    same = next((kin for kin in _KIN if name in kin), frozenset({name}))
    return known.get(name) or next((known[word] for word in sorted(same) if word in known), None)


def _names(contact: Contact) -> list[str]:
    return [name for name in map(fold, (contact.name, *contact.aliases)) if name]


def _called(name: str, contacts: Iterable[Contact]) -> list[_Claim]:
    """Those of exactly this name or alias."""
    return [_Claim(contact, 100, True) for contact in contacts if name and name in _names(contact)]


def _partly(name: str, contacts: Iterable[Contact]) -> list[_Claim]:
    """Those whose first or last names it is."""

    def part(whole: str) -> bool:
        return f"{whole} ".startswith(f"{name} ") or f" {whole}".endswith(f" {name}")

    return [_Claim(c, 95, True) for c in contacts if name and any(map(part, _names(c)))]


def _near(name: str, contacts: Sequence[Contact]) -> list[_Claim]:
    """Those with a whole, first or last name like it."""
    words = len(name.split())
    forms = [
        (form, number)
        for number, contact in enumerate(contacts)
        for parts in map(str.split, _names(contact))
        for form in {" ".join(parts), " ".join(parts[:words]), " ".join(parts[-words:])}
    ]
    best: dict[int, float] = {}
    for at, score in alike(name, [form for form, _ in forms]):
        best[forms[at][1]] = max(score, best.get(forms[at][1], 0))
    return [_Claim(contacts[number], score, False) for number, score in best.items()]


def _numbered(claim: _Claim, label: str, region: str | None) -> list[Match]:
    """One match for each number that may be meant: of the label, the only mobile, else all."""
    contact, score, sure = claim
    numbers: dict[str, str] = {}
    for kind, number in contact.numbers:
        numbers.setdefault(_written(number, region), _LABELS.get(kind.casefold(), kind))
    wanted = [number for number, kind in numbers.items() if kind == (label or "mobile")]
    if label and not wanted:
        sure = False
    if not wanted or (not label and len(wanted) > 1):
        wanted = list(numbers) or [""]
    return [
        Match(name=contact.name, label=numbers.get(number, ""), number=number,
              email=contact.email, score=score, sure=sure)
        for number in wanted
    ]  # fmt: skip


@lru_cache(maxsize=32_768)
def _written(number: str, region: str | None) -> str:
    """E.164 where it is certain, else what was written, without what only sets it apart."""
    certain = e164(number, region) if region else None
    return certain or re.sub(r"[\s().\-/<>]", "", number)


def e164(number: str, region: str) -> str | None:
    """A number that is a whole one of the region, or has a country's code; None for any other."""
    parsed = _parsed(number, region)
    if parsed is None or not ("+" in number or phonenumbers.is_valid_number(parsed)):
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def is_mail(address: str) -> bool:
    """Whether it has the form of an e-mail address."""
    return re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", address) is not None


def _parsed(number: str, region: str) -> phonenumbers.PhoneNumber | None:
    """The number if it is possible in its country."""
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    return parsed if phonenumbers.is_possible_number(parsed) else None


def ask(matches: Sequence[Match], said: str) -> str:
    """The question that decides between them, in one line; what to say where there is nobody."""
    said = shown(said)
    if not matches:
        return f"no contact is called {said}"
    if len(matches) == 1:
        return f"did you mean {shown(matches[0].name)}{_reached(matches[0], ' ({})')}?"
    names = Counter(match.name for match in matches)
    if len(names) == 1:
        said = f"number of {shown(matches[0].name)}"
        options = [_reached(match, "{}") for match in matches[:NAMED]]
    else:
        options = [
            shown(match.name) + (_reached(match, " ({})") if names[match.name] > 1 else "")
            for match in matches[:NAMED]
        ]
    if (others := len(matches) - NAMED) <= 0:
        return f"which {said}: {', '.join(options[:-1])} or {options[-1]}?"
    rest = f"{others} other{'s' if others > 1 else ''}"
    say = "the number" if len(names) == 1 else "the full name"
    return f"which {said}: {', '.join(options)} or {rest}? say {say}"


def _reached(match: Match, form: str) -> str:
    """The number, else the e-mail address, in this form; nothing where there is neither."""
    reached = f"{match.label} {match.number}" if match.number else match.email
    return form.format(shown(reached)) if reached else ""


def address_book(rows: str) -> tuple[Contact, ...]:
    """The contacts in what a phone's `list_contacts` gave; ValueError where it is no such list."""
    numbers: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for row in _ROWS.validate_json(rows):
        numbers.setdefault((row.contact, row.name), []).append((row.label, row.number))
    return tuple(Contact(name=name, numbers=tuple(own)) for (_, name), own in numbers.items())


class _Row(Value):
    """One number of a phone's contact; `contact` tells two of one name apart."""

    name: str = Field(min_length=1)
    number: str
    label: str = ""
    contact: str = ""


_ROWS = TypeAdapter(tuple[_Row, ...])


def mistake(people: People, region: str) -> str | None:
    """The first contact that could not be reached, in one line, which ends in the log and so names
    nobody and no number; None if all is well."""
    for number, contact in enumerate(people.contacts, 1):
        if wrong := _wrong(contact, region):
            return f"contact {number}: {wrong}"
    return None


def _wrong(contact: Contact, region: str) -> str | None:
    for label, number in contact.numbers:
        if label.casefold() not in _LABELS:
            return f"no kind of number is called {label}{hint(label, _LABELS)}"
        if _parsed(number, region) is None:
            return f"{label} is no phone number of {region}, nor one with its country's code"
    if contact.email and not is_mail(contact.email):
        return "email is no e-mail address"
    return None if fold(contact.name) else "a name has letters"
