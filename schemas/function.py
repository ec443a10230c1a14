"""What a function of the catalogue is."""

from enum import StrEnum

from pydantic import Field

from schemas.base import Scalar, Value


class Effect(StrEnum):
    """What repeating a call does, and so what may be done after a crash or a timeout."""

    READ = "read"  # changes nothing
    SET = "set"  # repeating it leaves the same state
    ONCE = "once"  # never repeated
    KEYED = "keyed"  # the device drops a second call with the same key
    PROBEABLE = "probeable"  # the device can say whether it happened


class Risk(StrEnum):
    """How much care a call needs when the policy says nothing else."""

    SAFE = "safe"
    CONFIRM = "confirm"
    LOCKED = "locked"


class ParameterType(StrEnum):
    """How an argument's words are read."""

    TEXT = "text"
    ENUM = "enum"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"  # HH:MM, or a length of time as ISO 8601 (PT5M)
    DATETIME = "datetime"  # YYYY-MM-DD-HH-MM, local time
    PHONE_NUMBER = "phone_number"  # E.164, or a name to be looked up
    EMAIL = "email"
    LANGUAGE = "language"  # ISO 639-1
    CONTACT = "contact"  # a name as said
    URL = "url"
    ENTITY = "entity"  # a device of the home as said
    COLOR = "color"  # a name of CSS or of schemas/color.py, or #rrggbb


class ResultType(StrEnum):
    """What a call gives back; a nested call must give what its parameter takes."""

    NONE = "none"
    TEXT = "text"
    NUMBER = "number"
    LIST = "list"  # of texts
    FILE = "file"  # its path on the hub


class Parameter(Value):
    """One positional parameter."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,60}$")
    type: ParameterType
    values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    unit: str | None = None
    default: Scalar | None = None
    optional: bool = False
    grounded: bool = True

    @property
    def required(self) -> bool:
        """Whether a call cannot run without it."""
        return self.default is None and not self.optional

    @property
    def timed(self) -> bool:
        """Whether it holds a time."""
        return self.type in (ParameterType.TIME, ParameterType.DATETIME)

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that are chosen; none where the argument is a piece of the sentence."""
        return ("true", "false") if self.type is ParameterType.BOOLEAN else self.values


class Function(Value):
    """One function: its token, its signature, and how it may be run."""

    token: int = Field(ge=0)
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,60}$")
    description: str
    kinds: tuple[str, ...]
    result: ResultType
    effect: Effect
    risk: Risk
    timeout: float = Field(gt=0, allow_inf_nan=False)  # seconds
    parameters: tuple[Parameter, ...] = ()
    one_of: tuple[str, ...] = ()  # exactly one of these parameters must be given
    any_of: tuple[str, ...] = ()  # at least one of these
    inverse: str | None = None
    about: str = ""  # what "it" means right after such a call: "the volume"
