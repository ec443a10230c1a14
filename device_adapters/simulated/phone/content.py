"""The `content` command: what it asks is done by a provider, and it exits 0 whatever happens.

Whatever a provider throws is on stderr behind AOSP's own line; much that fails is not told at all.
"""

import sqlite3
from collections.abc import Callable

from device_adapters.simulated.phone import settings
from device_adapters.simulated.phone.contentcall import (
    USAGE,
    BadCommandError,
    ContentCall,
    parse,
)
from device_adapters.simulated.phone.java import ILLEGAL, JavaError
from device_adapters.simulated.phone.provider import Cell, NoProviderError
from device_adapters.simulated.phone.result import Result, Words, complain, say
from device_adapters.simulated.phone.state import Phone

SETTINGS = "content://settings/"
IMAGES = "content://media/external/images/media/"
_PROVIDERS = {
    "com.android.contacts": ("contacts.ContactsProvider2", "READ_CONTACTS", "WRITE_CONTACTS"),
    "com.android.calendar": ("calendar.CalendarProvider2", "READ_CALENDAR", "WRITE_CALENDAR"),
    "sms": ("telephony.SmsProvider", "READ_SMS", ""),
}
"""By authority: its class, and what reading and writing it takes."""


def run(phone: Phone, words: Words) -> Result:
    """The `content` command."""
    try:
        call = parse(words)
    except BadCommandError as exc:
        return say(f"{USAGE}\n[ERROR] {exc}")
    authority = call.uri.removeprefix("content://").partition("/")[0]
    if not phone.manners.calendars_writable:
        phone.provider.forbid_calendars()
    try:
        _permit(phone, call, authority)
        return _OPERATIONS[call.operation](phone, call)
    except NoProviderError as exc:
        reason = f"java.lang.IllegalStateException: Could not find provider: {exc}"
        return _failure(str(exc), reason)
    except sqlite3.Error as exc:
        return _failure(authority, f"android.database.sqlite.SQLiteException: {exc}")
    except JavaError as exc:
        return _failure(authority, str(exc))
    except OSError as exc:
        return _failure(authority, f"java.io.FileNotFoundException: {exc}")


def _failure(authority: str, reason: str) -> Result:
    return complain(f"Error while accessing provider:{authority}\n{reason}", 0)


def _permit(phone: Phone, call: ContentCall, authority: str) -> None:
    """Raise what Android throws where the shell may not read or write."""
    name, read, write = _PROVIDERS.get(authority, ("", "", ""))
    reading = call.operation in ("query", "read", "gettype")
    needed = read if reading else write
    if needed and not phone.permissions[needed]:
        verb = "opening provider" if reading else "writing"
        raise JavaError(
            "java.lang.SecurityException",
            f"Permission Denial: {verb} com.android.providers.{name} uri {call.uri} from "
            f"pid=8071, uid=2000 requires android.permission.{needed}",
        )


def _query(phone: Phone, call: ContentCall) -> Result:
    phone.look()
    if call.uri.startswith(SETTINGS):
        rows = _settings(phone, call)
    else:
        where, sort = call.options.get("where"), call.options.get("sort")
        rows = phone.provider.query(call.uri, call.projection, where, sort)
    return say("\n".join(map(_row, range(len(rows)), rows)) or "No result found.")


def _row(number: int, row: dict[str, Cell]) -> str:
    """One row as the command prints it: nothing in it is escaped."""
    cells = ", ".join(f"{k}={'NULL' if v is None else v}" for k, v in row.items())
    return f"Row: {number} {cells}"


def _settings(phone: Phone, call: ContentCall) -> list[dict[str, Cell]]:
    space, _, name = call.uri.removeprefix(SETTINGS).partition("/")
    if space not in settings.SPACES:
        raise JavaError(ILLEGAL, f"Invalid URI: {call.uri}")
    rows: list[dict[str, Cell]] = [
        {"_id": number, "name": key, "value": value}
        for number, (key, value) in enumerate(sorted(phone.settings[space].items()), 1)
        if name in ("", key)
    ]
    wanted = call.projection
    return [{key: row[key] for key in wanted if key in row} for row in rows] if wanted else rows


def _insert(phone: Phone, call: ContentCall) -> Result:
    """Silent, whether there is a new row or not."""
    if call.uri.startswith(SETTINGS):
        space = call.uri.removeprefix(SETTINGS).partition("/")[0]
        settings.put(phone, space, str(call.values["name"]), str(call.values["value"]))
    elif not phone.manners.inserts_dropped and not _not_default(call):
        phone.provider.insert(call.uri, call.values)
    return Result()


def _not_default(call: ContentCall) -> bool:
    """Whether only the default messages app may write there: others' rows vanish."""
    return call.uri.startswith(("content://sms", "content://mms"))


def _update(phone: Phone, call: ContentCall) -> Result:
    if not _not_default(call):
        phone.provider.update(call.uri, call.values, call.options.get("where"))
    return Result()


def _delete(phone: Phone, call: ContentCall) -> Result:
    if not _not_default(call):
        phone.provider.delete(call.uri, call.options.get("where"))
    return Result()


def _read(phone: Phone, call: ContentCall) -> Result:
    """The bytes of a picture."""
    rows = phone.provider.query(call.uri, ("_data",), None, None)
    if len(rows) != 1 or not call.uri.startswith(IMAGES):
        raise FileNotFoundError(f"No item at {call.uri}")
    return Result(phone.files.read(str(rows[0]["_data"])))


def _type(phone: Phone, call: ContentCall) -> Result:
    phone.provider.query(call.uri, ("_id",), "0", None)
    kind = "item" if call.uri.rpartition("/")[2].isdigit() else "dir"
    return say(f"vnd.android.cursor.{kind}/{call.uri.removeprefix('content://').partition('/')[0]}")


def _call(phone: Phone, call: ContentCall) -> Result:
    """Only the settings answer: GET_system and the like."""
    verb, _, space = call.options["method"].partition("_")
    name = call.options.get("arg", "")
    if not call.uri.startswith(SETTINGS.rstrip("/")) or space not in settings.SPACES:
        return say("Result: null")
    if verb == "PUT":
        settings.put(phone, space, name, str(call.values.get("value")))
        return say("Result: Bundle[{}]")
    return say(f"Result: Bundle[{{value={phone.settings[space].get(name, 'null')}}}]")


def _write(phone: Phone, call: ContentCall) -> Result:
    """No file of this phone is written through a provider."""
    raise FileNotFoundError(f"{call.uri}: open failed: EACCES (Permission denied)")


_OPERATIONS: dict[str, Callable[[Phone, ContentCall], Result]] = {
    "query": _query,
    "insert": _insert,
    "update": _update,
    "delete": _delete,
    "read": _read,
    "write": _write,
    "gettype": _type,
    "call": _call,
}
