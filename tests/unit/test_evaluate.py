"""What an evaluation counts as right, what it draws from it, and what it says of bad files."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.manifest import WEIGHTS
from training import calibrate, evaluate
from training.marks import Marked, Row, mark

PHOTO = {"name": "take_a_photo", "args": {"camera": "front"}}
DECLINED = {"name": "irrelevant_function", "args": {}}


def row(*calls: Row, kind: str = "single") -> Row:
    return {"q": "?", "call": list(calls), "kind": kind}


def said(*calls: Row, confidence: float = 1.0) -> Row:
    return {"calls": list(calls), "confidence": confidence, "ms": 1.0, "text": ""}


def alarm(time: object, label: object = None, **more: object) -> Row:
    return {"name": "set_timer_alarm", "args": {"time": time, "label": label}, **more}


def text(message: object, **more: object) -> Row:
    args = {"contact_name": "Ana", "message": message}
    return {"name": "send_text_message", "args": args, **more}


WEATHER = {"name": "get_weather_forecast", "args": {"location": "Oslo"}}


@pytest.mark.parametrize(
    ("wanted", "called", "right"),
    [
        ([PHOTO], [PHOTO], "function strict lenient"),
        ([PHOTO], [DECLINED], ""),
        ([PHOTO], [PHOTO, PHOTO], ""),
        ([PHOTO, WEATHER], [WEATHER, PHOTO], "function strict lenient"),
        ([alarm("07:00")], [alarm("07:00", "run")], "function strict lenient"),
        ([alarm("07:00", "run")], [alarm("07:00")], "function"),
        ([alarm(["07:00", "7:00"])], [alarm("7:00")], "function strict lenient"),
        ([text("See you!")], [text("see you")], "function lenient"),
        ([text(7)], [text(7.0)], "function lenient"),
        ([text(WEATHER)], [text(WEATHER)], "function strict lenient"),
        ([text(WEATHER)], [text("the weather")], ""),
        ([text("hi", accept=["send_email"])], [text("hi") | {"name": "send_email"}],
         "function strict lenient"),
    ],
)  # fmt: skip
def test_what_is_right(wanted: list[Row], called: list[Row], right: str) -> None:
    marked = mark(row(*wanted), said(*called))
    assert [name for name in ("function", "strict", "lenient") if getattr(marked, name)] == (
        right.split()
    )


@pytest.mark.parametrize(
    ("function", "wanted", "answered"),
    [
        ("create_calendar_event", {"start_time": "Friday at 3 pm"},
         {"start_time": "2026-06-05-15-00"}),
        ("make_phone_call", {"phone_number": "(415) 555-2671"}, {"phone_number": "+14155552671"}),
        ("set_nest_temperature", {"target_temperature": 20}, {"target_temperature": 68.0}),
        ("get_trending_news", {"language": ["French"]}, {"language": "fr"}),
        ("set_timer_alarm", {"time": "ten minutes"}, {"time": "PT600S"}),
    ],
)  # fmt: skip
def test_what_the_words_mean_is_right_as_well(
    function: str, wanted: Row, answered: Row, tmp_path: Path, catalogue: Catalogue
) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(row({"name": function, "args": wanted})), encoding="utf-8")
    (loaded,) = evaluate.load(file, catalogue)
    assert mark(loaded, said({"name": function, "args": answered})).strict
    (name,) = answered
    assert not mark(loaded, said({"name": function, "args": {name: "other"}})).lenient


def sure(confidence: float, right: bool) -> Marked:
    return mark(row(PHOTO), said(PHOTO if right else DECLINED, confidence=confidence))


def test_confidence_is_held_against_what_was_right() -> None:
    marked = [sure(0.95, right=True)] * 8 + [sure(0.95, right=False)] * 2
    marked += [sure(0.35, right=True), sure(0.35, right=False)]
    found = evaluate.calibration(marked)
    assert [(b["rows"], b["right"]) for b in found["curve"]] == [(2, 0.5), (10, 0.8)]
    assert found["ece"] == pytest.approx((10 * 0.15 + 2 * 0.15) / 12)
    covered = {c["threshold"]: c for c in evaluate.summary(marked)["coverage"]}
    assert (covered[0.9]["coverage"], covered[0.9]["function"]) == (0.8333, 0.8)


def test_calls_where_nothing_fits_are_counted() -> None:
    nothing = row(DECLINED, kind="irrelevant")
    figures = evaluate.summary([mark(nothing, said(DECLINED)), mark(nothing, said(PHOTO))])
    assert figures["false_calls"] == 0.5


GOOD = json.dumps({"q": "take a selfie", "call": [PHOTO], "kind": "single"})


def test_a_report_has_a_table_figures_and_pictures(tmp_path: Path, catalogue: Catalogue) -> None:
    (tmp_path / "mine.jsonl").write_text(GOOD + "\n")
    printed = io.StringIO()
    figures = evaluate.report(
        [tmp_path / "mine.jsonl"], catalogue, Console(file=printed), out=tmp_path / "out"
    )
    assert figures["mine"]["function"] == 1.0
    assert "mine" in printed.getvalue()
    assert json.loads((tmp_path / "out/evaluation.json").read_text()) == figures
    pictures = sorted(file.name for file in (tmp_path / "out").glob("*.png"))
    assert pictures == ["mine-confusion.png", "mine-reliability.png"]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "cannot be read"),
        ("", "no row"),
        (GOOD + "\n" + GOOD[:30], "rows.jsonl:2"),
        ("[1]", "rows.jsonl:1"),
        ('{"q": "x", "kind": "single", "call": []}', "rows.jsonl:1"),
        ('{"q": "x", "kind": "single", "call": [{"name": "f"}]}', "rows.jsonl:1"),
    ],
)
def test_a_bad_file_is_named_and_nothing_is_written(
    tmp_path: Path, catalogue: Catalogue, content: Any, named: str
) -> None:
    file, out = tmp_path / "rows.jsonl", tmp_path / "out"
    if content is not None:
        file.write_text(content)
    (tmp_path / "good.jsonl").write_text(GOOD)
    with pytest.raises(evaluate.BadRows, match=named) as caught:
        evaluate.report([tmp_path / "good.jsonl", file], catalogue, Console(quiet=True), out=out)
    assert "\n" not in str(caught.value)
    assert not out.exists()


def test_a_temperature_changes_how_sure_it_is_and_not_what_it_says(catalogue: Catalogue) -> None:
    sentence = "turn the kitchen light on"
    cold, hot = (evaluate.reader(catalogue, temperature=t)(sentence) for t in (0.5, 3.0))
    assert cold["calls"] == hot["calls"]
    assert cold["confidence"] > hot["confidence"]


def test_the_temperature_that_loses_least_is_taken(catalogue: Catalogue) -> None:
    wrong = {"q": "turn the kitchen light on", "call": [PHOTO], "kind": "single"}
    marked = calibrate.tried([wrong], catalogue, WEIGHTS, grid=(0.5, 3.0))
    assert calibrate.best(marked) == 3.0
    assert not marked[3.0][0].function
