"""The answer to a person, written from what the journal has and nothing else."""

from orchestrator.catalogue import Catalogue
from schemas.execution import Execution, StepRecord
from schemas.outcome import Done, Evidence, Failed, Unknown
from schemas.plan import Plan, Ref, Step

_HOW = {
    Evidence.VERIFIED: "",
    Evidence.UNVERIFIED: " (sent, not confirmed by the device)",
    Evidence.DRAFTED: " (prepared; finish it on the device)",
}


def answer(execution: Execution, names: dict[str, str], catalogue: Catalogue) -> str:
    """One line; `names` are the devices' names by id."""
    if not execution.steps:
        return execution.reason or str(execution.state)
    used = {index for step in execution.steps for index in _needs(step)}
    parts = [
        _step(step, names, catalogue)
        for step in execution.steps
        # A result that went into a later step which succeeded needs no line of its own.
        if step.index not in used or not isinstance(step.outcome, Done)
    ]
    return "; ".join(parts)


def describe(plan: Plan, names: dict[str, str]) -> str:
    """What a plan would do, for a person who is asked."""
    return "; ".join(_intent(step, names) for step in plan.steps)


def _intent(step: Step, names: dict[str, str]) -> str:
    said = [
        f"{name.replace('_', ' ')}: "
        + (f"the result of step {value.step + 1}" if isinstance(value, Ref) else str(value))
        for name, value in step.arguments.items()
        if value is not None
    ]
    what = f"{step.function.replace('_', ' ')} on {names.get(step.device or '', step.device)}"
    return f"{what} ({', '.join(said)})" if said else what


def _step(step: StepRecord, names: dict[str, str], catalogue: Catalogue) -> str:
    name = step.function.replace("_", " ")
    where = names.get(step.device, step.device)
    outcome = step.outcome
    if isinstance(outcome, Done):
        said = outcome.detail or (str(outcome.result) if outcome.result is not None else "")
        reading = catalogue[step.function].effect == "read"
        if not said:
            said = f"{name} on {where}: done"
        elif not reading and where not in said:
            said = f"{where}: {said}"
        return said + _HOW[outcome.evidence]
    if isinstance(outcome, Unknown):
        return f"{name} on {where}: it is not known whether it happened ({outcome.reason})"
    if isinstance(outcome, Failed):
        return f"{name} on {where}: failed, {outcome.reason}"
    return f"{name}: {step.state}" + (f", {outcome.reason}" if outcome else "")


def _needs(step: StepRecord) -> list[int]:
    return [value.step for value in step.arguments.values() if isinstance(value, Ref)]
