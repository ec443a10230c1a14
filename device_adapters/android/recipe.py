"""A function on a phone, as data: its steps, how success is told, looked for and undone."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from device_adapters.android.filling import place
from device_adapters.android.rowsteps import First, New, Rows
from device_adapters.android.run import Answer
from device_adapters.android.screensteps import Fetch, Front, Keep, Start, Tap, Unlock
from device_adapters.android.steps import (
    App,
    Ask,
    Check,
    Choose,
    Conditions,
    Contacts,
    Let,
    Listing,
    Number,
    Pattern,
    See,
    Step,
    Stop,
    Tell,
    Text,
    Words,
)
from schemas.outcome import Evidence

_CONTROL = (Check, Let, Stop)
_COMMANDS = (Ask, Tell, See, Choose, Listing)
_KNOWN = (Number, Contacts, App)
_ROWS = (Rows, New, First)
_SCREEN = (Unlock, Start, Front, Tap, Fetch, Keep)

VERBS: Mapping[str, type[Step]] = {
    kind.verb: kind for kind in (*_CONTROL, *_COMMANDS, *_KNOWN, *_ROWS, *_SCREEN)
}


def _step(raw: Any) -> Step:
    """A table with one verb, as that verb's step."""
    if not isinstance(raw, dict):
        raise ValueError("a step is a table")
    named = sorted(VERBS.keys() & raw.keys())
    if len(named) != 1:
        raise ValueError(f"a step has one verb of {', '.join(VERBS)}; here: {named or 'none'}")
    return VERBS[named[0]].model_validate(raw)


def _in_order(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """What a step needs of another stands before it."""
    done: set[str] = set()
    for count, step in enumerate(steps, 1):
        if isinstance(step, Front) and Start.verb not in done:
            raise ValueError(f"step {count}: `front` needs a `start` before it")
        if isinstance(step, New) and f"rows {step.new}" not in done:
            raise ValueError(f'step {count}: `new` needs `rows = "{step.new}"` before it')
        done |= {step.verb, f"rows {step.rows}" if isinstance(step, Rows) else ""}
    return steps


def _only_looks(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    for count, step in enumerate(steps, 1):
        if isinstance(step, Tell | Start | Tap) or step.otherwise.answer is Answer.DRAFTED:
            raise ValueError(f"step {count}: nothing is done where the hub only looks")
    return steps


def _does(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    for count, step in enumerate(steps, 1):
        if step.otherwise.answer is Answer.ABSENT:
            raise ValueError(f"step {count}: `absent` is for `probe` and `present`")
    return steps


Steps = Annotated[tuple[Annotated[Step, BeforeValidator(_step)], ...], AfterValidator(_in_order)]
Looks = Annotated[Steps, AfterValidator(_only_looks)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Offers(_Part):
    """What a phone must say so that a variant is for it."""

    ask: Words
    says: Pattern


class Present(_Part):
    """How the phone is now, as the arguments that would set it so."""

    steps: Looks
    arguments: dict[str, Text]


class Recipe(_Part):
    """One way to do a function; of several for one function, the first that fits is used.

    `required`: texts that must not be blank. `needs`: permissions of the phone's shell. `when`,
    `offers`: for which values and phones it is.
    `unwind`: commands that take half of it back where the phone said no on the way. `probe`: says
    whether an earlier, identical call happened. `result`: a text, or a table that becomes JSON.
    """

    function: str
    done: Text
    steps: Annotated[Steps, AfterValidator(_does)]
    required: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    when: Conditions = {}
    offers: Offers | None = None
    evidence: Evidence = Evidence.VERIFIED
    result: Text | dict[str, Text] | None = None
    unwind: tuple[Words, ...] = ()
    probe: Annotated[Looks, Field(min_length=1)] | None = None
    present: Present | None = None

    def depends_on(self, name: str) -> bool:
        """Whether a condition, its own or a step's, looks at a value."""
        present = self.present.steps if self.present else ()
        steps = (*self.steps, *(self.probe or ()), *present)
        conditions = [self.when, *(step.when for step in steps)]
        return any(place(key).name == name for when in conditions for key in when)
