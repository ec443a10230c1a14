"""Following a command from outside, also where its events do not arrive."""

import asyncio
import io
from typing import Any

import pytest
from rich.console import Console

from orchestrator import follow as follow_module
from orchestrator.follow import follow
from schemas.execution import RunState

COMMAND = {"id": "c1", "text": "call Ana", "user": "ann", "door": "mqtt"}


class Hub:
    """A hub that tells no events; `records` is what it answers with, one after another."""

    def __init__(self, *records: dict[str, Any]) -> None:
        self.events: asyncio.Queue[Any] = asyncio.Queue()
        self.records = list(records)
        self.confirmed: list[dict[str, Any]] = []

    async def send(self, text: str, identity: str) -> None:
        """Nothing is told of it."""

    async def request(self, operation: str, **fields: Any) -> Any:
        if operation == "device/list":
            return []
        if operation == "confirm":
            self.confirmed.append(fields)
            return {}
        return self.records.pop(0) | {"command": COMMAND}


RUNNING = {"state": "running"}
WAITS = {"state": "awaiting_confirmation", "awaiting": {"text": "may it?", "token": "t0"}}
ENDED = {"state": "succeeded", "ended": 1.0, "answer": "Called Ana"}


async def run(hub: Hub, monkeypatch: pytest.MonkeyPatch, **options: Any) -> tuple[RunState, str]:
    monkeypatch.setattr(follow_module, "QUIET", 0.01)
    printed = io.StringIO()
    state = await follow(hub, "call Ana", Console(file=printed), **options)  # type: ignore[arg-type]
    return state, printed.getvalue()


async def test_a_long_silence_ends_with_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(RUNNING, RUNNING, RUNNING, ENDED)
    state, printed = await run(hub, monkeypatch)
    assert state is RunState.SUCCEEDED
    assert printed.endswith("Called Ana\n")


async def test_a_question_that_was_missed_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(RUNNING, WAITS, RUNNING, ENDED)
    state, printed = await run(hub, monkeypatch, yes=True)
    assert [(c["token"], c["answer"]) for c in hub.confirmed] == [("t0", True)]
    assert state is RunState.SUCCEEDED
    assert "may it?" in printed


async def test_without_a_terminal_and_a_yes_the_answer_is_no(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = Hub(WAITS, {**ENDED, "state": "cancelled", "answer": "a person said no"})
    state, _ = await run(hub, monkeypatch)
    assert [c["answer"] for c in hub.confirmed] == [False]
    assert state is RunState.CANCELLED
    assert "--yes confirms beforehand" in capsys.readouterr().err
