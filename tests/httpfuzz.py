"""Requests that nobody would think of, made from the API's own description, to a real server.

They come from a process of their own, for making them is more work than answering them:

    echo '{"at": URL, "tokens": [TOKEN], "count": 100, "number": 0}' | python -m tests.httpfuzz
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
ENDLESS = "/api/v1/events"
"""A stream has no end to wait for."""


@dataclass
class Found:
    """What came of it: how often each status (0: no answer), and every complaint."""

    statuses: Counter[int] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    @property
    def requests(self) -> int:
        """How many were sent."""
        return self.statuses.total()

    @property
    def crashes(self) -> int:
        """How many were answered with 5xx, or not at all."""
        return sum(count for status, count in self.statuses.items() if status >= 500 or not status)


async def found_at(at: str, tokens: Sequence[str], count: int, number: int = 0) -> Found:
    """As `fuzz`, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.httpfuzz", cwd=Path(__file__).parent.parent,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    asked = {"at": at, "tokens": list(tokens), "count": count, "number": number}
    try:
        said, _ = await process.communicate(json.dumps(asked).encode())
    except BaseException:
        process.kill()
        await process.wait()
        raise
    told = json.loads(said)
    statuses = Counter({int(status): seen for status, seen in told["statuses"].items()})
    return Found(statuses, told["complaints"])


def fuzz(at: str, tokens: Sequence[str], count: int, number: int = 0) -> Found:
    """Send about so many requests, half of them such as the description allows; blocks. With many
    tokens no rate of one is in the way; `number` makes the same ones again."""
    schema = schemathesis.openapi.from_url(f"{at}/api/v1/openapi.json")
    schema.config.update(base_url=at)
    operations = [one.ok() for one in schema.exclude(path=ENDLESS).get_all_operations()]
    found, turns = Found(), itertools.cycle(tokens)
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    each = max(1, count // (len(operations) * len(modes)))
    with requests.Session() as session:
        session.trust_env = False
        for operation, mode in itertools.product(operations, modes):

            @seed(number)
            @settings(
                max_examples=each, database=None, deadline=None, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case: Any) -> None:
                _send(case, session, next(turns), found)

            try:
                send()
            except Unsatisfiable:
                continue  # nothing that would not fit can be sent there
    return found


def _send(case: Any, session: requests.Session, token: str, found: Found) -> None:
    try:
        response = case.call(session=session, headers={"Authorization": f"Bearer {token}"})
    except requests.RequestException as error:
        found.statuses[0] += 1
        found.complaints.append(f"{case.operation.label}: {error!r}")
        return
    found.statuses[response.status_code] += 1
    try:
        case.validate_response(response, checks=CHECKS)
    except FailureGroup as failures:
        found.complaints.extend(f"{case.operation.label}: {one}" for one in failures.exceptions)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(vars(fuzz(**json.load(sys.stdin)))))
