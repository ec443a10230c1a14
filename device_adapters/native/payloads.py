"""What such devices publish, read into values: pure, and safe with hostile input."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    StringConstraints,
    ValidationError,
)

from schemas.device import Kind
from schemas.outcome import Evidence

MAX_PAYLOAD = 16 * 1024
"""Bytes of anything that a device says."""
MAX_ATTRIBUTES = 50
"""Of a state, so many are heeded."""
IDENTIFIER = re.compile(r"(?!hub\Z)[A-Za-z0-9_]{1,40}", re.ASCII)
"""A device's own segment of its topics. Whatever id the hub makes has a dash, so none is both."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("a line of printable characters is needed")
    return text


def _no_hub(kind: Kind) -> Kind:
    if kind is Kind.HUB:
        raise ValueError("there is one hub")
    return kind


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


_Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=60, strip_whitespace=True),
    AfterValidator(_printable),
]
_Line = Annotated[str, StringConstraints(max_length=4096), AfterValidator(_one_line)]
_Reason = Annotated[str, StringConstraints(max_length=200), AfterValidator(_one_line)]
_Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_Number = Annotated[float, Field(allow_inf_nan=False)]
_Scalar = bool | _Whole | _Number | _Line


class _Said(BaseModel):
    """What else it holds is for later releases."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Announcement(_Said):
    """`…/config`: what the device is, and which functions of the catalogue it claims to serve."""

    name: _Name
    kind: Annotated[Kind, AfterValidator(_no_hub)]
    functions: Annotated[tuple[Annotated[str, Field(max_length=60)], ...], Field(max_length=100)]
    room: _Name | None = None
    aliases: Annotated[tuple[_Name, ...], Field(max_length=20)] = ()


class Named(_Said):
    """The id of an answer, whatever else it says."""

    id: str


class Answer(Named):
    """`…/result`: how the order of this id ended."""

    status: Literal["ok", "error"]
    result: _Scalar | Annotated[tuple[_Line, ...], Field(max_length=100)] | None = None
    reason: _Reason = ""
    evidence: Literal["verified", "unverified"] = "unverified"

    @property
    def seen(self) -> Evidence:
        """What backs the device's word."""
        return Evidence(self.evidence)


class State(RootModel[dict[_Name, Any]]):
    """`…/state`: attributes, each a text, a number, or true or false."""

    model_config = ConfigDict(frozen=True, strict=True)

    def __str__(self) -> str:
        """In words, as "on, brightness 40"; what is neither text nor number is left out."""
        told = [(key, said) for key, value in self.root.items() if (said := _in_words(value))]
        return ", ".join(
            said if key == "state" else f"{key} {said}" for key, said in told[:MAX_ATTRIBUTES]
        )


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _one_line(str(value)[:200]) if isinstance(value, str | int | float) else ""


T = TypeVar("T", bound=BaseModel)


def read(kind: type[T], payload: bytes) -> T | None:
    """A payload as a value; None where it is none."""
    if len(payload) > MAX_PAYLOAD:
        return None
    try:
        return kind.model_validate_json(payload)
    except ValidationError:
        return None
