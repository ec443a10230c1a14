"""The content providers: contacts, calendar, SMS and pictures as tables of an SQLite database."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from device_adapters.simulated.phone.java import ILLEGAL, JavaError

Cell = str | int | float | None

NAME, NUMBER = "vnd.android.cursor.item/name", "vnd.android.cursor.item/phone_v2"
INBOX, SENT = 1, 2
MAY_WRITE = 500
"""The lowest access level of a calendar that takes events."""

_SCHEMA = f"""
CREATE TABLE raw_contacts (_id INTEGER PRIMARY KEY AUTOINCREMENT, account_type, account_name,
    deleted INTEGER DEFAULT 0, display_name);
CREATE TABLE data (_id INTEGER PRIMARY KEY AUTOINCREMENT, raw_contact_id INTEGER, mimetype,
    data1, data2, data3);
CREATE TRIGGER name AFTER INSERT ON data WHEN new.mimetype = '{NAME}' BEGIN
    UPDATE raw_contacts SET display_name = new.data1 WHERE _id = new.raw_contact_id; END;
CREATE TRIGGER gone AFTER DELETE ON raw_contacts BEGIN
    DELETE FROM data WHERE raw_contact_id = old._id; END;
CREATE VIEW phones AS SELECT d._id, r._id AS raw_contact_id, r._id AS contact_id, r.display_name,
    d.data1, d.data2 FROM data d JOIN raw_contacts r ON r._id = d.raw_contact_id
    WHERE d.mimetype = '{NUMBER}' AND NOT r.deleted;
CREATE TABLE calendars (_id INTEGER PRIMARY KEY, calendar_displayName,
    calendar_access_level INTEGER, isPrimary INTEGER, visible INTEGER);
CREATE TABLE events (_id INTEGER PRIMARY KEY AUTOINCREMENT, calendar_id INTEGER, title,
    description, dtstart INTEGER, dtend INTEGER, eventTimezone, deleted INTEGER DEFAULT 0);
CREATE TRIGGER bad_event AFTER INSERT ON events WHEN new.dtend < new.dtstart
    OR new.calendar_id NOT IN (SELECT _id FROM calendars WHERE calendar_access_level >= {MAY_WRITE})
    OR NOT known_zone(new.eventTimezone) BEGIN
    DELETE FROM events WHERE _id = new._id; END;
CREATE TABLE sms (_id INTEGER PRIMARY KEY AUTOINCREMENT, address, date INTEGER, type INTEGER, body);
CREATE VIEW sent AS SELECT * FROM sms WHERE type = {SENT};
CREATE VIEW inbox AS SELECT * FROM sms WHERE type = {INBOX};
CREATE TABLE calls (_id INTEGER PRIMARY KEY AUTOINCREMENT, number, name, date INTEGER,
    duration INTEGER DEFAULT 0, type INTEGER);
CREATE TABLE images (_id INTEGER PRIMARY KEY AUTOINCREMENT, _data, _display_name, mime_type,
    date_added INTEGER);
INSERT INTO calendars VALUES (1, 'Holidays', 200, 0, 1), (3, 'Personal', 700, 1, 1);
"""
_TABLES = {
    "com.android.contacts/raw_contacts": "raw_contacts",
    "com.android.contacts/data": "data",
    "com.android.contacts/data/phones": "phones",
    "com.android.calendar/calendars": "calendars",
    "com.android.calendar/events": "events",
    "sms": "sms",
    "sms/inbox": "inbox",
    "sms/sent": "sent",
    "call_log/calls": "calls",
    "media/external/images/media": "images",
    "media/external_primary/images/media": "images",
}
_NEEDED = {
    "calendar_id": "New events must specify a calendar id",
    "dtstart": "DTSTART cannot be empty.",
    "eventTimezone": "Event values must include a time zone",
    "dtend": "DTEND and DURATION cannot both be null for an event.",
}
"""What CalendarProvider2 says where a value is missing."""


def _known_zone(name: object) -> bool:
    """Whether there is a time zone of this name."""
    try:
        return bool(ZoneInfo(str(name)))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


class Contact(NamedTuple):
    """A name with one number."""

    name: str
    number: str


class Event(NamedTuple):
    """A calendar entry; times in milliseconds since 1970."""

    title: str
    start: int
    end: int
    timezone: str


class Sms(NamedTuple):
    """A text message that went out."""

    address: str
    body: str


class Photo(NamedTuple):
    """A picture's row in the gallery."""

    id: int
    path: str
    added: int


