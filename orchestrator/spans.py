"""When the steps of a command could start, started and ended, and which stands under which: what
every drawing of a command is made of."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.execution import Execution, Stage, StepRecord
from schemas.outcome import Done

DEEPEST = 6
"""Levels that are told apart unless a drawing says otherwise."""


@dataclass(frozen=True)
class Span:
    """One step; moments are in seconds since the epoch.

    `since`: when it could have started, None where one that it needs has not ended; `until`: when
    it ended, or the end of the drawing; `above`: the steps that it stands under, the outermost
    first; `others`: those that it needs beside the one right above it.
    """

    record: StepRecord
    since: float | None
    until: float
    above: tuple[int, ...]
    others: tuple[int, ...]

    @property
    def index(self) -> int:
        """Its number, from 0."""
        return self.record.index

    @property
    def waited(self) -> float | None:
        """Seconds from when it could have started until it was dispatched, or until the end."""
        if self.since is None:
            return None
        started = self.until if self.record.started is None else self.record.started
        return max(started - self.since, 0.0)

    @property
    def ran(self) -> float | None:
        """Seconds from its dispatch until its end; None where it was never dispatched."""
        return None if self.record.started is None else max(self.until - self.record.started, 0.0)

    @property
    def evidence(self) -> str:
        """What backs that it was done; empty where it was not."""
        outcome = self.record.outcome
        return str(outcome.evidence) if isinstance(outcome, Done) else ""

    @property
    def said(self) -> str:
        """What its device said, or why it came to nothing."""
        outcome = self.record.outcome
        if not isinstance(outcome, Done):
            return outcome.reason if outcome else ""
        result = "; ".join(outcome.result) if isinstance(outcome.result, tuple) else outcome.result
        return outcome.detail or ("" if result is None else str(result))


def extent(execution: Execution, now: float) -> tuple[float, float]:
    """When a command began and when it ended; `now` where it has not."""
    known = [at for step in execution.steps for at in (step.started, step.ended) if at is not None]
    return execution.created, max([execution.created, execution.ended or now, *known])


def of(execution: Execution, now: float, deepest: int = DEEPEST) -> tuple[Span, ...]:
    """Every step of a command, each under the last one it needs, `deepest` levels at most."""
    end = extent(execution, now)[1]
    paths: dict[int, tuple[int, ...]] = {}
    found = []
    for step in execution.steps:
        needs = step.step.needs
        above = paths.get(max(needs, default=-1), ())[: deepest - 1]
        paths[step.index] = (*above, step.index)
        others = tuple(sorted(set(needs) - set(above[-1:])))
        until = end if step.ended is None else step.ended
        found.append(Span(step, _since(step, execution), until, above, others))
    return tuple(found)


def _since(step: StepRecord, execution: Execution) -> float | None:
    ends = [execution.steps[index].ended for index in step.step.needs]
    return None if None in ends else max([execution.created, *filter(None, ends)])


def spent(stages: Iterable[Stage]) -> str:
    """Where a command's time went, the longest first: "call 310 ms, decode 21 ms"; what ran
    together is counted once."""
    longest = sorted(totals(stages).items(), key=lambda one: -one[1])
    return ", ".join(f"{name} {length(seconds)}" for name, seconds in longest)


def totals(stages: Iterable[Stage]) -> dict[str, float]:
    """Seconds that each kind of stage took, in the order of their beginnings; what ran together is
    counted once."""
    until: dict[str, float] = {}
    took: dict[str, float] = {}
    for stage in sorted(stages, key=lambda one: one.at):
        name, end = str(stage.name), stage.at + stage.seconds
        new = max(0.0, end - max(stage.at, until.get(name, 0.0)))
        took[name] = took.get(name, 0.0) + new
        until[name] = max(end, until.get(name, 0.0))
    return took


def length(seconds: float) -> str:
    """A length of time in at most seven characters, up to 99 days."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds >= 1 else f"{max(seconds, 0) * 1000:.0f} ms"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours < 24 else f"{hours // 24}d{hours % 24:02}h"
