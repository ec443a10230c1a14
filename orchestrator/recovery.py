"""What a command left behind when the hub stopped: which of its steps may run again."""

from orchestrator import texts
from orchestrator.attempts import REPEATED, Attempts
from orchestrator.catalogue import Catalogue
from orchestrator.journal import Journal
from orchestrator.registry import Registry
from schemas.call import Invocation
from schemas.execution import Execution, StepRecord, StepState
from schemas.function import Effect
from schemas.outcome import Outcome, Unknown


async def known_outcomes(
    execution: Execution, journal: Journal, registry: Registry, catalogue: Catalogue
) -> dict[int, Outcome]:
    """How the steps ended that need not run again; what a device may have heard of is repeated only
    where that changes nothing."""
    known = {r.index: r.outcome for r in execution.steps if r.outcome is not None}
    run = execution.command.id
    for record in execution.steps:
        if record.state is not StepState.DISPATCHED:
            continue
        outcome = await _looked_up(run, record, registry, catalogue)
        if outcome is None:
            await journal.move_step(run, record.index, StepState.PENDING)
        else:
            await journal.settle(run, record.index, outcome)
            known[record.index] = outcome
    return known


async def _looked_up(
    run: str, record: StepRecord, registry: Registry, catalogue: Catalogue
) -> Outcome | None:
    """How a step ended that was under way when the hub stopped; None where it may run again."""
    function = catalogue[record.function]
    if function.effect in REPEATED:
        return None
    unknown = Unknown(reason=texts.STOPPED_UNDER_WAY)
    if function.effect is not Effect.PROBEABLE or record.step.needs:
        return unknown
    invocation = Invocation.model_validate(
        {
            "function": record.function,
            "arguments": record.arguments,
            "key": f"{run}/{record.index}",
            "timeout": function.timeout,
        }
    )
    found = await Attempts(registry).looked_up(record.device, invocation)
    return unknown if isinstance(found, Unknown) else found
