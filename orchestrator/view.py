"""How the command line shows commands, devices and schedules in lines and tables (rich)."""

from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from orchestrator import texts
from schemas.event import Event
from schemas.state import DeviceState

STYLES = {
    "running": "blue", "dispatched": "blue", "pending": "dim",
    "succeeded": "green", "verified": "green", "failed": "red", "refused": "yellow",
    "unknown": "magenta", "needs_attention": "magenta", "partly": "yellow", "skipped": "yellow",
    "cancelled": "yellow", "expired": "yellow", "awaiting_confirmation": "cyan",
    "awaiting_answer": "cyan", "scheduled": "cyan", "missed": "red", "act": "green",
    "confirm": "cyan", "ask": "cyan", "schedule": "cyan", "refuse": "yellow",
    "connected": "green", "connecting": "dim", "found": "cyan", "broken": "red",
}  # fmt: skip


WAITING = 20
"""Devices that nobody approved are listed up to this number: anybody can announce many."""
BRIEF, IN_TABLE = 8, 100
"""Characters: shown of an id at least, of a sentence or an answer in a table at most."""


def plain(console: Console, text: str, most: int | None = None) -> str:
    """Somebody's text as one line that this console can print and that moves no cursor; cut after
    `most` characters."""
    cut = text if most is None or len(text) <= most else f"{text[:most]} ..."
    line = "".join(c if c.isprintable() else " " for c in cut)
    return line.encode(console.encoding, "replace").decode(console.encoding)


def length(seconds: float) -> str:
    """A length of time in at most seven characters, up to 99 days."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds >= 1 else f"{max(seconds, 0) * 1000:.0f} ms"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours < 24 else f"{hours // 24}d{hours % 24:02}h"


def when(at: float, now: float) -> str:
    """A moment on this machine's clock, as exact as its age needs."""
    then = datetime.fromtimestamp(at)
    days = (datetime.fromtimestamp(now).date() - then.date()).days
    if days == 0:
        return f"{then:%H:%M:%S}"
    return f"{then:%a %H:%M}" if 0 < days < 7 else f"{then:%Y-%m-%d %H:%M}"


def event(
    console: Console, told: Event, began: float, names: dict[str, str], *, text: bool
) -> None:
    """One line of a command's life; `names` are the devices' names by id; with `text`, what was
    said along with it."""
    what = "command" if told.step is None else f"  step {told.step + 1} {told.function}"
    after = (f"{(told.at - began) * 1000:7.0f} ms ", "dim")
    said = told.text if text else ""
    console.print(_line(console, told, names, after, what, said), soft_wrap=True)


def passing(console: Console, told: Event, names: dict[str, str], said: str) -> None:
    """One line of one of many commands: when, which, what; `said` along with it."""
    what = "command" if told.step is None else f"step {told.step + 1} {told.function}"
    which = (f"{when(told.at, told.at)} {plain(console, told.id[:BRIEF])} ", "dim")
    console.print(_line(console, told, names, which, what, said), soft_wrap=True)


def _line(
    console: Console,
    told: Event,
    names: dict[str, str],
    first: tuple[str, str],
    what: str,
    said: str,
) -> Text:
    where = f" on {names.get(told.device, told.device)}" if told.device else ""
    return Text.assemble(
        first,
        plain(console, f"{what}{where}: "),
        (told.state, STYLES.get(told.state, "")),
        (f"  {plain(console, said)}" if said else "", "dim"),
    )


def answer(console: Console, text: str) -> None:
    """What a command came to, as the person who sent it is told."""
    console.print(Text(plain(console, text), "bold"), soft_wrap=True)


def devices(console: Console, found: list[dict[str, Any]]) -> None:
    """Approved devices and those that wait for approval: how each is, and what to do about it."""
    whole = Column("id", overflow="fold")
    table = Table("device", "kind", "room", "state, and what to do", "functions", whole)
    approved = [device for device in found if device["approved"]]
    waiting = [device for device in found if not device["approved"]]
    for device in [*approved, *waiting[:WAITING]]:
        functions = str(len(device["functions"])) if device["functions"] else "?"
        kind = f"{device['kind']}, default" if device["default"] else device["kind"]
        # What a device says of itself is text, never markup.
        table.add_row(
            _named(console, device), kind, Text(plain(console, device["room"] or "")),
            _state(console, device), functions, Text(plain(console, device["id"])),
        )  # fmt: skip
    console.print(table)
    if len(waiting) > WAITING:
        console.print(f"and {len(waiting) - WAITING} more were found: --json lists them all")


def _named(console: Console, device: dict[str, Any]) -> Text:
    """A device's name, and what else it is called."""
    named = Text(plain(console, device["name"]))
    aliases = plain(console, ", ".join(device["aliases"]))
    return named.append(f"\n{aliases}", style="dim") if aliases else named


