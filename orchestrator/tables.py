"""How the command line shows many things at once: tables, and where the console is too narrow for
one, blocks of lines (rich)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from orchestrator import spans
from orchestrator.view import BRIEF, STYLES, plain, when
from schemas.state import DeviceState

NARROW = 60
"""Cells under which no table is drawn."""
WAITING = 20
"""Devices that nobody approved are listed up to this number: anybody can announce many."""
IN_TABLE = 100
"""Characters shown of a sentence or an answer at most."""
MARKS = {"good": ("ok   ", "green"), "warning": ("look ", "yellow"), "wrong": ("wrong", "red")}
Cell = Text | str
"""What is in a table is text, never markup; a plain one may be somebody's."""


def table(
    console: Console, columns: Sequence[Column | str], rows: Iterable[Sequence[Cell]]
) -> None:
    """A table; on a narrow console each row as a block: its first cell, and the others under it.
    Where there is no row, a word says so."""
    named = [Column(one, overflow="fold") if isinstance(one, str) else one for one in columns]
    texts = [[_text(console, cell) for cell in row] for row in rows]
    if not texts:
        console.print("none", style="dim")
        return
    if console.width >= NARROW:
        drawn = Table(*named)
        for row in texts:
            drawn.add_row(*row)
        console.print(drawn)
        return
    for first, *others in texts:
        console.print(Text.assemble(first, style="bold"))
        for column, cell in zip(named[1:], others, strict=True):
            if cell.plain:
                console.print(Padding(Text.assemble((f"{column.header}: ", "dim"), cell), (0, 2)))


def _text(console: Console, cell: Cell) -> Text:
    return Text(plain(console, cell)) if isinstance(cell, str) else cell


def devices(console: Console, found: list[dict[str, Any]]) -> None:
    """Approved devices and those that wait for approval: how each is, and what to do about it."""
    approved = [device for device in found if device["approved"]]
    waiting = [device for device in found if not device["approved"]]
    columns = ("device", "kind", "room", "state, and what to do", "functions", "id")
    shown = [*approved, *waiting[:WAITING]]
    table(console, columns, (_device(console, one) for one in shown))
    if len(waiting) > WAITING:
        console.print(f"and {len(waiting) - WAITING} more were found: --json lists them all")


def _device(console: Console, device: dict[str, Any]) -> Sequence[Cell]:
    functions = str(len(device["functions"])) if device["functions"] else "?"
    kind = f"{device['kind']}, default" if device["default"] else device["kind"]
    name = Text(plain(console, device["name"]))
    if aliases := plain(console, ", ".join(device["aliases"])):
        name.append(f"\n{aliases}", style="dim")
    state = _device_state(console, device)
    return name, kind, device["room"] or "", state, functions, device["id"]


def _device_state(console: Console, device: dict[str, Any]) -> Text:
    """A device's state, where it was found, and the one thing to do."""
    state, ways = device["state"], ", ".join(device["ways"])
    reached = state in (DeviceState.FOUND, DeviceState.CONNECTED)
    where = f" by {ways}" if ways and reached else ""
    told = Text(state, STYLES.get(state, "yellow"))
    told.append(plain(console, where), style="dim")
    todo = device["todo"]
    return told.append(f"\n{plain(console, todo)}") if todo else told


def executions(console: Console, records: list[dict[str, Any]], now: float) -> None:
    """A user's newest commands, with as much of their ids as tells them apart."""
    whole = (Column(name, no_wrap=True) for name in ("id", "when", "how long"))
    columns = [*whole, Column("state", max_width=12), Column("sentence and answer")]
    ids = [record["id"] for record in records]
    table(console, columns, (_execution(console, one, ids, now) for one in records))


def _execution(
    console: Console, record: dict[str, Any], ids: list[str], now: float
) -> Sequence[Cell]:
    state, answered = record["state"], plain(console, record["answer"], IN_TABLE)
    said = Text(plain(console, record["command"]["text"], IN_TABLE))
    took = spans.length((record["ended"] or now) - record["created"])
    return (
        _beginning(record["id"], ids),
        when(record["created"], now),
        took,
        Text(state.replace("_", " "), STYLES.get(state, "")),
        said.append(f"\n{answered}" if answered else "", "dim"),
    )


def _beginning(identity: str, ids: list[str]) -> str:
    """As much of an id as no other of `ids` begins with."""
    for most in range(BRIEF, len(identity)):
        if sum(other.startswith(identity[:most]) for other in ids) == 1:
            return identity[:most]
    return identity


def schedules(console: Console, found: list[dict[str, Any]]) -> None:
    """What is scheduled, the next first."""
    rows = ((one["id"], one["words"], one["text"]) for one in found)
    table(console, ("id", "when", "sentence"), rows)


def users(console: Console, found: list[dict[str, Any]]) -> None:
    """Who may speak to the hub: what "my phone" is, and which ways in there are."""
    rows = (
        (
            one["user"],
            ", ".join(f"{kind}: {name}" for kind, name in one["devices"].items()),
            "yes" if one["manager"] else "",
            str(one["tokens"] or ""),
        )
        for one in found
    )
    table(console, ("user", "devices", "manager", "tokens"), rows)


def tokens(console: Console, found: list[dict[str, Any]]) -> None:
    """Every token there is, without what lets in."""
    rows = (
        (one["id"], one["user"], _day(one["created"]), _day(one["expires"]), one["label"])
        for one in found
    )
    table(console, ("id", "user", "made", "until", "label"), rows)


def _day(at: float | None) -> str:
    return "" if at is None else f"{datetime.fromtimestamp(at):%Y-%m-%d}"


def checks(console: Console, looked_at: Iterable[dict[str, Any]]) -> None:
    """What was looked at, what was seen, and what to do about it; each as soon as it is there."""
    for check in looked_at:
        line = Text.assemble(MARKS[check["level"]], f" {check['name']}: ")
        line.append(plain(console, check["said"]))
        if check["todo"]:
            line.append(f"; {plain(console, check['todo'])}", style="bold")
        console.print(line, soft_wrap=not console.is_terminal)


def audit(console: Console, found: dict[str, Any]) -> None:
    """Whether the journal is as it was written, or the first things that are not."""
    for fault in found["faults"]:
        console.print(Text(plain(console, fault), "red"), soft_wrap=True)
    if not found["faults"]:
        since = found["since"]
        began = f" since {datetime.fromtimestamp(since):%Y-%m-%d}" if since else ""
        console.print(Text(f"{found['events']:,} events{began}, whole", "green"), soft_wrap=True)
