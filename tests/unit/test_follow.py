"""Following commands from outside, also where their events do not arrive."""

from __future__ import annotations

import asyncio
import io
import time
from typing import Any

import pytest
from rich.console import Console

from orchestrator import watch as watch_module
from orchestrator.follow import follow
from orchestrator.watch import watch, watch_all
from schemas.command import Command
from schemas.event import Event
from schemas.execution import Execution, RunState, StepRecord, StepState
from schemas.outcome import Done, Evidence

COMMAND = Command(id="c1", text="call Ana", user="ann", door="mqtt")
DIALLING = StepRecord(
    index=0, function="call", arguments={}, device="p1", state=StepState.DISPATCHED, started=1.0
)
DIALLED = DIALLING.model_copy(
    update={
        "state": StepState.SUCCEEDED,
        "outcome": Done(evidence=Evidence.UNVERIFIED),
        "ended": 2.0,
    }
)


class Hub:
    """A hub that tells only the events a test puts; `records` is what it answers with, one after
    another and the last one again and again."""

    def __init__(self, *records: dict[str, Any]) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.records = list(records)
        self.confirmed: list[dict[str, Any]] = []

    async def send(self, text: str, identity: str, **fields: Any) -> None:
        """Nothing is told of it."""

    async def request(self, operation: str, **fields: Any) -> Any:
        if operation == "device/list":
            return [{"id": "p1", "name": "Pixel"}]
        if operation == "confirm":
            self.confirmed.append(fields)
            return {}
        return self.records.pop(0) if len(self.records) > 1 else self.records[0]


def record(state: RunState, *steps: StepRecord, **fields: Any) -> dict[str, Any]:
    return Execution(command=COMMAND, state=state, created=1.0, steps=steps, **fields).plain()


RUNNING = record(RunState.RUNNING, DIALLING)
WAITS = record(RunState.AWAITING_CONFIRMATION) | {
    "awaiting": {"text": "may it?", "token": "t0", "options": ["yes", "no"]}
}
ENDED = record(RunState.SUCCEEDED, DIALLED, ended=2.0, answer="Called Ana")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "QUIET", 0.01)
    monkeypatch.setattr(watch_module, "DRAWN_EVERY", 0.01)
    monkeypatch.setenv("TERM", "xterm")


async def run(hub: Hub, **options: Any) -> tuple[RunState, str]:
    printed = io.StringIO()
    state = await follow(hub, "call Ana", Console(file=printed), **options)  # type: ignore[arg-type]
    return state, printed.getvalue()


async def watched(hub: Hub, **options: Any) -> tuple[RunState, str]:
    printed = io.StringIO()
    state = await watch(hub, "c1", Console(file=printed, width=80, **options))  # type: ignore[arg-type]
    return state, printed.getvalue()


def told(state: str, identity: str = "c1", **fields: Any) -> Event:
    return Event(id=identity, user="ann", state=state, at=1.5, **fields)


async def test_a_long_silence_ends_with_the_record() -> None:
    hub = Hub(RUNNING, RUNNING, RUNNING, ENDED)
    state, printed = await run(hub)
    assert state is RunState.SUCCEEDED
    assert printed.endswith("Called Ana\n")


async def test_a_question_that_was_missed_is_answered() -> None:
    hub = Hub(RUNNING, WAITS, RUNNING, ENDED)
    state, printed = await run(hub, yes=True)
    assert [(c["token"], c["answer"]) for c in hub.confirmed] == [("t0", True)]
    assert state is RunState.SUCCEEDED
    assert "may it?" in printed


async def test_without_a_terminal_and_a_yes_the_answer_is_no(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hub = Hub(WAITS, {**ENDED, "state": "cancelled", "answer": "the answer was no"})
    state, _ = await run(hub)
    assert [c["answer"] for c in hub.confirmed] == [False]
    assert state is RunState.CANCELLED
    assert "--yes confirms beforehand" in capsys.readouterr().err


async def test_watching_without_a_terminal_is_a_line_for_each_event() -> None:
    hub = Hub(RUNNING)
    hub.events.put_nowait(told("dispatched", "another", step=0))
    hub.events.put_nowait(told("dispatched", step=0, function="call", device="p1"))
    hub.events.put_nowait(told("succeeded", text="Called Ana"))
    state, printed = await watched(hub)
    lines = printed.splitlines()
    assert state is RunState.SUCCEEDED
    assert lines[0].endswith("command: running")
    assert lines[1:] == [
        "    500 ms   step 1 call on Pixel: dispatched",
        "    500 ms command: succeeded",
        "Called Ana",
    ]


async def test_watching_misses_no_end_and_tells_a_question_once() -> None:
    state, printed = await watched(Hub(RUNNING, WAITS, WAITS, WAITS, ENDED))
    assert state is RunState.SUCCEEDED
    assert printed.count("may it?") == 1
    assert printed.endswith("Called Ana\n")


async def test_watching_what_has_ended_ends() -> None:
    failed = record(RunState.FAILED, ended=2.0, answer="no")
    state, printed = await watched(Hub(failed))
    assert (state, printed.splitlines()[-1]) == (RunState.FAILED, "no")
    state, printed = await watched(Hub(failed), force_terminal=True)
    assert state is RunState.FAILED
    assert "answer" in printed


async def test_on_a_terminal_it_is_drawn_until_it_has_ended() -> None:
    state, printed = await watched(Hub(RUNNING, RUNNING, RUNNING, ENDED), force_terminal=True)
    assert state is RunState.SUCCEEDED
    assert printed.count("running") >= 3
    assert "call on Pixel" in printed
    assert "Called Ana" in printed.rpartition("running")[2], "the end is what stays"


async def test_on_a_terminal_an_event_is_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "DRAWN_EVERY", 3600)
    hub = Hub(RUNNING, ENDED)
    hub.events.put_nowait(told("succeeded", step=0))
    async with asyncio.timeout(10):
        assert (await watched(hub, force_terminal=True))[0] is RunState.SUCCEEDED


async def test_watching_all_is_a_line_for_each_event_of_every_command() -> None:
    hub, printed = Hub(RUNNING), io.StringIO()
    hub.events.put_nowait(told("accepted"))
    hub.events.put_nowait(told("dispatched", "another", step=0, function="call", device="p1"))
    hub.events.put_nowait(told("succeeded", text="x" * 10_000))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await watch_all(hub, Console(file=printed, width=80))  # type: ignore[arg-type]
    clock = time.strftime("%H:%M:%S", time.localtime(1.5))
    first, second, third = printed.getvalue().splitlines()
    assert first == f"{clock} c1 command: accepted  call Ana"
    assert second == f"{clock} another step 1 call on Pixel: dispatched"
    assert len(third) < 300
