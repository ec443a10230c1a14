"""What is right in one answer of `octopus decode`, beside what its author wanted.

What is not known is not marked. Authors write dates, phone numbers and the like as they were said:
a value is right too if it is what those words mean.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from training.dataset.verify import key
from training.rows import Row

Right = Callable[[Any, Any], bool]


@dataclass(frozen=True)
class Marked:
    """One row, what was answered, and what of that is right.

    `function`: the names of all calls are, in any order, inner ones included; `strict`: so is every
    marked argument, value and type; `lenient`: after case, articles and punctuation are dropped and
    7 is 7.0.
    """

    row: Row
    answer: Row
    function: bool
    strict: bool
    lenient: bool

    @property
    def shape(self) -> str:
        """single | parallel | nested | irrelevant."""
        kind: str = self.row["kind"]
        return kind


def mark(row: Row, answer: Row) -> Marked:
    """Compare one answer with its row."""
    pairs = _paired(row["call"], answer["calls"])
    if pairs is None:
        return Marked(row, answer, function=False, strict=False, lenient=False)
    strict = all(_whole(gold, said, _same) for gold, said in pairs)
    lenient = all(_whole(gold, said, _alike) for gold, said in pairs)
    return Marked(row, answer, function=True, strict=strict, lenient=lenient)


def mark_all(rows: Iterable[Row], answer: Callable[[str], Row]) -> list[Marked]:
    """Mark every row with what `answer` makes of its sentence."""
    return [mark(row, answer(row["q"])) for row in rows]


def widened(row: Row, meaning: Callable[[str, str, Any], Any]) -> Row:
    """The row, where what was said may also be answered by what it means: `meaning` of a
    function's name, a parameter's and a value, None where it has none."""

    def value(function: str, name: str, gold: Any) -> Any:
        if isinstance(gold, dict):
            return call(gold)
        if gold is None:
            return None
        said = gold if isinstance(gold, list) else [gold]
        means = [meaning(function, name, one) for one in said if one is not None]
        more = [one for one in means if not any(_same(one, known) for known in (*said, None))]
        return [*said, *more]

    def call(gold: Row) -> Row:
        name = gold["name"]
        return gold | {"args": {p: value(name, p, v) for p, v in gold["args"].items()}}

    return row | {"call": [call(gold) for gold in row["call"]]}


def _paired(gold: Sequence[Row], said: Sequence[Row]) -> list[tuple[Row, Row]] | None:
    """Each wanted call with a predicted one of the same functions; None where one is left over."""
    left = list(said)
    pairs = []
    for wanted in gold:
        fitting = [call for call in left if _same_function(wanted, call)]
        if not fitting:
            return None
        best = max(fitting, key=lambda call: _whole(wanted, call, _alike))
        left.remove(best)
        pairs.append((wanted, best))
    return None if left else pairs


def _same_function(gold: Row, said: Row) -> bool:
    if said["name"] not in (gold["name"], *gold.get("accept", ())):
        return False
    inner = {name: value for name, value in gold["args"].items() if isinstance(value, dict)}
    nested = {name: value for name, value in said["args"].items() if isinstance(value, dict)}
    return inner.keys() == nested.keys() and all(
        _same_function(value, nested[name]) for name, value in inner.items()
    )


def _whole(gold: Row, said: Row, right: Right) -> bool:
    if said["name"] != gold["name"]:
        return True  # another function that is right as well; its arguments have no marks
    return all(_right(v, said["args"].get(name), right) for name, v in gold["args"].items())


def _right(gold: Any, said: Any, right: Right) -> bool:
    if isinstance(gold, dict):
        return isinstance(said, dict) and _whole(gold, said, right)
    accepted = gold if isinstance(gold, list) else [gold]
    return None in accepted or any(right(one, said) for one in accepted)


def _same(gold: Any, said: Any) -> bool:
    return type(gold) is type(said) and gold == said


def _alike(gold: Any, said: Any) -> bool:
    return _plain(gold) == _plain(said)


def _plain(value: Any) -> object:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return float(value)
    text = str(value)
    if text.startswith("PT") and text.endswith("S"):
        text = text[2:].lower()
    words = key(text).split()
    return " ".join(word for word in words if word not in ("the", "my", "a", "an"))
