"""The `content` command: rows in and out of the phone's contacts, calendar, messages, pictures."""

import re
from dataclasses import dataclass

from device_adapters.android.session import Session
from schemas.errors import DeviceRefused

Row = tuple[str, ...]

EMPTY = "No result found."


async def query(session: Session, uri: str, columns: tuple[str, ...], where: str) -> list[Row]:
    """The rows that match. Only the last column may hold free text: nothing in it is escaped."""
    answer = await session.answer(
        "content", "query", "--uri", uri, "--projection", ":".join(columns), "--where", where
    )
    with session.looking():
        return read_rows(answer.accepted(trusted=False), columns)


async def insert(session: Session, uri: str, **values: str | int | None) -> None:
    """Add a row; that it worked must be looked up, for the command says nothing."""
    binds = [word for name, value in values.items() for word in ("--bind", _bind(name, value))]
    await session.tell("content", "insert", "--uri", uri, *binds)


def _bind(name: str, value: str | int | None) -> str:
    """`name:type:value`, the type in the lower case Android insists on."""
    if value is None:
        return f"{name}:n:"
    return f"{name}:{'s' if isinstance(value, str) else 'l'}:{value}"


def read_rows(text: str, columns: tuple[str, ...]) -> list[Row]:
    """The rows of a query's output; raises `DeviceRefused` where it is none."""
    if text.startswith(EMPTY):
        return []
    parts = [f"{column}=(.*?)" for column in columns[:-1]] + [f"{columns[-1]}=((?s:.*))"]
    pattern = re.compile(", ".join(parts))
    matches = [pattern.fullmatch(chunk) for chunk in _chunks(text, columns[0])]
    if None in matches:
        raise DeviceRefused("the phone's answer has other columns than asked for")
    return [match.groups() for match in matches if match]


def _chunks(text: str, first: str) -> list[str]:
    """The rows' texts; a new one starts only where the next number stands before a first column."""
    chunks: list[str] = []
    for line in text.removesuffix("\n").split("\n"):
        head = f"Row: {len(chunks)} "
        if line.startswith(f"{head}{first}="):
            chunks.append(line.removeprefix(head))
        elif chunks:
            chunks[-1] += "\n" + line
        else:
            raise DeviceRefused(f"the phone said: {line[:80] or 'nothing'}")
    return chunks


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
        return [row for row in rows if row[0] not in self.before] or None


async def watch(session: Session, uri: str, where: str) -> Watch:
    """Remember which rows match now."""
    rows = await query(session, uri, ("_id",), where)
    return Watch(session, uri, where, frozenset(row[0] for row in rows))


async def clock(session: Session) -> int:
    """Seconds since 1970 on the phone's clock."""
    said = (await session.ask("date", "+%s")).strip()
    if not said.isdigit():
        raise DeviceRefused(f"the phone's clock said: {said[:40]}")
    return int(said)
