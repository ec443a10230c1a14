"""Calls to a plan, and whether a plan can run. A nested call becomes an earlier step, and a
reference to its result."""

from orchestrator import piping, texts
from orchestrator.catalogue import Catalogue
from schemas.call import Call
from schemas.errors import HubError
from schemas.plan import Argument, Plan, Ref, Step

MAX_STEPS = 100
"""Of one plan; nobody says a hundred things in a sentence."""


class NoPlan(HubError):
    """The plan cannot run as it is."""

    code = "plan"


def check(plan: Plan, catalogue: Catalogue) -> None:
    """NoPlan where there are too many steps, one is of a function that is not known, or one needs
    what does not come before it or does not fit."""
    if len(plan.steps) > MAX_STEPS:
        raise NoPlan(texts.TOO_MANY_STEPS.format(count=len(plan.steps), most=MAX_STEPS))
    for place, step in enumerate(plan.steps):
        if step.index != place:
            raise NoPlan(texts.NO_EARLIER_STEP.format(step=place + 1, needed=step.index + 1))
        if step.function not in catalogue:
            raise NoPlan(texts.NO_SUCH_FUNCTION.format(function=step.function))
        parameters = {
            parameter.name: parameter for parameter in catalogue[step.function].parameters
        }
        for name, value in step.arguments.items():
            if not isinstance(value, Ref):
                continue
            if not 0 <= value.step < place:
                raise NoPlan(texts.NO_EARLIER_STEP.format(step=place + 1, needed=value.step + 1))
            inner = catalogue[plan.steps[value.step].function]
            if name not in parameters or not piping.fits(inner, parameters[name]):
                raise NoPlan(
                    texts.WRONG_RESULT.format(
                        needed=value.step + 1, name=texts.spoken(name), step=place + 1
                    )
                )


def plan(calls: tuple[Call, ...], catalogue: Catalogue) -> Plan:
    """Inner calls first, otherwise in the order they were said."""
    steps: list[Step] = []
    for call in calls:
        _append(call, catalogue, steps)
    return Plan(steps=tuple(steps))


def _append(call: Call, catalogue: Catalogue, steps: list[Step]) -> Ref:
    names = [parameter.name for parameter in catalogue[call.function].parameters]
    arguments: dict[str, Argument] = {
        name: _append(value, catalogue, steps) if isinstance(value, Call) else value
        for name, value in zip(names, call.arguments, strict=True)
    }
    steps.append(Step(index=len(steps), function=call.function, arguments=arguments))
    return Ref(step=len(steps) - 1)
