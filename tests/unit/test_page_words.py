"""What the page says and draws: charts, traces, health, states, filters; pure."""

from __future__ import annotations

import pytest

from orchestrator.catalogue import Catalogue
from orchestrator.doors.http.page import chart, examples, views, words
from orchestrator.doors.http.page.health import health
from orchestrator.octopus.embedded import EmbeddedModel
from orchestrator.octopus.engine import Engine
from schemas.command import Command
from schemas.device import Kind
from schemas.execution import Execution, RunState, Stage, StageName, StepRecord, StepState
from schemas.outcome import Done, Evidence, Failed, Skipped
from schemas.plan import Argument, Ref
from schemas.state import DeviceState

BEGAN = 1_790_000_000.0
NAMES = {"p1": "Pixel", "car": "Family car"}
DONE = Done(evidence=Evidence.VERIFIED, detail="as wished")


def step(index: int, started: float | None, ended: float | None, **fields: object) -> StepRecord:
    arguments: dict[str, Argument] = {}
    values = {
        "index": index, "function": "set_volume", "arguments": arguments, "device": "p1",
        "state": StepState.SUCCEEDED if ended is not None else StepState.DISPATCHED,
        "outcome": DONE if ended is not None else None,
        "started": None if started is None else BEGAN + started,
        "ended": None if ended is None else BEGAN + ended,
    }  # fmt: skip
    return StepRecord.model_validate(values | fields)


def execution(*steps: StepRecord, ended: float | None = 1.0) -> Execution:
    return Execution(
        command=Command(id="c1", text="a sentence", user="ann", door="http"),
        state=RunState.SUCCEEDED if ended else RunState.RUNNING, created=BEGAN,
        ended=None if ended is None else BEGAN + ended, steps=steps,
    )  # fmt: skip


def test_steps_that_ran_together_have_bars_side_by_side() -> None:
    drawn = chart.of(execution(step(0, 0.2, 0.8), step(1, 0.2, 1.0, device="car")), NAMES, BEGAN)
    first, second = drawn.bars
    assert (first.wait, first.run) == ((0.0, 20.0), (20.0, 60.0))
    assert (second.wait, second.run) == ((0.0, 20.0), (20.0, 80.0))
    assert (first.waited, first.took, drawn.total) == ("200 ms", "600 ms", "1.0 s")
    assert second.label == "set volume on Family car"
    assert first.level == second.level == 0


def test_a_step_stands_under_the_one_it_needs_and_waits_from_its_end() -> None:
    inner = step(0, 0.1, 0.4)
    outer = step(1, 0.5, 1.0, arguments={"message": Ref(step=0)})
    _, bar = chart.of(execution(inner, outer), NAMES, BEGAN).bars
    assert (bar.level, bar.over, bar.needs, bar.since) == (1, 0, "1", 40.0)
    assert bar.wait == (40.0, 10.0)


def test_what_runs_is_drawn_until_now_and_what_never_ran_has_no_bar() -> None:
    running = step(0, 0.5, None)
    waiting = step(
        1, None, None, state=StepState.PENDING, arguments={"message": Ref(step=0)}
    )  # fmt: skip
    first, second = chart.of(execution(running, waiting, ended=None), NAMES, BEGAN + 2).bars
    assert first.run == (25.0, 75.0)
    assert (second.run, second.wait, second.since) == (None, None, None)


def test_however_short_a_bar_is_seen_and_stays_in_the_drawing() -> None:
    [bar] = chart.of(execution(step(0, 1.0, 1.0)), NAMES, BEGAN).bars
    assert bar.run is not None
    x, width = bar.run
    assert width > 0
    assert x + width <= 100
    [never] = chart.of(execution(step(0, 0.0, 0.0), ended=0.0), NAMES, BEGAN).bars
    assert never.run is not None


def test_what_became_of_a_step_is_in_words() -> None:
    failed = step(0, 0.1, 0.4, outcome=Failed(code="x", reason="no way"), state=StepState.FAILED)
    skipped = step(1, None, 0.4, outcome=Skipped(reason="it needs 1"), state=StepState.SKIPPED)
    drawn = chart.of(execution(failed, skipped), NAMES, BEGAN)
    assert [bar.said for bar in drawn.bars] == ["no way", "it needs 1"]
    assert drawn.spoken == "2 steps in 1.0 s: set volume failed, set volume skipped"


