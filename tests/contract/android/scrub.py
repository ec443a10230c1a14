"""Takes what is private out of a recording, the same everywhere by the same made-up value."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from device_adapters.android.content import read_rows
from schemas.errors import DeviceRefused
from tests.contract.android.recorder import Entry

NUMBER_COLUMNS = {"data1", "address", "number"}
TEXT_COLUMNS = {
    "display_name": "Person",
    "account_name": "Account",
    "calendar_displayName": "Calendar",
    "title": "Title",
    "description": "Text",
    "body": "Text",
    "name": "Name",
}
OURS = ("Octopus", "Here I am")
"""How the hub's own texts begin, and those that tests leave on a phone."""

ARGUMENTS = {"contact_name", "phone_number"}
"""Arguments of calls that say who is reached."""

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_MAC = re.compile(r"\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b")
_IMEI = re.compile(r"(?<!\d)\d{15}(?!\d)")
_PHONE = re.compile(
    r"(?P<before>(?:tel|smsto|sms):(?:%2[Bb])?|IncomingNumber=)(?P<dialled>[\d +-]{6,})"
    r"|(?P<international>\+\d[\d ()./-]{5,18}\d)"
)
_ADDRESS = re.compile(r"\b(?:10|127|172|192)(?:\.\d{1,3}){3}\b")
_NOTE = re.compile(r"(?m)^(\s*android\.(?:\w*[Tt]ext\w*|\w*[Tt]itle\w*)=\w+ \()(.*)(\)\s*)$")
_SEEN = re.compile(r'\b(text|content-desc)="([^"]+)"')
_SONG = re.compile(r"(?m)(description=)(.*)$")
_BONDED = re.compile(r"(?m)^\s+(?:[\dA-FX]{2}:){5}[\dA-F]{2} +\[.*\] +(.+?)\s*$")
_SERIAL = re.compile(r"(?m)^\[ro\.(?:boot\.)?serialno\]: \[(.+)\]$")

KEPT = {
    "activity": re.compile(r"ResumedActivity"),
    "alarm": re.compile(r"triggerTime=|TIMER_EXPIRED|ALARM_ALERT|Alarm clock:"),
    "bluetooth_manager": re.compile(
        r"^\s*(?:enabled|[Ss]tate|mDevice):|StateMachine:|Bonded|\[.*\]"
    ),
    "media_session": re.compile(r"Sessions Stack|PlaybackState|package="),
    "notification": re.compile(r"NotificationRecord\(|^\s*android\.\w*(?:[Tt]ext|[Tt]itle)=|List:"),
    "telephony.registry": re.compile(r"mCallState="),
}
"""Parts of `dumpsys` that hold other people's words, and the lines of them that are needed."""


