"""Calls to a plan that can run; every other plan is refused, whoever made it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import planner
from orchestrator.catalogue import Catalogue
from orchestrator.planner import MAX_STEPS, NoPlan
from schemas.call import Call
from schemas.plan import Argument, Plan, Ref, Step

WEATHER = "get_weather_forecast"
TEXT = "send_text_message"


def _step(index: int, function: str = WEATHER, **arguments: Argument) -> Step:
    return Step(index=index, function=function, arguments=arguments or {"location": "Seoul"})


def _refused(catalogue: Catalogue, *steps: Step) -> str:
    with pytest.raises(NoPlan) as refused:
        planner.check(Plan(steps=steps), catalogue)
    return str(refused.value)


def test_an_inner_call_is_an_earlier_step_and_a_reference(catalogue: Catalogue) -> None:
    inner = Call(function=WEATHER, arguments=("Seoul",))
    calls = (Call(function=TEXT, arguments=("John", inner)), inner)
    plan = planner.plan(calls, catalogue)
    assert plan.steps == (
        _step(0),
        _step(1, TEXT, contact_name="John", message=Ref(step=0)),
        _step(2),
    )
    assert [step.index for step in plan.first] == [0, 2]
    planner.check(plan, catalogue)


def test_fifty_calls_inside_each_other_are_fifty_steps_in_a_row(catalogue: Catalogue) -> None:
    call = Call(function=WEATHER, arguments=("Seoul",))
    for _ in range(49):
        call = Call(function=WEATHER, arguments=(call,))
    plan = planner.plan((call,), catalogue)
    assert [step.needs for step in plan.steps] == [(), *((index,) for index in range(49))]
    planner.check(plan, catalogue)


def test_a_plan_has_no_more_steps_than_a_person_says(catalogue: Catalogue) -> None:
    steps = tuple(_step(index) for index in range(10_000))
    planner.check(Plan(steps=steps[:MAX_STEPS]), catalogue)
    assert f"101 steps; at most {MAX_STEPS}" in _refused(catalogue, *steps[: MAX_STEPS + 1])
    assert "10000 steps" in _refused(catalogue, *steps)


@pytest.mark.parametrize("needed", [1, 2, 99, -1, -2])
def test_a_step_needs_none_that_does_not_come_before_it(catalogue: Catalogue, needed: int) -> None:
    """Itself, a later one, one that is not there, and what Python would count from the end."""
    steps = (_step(0), _step(1, location=Ref(step=needed)), _step(2))
    assert "step 2 needs the result of step" in _refused(catalogue, *steps)


def test_two_steps_cannot_need_each_other(catalogue: Catalogue) -> None:
    _refused(catalogue, _step(0, location=Ref(step=1)), _step(1, location=Ref(step=0)))


@pytest.mark.parametrize("indexes", [(1, 0), (0, 0), (0, 2), (-1, 0)])
def test_steps_are_numbered_by_their_places(catalogue: Catalogue, indexes: tuple[int, int]) -> None:
    _refused(catalogue, *(_step(index) for index in indexes))


def test_a_function_that_is_gone_is_said(catalogue: Catalogue) -> None:
    assert "no function fly" in _refused(catalogue, _step(0), _step(1, "fly"))


@pytest.mark.parametrize(
    ("inner", "outer", "name"),
    [
        ("take_a_photo", TEXT, "message"),  # a file is no text
        ("set_volume", TEXT, "message"),  # gives nothing
        (WEATHER, "set_volume", "level"),  # a text is no number
        (WEATHER, TEXT, "contact_name"),  # nor whom a message goes to
        (WEATHER, TEXT, "colour"),  # takes no such thing
    ],
)
def test_a_result_must_be_what_the_next_one_takes(
    catalogue: Catalogue, inner: str, outer: str, name: str
) -> None:
    said = _refused(catalogue, _step(0, inner), _step(1, outer, **{name: Ref(step=0)}))
    assert said == f"what step 1 gives cannot be the {name.replace('_', ' ')} of step 2"


@given(st.data())
def test_a_plan_that_may_run_has_an_order_to_run_in(
    catalogue: Catalogue, data: st.DataObject
) -> None:
    count = data.draw(st.integers(0, 8))
    needs = data.draw(
        st.lists(st.none() | st.integers(-2, count + 1), min_size=count, max_size=count)
    )
    steps = tuple(
        _step(index) if needed is None else _step(index, location=Ref(step=needed))
        for index, needed in enumerate(needs)
    )
    can = all(needed is None or 0 <= needed < index for index, needed in enumerate(needs))
    if not can:
        _refused(catalogue, *steps)
        return
    planner.check(Plan(steps=steps), catalogue)
    assert all(needed < step.index for step in steps for needed in step.needs)