def test_a_trace_adds_up_what_each_kind_of_stage_took() -> None:
    stages = [
        Stage(name=StageName.DECODE, at=BEGAN, seconds=0.03),
        Stage(name=StageName.JOURNAL, at=BEGAN + 0.03, seconds=0.005),
        Stage(name=StageName.CALL, at=BEGAN + 0.04, seconds=0.06, step=0),
        Stage(name=StageName.CALL, at=BEGAN + 0.05, seconds=0.05, step=1),
        Stage(name=StageName.JOURNAL, at=BEGAN + 0.1, seconds=0.005),
    ]
    shares = chart.trace(stages)
    assert [(share.name, share.took, share.count) for share in shares] == [
        ("decode", "30 ms", 1), ("journal", "10 ms", 2), ("call", "60 ms", 2),
    ]  # fmt: skip
    assert [share.width for share in shares] == pytest.approx([30, 10, 60])
    assert chart.trace([]) == ()


def test_every_state_has_a_look_and_words() -> None:
    for state in (*RunState, *StepState, *DeviceState):
        assert words.look(state) in ("good", "waiting", "busy", "quiet", "bad")
        assert "_" not in words.said(state)
        assert "-" not in words.said(state)
    assert [words.sure(x) for x in (0.99, 0.8, 0.5, 0.2)] == [
        "very sure", "sure", "fairly sure", "not sure",
    ]  # fmt: skip


def test_the_filters_of_the_history_leave_no_state_out() -> None:
    states = [state for _, some in views.FILTERS.values() for state in some]
    assert sorted(states) == sorted(RunState), "each is in one of them"


def test_health_is_told_with_names_and_units() -> None:
    told = {
        "ready": True, "problems": [], "broker": True, "disk_free": 12_345_678_901,
        "journal": {"writable": True, "size": 4096}, "dropped_events": 0, "devices": 0,
        "loop_lag": 0.012, "something_new": "x",
    }  # fmt: skip
    how = health(told)
    assert how.well
    assert [fact[:2] for fact in how.facts] == [
        ("MQTT broker", "works"), ("Journal", "works"), ("Devices in use", "0"),
    ]  # fmt: skip
    assert [fact[:2] for fact in how.more] == [
        ("Free on the disk", "12.3 GB"), ("Journal's size", "4.1 kB"), ("Longest hold-up", "12 ms"),
        ("Something new", "x"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "amiss",
    [{"broker": False}, {"ready": False}, {"problems": ["free the disk"]}, {"model": {"a": False}}],
)
def test_what_is_away_is_seen(amiss: dict[str, object]) -> None:
    how = health({"ready": True, "broker": True} | amiss)
    assert not how.well
    assert all(fact.look != "bad" for fact in how.more), "what is away is among the first"


def test_examples_are_of_functions_that_there_are(catalogue: Catalogue) -> None:
    assert set(examples.EXAMPLES) <= {function.name for function in catalogue}
    assert examples.fitting({"take_a_photo"}) == [examples.EXAMPLES["take_a_photo"]]
    assert len(examples.fitting(set(examples.EXAMPLES))) == examples.SHOWN


def test_a_function_is_listed_under_the_first_kind_that_can(catalogue: Catalogue) -> None:
    functions = [function.model_dump(mode="json") for function in catalogue]
    groups = views.grouped(functions, {"take_a_photo", "lock_screen"})
    assert {kind: [f["name"] for f in some] for kind, some in groups.items()} == {
        Kind.PHONE: ["take_a_photo"], Kind.PC: ["lock_screen"],
    }  # fmt: skip


def test_the_model_understands_every_example(catalogue: Catalogue) -> None:
    engine = Engine(EmbeddedModel(catalogue))
    for function, sentence in examples.EXAMPLES.items():
        token = catalogue[function].token
        assert engine.decode(sentence).text.startswith(f"<nexa_{token}>"), sentence