@dataclass
class Scrubber:
    """Learns private values where their place tells them, and replaces them wherever they are."""

    _made_up: dict[str, str] = field(default_factory=dict)
    _digits: dict[str, str] = field(default_factory=dict)

    def scrubbed(self, entries: list[Entry]) -> list[Entry]:
        """A recording without what is private."""
        for entry in entries:
            self._learn(entry)
        reduced = [_reduced(entry) for entry in entries]
        for entry in reduced:
            self._everywhere(entry)  # what looks private in a later answer may stand in an earlier
        return [self._everywhere(entry) for entry in reduced]

    def _learn(self, entry: Entry) -> None:
        """Find names, numbers and texts where their place says what they are."""
        for name, value in entry.get("arguments", {}).items():
            if name in ARGUMENTS and isinstance(value, str):
                self._number_or(value, "Person")
        words, said = entry.get("asked", []), entry.get("stdout", "")
        if not isinstance(said, str):
            return
        if words[:2] == ["content", "query"]:
            for column, value in _values(words, said):
                self._column(column, value)
        elif words[:2] == ["content", "insert"]:
            for bound in (w.split(":", 2) for w in words if w.count(":") >= 2):
                self._column(bound[0], bound[2])
        elif words[:2] == ["getprop", "ro.serialno"]:
            self._replace(said.strip(), "SERIAL")
        elif words[:1] == ["dumpsys"]:
            for name in _BONDED.findall(said):
                self._replace(name, "Bluetooth")
        for serial in _SERIAL.findall(said):
            self._replace(serial, "SERIAL")

    def _column(self, column: str, value: str) -> None:
        if column in NUMBER_COLUMNS:
            self._number_or(value, "Person")
        elif column in TEXT_COLUMNS:
            self._replace(value, TEXT_COLUMNS[column])

    def _number_or(self, value: str, kind: str) -> None:
        """`data1` holds a number or a name, by the row's kind."""
        if re.fullmatch(r"[\d\s().+\-/*#]*", value):
            self._number(value)
        else:
            self._replace(value, kind)

    def _replace(self, value: str, kind: str) -> str:
        """The made-up value for a private one; what is nobody's stays."""
        if len(value) < 3 or value.startswith(OURS) or value in ("null", "NULL"):
            return value
        return self._made_up.setdefault(value, f"{kind} {len(self._made_up) + 1}")

    def _number(self, number: str) -> str:
        """Other digits in the same places; service numbers are everybody's."""
        digits = re.sub(r"\D", "", number)
        if len(digits) < 6:
            return number
        fresh = f"{len(self._digits) + 1:0{len(digits)}d}"
        new = iter(self._digits.setdefault(digits, "5" + fresh[1:]))
        made_up = re.sub(r"\d", lambda _: next(new), number)
        self._made_up[number] = made_up
        return made_up

    def _everywhere(self, value: Any) -> Any:
        """A value of a recording, with all that was learned or looks private replaced."""
        if isinstance(value, dict):
            return {key: self._everywhere(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._everywhere(one) for one in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        for pattern, kind in ((_NOTE, "Text"), (_SONG, "Song")):
            text = pattern.sub(self._inside(kind), text)
        text = _SEEN.sub(lambda m: f'{m[1]}="{self._replace(m[2], "Text")}"', text)
        text = _PHONE.sub(self._phone, text)
        text = _EMAIL.sub(lambda m: self._email(m[0]), text)
        text = _MAC.sub(lambda m: "AC:80:0A:00:00:" + m[0][-2:], text)
        text = _IMEI.sub("0" * 15, text)
        text = _ADDRESS.sub("192.0.2.1", text)
        return self._known().sub(self._known_value, text) if self._made_up else text

    def _phone(self, match: re.Match[str]) -> str:
        if match["before"]:
            return match["before"] + self._number(match["dialled"])
        return self._number(match["international"])

    def _email(self, address: str) -> str:
        if address.endswith("@example.org"):
            return address
        return self._made_up.setdefault(address, f"person{len(self._made_up) + 1}@example.org")

    def _inside(self, kind: str) -> Callable[[re.Match[str]], str]:
        return lambda m: m[1] + self._replace(m[2], kind) + "".join(m.groups()[2:])

    def _known(self) -> re.Pattern[str]:
        """Every learned value, the longest first, also as SQL and URIs write it."""
        values = sorted(self._spellings(), key=len, reverse=True)
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, values))})(?!\w)", re.IGNORECASE)

    def _spellings(self) -> dict[str, str]:
        """Made-up values by how the private one may be written."""
        plain = {value.casefold(): new for value, new in self._made_up.items()}
        return {value.replace("'", "''"): new for value, new in plain.items()} | plain

    def _known_value(self, match: re.Match[str]) -> str:
        new = self._spellings()[match[0].casefold()]
        return new.lower() if match[0].islower() else new


def _values(words: list[str], said: str) -> Iterator[tuple[str, str]]:
    """Columns and values of a query's answer."""
    columns = tuple(words[words.index("--projection") + 1].split(":"))
    try:
        rows = read_rows(said, columns)
    except DeviceRefused:
        return
    for row in rows:
        yield from zip(columns, row, strict=True)


def _reduced(entry: Entry) -> Entry:
    """Without the lines of a dump that nobody needs."""
    match entry:
        case {"asked": ["dumpsys", part, *_], "stdout": str(said)} if part in KEPT:
            lines = [line for line in said.splitlines() if KEPT[part].search(line)]
            return {**entry, "stdout": "".join(line + "\n" for line in lines)}
    return entry
