"""Who is meant: numbers as said, contacts of the phone, and numbers nobody may have called."""

import re

from device_adapters.adb import quoting
from device_adapters.android import content
from device_adapters.android.session import Session
from schemas.errors import DeviceRefused

CONTACTS = "content://com.android.contacts"
SERVICE = re.compile(
    r"""\d{1,3}              # 112, 15, 061: up to three digits are nobody's
    | (?:\+|00)\d{0,6} | 011\d{0,5}  # the same behind a country: +1911, 0044999
    | 1122 | 1414 | 1515 | 1530 | 1669 | 10111 | 10177 | 18000 | 19222""",
    re.VERBOSE,
)
"""Emergency numbers of the world, and others of services."""

MOST_CONTACTS = 5_000
"""Contacts of an address book that are told; who comes behind them is not found by name."""

LABELS = {"1": "home", "2": "mobile", "3": "work", "7": "other", "12": "other", "17": "work"}
"""`ContactsContract.CommonDataKinds.Phone.TYPE_…`, by `data2`."""

UNSPOKEN = {"4", "5", "6", "13"}
"""Types of fax machines and pagers."""

_PERSON = re.compile(r"(?P<name>.*\S)\s*<(?P<number>[^<>]*)>\s*", re.DOTALL)
_NUMBER = re.compile(r"\+?[\s().\-/]*\d[\d\s().\-/]*", re.ASCII)


async def contacts(session: Session) -> list[dict[str, str]]:
    """The address book: rows of a name, a number, its label ("" if the phone has none) and the
    contact's id, which tells two of one name apart."""
    names = {row[0]: row[1] for row in await _phones(session, "display_name")}
    told = dict.fromkeys(
        (identity, LABELS.get(kind, ""), number)
        for identity, kind, number in await _phones(session, "data2", "data1")
        if identity in names and kind not in UNSPOKEN and _NUMBER.fullmatch(number.strip())
    )
    some = set(list(dict.fromkeys(identity for identity, _, _ in told))[:MOST_CONTACTS])
    return [
        {"name": names[identity], "number": number, "label": label, "contact": identity}
        for identity, label, number in told
        if identity in some
    ]


async def _phones(session: Session, *columns: str) -> list[content.Row]:
    """Columns of the address book behind the contact's id. Nothing is escaped in an answer, and a
    line break in a name could pose as somebody else's row: such rows are left out."""
    where = f"instr({columns[-1]}, char(10))=0"
    return await content.query(session, f"{CONTACTS}/data/phones", ("contact_id", *columns), where)


async def number_of(session: Session, said: str) -> str:
    """The number to call: as said, the one in `NAME <NUMBER>`, or the one number of the one contact
    of that name."""
    if person := _PERSON.fullmatch(said):
        return callable_number(person["number"])
    if _NUMBER.fullmatch(said.strip()):
        return callable_number(said)
    spellings = {said.lower(), *map(_ascii_lower, (said, said.upper(), said.title()))}
    names = ", ".join(quoting.sql(spelling) for spelling in sorted(spellings))
    rows = await content.query(
        session,
        f"{CONTACTS}/data/phones",
        ("contact_id", "data1"),
        f"lower(display_name) IN ({names})",
    )
    people, numbers = {row[0] for row in rows}, {re.sub(r"[^0-9+*#]", "", row[1]) for row in rows}
    if len(people) > 1:
        raise DeviceRefused(f"{len(people)} contacts are called {said}")
    if len(numbers) > 1:
        raise DeviceRefused(f"{said} has {len(numbers)} numbers")
    if not rows:
        raise DeviceRefused(f"no contact with a number is called {said}")
    return callable_number(rows[0][1])


def named(said: str) -> str:
    """The name in `NAME <NUMBER>`, or what was said."""
    person = _PERSON.fullmatch(said)
    return person["name"] if person else said


def callable_number(said: str) -> str:
    """Digits, with a + before an international number; emergency and service codes are refused."""
    if not _NUMBER.fullmatch(said.strip()):
        raise DeviceRefused(f"{said} is not a number the hub calls")
    number = re.sub(r"[^0-9+]", "", said)
    if SERVICE.fullmatch(number):
        raise DeviceRefused(
            "the hub calls no emergency numbers, and none of so few digits: use the phone itself"
        )
    return number


def same(left: str, right: str) -> bool:
    """Whether two ways of writing a number mean the same."""
    return re.sub(r"\D", "", left) == re.sub(r"\D", "", right)


def _ascii_lower(name: str) -> str:
    """What SQLite's lower() makes of a name where it knows only ASCII."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)
