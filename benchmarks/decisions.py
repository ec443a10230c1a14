"""What is decided about sentences, and what deciding costs beyond the model.

    python -m benchmarks.decisions [--json] [--wrong N]

Sentences, expressions and cases are in tests/guard, tests/dates and tests/devices: written by
people who knew neither the rules nor the data that the model learned from. `--wrong` prints so many
of those that went wrong in each table.
"""

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from orchestrator import guard
from orchestrator.catalogue import IRRELEVANT, Catalogue
from orchestrator.octopus.embedded import EmbeddedModel
from orchestrator.octopus.engine import Engine
from orchestrator.policy import Policy
from orchestrator.routing import router
from orchestrator.settings import PACKAGED, Model
from orchestrator.times import moments, rhythms
from orchestrator.understanding import Understander, Understanding
from schemas.decoded import Decoded
from schemas.device import Device, Kind
from schemas.execution import Decision
from schemas.plan import Plan, Step
from schemas.when import When

TESTS = Path(__file__).parent.parent / "tests"
NOW = datetime(2026, 11, 29, 17, 0, tzinfo=ZoneInfo("Europe/Berlin"))
THRESHOLD, CAUTION, NEVER = Model().threshold, Model().caution, 2.0
ACTS = (Decision.ACT, Decision.CONFIRM)
Row = dict[str, Any]
Understand = Callable[[str], Understanding]


def rows(file: str) -> list[Row]:
    """The JSON lines of a file under tests/."""
    return [json.loads(line) for line in (TESTS / file).read_text("utf-8").splitlines() if line]


def guards(catalogue: Catalogue, engine: Engine) -> dict[str, Understand]:
    """The way of a sentence with each guard: rules, the model's caution, both, none."""

    def way(
        caution: float, objection: Callable[..., Any], *, asks_model: bool = True
    ) -> Understand:
        understander = Understander(
            catalogue, Policy(), threshold=THRESHOLD, caution=caution, region="US",
            now=lambda: NOW, objection=objection,
        )  # fmt: skip

        def understand(sentence: str) -> Understanding:
            decoded = [engine.decode(reading) for reading in understander.readings(sentence)]
            if not asks_model:
                decoded = [one.model_copy(update={"because": ""}) for one in decoded]
            return understander(sentence, decoded, "local")

        return understand

    def silent(*_: object) -> None:
        return None

    return {
        "no guard": way(NEVER, silent, asks_model=False),
        "rules": way(NEVER, guard.objection, asks_model=False),
        "learned": way(CAUTION, silent),
        "both": way(CAUTION, guard.objection),
    }


def acted_wrongly(understood: Understanding, kind: str) -> bool:
    """Whether a sentence of this kind is acted on, now or later, though it must not be."""
    later = understood.decision is Decision.SCHEDULE and kind != "time"
    return understood.decision in ACTS or later


def held_back(ways: dict[str, Understand], wrong: list[str]) -> Row:
    """By kind: sentences, and how many each guard lets through."""
    table: dict[str, Counter[str]] = {}
    for row in rows("guard/held_back.jsonl"):
        counts = table.setdefault(row["kind"], Counter())
        counts["sentences"] += 1
        for name, understand in ways.items():
            understood = understand(row["q"])
            if acted_wrongly(understood, row["kind"]):
                counts[name] += 1
                if name == "both":
                    wrong.append(f"{row['kind']}: {row['q']} -> {understood.text}")
    return {kind: dict(counts) for kind, counts in table.items()}


def plain(ways: dict[str, Understand], wrong: list[str]) -> Row:
    """Requests that are held back, by guard and by what held them back."""
    found, table = rows("guard/plain.jsonl"), {}
    for name, understand in ways.items():
        why: Counter[str] = Counter()
        for row in found:
            understood = understand(row["q"])
            if understood.decision not in ACTS:
                why[_cause(understood)] += 1
                if name == "both":
                    wrong.append(f"{understood.reason}: {row['q']} -> {understood.text}")
        table[name] = {"sentences": len(found), "held": sum(why.values()), **why}
    return table


