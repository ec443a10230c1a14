"""A measured value, and how long something took."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

P, T = ParamSpec("P"), TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """One measured value and what it should be."""

    key: str
    what: str
    value: float
    unit: str
    bar: str = ""


def timed(work: Callable[P, T], *given: P.args, **named: P.kwargs) -> tuple[float, T]:
    """Seconds, and what came of it."""
    began = time.perf_counter()
    made = work(*given, **named)
    return time.perf_counter() - began, made
