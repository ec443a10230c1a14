"""Calls to a plan: a nested call becomes an earlier step and a reference to its result."""

from orchestrator.catalogue import Catalogue
from schemas.call import Call
from schemas.plan import Argument, Plan, Ref, Step


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
