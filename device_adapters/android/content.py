"""The `content` command: rows in and out of the phone's contacts, calendar, messages, pictures."""

import re
from dataclasses import dataclass

from device_adapters.android.session import Session
from schemas.errors import DeviceRefused

Row = tuple[str, ...]

EMPTY = "No result found."


async def query(
    session: Session, uri: str, columns: tuple[str, ...], where: str, sort: str = "_id"
) -> list[Row]:
    """The rows that match. Only the last column may hold free text: nothing in it is escaped."""
    what = ("--uri", uri, "--projection", ":".join(columns), "--where", where, "--sort", sort)
    said = await session.ask("content", "query", *what, trusted=False)
    with session.looking():
        return read_rows(said, columns)


def read_rows(text: str, columns: tuple[str, ...]) -> list[Row]:
    """The rows of a query's output; raises `DeviceRefused` where it is none."""
    if text.startswith(EMPTY):
        return []
    *others, last = map(re.escape, columns)
    parts = [f"{column}=([^,\n]*)" for column in others] + [f"{last}=((?s:.*))"]
    pattern = re.compile(", ".join(parts))
    matches = [pattern.fullmatch(chunk) for chunk in _chunks(text, columns[0])]
    if None in matches:
        raise DeviceRefused("the phone's answer has other columns than asked for")
    return [match.groups() for match in matches if match]


def _chunks(text: str, first: str) -> list[str]:
    """The rows' texts; a new one starts only where the next number stands before a first column."""
    chunks: list[list[str]] = []
    for line in text.removesuffix("\n").split("\n"):
        head = f"Row: {len(chunks)} "
        if line.startswith(f"{head}{first}="):
            chunks.append([line.removeprefix(head)])
        elif chunks:
            chunks[-1].append(line)
        else:
            raise DeviceRefused(f"the phone said: {line[:80] or 'nothing'}")
    return ["\n".join(lines) for lines in chunks]


@dataclass(frozen=True)
class Watch:
    """The rows that were there before; `new` tells those that came since."""

    session: Session
    uri: str
    where: str
    before: frozenset[str]

    async def new(self, *columns: str) -> list[Row] | None:
        """Rows that came since; each starts with its `_id`. None as long as there are none."""
        rows = await query(self.session, self.uri, ("_id", *columns), self.where)
        with self.session.looking():
            if not all(re.fullmatch("[0-9]{1,18}", row[0]) for row in rows):
                raise DeviceRefused("the phone numbers its rows with something else than numbers")
        return [row for row in rows if row[0] not in self.before] or None


async def watch(session: Session, uri: str, where: str) -> Watch:
    """Remember which rows match now."""
    rows = await query(session, uri, ("_id",), where)
    return Watch(session, uri, where, frozenset(row[0] for row in rows))
