"""Where a command's time goes: its stages, as whoever works for it passes through them.

A trace goes with the context of the tasks that a command's work is made of; work for nobody's
command is in none. It says how long, never what.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from schemas.execution import Stage, StageName

SHORTEST = 0.0001
"""Seconds; what is shorter explains nothing."""
MOST = 200
"""Stages of one command; what comes after them is one more."""

_current: ContextVar["Trace | None"] = ContextVar("trace", default=None)


class Trace:
    """The stages of one command so far, in the order of their ends; times by the clock that never
    jumps."""

    def __init__(self) -> None:
        self._zero = time.time() - time.monotonic()
        self._passed: list[tuple[StageName, float, float, int | None]] = []

    def passed(self, name: StageName, began: float, ended: float, step: int | None = None) -> None:
        """A stage is over; `began` and `ended` by `time.monotonic`."""
        if ended - began < SHORTEST:
            return
        if len(self._passed) > MOST:
            _, first, last, _ = self._passed.pop()
            name, began, ended, step = StageName.REST, min(first, began), max(last, ended), None
        self._passed.append((name, began, ended, step))

    def lasted(self, name: StageName, since: float) -> None:
        """As `passed`, until now; `since` in seconds since the epoch."""
        self.passed(name, since - self._zero, time.monotonic())

    def ending(self, name: StageName) -> Callable[[], tuple[Stage, ...]]:
        """The last stage begins: what gives them all once it is over, in the order they began."""
        began = time.monotonic()

        def whole() -> tuple[Stage, ...]:
            last = (name, began, time.monotonic(), None)
            every = sorted((*self._passed, last), key=lambda one: one[1])
            return tuple(
                Stage(name=name, at=round(self._zero + began, 4), seconds=round(ended - began, 5),
                      step=step)
                for name, began, ended, step in every
            )  # fmt: skip

        return whole


def current() -> Trace | None:
    """The trace of the command that is worked for here."""
    return _current.get()


@contextmanager
def begun() -> Iterator[None]:
    """A command begins here: tasks that are made in the block record into a trace of its own."""
    token = _current.set(Trace())
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def going_on() -> Iterator[None]:
    """As `begun`, into the trace there is already, if there is one."""
    if _current.get() is not None:
        yield
        return
    with begun():
        yield


class stage:  # noqa: N801 (it is used as a function, and half as dear as one)
    """What is done in the block is a stage of the command that it is done for."""

    __slots__ = ("_began", "_its", "_name", "_step")

    def __init__(self, name: StageName, step: int | None = None) -> None:
        self._name, self._step = name, step

    def __enter__(self) -> None:
        self._its, self._began = _current.get(), time.monotonic()

    def __exit__(self, *_: object) -> None:
        if self._its is not None:
            self._its.passed(self._name, self._began, time.monotonic(), self._step)