class NoProviderError(Exception):
    """No app serves this URI."""


@dataclass(frozen=True)
class Target:
    """A URI's table and, where the URI names one row, its condition."""

    table: str
    condition: str


def target(uri: str) -> Target:
    """The table behind a `content://` URI; raises `NoProviderError`."""
    path = uri.removeprefix("content://").partition("?")[0].rstrip("/")
    head, _, last = path.rpartition("/")
    if last.isdigit() and head in _TABLES:
        return Target(_TABLES[head], f"_id={last}")
    if path not in _TABLES:
        raise NoProviderError(path.partition("/")[0])
    return Target(_TABLES[path], "1")


class Provider:
    """The tables, in memory; a bad column or condition raises `sqlite3.Error`."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.create_function("known_zone", 1, _known_zone)
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Forget everything."""
        self._db.close()

    def query(
        self, uri: str, columns: tuple[str, ...] | None, where: str | None, sort: str | None
    ) -> list[dict[str, Cell]]:
        """The rows a URI shows."""
        at = target(uri)
        wanted = ", ".join(columns) if columns else "*"
        order = f" ORDER BY {sort}" if sort else ""
        found = self._db.execute(
            f"SELECT {wanted} FROM {at.table} WHERE {at.condition} AND ({where or 1}){order}"
        )
        return [dict(row) for row in found]

    def insert(self, uri: str, values: Mapping[str, Cell]) -> int | None:
        """Add a row; its id. Events that are wrong vanish, or raise `JavaError`."""
        if target(uri).table == "events":
            for name, complaint in _NEEDED.items():
                if values.get(name) is None:
                    raise JavaError(ILLEGAL, complaint)
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        statement = f"INSERT INTO {target(uri).table} ({names}) VALUES ({marks})"
        return self._db.execute(statement, tuple(values.values())).lastrowid

    def update(self, uri: str, values: Mapping[str, Cell], where: str | None) -> int:
        """Change rows; how many."""
        at = target(uri)
        names = ", ".join(f"{name} = ?" for name in values)
        statement = f"UPDATE {at.table} SET {names} WHERE {at.condition} AND ({where or 1})"
        return self._db.execute(statement, tuple(values.values())).rowcount

    def delete(self, uri: str, where: str | None) -> int:
        """Remove rows; how many."""
        at = target(uri)
        statement = f"DELETE FROM {at.table} WHERE {at.condition} AND ({where or 1})"
        return self._db.execute(statement).rowcount

    def add_contact(self, name: str, number: str) -> int | None:
        """A contact as a person would have typed it in."""
        raw = self.insert("content://com.android.contacts/raw_contacts", {"account_name": None})
        data = "content://com.android.contacts/data"
        self.insert(data, {"raw_contact_id": raw, "mimetype": NAME, "data1": name})
        self.insert(data, {"raw_contact_id": raw, "mimetype": NUMBER, "data1": number})
        return raw

    def add_photo(self, path: str, added: int) -> None:
        """A picture for the gallery."""
        name = path.rpartition("/")[2]
        row: dict[str, Cell] = {"_data": path, "_display_name": name, "date_added": added}
        self.insert("content://media/external/images/media", row)

    def add_sent(self, address: str, body: str, date: int, box: int = SENT) -> None:
        """A message that went out, or with another box one that did not."""
        row: dict[str, Cell] = {"address": address, "body": body, "date": date, "type": box}
        self.insert("content://sms", row)

    def forbid_calendars(self) -> None:
        """Leave only calendars that may be read."""
        self._db.execute("UPDATE calendars SET calendar_access_level = 200")

    def contacts(self) -> list[Contact]:
        """Names and numbers."""
        return [Contact(*row) for row in self._db.execute("SELECT display_name, data1 FROM phones")]

    def events(self) -> list[Event]:
        """What is in the calendars."""
        wanted = "SELECT title, dtstart, dtend, eventTimezone FROM events"
        return [Event(*row) for row in self._db.execute(wanted)]

    def sent(self) -> list[Sms]:
        """Text messages that went out."""
        return [Sms(*row) for row in self._db.execute("SELECT address, body FROM sent")]

    def photos(self) -> list[Photo]:
        """The pictures the gallery shows."""
        wanted = "SELECT _id, _data, date_added FROM images"
        return [Photo(*row) for row in self._db.execute(wanted)]
