"""A measured value and how it is shown, and how long something took."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from rich.console import Console
from rich.table import Table

P, T = ParamSpec("P"), TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """One measured value and what it should be."""

    key: str
    what: str
    value: float
    unit: str
    bar: str = ""


def show(figures: Iterable[Figure], *, as_json: bool) -> None:
    """Print a table of figures; for programs, one line of JSON after it."""
    found = [*figures]
    table = Table("figure", "bar", "measured")
    for one in found:
        table.add_row(one.what, one.bar, f"{one.value:.4g} {one.unit}")
    Console().print(table)
    if as_json:
        print(json.dumps({one.key: round(one.value, 3) for one in found}))


def timed(work: Callable[P, T], *given: P.args, **named: P.kwargs) -> tuple[float, T]:
    """Seconds, and what came of it."""
    began = time.perf_counter()
    made = work(*given, **named)
    return time.perf_counter() - began, made
