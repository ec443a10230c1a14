"""How the hub is, as the page says it: the operation `health`, with names, units and words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from orchestrator import texts
from orchestrator.doors.http.page import words
from orchestrator.spans import length

Told = Mapping[str, Any]
_UNITS = ("B", "kB", "MB", "GB", "TB")


class Fact(NamedTuple):
    """One thing about the hub: its name, its value in words, and its look where it has one."""

    name: str
    value: str
    look: str = ""


class Health(NamedTuple):
    """All of it: what is most asked for, and the rest; `problems` say what to do."""

    well: bool
    problems: tuple[str, ...]
    facts: tuple[Fact, ...]
    more: tuple[Fact, ...]


def health(told: Told) -> Health:
    """What the hub says of itself; what is new to the page is shown by its own name."""
    problems = tuple(str(one) for one in told.get("problems", ()))
    facts = _facts({k: v for k, v in told.items() if k not in _ELSEWHERE})
    bad = any(fact.look == "bad" for fact in facts)
    well = told.get("ready") is not False and not bad and not problems
    first = tuple(fact for fact in facts if fact.name in _FIRST or fact.look == "bad")
    return Health(well, problems, first, tuple(fact for fact in facts if fact not in first))


def _facts(told: Told, of: str = "") -> list[Fact]:
    found: list[Fact] = []
    for key, value in told.items():
        name = _NAMES.get(f"{of}{key}", texts.spoken(f"{of}{key}").capitalize())
        if isinstance(value, Mapping):
            found += _facts(value, f"{key} ")
        elif isinstance(value, bool):
            found.append(Fact(name, *(("works", "good") if value else ("away", "bad"))))
        elif value not in (None, "", [], ()) and (value or f"{of}{key}" in _ALWAYS):
            found.append(Fact(name, _AS.get(f"{of}{key}", _plain)(value)))
    return found


def _plain(value: Any) -> str:
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    return ", ".join(map(str, value)) if listed else str(value)


def _bytes(value: float) -> str:
    """As many units as there are thousands."""
    size = 0
    while value >= 1000 and size < len(_UNITS) - 1:
        value, size = value / 1000, size + 1
    exact = size and value < 100
    return f"{value:.{1 if exact else 0}f} {_UNITS[size]}"


_ELSEWHERE = {"ready", "problems", "states"}
_FIRST = {"Version", "MQTT broker", "Journal", "Model", "Model's process", "Devices in use"}
_ALWAYS = {"devices", "under_way"}
"""Counts that are shown where they are none, too."""
_NAMES = {
    "version": "Version", "since": "Up since", "broker": "MQTT broker",
    "journal writable": "Journal",
    "journal size": "Journal's size",
    "model model": "Model", "model alive": "Model's process", "model restarts": "Model's restarts",
    "model waiting": "Sentences before the model", "loop_lag": "Longest hold-up",
    "disk_free": "Free on the disk", "last_backup": "Last backup", "next_schedule": "Next schedule",
    "under_way": "Commands under way", "devices": "Devices in use", "proposed": "Devices found",
}  # fmt: skip
_AS: Mapping[str, Callable[[Any], str]] = {
    "since": words.moment, "last_backup": words.moment,
    "next_schedule": words.moment, "disk_free": _bytes, "journal size": _bytes, "loop_lag": length,
}  # fmt: skip
