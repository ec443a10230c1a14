"""Sentences for the hub itself, "it", and the answers that come of it all."""

import pytest

from orchestrator import orders, referents
from orchestrator.answers import answer
from orchestrator.catalogue import Catalogue
from orchestrator.orders import Order, Wish
from schemas.command import Command
from schemas.execution import Execution, RunState, StepRecord, StepState
from schemas.outcome import Done, Evidence, Failed, Outcome, Skipped, Unknown


@pytest.mark.parametrize(
    ("sentence", "wish", "words"),
    [
        ("undo that", Wish.UNDO, ""), ("Undo.", Wish.UNDO, ""), ("please revert it", Wish.UNDO, ""),
        ("put it back how it was", Wish.UNDO, ""), ("undo my last command", Wish.UNDO, ""),
        ("forget it", Wish.CANCEL, ""), ("Never mind!", Wish.CANCEL, ""), ("stop", Wish.CANCEL, ""),
        ("oh no cancel that please", Wish.CANCEL, ""), ("abort", Wish.CANCEL, ""),
        ("what's scheduled?", Wish.LIST, ""), ("list my schedules", Wish.LIST, ""),
        ("what have I scheduled", Wish.LIST, ""),
        ("cancel all schedules", Wish.UNSCHEDULE, "all"),
        ("cancel the lamp schedule", Wish.UNSCHEDULE, "lamp"),
        ("delete the schedule for the heater", Wish.UNSCHEDULE, "the heater"),
        ("cancel my schedule", Wish.UNSCHEDULE, ""),
    ],
)  # fmt: skip
def test_orders(sentence: str, wish: Wish, words: str) -> None:
    assert orders.read(sentence) == Order(wish=wish, words=words)


@pytest.mark.parametrize(
    "sentence",
    ["stop charging", "cancel the alarm", "undo the car's locks", "drop the blinds",
     "stop the music",
     "put the lamp on", "what's the weather", "text Bob forget it", "set it back to 5"],
)  # fmt: skip
def test_what_is_no_order(sentence: str) -> None:
    assert orders.read(sentence) is None


def execution(text: str, *steps: StepRecord) -> Execution:
    command = Command(id="c", text="…", user="ann", door="test")
    return Execution(
        command=command, state=RunState.SUCCEEDED, created=0.0, model_text=text, steps=steps
    )


@pytest.mark.parametrize(
    ("said", "written", "meant"),
    [
        ("and turn it off again", "<nexa_43>('hall lamp')<nexa_end>", "turn hall lamp off"),
        ("turn off it", "<nexa_43>('hall lamp')<nexa_end>", "turn hall lamp off"),
        ("make it 8", "<nexa_13>('3', 'media')<nexa_end>", "make the volume 8"),
        ("lock it please", "<nexa_26>('unlock')<nexa_end>", "lock the car please"),
        ("now set that to 70", "<nexa_16>('72')<nexa_end>", "set the thermostat to 70"),
        ("turn it off", "<nexa_0>('front')<nexa_end>", None),
        ("turn it off", "<nexa_43>('lamp');<nexa_43>('fan')<nexa_end>", None),
    ],
)
def test_it_is_the_last_thing(
    said: str, written: str, meant: str | None, catalogue: Catalogue
) -> None:
    assert referents.points_back(said)
    assert referents.resolved(said, execution(written), catalogue) == meant


@pytest.mark.parametrize(
    "said", ["text Bob to turn it off", "it is cold", "play it again", "turn the lamp off", "do it"]
)
def test_it_is_nothing_of_before(said: str) -> None:
    assert not referents.points_back(said)


def step(index: int, function: str, outcome: Outcome, device: str = "d") -> StepRecord:
    state = StepState(outcome.state)
    return StepRecord(
        index=index, function=function, arguments={}, device=device, state=state, outcome=outcome
    )


VERIFIED = Done(evidence=Evidence.VERIFIED)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (VERIFIED, "turn on on Lamp: done"),
        (Done(evidence=Evidence.VERIFIED, detail="Lamp is on"), "Lamp is on"),
        (Done(evidence=Evidence.UNVERIFIED), "turn on on Lamp: done (sent, not confirmed"),
        (Done(evidence=Evidence.DRAFTED), "(prepared; finish it on the device)"),
        (Failed(code="x", reason="no bulb"), "turn on on Lamp: failed, no bulb"),
        (Unknown(reason="no answer"), "it is not known whether it happened (no answer)"),
        (Skipped(reason="step 1 did not succeed"), "turn on: skipped, step 1 did not succeed"),
    ],
)
def test_the_answer_claims_what_the_journal_has(
    outcome: Outcome, said: str, catalogue: Catalogue
) -> None:
    told = answer(execution("", step(0, "turn_on", outcome)), {"d": "Lamp"}, catalogue)
    assert said in told


def test_many_that_went_well_are_counted_and_one_that_did_not_is_told(
    catalogue: Catalogue,
) -> None:
    names = {str(n): f"Lamp {n}" for n in range(6)}
    steps = [step(n, "turn_off", VERIFIED, str(n)) for n in range(5)]
    broken = step(5, "turn_off", Failed(code="x", reason="no bulb"), "5")
    told = answer(execution("", *steps, broken), names, catalogue)
    assert told == (
        "turn off: done 5 times (Lamp 0, Lamp 1, Lamp 2, Lamp 3, Lamp 4); "
        "turn off on Lamp 5: failed, no bulb"
    )
