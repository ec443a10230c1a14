"""Other people's sentences (`--utterances DIR`): rows `q`, `call` to examples."""

import re
from pathlib import Path
from typing import Any

from orchestrator.catalogue import Catalogue
from schemas.function import Parameter
from training import rows
from training.dataset.example import Example, Intended, Mark, Span

_CAR = re.compile(r"\b(car|vehicle|truck|driver|passenger|seat|cabin|rear|dash\w*|a/?c)\b", re.I)
# Where the sentence does not say "car", people at home mean the other function.
_AT_HOME = {"adjust_volume": "set_volume", "set_climate_temperature": "set_nest_temperature"}


def load(file: Path, catalogue: Catalogue) -> list[Example]:
    """Every row whose functions the catalogue knows; BadRows names a bad line."""
    examples = []
    for row in rows.load(file):
        calls = [_intended(row["q"], call, catalogue) for call in row["call"]]
        known = [call for call in calls if call is not None]
        if len(known) == len(calls):
            examples.append(Example(row["q"], tuple(known), row.get("src", file.stem)))
    return examples


def _intended(sentence: str, call: dict[str, Any], catalogue: Catalogue) -> Intended | None:
    name = call["name"]
    if name not in catalogue:
        return None
    home = _AT_HOME.get(name)
    if home and home in (call.get("accept") or []) and not _CAR.search(sentence):
        unknown = dict.fromkeys((p.name for p in catalogue[home].parameters), Mark.UNKNOWN)
        return Intended(home, dict(unknown))
    arguments: dict[str, Span | str | Mark | Intended] = {}
    for parameter in catalogue[name].parameters:
        value = call["args"].get(parameter.name)
        arguments[parameter.name] = _argument(sentence, value, parameter, catalogue)
    return Intended(name, arguments)


def _argument(
    sentence: str, value: Any, parameter: Parameter, catalogue: Catalogue
) -> Span | str | Mark | Intended:
    if isinstance(value, dict):
        return _intended(sentence, value, catalogue) or Mark.UNKNOWN
    for one in value if isinstance(value, list) else [value]:
        if one is None:
            continue
        if str(one).lower() in parameter.choices:
            return str(one).lower()
        found = re.search(rf"(?<!\w){re.escape(str(one))}(?!\w)", sentence, re.I)
        if found:
            return Span(*found.span())
    return Mark.UNKNOWN
