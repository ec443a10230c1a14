"""How the command line shows a command's life and what the hub knows (rich)."""

from typing import Any

from rich.console import Console
from rich.table import Table

from schemas.event import Event

_STYLES = {
    "succeeded": "green", "verified": "green", "failed": "red", "refused": "yellow",
    "unknown": "magenta", "needs_attention": "magenta", "partly": "yellow", "skipped": "yellow",
    "cancelled": "yellow", "expired": "yellow", "awaiting_confirmation": "cyan",
}  # fmt: skip


def event(console: Console, told: Event, began: float) -> None:
    """One line of a command's life."""
    state = f"[{_STYLES.get(told.state, 'default')}]{told.state}[/]"
    what = "command" if told.step is None else f"  step {told.step + 1} {told.function}"
    where = f" on {told.device}" if told.device else ""
    console.print(f"[dim]{(told.at - began) * 1000:7.0f} ms[/] {what}{where}: {state}", end="")
    console.print(f"  {told.text}" if told.text else "", style="dim", markup=False, highlight=False)


def devices(console: Console, found: list[dict[str, Any]]) -> None:
    """Approved devices and those that wait for approval."""
    table = Table("device", "kind", "id", "state", "functions")
    for device in found:
        state = "connected" if device["connected"] else "approved" if device["approved"] else (
            "waits: octopus devices approve"
        )  # fmt: skip
        functions = str(len(device["functions"])) if device["functions"] else "?"
        table.add_row(device["name"], device["kind"], device["id"], state, functions)
    console.print(table)


def executions(console: Console, records: list[dict[str, Any]]) -> None:
    """A user's newest commands."""
    table = Table("id", "sentence", "state", "answer")
    for record in records:
        state = f"[{_STYLES.get(record['state'], 'default')}]{record['state']}[/]"
        table.add_row(record["id"][:12], record["command"]["text"], state, record["answer"])
    console.print(table)
