"""What was understood, as the JSON that `octopus decode` prints."""

import time
from collections.abc import Callable
from typing import Any

from orchestrator.catalogue import IRRELEVANT, Catalogue
from orchestrator.understanding import Understanding
from schemas.call import Call
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
    return {
        "q": sentence,
        "text": understood.text,
        "calls": [call_json(call, catalogue) for call in understood.calls],
        "decision": understood.decision,
        "reason": understood.reason,
        "confidence": round(understood.confidence, 4),
        "model": understood.model,
        "ms": _since(began),
    }


def call_json(call: Call, catalogue: Catalogue) -> dict[str, Any]:
    """A call as {name, args}; a nested call stands where its result goes."""
    names = [parameter.name for parameter in catalogue[call.function].parameters]
    values = [call_json(a, catalogue) if isinstance(a, Call) else a for a in call.arguments]
    return {"name": call.function, "args": dict(zip(names, values, strict=True))}


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
