"""How the command line shows a command's life and what the hub knows (rich)."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from schemas.event import Event

_STYLES = {
    "succeeded": "green", "verified": "green", "failed": "red", "refused": "yellow",
    "unknown": "magenta", "needs_attention": "magenta", "partly": "yellow", "skipped": "yellow",
    "cancelled": "yellow", "expired": "yellow", "awaiting_confirmation": "cyan",
    "awaiting_answer": "cyan", "scheduled": "cyan", "missed": "red", "act": "green",
    "confirm": "cyan", "ask": "cyan", "schedule": "cyan", "refuse": "yellow",
}  # fmt: skip


def event(
    console: Console, told: Event, began: float, names: dict[str, str], *, text: bool
) -> None:
    """One line of a command's life; `names` are the devices' names by id; with `text`, what was
    said along with it."""
    what = "command" if told.step is None else f"  step {told.step + 1} {told.function}"
    where = f" on {names.get(told.device, told.device)}" if told.device else ""
    line = Text.assemble(
        (f"{(told.at - began) * 1000:7.0f} ms ", "dim"),
        f"{what}{where}: ",
        (told.state, _STYLES.get(told.state, "")),
        (f"  {told.text}" if text and told.text else "", "dim"),
    )
    console.print(line, soft_wrap=True)


def devices(console: Console, found: list[dict[str, Any]]) -> None:
    """Approved devices and those that wait for approval."""
    table = Table("device", "kind", "id", "state", "functions")
    for device in found:
        state = _state(device)
        functions = str(len(device["functions"])) if device["functions"] else "?"
        # What a device says of itself is text, never markup.
        table.add_row(
            escape(device["name"]), device["kind"], escape(device["id"]), escape(state), functions
        )
    console.print(table)
    if not all(device["approved"] for device in found):
        console.print("octopus devices approve NAME lets the hub use a device", style="dim")


def checks(console: Console, looked_at: list[dict[str, Any]]) -> None:
    """What was looked at, and what is wrong with it."""
    for check in looked_at:
        mark = ("ok   ", "green") if check["good"] else ("wrong", "red")
        console.print(Text.assemble(mark, f" {check['name']}: {check['said']}"), soft_wrap=True)


def _state(device: dict[str, Any]) -> str:
    if not device["approved"]:
        return "waits for approval"
    if device["connected"]:
        return "connected"
    return f"approved: {device['problem'] or 'not connected yet'}"


def approved(device: dict[str, Any]) -> str:
    """What a person who approved a device is told."""
    if device["connected"]:
        return f"{device['name']} may be used now: {len(device['functions'])} functions"
    why = device["problem"] or "it does not answer"
    return f"{device['name']} is approved and not connected yet: {why}"


def executions(console: Console, records: list[dict[str, Any]]) -> None:
    """A user's newest commands."""
    table = Table("id", "sentence", "state", "answer")
    for record in records:
        state = f"[{_STYLES.get(record['state'], 'default')}]{record['state']}[/]"
        table.add_row(
            record["id"], escape(record["command"]["text"]), state, escape(record["answer"])
        )
    console.print(table)


def plan(console: Console, outlined: dict[str, Any]) -> None:
    """What would come of a sentence: the decision, and a line for each step."""
    decision, when = outlined["decision"], f" {outlined['when']}" if outlined["when"] else ""
    line = Text.assemble((decision + when, _STYLES.get(decision, "")))
    console.print(line.append(f"  {outlined['reason']}", style="dim"), soft_wrap=True)
    for step in outlined["steps"]:
        said = ", ".join(
            f"{k}: {_argument(v)}" for k, v in step["arguments"].items() if v is not None
        )
        text = f"  {step['index'] + 1} {step['function']} on {step['device']}"
        console.print(f"{text} ({said})" if said else text, markup=False, soft_wrap=True)


def _argument(value: Any) -> str:
    """An argument of a step; what stands for another value is told in words."""
    if not isinstance(value, dict):
        return str(value)
    return f"the result of step {value['step'] + 1}" if "step" in value else value["words"]


def schedules(console: Console, found: list[dict[str, Any]]) -> None:
    """What is scheduled, the next first."""
    table = Table("id", "when", "sentence")
    for schedule in found:
        table.add_row(escape(schedule["id"]), schedule["words"], escape(schedule["text"]))
    console.print(table)
