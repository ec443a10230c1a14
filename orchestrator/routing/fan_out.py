"""A plan with a step for every device that is meant: pure."""

from collections.abc import Sequence

from orchestrator.catalogue import Catalogue
from orchestrator.routing import spoken
from orchestrator.routing.entities import Target
from schemas.function import Function, ParameterType
from schemas.plan import Argument, Plan, Ref, Step


def steps(plan: Plan, targets: Sequence[Sequence[Target]], catalogue: Catalogue) -> Plan:
    """Every step once for each of its targets, numbered anew; no step takes the results of one that
    has several."""
    made: list[Step] = []
    places: list[int] = []
    for step, found in zip(plan.steps, targets, strict=True):
        given = {name: _moved(value, places) for name, value in step.arguments.items()}
        places.append(len(made))
        for target in found:
            arguments = {**given, **_renamed(step, target, catalogue[step.function])}
            changes = {"index": len(made), "arguments": arguments, "device": target.device.id}
            made.append(step.model_copy(update=changes))
    return Plan(steps=tuple(made))


def _moved(value: Argument, places: Sequence[int]) -> Argument:
    return Ref(step=places[value.step]) if isinstance(value, Ref) else value


def _renamed(step: Step, target: Target, function: Function) -> dict[str, Argument]:
    """The argument that names a device of the home, as the target is called."""
    for parameter in function.parameters:
        said = step.arguments.get(parameter.name)
        if parameter.type is ParameterType.ENTITY and isinstance(said, str) and target.name:
            same = spoken.core(said) == spoken.core(target.name)
            return {} if same else {parameter.name: target.name}
    return {}
