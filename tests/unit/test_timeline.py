"""A command as a tree with bars on one time axis: what a person reads from it."""

from __future__ import annotations

import io
import time

import pytest
from rich.cells import cell_len
from rich.console import Console

from orchestrator.timeline import drawing
from schemas.command import Command
from schemas.execution import Decision, Execution, RunState, StepRecord, StepState
from schemas.outcome import Done, Evidence, Failed, Outcome, Skipped
from schemas.plan import Argument, Ref

BEGAN = time.time() - 3600
NAMES = {"p1": "Pixel", "car": "Family car"}
HAPPENED = Done(evidence=Evidence.VERIFIED, detail="as wished")


def step(
    index: int,
    started: float | None,
    ended: float | None,
    outcome: Outcome | None = HAPPENED,
    *,
    device: str = "p1",
    function: str = "set_volume",
    **arguments: Argument,
) -> StepRecord:
    """A step with its times as seconds after the command's creation."""
    running = StepState.PENDING if started is None else StepState.DISPATCHED
    return StepRecord(
        index=index, function=function, arguments=arguments, device=device, outcome=outcome,
        state=StepState(outcome.state) if outcome else running,
        started=None if started is None else BEGAN + started,
        ended=None if ended is None else BEGAN + ended,
    )  # fmt: skip


def execution(
    *steps: StepRecord, ended: float | None = 10.0, state: RunState = RunState.SUCCEEDED,
    text: str = "louder", answer: str = "Pixel: done",
) -> Execution:  # fmt: skip
    return Execution(
        command=Command(id="c0ffee11", text=text, user="ann", door="mqtt"), state=state,
        created=BEGAN, ended=None if ended is None else BEGAN + ended, decision=Decision.CONFIRM,
        reason="louder asks", steps=steps, answer=answer,
    )  # fmt: skip


def drawn(
    told: Execution, width: int = 80, encoding: str = "utf-8", after: float = 3600.0, **more: object
) -> list[str]:
    """The lines that a console of this width and encoding shows."""
    printed = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=printed, width=width)
    console.print(drawing(console, told.plain() | more, NAMES, BEGAN + after))
    printed.seek(0)
    return [line.rstrip() for line in printed.read().splitlines()]


def line_of(lines: list[str], number: int) -> str:
    """The first line of a step."""
    (found,) = [line for line in lines if f"─ {number} " in line]
    return found


def depth(lines: list[str], number: int) -> int:
    return line_of(lines, number).index(f"{number} ") // 4


def bar(lines: list[str], number: int) -> tuple[float, float, float]:
    """From when a step waited, and from when until when it ran, as shares of the axis."""
    (axis,) = [line for line in lines if "├──────" in line and "┤" in line]
    left, right = axis.index("├"), axis.index("┤") + 1
    cells = line_of(lines, number).ljust(right)[left:right]
    begin = len(cells) - len(cells.lstrip())
    run, end = begin + cells.count("░"), len(cells.rstrip())
    assert cells.strip() == "░" * (run - begin) + "█" * (end - run)
    return begin / len(cells), run / len(cells), end / len(cells)


def about(*shares: float) -> object:
    return pytest.approx(shares, abs=0.04)


def test_the_head_says_what_was_said_decided_and_answered() -> None:
    lines = drawn(execution(step(0, 0.5, 10.0)))
    assert lines[0].startswith("louder ")
    assert lines[0].endswith("10.0 s")
    assert lines[1].startswith("succeeded ")
    assert "c0ffee11" in lines[1]
    assert "decided  confirm: louder asks" in lines
    assert "answer   Pixel: done" in lines
    assert drawn(execution(text="what?", state=RunState.REFUSED))[1].startswith("refused")


def test_parallel_steps_stand_side_by_side() -> None:
    lines = drawn(execution(step(0, 2.0, 8.0, level=3), step(1, 2.0, 10.0, device="car")))
    assert (depth(lines, 1), depth(lines, 2)) == (1, 1)
    assert bar(lines, 1) == about(0.0, 0.2, 0.8)
    assert bar(lines, 2) == about(0.0, 0.2, 1.0)
    assert "1 set_volume on Pixel " in line_of(lines, 1)
    assert line_of(lines, 1).endswith(" 6.0 s")
    assert "2 set_volume on Family car " in line_of(lines, 2)
    assert "│   succeeded  verified  as wished" in lines
    assert "│   level: 3" in lines


def test_a_chain_goes_down_and_waits_for_what_it_needs() -> None:
    lines = drawn(
        execution(
            step(0, 0.0, 4.0), step(1, 5.0, 8.0, level=Ref(step=0)),
            step(2, 8.0, 10.0, level=Ref(step=1)),
        )
    )  # fmt: skip
    assert [depth(lines, number) for number in (1, 2, 3)] == [1, 2, 3]
    assert bar(lines, 2) == about(0.4, 0.5, 0.8)
    assert bar(lines, 3) == about(0.8, 0.8, 1.0)
    assert any("level: the result of step 2" in line for line in lines)


