"""What was understood, as the JSON that `octopus decode` prints."""

import time
from collections.abc import Callable
from typing import Any

from orchestrator.catalogue import IRRELEVANT, Catalogue
from orchestrator.understanding import Understanding
from schemas.call import Call, Change, Person
from schemas.errors import HubError


def named(
    sentence: str, understand: Callable[[str], Understanding], catalogue: Catalogue
) -> dict[str, Any]:
    """One sentence's calls with named arguments, the decision, and how long it took (ms)."""
    began = time.perf_counter()
    try:
        understood = understand(sentence)
    except HubError as error:
        declined = {"name": IRRELEVANT, "args": {}}
        return {"q": sentence, "text": "", "calls": [declined], "decision": "refuse", "model": "",
                "reason": str(error), "confidence": 0.0, "ms": _since(began)}  # fmt: skip
    calls = [call_json(call, catalogue) for call in understood.calls]
    return {
        "q": sentence,
        "text": understood.text,
        "calls": calls or [{"name": IRRELEVANT, "args": {}}],
        "decision": understood.decision,
        "reason": understood.reason,
        "when": understood.when.model_dump() if understood.when else None,
        "confidence": round(understood.confidence, 4),
        "model": understood.model,
        "ms": _since(began),
    }


def call_json(call: Call, catalogue: Catalogue) -> dict[str, Any]:
    """A call as {name, args}; a nested call stands where its result goes."""
    names = [parameter.name for parameter in catalogue[call.function].parameters]
    values = [_plain(argument, catalogue) for argument in call.arguments]
    return {"name": call.function, "args": dict(zip(names, values, strict=True))}


def _plain(argument: object, catalogue: Catalogue) -> Any:
    """A value; what is still to be looked up stands there in the person's own words."""
    if isinstance(argument, Call):
        return call_json(argument, catalogue)
    if isinstance(argument, Change):
        return argument.words
    return argument.person if isinstance(argument, Person) else argument


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
