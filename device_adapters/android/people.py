"""Contacts, calls, messages and mail: everything that reaches another person."""

import json
import re

from device_adapters.android import content, quoting, screen
from device_adapters.android.recipe import Arguments, showing, text
from device_adapters.android.session import Session
from schemas.errors import DeviceRefused, DeviceUncertain
from schemas.outcome import Done, Evidence

CONTACTS = "content://com.android.contacts"
SENT = "content://sms/sent"
CALL, SENDTO = "android.intent.action.CALL", "android.intent.action.SENDTO"
MESSAGES = "com.google.android.apps.messaging"
IDLE, OFFHOOK = "0", "2"
MOBILE = 2
EMERGENCY = {
    "000",
    *map(str, (100, 101, 102, 103, 108, *range(110, 114), *range(115, 121), 122, 123, 124, 125)),
    *map(str, (128, 131, 132, 133, 144, 150, 155, 158, 160, *range(190, 195), 197, 198, 199)),
    *map(str, (911, 922, 933, 988, 991, 992, 995, 997, 998, 999)),
}
SHORTEST_INTERNATIONAL = 7
"""Digits; whatever is shorter behind a + is no person's number (+1911)."""

SEND_TEXT = dict.fromkeys(range(30, 35), "5")
"""`ISms.sendTextForSubscriber` by sdk; other releases may number it otherwise, and get a draft."""

LONGEST_ASCII, LONGEST_OTHER = 160, 70
"""Characters that fit into one message."""

MOST_CONTACTS = 5_000
"""Contacts of an address book that are told; who comes behind them is not found by name."""

LABELS = {"1": "home", "2": "mobile", "3": "work", "7": "other", "12": "other", "17": "work"}
"""`ContactsContract.CommonDataKinds.Phone.TYPE_…`, by `data2`."""

UNSPOKEN = {"4", "5", "6", "13"}
"""Types of fax machines and pagers."""

_PERSON = re.compile(r"(?P<name>.*\S)\s*<(?P<number>[^<>]*)>\s*", re.DOTALL)
_NUMBER = re.compile(r"\+?[\d\s().\-/]*\d[\d\s().\-/]*", re.ASCII)


async def make_phone_call(session: Session, arguments: Arguments) -> Done:
    """Call a number or a contact; the phone being off the hook is the proof."""
    callee = text(arguments, "phone_number")
    number = await number_of(session, callee)
    if await _call_states(session) - {IDLE}:
        raise DeviceRefused("the phone is in another call")
    await session.tell("am", "start", "-W", "-a", CALL, "-d", f"tel:{quoting.part(number)}")

    async def look() -> bool | None:
        return OFFHOOK in await _call_states(session) or None

    if not await session.until(look):
        raise DeviceUncertain("the phone took the call, and no call was seen")
    return Done(evidence=Evidence.VERIFIED, detail=f"Calling {_named(callee)}")


async def _call_states(session: Session) -> set[str]:
    """The call state of every SIM."""
    said = await session.ask("dumpsys", "telephony.registry")
    return set(re.findall(r"\bmCallState=(\d)", said))


async def send_text_message(session: Session, arguments: Arguments) -> Done:
    """Send it without a screen where this Android can, else leave a draft."""
    name, message = text(arguments, "contact_name"), text(arguments, "message")
    number = await number_of(session, name)
    sdk = (await session.ask("getprop", "ro.build.version.sdk")).strip()
    sim = (await session.ask("settings", "get", "global", "multi_sim_sms")).strip()
    code = SEND_TEXT.get(int(sdk)) if sdk.isdigit() else None
    room = LONGEST_ASCII if message.isascii() else LONGEST_OTHER
    if code is None or not sim.isdigit() or len(message.encode("utf-16-le")) // 2 > room:
        return await _draft_text(session, name, number, message)
    return await _send_text(session, name, number, message, (code, sim))


async def _send_text(
    session: Session, name: str, number: str, message: str, line: tuple[str, str]
) -> Done:
    """Hand the message to the phone's SMS service, then look for it among the sent ones."""
    code, sim = line
    start = await content.clock(session) * 1000
    sent = await content.watch(session, SENT, f"date>={start} AND body={quoting.sql(message)}")
    said = await session.tell(
        *("service", "call", "isms", code, "i32", sim, "s16", "com.android.mms.service"),
        *("s16", "null", "s16", number, "s16", "null", "s16", message),
        *("i32", "0", "i32", "0", "i32", "1", "i64", "0"),  # no intents; keep it in Sent; no id
    )
    if not said.startswith("Result: Parcel(00000000"):
        raise DeviceRefused("the phone's message service said no")

    async def look() -> bool | None:
        rows = await sent.new("address") or []
        return any(same(to, number) for _, to in rows) or None

    seen = await session.until(look)
    evidence = Evidence.VERIFIED if seen else Evidence.UNVERIFIED
    return Done(evidence=evidence, detail=f"Sent to {_named(name)}")


