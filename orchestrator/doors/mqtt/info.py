"""What the hub says of itself on `<base>/info`."""

from collections.abc import Iterable
from typing import Any

from orchestrator.operations import OPERATIONS
from orchestrator.release import release


def info(name: str, base: str, *, model: str, functions: Iterable[str]) -> dict[str, Any]:
    """Everything a program needs that knows nothing but the topic it reads this on."""
    return {
        "name": name,
        "version": release(),
        "model": model,
        "functions": list(functions),
        "operations": {name: known.summary for name, known in OPERATIONS.items()},
        "topics": {
            "status": f"{base}/status",
            "command": f"{base}/command/<user>",
            "request": f"{base}/request/<user>/<operation>",
            "response": f"{base}/response/<user>/<operation>",
            "event": f"{base}/event/<user>",
            "execution": f"{base}/execution/<id>",
            "devices": f"{base}/devices",
            "device": f"{base}/device/<id>/<availability|state>",
        },
    }
