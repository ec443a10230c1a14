"""The answer to a person, written from what the journal has and nothing else."""

from collections.abc import Mapping

from orchestrator import texts
from orchestrator.catalogue import Catalogue
from schemas.call import Change, Person
from schemas.execution import Execution, StepRecord
from schemas.outcome import Cancelled, Done, Failed, Skipped, Unknown
from schemas.plan import Argument, Plan, Ref, Step

MOST = 4
"""Steps that an answer tells one by one; of more, those that went well are counted."""


def answer(execution: Execution, names: Mapping[str, str], catalogue: Catalogue) -> str:
    """One line; `names` are the devices' names by id."""
    if not execution.steps:
        return execution.reason or str(execution.state)
    used = {index for step in execution.steps for index in step.step.needs}
    told = [
        step
        for step in execution.steps
        # A result that went into a later step which succeeded needs no line of its own.
        if step.index not in used or not isinstance(step.outcome, Done)
    ]
    well = [s for s in told if isinstance(s.outcome, Done) and _plain(s, catalogue)]
    if len(told) > MOST and len(well) > 1:
        rest = [_step(step, names, catalogue) for step in told if step not in well]
        return "; ".join([_counted(well, names), *rest])
    return "; ".join(_step(step, names, catalogue) for step in told)


def describe(plan: Plan, names: Mapping[str, str]) -> str:
    """What a plan would do, for a person who is asked."""
    return "; ".join(intent(step, names) for step in plan.steps)


def intent(step: Step, names: Mapping[str, str]) -> str:
    """What one step would do."""
    said = ", ".join(
        f"{texts.spoken(name)}: {_value(value)}"
        for name, value in step.arguments.items()
        if value is not None
    )
    function, where = texts.spoken(step.function), names.get(step.device or "", step.device)
    what = texts.INTENT.format(function=function, device=where)
    return f"{what} ({said})" if said else what


def _value(value: Argument) -> str:
    if isinstance(value, Ref):
        return texts.RESULT_OF.format(step=value.step + 1)
    if isinstance(value, Change):
        return value.words
    return value.person if isinstance(value, Person) else str(value)


def _plain(step: StepRecord, catalogue: Catalogue) -> bool:
    """Whether a step that went well has nothing of its own to say."""
    assert isinstance(step.outcome, Done)
    return not catalogue.reads(step.function) and step.outcome.result is None


def _counted(steps: list[StepRecord], names: Mapping[str, str]) -> str:
    """Steps that went well, in one clause."""
    where = ", ".join(dict.fromkeys(names.get(step.device, step.device) for step in steps))
    how = dict.fromkeys(
        texts.EVIDENCE[step.outcome.evidence] for step in steps if isinstance(step.outcome, Done)
    )
    functions = " / ".join(dict.fromkeys(texts.spoken(step.function) for step in steps))
    return texts.COUNTED.format(function=functions, count=len(steps), devices=where) + "".join(how)


def _step(step: StepRecord, names: Mapping[str, str], catalogue: Catalogue) -> str:
    name, where = texts.spoken(step.function), names.get(step.device, step.device)
    outcome = step.outcome
    if isinstance(outcome, Done):
        said = outcome.detail or (str(outcome.result) if outcome.result is not None else "")
        if not said:
            said = texts.DONE.format(function=name, device=where)
        if catalogue.reads(step.function):
            return said  # what was read says itself how old it is
        if where not in said:
            said = f"{where}: {said}"
        return said + texts.EVIDENCE[outcome.evidence]
    template = texts.ENDED[type(outcome)] if outcome else texts.OPEN
    reason = outcome.reason if isinstance(outcome, Failed | Unknown | Skipped | Cancelled) else ""
    return template.format(function=name, device=where, reason=reason, state=step.state)