async def _draft_text(session: Session, name: str, number: str, message: str) -> Done:
    """Write the message into the messages app; a person sends it."""
    await screen.unlock(session)
    intent = ("-a", SENDTO, "-d", f"smsto:{quoting.part(number)}", "--es", "sms_body", message)
    package = await screen.start(session, *intent, package=MESSAGES)
    return await showing(session, package, f"Message to {_named(name)} drafted", Evidence.DRAFTED)


async def create_contact(session: Session, arguments: Arguments) -> Done:
    """Add a name with its number; half a contact is taken away again."""
    name, number = text(arguments, "name"), text(arguments, "phone_number")
    if not _NUMBER.fullmatch(number):
        raise DeviceRefused(f"{number} is not a phone number")
    raw = f"{CONTACTS}/raw_contacts"
    nameless = await content.watch(session, raw, "display_name IS NULL")
    await content.insert(session, raw, account_type=None, account_name=None)
    rows = await session.until(nameless.new) or []
    if len(rows) != 1:
        raise DeviceUncertain("the phone does not show the new contact")
    try:
        await _fill_contact(session, int(rows[0][0]), name, number)
    except DeviceRefused:
        await session.tell("content", "delete", "--uri", f"{raw}/{rows[0][0]}")
        raise
    found = await find_contact(session, arguments)
    if found is None:
        raise DeviceUncertain("the phone does not show the new contact")
    return found


async def _fill_contact(session: Session, raw: int, name: str, number: str) -> None:
    """The two rows that make a raw contact a contact."""
    data, kind = f"{CONTACTS}/data", "vnd.android.cursor.item/"
    await content.insert(session, data, raw_contact_id=raw, mimetype=f"{kind}name", data1=name)
    await content.insert(
        session,
        data,
        raw_contact_id=raw,
        mimetype=f"{kind}phone_v2",
        data1=number,
        data2=MOBILE,
    )


async def find_contact(session: Session, arguments: Arguments) -> Done | None:
    """The contact of exactly this name and number, if there is one."""
    name, number = text(arguments, "name"), text(arguments, "phone_number")
    where = f"display_name={quoting.sql(name)} AND data1={quoting.sql(number)}"
    if not await content.query(session, f"{CONTACTS}/data/phones", ("_id",), where):
        return None
    return Done(evidence=Evidence.VERIFIED, detail=f"{name} is a contact")


async def list_contacts(session: Session, _: Arguments) -> Done:
    """The address book, as JSON rows of a name, a number, its label ("" if the phone has none) and
    the contact's id, which tells two of one name apart."""
    names = {row[0]: row[1] for row in await _phones(session, "display_name")}
    told = dict.fromkeys(
        (identity, LABELS.get(kind, ""), number)
        for identity, kind, number in await _phones(session, "data2", "data1")
        if identity in names and kind not in UNSPOKEN and _NUMBER.fullmatch(number.strip())
    )
    some = set(list(dict.fromkeys(identity for identity, _, _ in told))[:MOST_CONTACTS])
    rows = [
        {"name": names[identity], "number": number, "label": label, "contact": identity}
        for identity, label, number in told
        if identity in some
    ]
    result = json.dumps(rows, ensure_ascii=False)
    return Done(evidence=Evidence.VERIFIED, result=result, detail=f"Contacts: {len(some)}")


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


def _named(said: str) -> str:
    """The name in `NAME <NUMBER>`, or what was said."""
    person = _PERSON.fullmatch(said)
    return person["name"] if person else said


def callable_number(said: str) -> str:
    """Digits, with a + before an international number; emergency and service codes are refused."""
    if not _NUMBER.fullmatch(said.strip()):
        raise DeviceRefused(f"{said} is not a number the hub calls")
    number = re.sub(r"[^0-9+]", "", said)
    short = number.startswith("+") and len(number) <= SHORTEST_INTERNATIONAL
    if number in EMERGENCY or short:
        raise DeviceRefused("the hub does not call emergency numbers: use the phone itself")
    return number


def same(left: str, right: str) -> bool:
    """Whether two ways of writing a number mean the same."""
    return re.sub(r"\D", "", left) == re.sub(r"\D", "", right)


def _ascii_lower(name: str) -> str:
    """What SQLite's lower() makes of a name where it knows only ASCII."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)
