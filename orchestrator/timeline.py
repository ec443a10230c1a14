"""One command as a tree: each step under the last one it needs, with a bar on one time axis (rich).

A bar is dim from when the step could have started until it was dispatched, and coloured from then
until it ended: what ran together and what waited is seen at a glance.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from orchestrator import spans
from orchestrator.spans import Span
from orchestrator.view import STYLES, argument, plain
from schemas.execution import Execution, StepRecord

LONG, SAID, SHORT = 1000, 200, 40
"""Characters shown at most: of a sentence or an answer, of an outcome, of a name or an argument."""
WORDS, FEWEST, TIME, GUIDE = 24, 8, 7, 4
"""Cells: kept for a step's words, a bar's least, a time, and what a level of the tree takes."""


class _Blocks(NamedTuple):
    wait: str
    run: str
    left: str
    line: str
    right: str


_UNICODE, _ASCII = _Blocks("░", "█", "├", "─", "┤"), _Blocks(".", "#", "|", "-", "|")


def drawing(
    console: Console, record: Mapping[str, Any], names: Mapping[str, str], now: float
) -> Tree:
    """What `execution/get` told, for this console; `names` are the devices' names by id."""
    execution = Execution.of_plain(record)
    sheet = _Sheet(console, _axis(console, execution, now), names)
    deepest = max(1, (console.width - sheet.right - WORDS) // GUIDE)
    tree = Tree(sheet.head(execution, record.get("awaiting")), guide_style="dim")
    branches: dict[int, Tree] = {}
    # Where the console gets too narrow, a step stands with the one it needs, not under it.
    for one in spans.of(execution, now, deepest):
        label = sheet.step(one)
        branches[one.index] = (branches[one.above[-1]] if one.above else tree).add(label)
    return tree


@dataclass(frozen=True)
class _Axis:
    """The time of a whole command on so many cells of a line; 0 where there is no room."""

    begin: float
    end: float
    cells: int
    blocks: _Blocks

    def whole(self) -> Text:
        """The axis itself."""
        blocks = self.blocks
        return Text(f"{blocks.left}{blocks.line * (self.cells - 2)}{blocks.right}", "dim")

    def bar(self, span: Span) -> Text:
        """How a step waited and ran."""
        if span.since is None:
            return Text()
        step = span.record
        started = until = self._cell(span.until)
        if step.started is not None:
            started = min(self._cell(step.started), self.cells - 1)
            until = max(until, started + 1)  # however short, it is seen
        waiting = min(self._cell(span.since), started)
        return Text.assemble(
            " " * waiting,
            (self.blocks.wait * (started - waiting), "dim"),
            (self.blocks.run * (until - started), STYLES.get(step.state, "")),
        )

    def _cell(self, at: float) -> int:
        share = (at - self.begin) / max(self.end - self.begin, 1e-6)
        return round(self.cells * min(max(share, 0.0), 1.0))


def _axis(console: Console, execution: Execution, now: float) -> _Axis:
    cells = min(console.width // 3, console.width - GUIDE - WORDS - TIME - 2)
    blocks = _ASCII if console.options.ascii_only else _UNICODE
    begin, end = spans.extent(execution, now)
    return _Axis(begin, end, cells if cells >= FEWEST else 0, blocks)


@dataclass(frozen=True)
class _Sheet:
    """Where a command is drawn: its words on the left, its axis on the right."""

    console: Console
    axis: _Axis
    names: Mapping[str, str]

    @property
    def right(self) -> int:
        """The cells that bar and time take, at the same place whatever the level."""
        return TIME + 1 + (self.axis.cells + 1 if self.axis.cells else 0)

    def head(self, execution: Execution, awaiting: Mapping[str, str] | None) -> Group:
        """The command: its sentence and state, what was decided, asked and answered."""
        sentence = Text(self._plain(execution.command.text, LONG), "bold")
        took = spans.length(self.axis.end - self.axis.begin)
        began = f"{datetime.fromtimestamp(execution.created):%Y-%m-%d %H:%M:%S}"
        which = f"{began}  {self._plain(execution.command.id, LONG)}"
        told = {
            "decided": ": ".join(filter(None, (execution.decision, execution.reason))),
            "answer": execution.answer,
            "time": spans.spent(execution.trace),
        }
        if awaiting is not None:
            told |= {"asks": awaiting["text"], "reply": _reply(execution, awaiting["token"])}
        return Group(
            self._row(sentence, self.axis.whole(), took),
            Text.assemble(_state(execution.state), (f"  {which}", "dim")),
            self._table(told),
        )

    def step(self, span: Span) -> Group:
        """One step."""
        step = span.record
        function = self._plain(step.function, SHORT)
        where = self._plain(self.names.get(step.device, step.device), SHORT)
        took = "" if span.ran is None else spans.length(span.ran)
        named = Text(f"{step.index + 1} {function}" + (f" on {where}" if where else ""))
        told = self._plain("  ".join(filter(None, (span.evidence, span.said))), SAID)
        lines = [Text.assemble(_state(step.state), f"  {told}" if told else "")]
        if said := ", ".join(self._said(step)):
            lines.append(Text(said, "dim"))
        if span.others:
            steps = " and ".join(str(index + 1) for index in span.others)
            lines.append(Text(f"also needs step {steps}", "dim"))
        return Group(self._row(named, self.axis.bar(span), took), *lines)

    def _row(self, words: Text, bar: Text, took: str) -> Table:
        row = Table.grid(expand=True, padding=(0, 1, 0, 0))
        row.add_column(ratio=1, overflow="fold")
        if self.axis.cells:
            row.add_column(width=self.axis.cells, no_wrap=True)
        row.add_column(width=TIME, no_wrap=True, justify="right")
        row.add_row(words, *([bar] if self.axis.cells else []), Text(took))
        return row

    def _table(self, told: Mapping[str, str]) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column()
        table.add_column(overflow="fold")
        for name, text in told.items():
            if text:
                table.add_row(Text(name, "dim"), Text(self._plain(text, LONG)))
        return table

    def _said(self, step: StepRecord) -> list[str]:
        told = step.model_dump(mode="json")["arguments"].items()
        return [f"{k}: {self._plain(argument(v), SHORT)}" for k, v in told if v is not None]

    def _plain(self, text: str, most: int) -> str:
        return plain(self.console, text, most)


def _state(state: str) -> tuple[str, str]:
    return state, STYLES.get(state, "")


def _reply(execution: Execution, token: str) -> str:
    """The command line that says yes, or answers."""
    identity = execution.command.id
    return f"octopus confirm {identity} {token}" if token else f"octopus answer {identity} ANSWER"