def test_a_step_that_needs_several_stands_under_the_last() -> None:
    several = step(2, 6.0, 9.0, one=Ref(step=0), two=Ref(step=1))
    lines = drawn(execution(step(0, 0.0, 5.0), step(1, 0.0, 2.0), several))
    assert [depth(lines, number) for number in (1, 2, 3)] == [1, 1, 2]
    at = lines.index(line_of(lines, 3))
    assert lines.index(line_of(lines, 2)) < at
    assert any("also needs step 1" in line for line in lines[at:])
    assert bar(lines, 3) == about(0.5, 0.6, 0.9)


def test_a_failing_branch_says_why_and_what_was_skipped() -> None:
    skipped = step(1, None, 3.0, Skipped(reason="step 1 did not succeed"), level=Ref(step=0))
    failed = step(0, 1.0, 3.0, Failed(code="unavailable", reason="it is off"))
    lines = drawn(execution(failed, skipped, step(2, 1.0, 10.0), state=RunState.PARTLY))
    assert any(line.endswith("failed  it is off") for line in lines)
    assert any(line.endswith("skipped  step 1 did not succeed") for line in lines)
    assert not {"█", "░"} & set(line_of(lines, 2)), "it never waited by itself, and never ran"
    assert depth(lines, 3) == 1


def test_what_runs_now_grows_to_the_end_of_the_axis() -> None:
    told = execution(
        step(0, 1.0, 2.0), step(1, 2.0, None, None), step(2, None, None, None),
        step(3, None, None, None, level=Ref(step=1)), ended=None, state=RunState.RUNNING, answer="",
    )  # fmt: skip
    lines = drawn(told, after=4.0)
    assert bar(lines, 2) == about(0.0, 0.5, 1.0)
    assert bar(lines, 3) == about(0.0, 1.0, 1.0), "it waits for its turn"
    assert not {"█", "░"} & set(line_of(lines, 4)), "what it needs has not ended"
    assert lines[0].endswith("4.0 s")
    assert line_of(lines, 2).endswith("2.0 s")
    assert bar(drawn(told, after=8.0), 2) == about(0.0, 0.25, 1.0)
    assert not any(line.startswith("answer") for line in lines)


def test_a_short_run_is_seen() -> None:
    lines = drawn(execution(step(0, 5.0, 5.001), step(1, 10.0, 10.0)))
    for number in (1, 2):
        _, run, end = bar(lines, number)
        assert end > run


def test_an_open_question_says_how_to_answer_it() -> None:
    told = execution(ended=None, state=RunState.AWAITING_ANSWER, answer="")
    asks = {"text": "which phone?", "token": "", "options": ["Pixel", "Fold"]}
    lines = drawn(told, awaiting=asks)
    assert "asks     which phone?" in lines
    assert "reply    octopus answer c0ffee11 ANSWER" in lines
    lines = drawn(told, awaiting={"text": "may it?", "token": "t0", "options": []})
    assert "reply    octopus confirm c0ffee11 t0" in lines


HOSTILE = "[red]no[/red] [/] \x1b[2Jgone\r\n\u202eback\x07 :smile: " + "x" * 10_000


def hostile() -> Execution:
    """A command in which everything that others write is meant to do harm."""
    taken = step(
        0, 1.0, 2.0, Done(evidence=Evidence.VERIFIED, result=HOSTILE), device=HOSTILE, level=HOSTILE
    )
    failed = step(1, 1.0, 2.0, Failed(code="no", reason=HOSTILE), level=Ref(step=0))
    return execution(taken, failed, text=HOSTILE, answer=HOSTILE)


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_what_others_wrote_is_text(width: int, encoding: str) -> None:
    lines = drawn(hostile(), width, encoding)
    everything = "\n".join(lines)
    assert all(cell_len(line) <= width for line in lines)
    assert everything.replace("\n", "").isprintable()
    if width == 200:
        assert everything.count("[red]no[/red] [/]") == 6
        assert ":smile:" in everything
    assert everything.count("x") < 5_000


@pytest.mark.parametrize("width", [1, 10, 20, 40, 60, 80, 300])
def test_it_fits_every_console(width: int) -> None:
    chain = [step(0, 0.0, 1.0)]
    chain += [step(n, n, n + 1.0, level=Ref(step=n - 1)) for n in range(1, 10)]
    lines = drawn(execution(*chain), width)
    assert all(cell_len(line) <= width for line in lines)
    if width >= 40:
        assert [depth(lines, n + 1) for n in range(10)] == sorted(
            depth(lines, n + 1) for n in range(10)
        )
        assert all("set_volume" in line_of(lines, n + 1) for n in range(10))


def test_without_unicode_it_is_ascii() -> None:
    told = execution(step(0, 2.0, 8.0), step(1, 8.0, 10.0, level=Ref(step=0)), text="größer")
    lines = drawn(told, encoding="ascii")
    assert lines[0].startswith("gr??er")
    assert "|-----" in lines[0]
    (first,) = [line for line in lines if " 1 set_volume" in line]
    assert first.startswith("`-- 1 set_volume on Pixel ")
    assert ".####" in first


def test_it_is_coloured_where_the_console_has_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    told = execution(step(0, 5.0, 10.0, Failed(code="no", reason="off")))
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    with console.capture() as captured:
        console.print(drawing(console, told.plain(), NAMES, BEGAN))
    assert "\x1b[31mfailed" in captured.get()
    assert "\x1b[31m██" in captured.get()
    assert "\x1b[2m░░" in captured.get()
