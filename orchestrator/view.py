"""How the command line shows commands and devices in lines (rich)."""

from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from orchestrator import texts
from schemas.event import Event

STYLES = {
    "running": "blue", "dispatched": "blue", "pending": "dim",
    "succeeded": "green", "verified": "green", "failed": "red", "refused": "yellow",
    "unknown": "magenta", "needs_attention": "magenta", "partly": "yellow", "skipped": "yellow",
    "cancelled": "yellow", "expired": "yellow", "awaiting_confirmation": "cyan",
    "awaiting_answer": "cyan", "scheduled": "cyan", "missed": "red", "act": "green",
    "confirm": "cyan", "ask": "cyan", "schedule": "cyan", "refuse": "yellow",
    "connected": "green", "connecting": "dim", "found": "cyan", "broken": "red",
}  # fmt: skip


BRIEF = 8
"""Characters shown of an id at least."""


def plain(console: Console, text: str, most: int | None = None) -> str:
    """Somebody's text as one line that this console can print and that moves no cursor; cut after
    `most` characters."""
    cut = text if most is None or len(text) <= most else f"{text[:most]} ..."
    line = "".join(c if c.isprintable() else " " for c in cut)
    return line.encode(console.encoding, "replace").decode(console.encoding)


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
        shown = plain(console, f"{text} ({said})" if said else text)
        console.print(shown, markup=False, soft_wrap=True)


def argument(value: Any) -> str:
    """An argument of a step; what stands for another value is told in words."""
    if not isinstance(value, dict):
        return str(value)
    if "step" in value:
        return texts.RESULT_OF.format(step=value["step"] + 1)
    return str(value["words"] if "words" in value else value["person"])
