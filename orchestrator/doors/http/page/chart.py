"""A command as a drawing: a bar a step on one time axis, and where its time went; in per cent, so
that it fits any screen."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator import spans, texts
from orchestrator.doors.http.page import words
from orchestrator.spans import Span, length
from schemas.execution import Execution, Stage

ROW, FOOT = 46, 18
"""Heights of a step and of the axis, in pixels."""
LEAST = 0.8
"""Per cent of the width that a bar has at least: however short, it is seen."""
CUT, INDENT = 32, 3
"""Characters of a label that fit on a phone beside a state, and what a level takes of them; the
table has it whole."""


@dataclass(frozen=True)
class Bar:
    """One step. `x` and `width` of its waiting and its running part are per cent of the axis, None
    where there is no such part; `over` is the row of the step it stands under."""

    number: int
    label: str
    what: str
    device: str
    state: str
    level: int
    over: int | None
    needs: str
    since: float | None
    wait: tuple[float, float] | None
    run: tuple[float, float] | None
    waited: str
    took: str
    evidence: str
    said: str


@dataclass(frozen=True)
class Chart:
    """A whole command; `height` in pixels, `total` in words."""

    bars: tuple[Bar, ...]
    total: str
    mini: int

    @property
    def height(self) -> int:
        """Of the drawing with its axis."""
        return ROW * len(self.bars) + FOOT

    @property
    def spoken(self) -> str:
        """What the drawing shows, in a line."""
        each = [f"{bar.what} {words.said(bar.state)}" for bar in self.bars]
        return f"{len(each)} {'step' if len(each) == 1 else 'steps'} in {self.total}: " + (
            ", ".join(each)
        )


def of(execution: Execution, names: Mapping[str, str], now: float) -> Chart:
    """A command as a chart; `names`: the devices' names by id."""
    begin, end = spans.extent(execution, now)
    whole = max(end - begin, 1e-6)
    found = spans.of(execution, now)
    rows = {span.index: row for row, span in enumerate(found)}

    def part(start: float, until: float) -> tuple[float, float]:
        x = min(100 * max(start - begin, 0) / whole, 100 - LEAST)
        width = max(100 * (until - start) / whole, LEAST)
        return round(x, 2), round(min(width, 100 - x), 2)

    def bar(span: Span) -> Bar:
        step = span.record
        what, device = texts.spoken(step.function), names.get(step.device, step.device)
        started = span.until if step.started is None else step.started
        waits = span.since is not None and started > span.since
        return Bar(
            number=span.index + 1,
            label=_cut(f"{what} on {device}" if device else what, CUT - INDENT * len(span.above)),
            what=what, device=device, state=step.state, level=len(span.above),
            over=rows[span.above[-1]] if span.above else None,
            needs=", ".join(str(index + 1) for index in sorted(step.step.needs)),
            since=None if span.since is None else part(span.since, span.since)[0],
            wait=part(span.since, started) if waits and span.since is not None else None,
            run=None if step.started is None else part(step.started, span.until),
            waited="" if span.waited is None else length(span.waited),
            took="" if span.ran is None else length(span.ran),
            evidence=span.evidence, said=span.said,
        )  # fmt: skip

    return Chart(tuple(map(bar, found)), length(end - begin), 7 * len(found))


@dataclass(frozen=True)
class Share:
    """A stage's part of a command's time, in per cent; `number` names it in the drawing."""

    number: int
    name: str
    x: float
    width: float
    took: str
    count: int


def trace(stages: Sequence[Stage]) -> tuple[Share, ...]:
    """Where a command's time went: each kind of stage once, in the order of their beginnings."""
    took = spans.totals(stages)
    count = Counter(str(stage.name) for stage in stages)
    whole = sum(took.values()) or 1.0
    shares, x = [], 0.0
    for number, (name, seconds) in enumerate(took.items(), 1):
        width = 100 * seconds / whole
        shares.append(
            Share(number, name, round(x, 2), round(width, 2), length(seconds), count[name])
        )
        x += width
    return tuple(shares)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