def _cause(understood: Understanding) -> str:
    """What held a request back: the guard, the model, or something that is asked for."""
    if understood.decision is not Decision.REFUSE:
        return str(understood.decision)
    # What is declined is told with what the sentence forbids; the model declined it all the same.
    declined = not understood.calls or understood.calls[0].function == IRRELEVANT
    return "model" if declined or understood.confidence < THRESHOLD else "guard"


def dates(wrong: list[str]) -> Row:
    """Expressions read as they were meant."""
    found = rows("dates/expressions.jsonl")
    right = 0
    for row in found:
        now = datetime.fromisoformat(row["now"]).replace(tzinfo=ZoneInfo(row["zone"]))
        got = _read(row["said"], now)
        if _meant(row["expect"], got, now):
            right += 1
        else:
            wrong.append(f"{row['said']} ({row['now']} {row['zone']}): {row['expect']}, not {got}")
    return {"expressions": len(found), "right": right, "share": round(right / len(found), 4)}


def _read(words: str, now: datetime) -> object:
    try:
        return moments.read(words, now)
    except moments.Unclear as unclear:
        return unclear


def _meant(expect: Row, got: object, now: datetime) -> bool:
    """Whether what was read is what is expected."""
    if "problem" in expect:
        return isinstance(got, moments.Unclear) and got.problem == expect["problem"]
    if "length" in expect:
        return isinstance(got, timedelta) and got.total_seconds() == expect["length"]
    if isinstance(got, clock):
        return f"{got:%H:%M}" == expect.get("clock") and "rule" not in expect
    if not isinstance(got, When):
        return False
    at = rhythms.instant(got)
    here = f"{at.astimezone(now.tzinfo):%Y-%m-%dT%H:%M}"
    if "rule" in expect:
        return _parts(got.rule) == _parts(expect["rule"]) and here == expect["next"]
    if "clock" in expect:  # "noon" is the next one
        return not got.rule and here[11:] == expect["clock"] and at - now <= timedelta(days=1)
    utc = "utc" not in expect or f"{at:%Y-%m-%dT%H:%MZ}" == expect["utc"]
    return utc and not got.rule and here == expect["at"][:16]


def _parts(rule: str) -> set[str]:
    return set(rule.split(";"))


def devices(catalogue: Catalogue, wrong: list[str]) -> Row:
    """Sentences that went to the devices they mean."""
    home, users, *cases = rows("devices/cases.jsonl")
    there = tuple(
        Device.model_validate({**one, "protocol": "test", "approved": True}, strict=False)
        for one in home["devices"]
    )
    right = 0
    for case in cases:
        own = {Kind(kind): name for kind, name in users["users"].get(case["user"], {}).items()}
        got = _routed(case, there, own, catalogue, users["users"])
        if got == case["expect"]:
            right += 1
        else:
            wrong.append(f"{case['user']}: {case['q']}: {case['expect']}, not {got}")
    return {"cases": len(cases), "right": right, "share": round(right / len(cases), 4)}


def _routed(
    case: Row, there: tuple[Device, ...], own: dict[Kind, str], catalogue: Catalogue, users: Row
) -> object:
    """The devices of every step as the cases write them."""
    steps = tuple(Step(index=n, **step) for n, step in enumerate(case["steps"]))
    owners = {user: {Kind(kind): name for kind, name in its.items()} for user, its in users.items()}
    try:
        plan = router.route(
            Plan(steps=steps), there, case["q"], catalogue, defaults=own, owners=owners
        )
    except router.WhichDevice as which:
        return {"ask": sorted(device.id for device in which.candidates)}
    except router.NoDevice:
        return {"nobody": True}
    return list(_grouped(plan, case))