def checks(console: Console, looked_at: list[dict[str, Any]]) -> None:
    """What was looked at, and what is wrong with it."""
    for check in looked_at:
        mark = ("ok   ", "green") if check["good"] else ("wrong", "red")
        console.print(Text.assemble(mark, f" {check['name']}: {check['said']}"), soft_wrap=True)


def audit(console: Console, found: dict[str, Any]) -> None:
    """Whether the journal is as it was written, or the first things that are not."""
    for fault in found["faults"]:
        console.print(Text(plain(console, fault), "red"), soft_wrap=True)
    if not found["faults"]:
        since = found["since"]
        began = f" since {datetime.fromtimestamp(since):%Y-%m-%d}" if since else ""
        console.print(Text(f"{found['events']:,} events{began}, whole", "green"), soft_wrap=True)


def _state(console: Console, device: dict[str, Any]) -> Text:
    """A device's state, where it was found, and the one thing to do."""
    state, ways = device["state"], ", ".join(device["ways"])
    reached = state in (DeviceState.FOUND, DeviceState.CONNECTED)
    where = f" by {ways}" if ways and reached else ""
    told = Text(state, STYLES.get(state, "yellow"))
    told.append(plain(console, where), style="dim")
    todo = device["todo"]
    return told.append(f"\n{plain(console, todo)}") if todo else told


def approved(device: dict[str, Any]) -> str:
    """What a person who approved a device is told."""
    todo = f"; {device['todo']}" if device["todo"] else ""
    if device["connected"]:
        count = len(device["functions"])
        functions = "1 function" if count == 1 else f"{count} functions"
        return f"{device['name']} may be used now: {functions}{todo}"
    why = device["problem"] or "it does not answer"
    more = "" if device["todo"] == why else todo
    return f"{device['name']} is approved and not connected yet: {why}{more}"


def described(device: dict[str, Any]) -> str:
    """What is said of a device."""
    also = f", also called {', '.join(device['aliases'])}" if device["aliases"] else ""
    where = f", in the {device['room']}" if device["room"] else ""
    usual = ", the default of its kind" if device["default"] else ""
    return f"{device['name']}{also}{where}{usual}"


def executions(console: Console, records: list[dict[str, Any]], now: float) -> None:
    """A user's newest commands, with as much of their ids as tells them apart."""
    state_column = Column("state", max_width=12)
    said_column = Column("sentence and answer", overflow="fold")
    table = Table("id", "when", "how long", state_column, said_column)
    for column in table.columns[:3]:
        column.no_wrap = True
    ids = [record["id"] for record in records]
    for record in records:
        state, answered = record["state"], plain(console, record["answer"], IN_TABLE)
        said = Text(plain(console, record["command"]["text"], IN_TABLE))
        table.add_row(
            Text(plain(console, _beginning(record["id"], ids))),
            when(record["created"], now),
            length((record["ended"] or now) - record["created"]),
            Text(state.replace("_", " "), STYLES.get(state, "")),
            said.append(f"\n{answered}" if answered else "", "dim"),
        )
    console.print(table)


def _beginning(identity: str, ids: list[str]) -> str:
    """As much of an id as no other of `ids` begins with."""
    for most in range(BRIEF, len(identity)):
        if sum(other.startswith(identity[:most]) for other in ids) == 1:
            return identity[:most]
    return identity


def plan(console: Console, outlined: dict[str, Any]) -> None:
    """What would come of a sentence: the decision, and a line for each step."""
    decision, when = outlined["decision"], f" {outlined['when']}" if outlined["when"] else ""
    line = Text.assemble((decision + when, STYLES.get(decision, "")))
    console.print(line.append(f"  {outlined['reason']}", style="dim"), soft_wrap=True)
    for step in outlined["steps"]:
        said = ", ".join(
            f"{k}: {argument(v)}" for k, v in step["arguments"].items() if v is not None
        )
        text = f"  {step['index'] + 1} {step['function']} on {step['device']}"
        console.print(f"{text} ({said})" if said else text, markup=False, soft_wrap=True)


def argument(value: Any) -> str:
    """An argument of a step; what stands for another value is told in words."""
    if not isinstance(value, dict):
        return str(value)
    if "step" in value:
        return texts.RESULT_OF.format(step=value["step"] + 1)
    return str(value["words"] if "words" in value else value["person"])


def schedules(console: Console, found: list[dict[str, Any]]) -> None:
    """What is scheduled, the next first."""
    table = Table("id", "when", "sentence")
    for schedule in found:
        table.add_row(escape(schedule["id"]), schedule["words"], escape(schedule["text"]))
    console.print(table)
