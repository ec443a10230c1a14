"""What is said to a module's shell, and what its answers mean: pure.

The shell answers in plain text, as its firmware prints it; there are no exit codes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

from device_adapters.car.driving import moves
from schemas.base import Scalar

_SAID_NO = re.compile(r"(error\b|usage:|unrecognised |subcommand required)", re.IGNORECASE)
_NAME = re.compile(r"[a-z]\w*(\.\w+)+")
_NUMBER = re.compile(r"(-?\d{1,12}(?:\.\d{1,12})?(?:e[+-]?\d{1,2})?)\s*(\D{0,8})", re.IGNORECASE)
_LINES = 500  # of one answer that are read
_EXCERPT = 80  # characters of an answer that are told


class Order(NamedTuple):
    """One order: the shell's line, the answer of one that was carried out, and the metric that
    says so afterwards."""

    line: str
    done: str
    metric: str
    reached: bool
    told: str


LOCK = Order("lock {pin}", "Vehicle locked", "v.e.locked", True, "Locked the doors")
UNLOCK = Order("unlock {pin}", "Vehicle unlocked", "v.e.locked", False, "Unlocked the doors")
START = Order("charge start", "Charge has been started", "v.c.charging", True, "Started charging")
STOP = Order("charge stop", "Charge has been stopped", "v.c.charging", False, "Stopped charging")

ORDERS: Mapping[tuple[str, Scalar | None], Order] = {
    ("lock_doors", "lock"): LOCK,
    ("lock_doors", "unlock"): UNLOCK,
    ("start_charging", None): START,
    ("stop_charging", None): STOP,
}
"""By function and action."""


def listing(metric: str) -> str:
    """The line that asks for every metric whose name holds `metric`."""
    return f"metrics list {metric}"


def refusal(answer: str) -> str | None:
    """Why the shell did nothing, in one line; None where it does not say so."""
    text = answer.strip()
    if not _SAID_NO.match(text):
        return None
    return excerpt(re.sub(r"^error:?\s*", "", text.splitlines()[0], flags=re.IGNORECASE)) or "error"


def carried_out(order: Order, answer: str) -> bool:
    """Whether the shell says that the order was carried out."""
    return " ".join(answer.split()) == order.done


def excerpt(answer: str) -> str:
    """The beginning of an answer, fit for one line."""
    text = " ".join("".join(c if c.isprintable() else " " for c in answer[:1000]).split())
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}…"


def metrics(answer: str) -> dict[str, str]:
    """The metrics of a listing, by name; those without a value are left out."""
    lines = [line.split(maxsplit=1) for line in answer.splitlines()[:_LINES]]
    named = (line for line in lines if len(line) == 2 and _NAME.fullmatch(line[0]))
    return {name: value.strip() for name, value in named}


def flag(value: str | None) -> bool | None:
    """A metric that is yes or no; None where it is neither."""
    return {"yes": True, "no": False}.get((value or "").casefold())


def number(value: str | None) -> tuple[float, str] | None:
    """A metric that is a number, and its unit ("160Km"); None where it is none."""
    match = _NUMBER.fullmatch((value or "").strip())
    if match is None or not math.isfinite(read := float(match[1])):
        return None
    return read, match[2].strip()


def driving(found: dict[str, str]) -> bool | None:
    """Whether a car with these metrics drives; None where they do not tell."""
    if flag(found.get("v.e.on")) is False:
        return False
    speed = number(found.get("v.p.speed"))
    return None if speed is None else moves(*speed)