def _grouped(plan: Plan, case: Row) -> Iterator[list[str]]:
    """The devices of each step that was written; one that fanned out has several."""
    left = list(plan.steps)
    for number, step in enumerate(case["steps"]):
        same = [one for one in left if one.function == step["function"]]
        alike = sum(s["function"] == step["function"] for s in case["steps"][number:])
        mine = same[: len(same) // alike]
        yield sorted(str(one.device) for one in mine)
        left = [one for one in left if one not in mine]


def invented(catalogue: Catalogue, wrong: list[str]) -> Row:
    """What published weights really wrote: arguments acted on that nobody said."""
    understander = Understander(
        catalogue, Policy(), threshold=THRESHOLD, region="US", now=lambda: NOW
    )
    texts, acted, false = 0, 0, 0
    for row in rows("fixtures/real_outputs.jsonl"):
        texts += 1
        decoded = Decoded(text=row["call"] or "", confidence=1.0)
        understood = understander(row["q"], [decoded], "local")
        if understood.decision not in ACTS:
            continue
        acted += 1
        for written, call in zip(understood.written, understood.calls, strict=True):
            for parameter, said, used in zip(
                catalogue[call.function].parameters, written.arguments, call.arguments, strict=True
            ):
                foreign = isinstance(said, str) and not parameter.choices and used is not None
                if (
                    foreign
                    and used != parameter.default
                    and _letters(said) not in _letters(row["q"])
                ):
                    false += 1
                    wrong.append(f"{row['q']}: {said!r} was never said")
    return {"texts": texts, "acted": acted, "invented": false}


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def cost(catalogue: Catalogue, engine: Engine) -> Row:
    """Milliseconds that deciding adds to a command, without the model's own."""
    understander = Understander(
        catalogue, Policy(), threshold=THRESHOLD, caution=CAUTION, region="US", now=lambda: NOW
    )
    times, routed, further = [], [], []
    home, _, *cases = rows("devices/cases.jsonl")
    there = tuple(
        Device.model_validate({**one, "protocol": "test", "approved": True}, strict=False)
        for one in home["devices"]
    )
    for row in [*rows("guard/plain.jsonl"), *rows("guard/held_back.jsonl")]:
        began = time.perf_counter()
        readings = understander.readings(row["q"])
        spent = time.perf_counter() - began
        decoded = [engine.decode(reading) for reading in readings]
        began = time.perf_counter()
        understander(row["q"], decoded, "local")
        times.append((spent + time.perf_counter() - began) * 1000)
        if len(readings) > 1:
            again = time.perf_counter()
            engine.decode(readings[1])
            further.append((time.perf_counter() - again) * 1000)
    for case in cases:
        steps = tuple(Step(index=n, **step) for n, step in enumerate(case["steps"]))
        began = time.perf_counter()
        with suppress(router.WhichDevice, router.NoDevice):
            router.route(Plan(steps=steps), there, case["q"], catalogue)
        routed.append((time.perf_counter() - began) * 1000)
    return {
        "understanding": _spread(times), "routing": _spread(routed),
        "second reading, where a time is named": _spread(further),
    }  # fmt: skip


def _spread(times: Sequence[float]) -> Row:
    ordered = sorted(times)
    return {
        "p50": round(statistics.median(ordered), 2),
        "p99": round(ordered[int(len(ordered) * 0.99)], 2),
    }


def show(console: Console, title: str, table: Row) -> None:
    """One table of counts."""
    inner = list(table.values())
    if not isinstance(inner[0], dict):
        table, inner = {title: table}, [table]
    columns = list(dict.fromkeys(name for row in inner for name in row))
    shown = Table("", *columns, title=title)
    for name, row in table.items():
        shown.add_row(name, *(str(row.get(column, 0)) for column in columns))
    console.print(shown)


def main() -> None:
    """Measure all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--wrong", type=int, default=0)
    options = parser.parse_args()
    catalogue = Catalogue.load(PACKAGED / "functions")
    engine = Engine(EmbeddedModel(catalogue))
    ways = guards(catalogue, engine)
    wrong: dict[str, list[str]] = {}
    figures = {
        "acted on, of sentences that forbid it": held_back(ways, wrong.setdefault("acted", [])),
        "held back, of plain requests": plain(ways, wrong.setdefault("held", [])),
        "times": dates(wrong.setdefault("times", [])),
        "devices": devices(catalogue, wrong.setdefault("devices", [])),
        "invented arguments": invented(catalogue, wrong.setdefault("invented", [])),
        "cost (ms)": cost(catalogue, engine),
    }
    if options.json:
        print(json.dumps(figures))
        return
    console = Console()
    for title, table in figures.items():
        show(console, title, table)
    for name, lines in wrong.items():
        for line in lines[: options.wrong]:
            console.print(f"{name}: {line}", markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
