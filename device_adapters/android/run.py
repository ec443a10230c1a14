"""One recipe's run on a phone: its values, what it has seen, and what to do where it goes wrong."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from device_adapters.android.content import Watch
from device_adapters.android.filling import Quote, Template, plain
from device_adapters.android.session import Session
from schemas.base import Scalar
from schemas.errors import DeviceNeedsPerson, DeviceRefused, DeviceUncertain
from schemas.outcome import Evidence


class NextVariant(Exception):
    """This variant is not for this phone."""


class Ended(Exception):
    """The recipe ends here."""


class Absent(Exception):
    """What was looked for is not there."""


class Drafted(Exception):
    """Prepared; a person must finish it."""


class Answer(StrEnum):
    """What follows where a step's expectation is not met."""

    REFUSED = "refused"  # it did not happen
    UNCERTAIN = "uncertain"  # it may have happened
    PERSON = "person"  # somebody must do something first
    DRAFTED = "drafted"  # as far as it goes; a person finishes it
    UNVERIFIED = "unverified"  # go on; the outcome is no longer proved
    GO_ON = "go on"  # it does not matter
    NEXT = "next"  # try the function's next variant
    ABSENT = "absent"  # what a probe looks for is not there


@dataclass
class Run:
    """What the steps of one run share."""

    session: Session
    values: dict[str, Scalar | None]
    evidence: Evidence = Evidence.VERIFIED
    watches: dict[str, Watch] = field(default_factory=dict)
    note: str = ""  # added to what the person is told

    def fill(self, template: Template, quote: Quote = plain, missing: str | None = None) -> str:
        """The template as a text. A value that is missing is told as the session tells a look that
        failed: by then the effect may be there."""
        with self.session.looking():
            return template.fill(self.values, quote, missing)

    def value(self, template: Template) -> Scalar | None:
        """What the template stands for; as `fill`."""
        with self.session.looking():
            return template.value(self.values)

    def words(self, words: tuple[Template, ...]) -> tuple[str, ...]:
        """A command's words."""
        return tuple(self.fill(template) for template in words)


@dataclass(frozen=True)
class Otherwise:
    """An answer with its text, written `refused: the phone kept its volume`. Without an answer it
    did not happen, unless the effect may be there already."""

    answer: Answer | None
    text: Template

    @classmethod
    def parse(cls, said: str) -> "Otherwise":
        """Read one; ValueError for an answer that is none."""
        name, _, text = said.partition(":")
        return cls(Answer(name.strip()), Template(text.strip()))

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls.parse, core_schema.str_schema())

    def follow(self, run: Run) -> None:
        """Do it: raise, or mark the run and go on."""
        text = run.fill(self.text, missing="")
        match self.answer:
            case None:
                raise (DeviceUncertain if run.session.acted else DeviceRefused)(text)
            case Answer.REFUSED:
                raise DeviceRefused(text)
            case Answer.UNCERTAIN:
                raise DeviceUncertain(text)
            case Answer.PERSON:
                raise DeviceNeedsPerson(text)
            case Answer.DRAFTED:
                raise Drafted(text)
            case Answer.UNVERIFIED:
                run.evidence = Evidence.UNVERIFIED
            case Answer.NEXT:
                raise NextVariant
            case Answer.ABSENT:
                raise Absent
