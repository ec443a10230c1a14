"""What one call gives, as the argument of another; pure. Checked twice: by the types when a plan is
made, and by the value before anything is sent."""

import math

from orchestrator import texts
from schemas.base import Scalar
from schemas.errors import HubError
from schemas.function import Function, Parameter, ParameterType, ResultType
from schemas.outcome import Result

MAX_TEXT = 10_000
"""Longest text, in characters, that one call may hand to the next."""
_NUMBERS = (ParameterType.INTEGER, ParameterType.NUMBER)


class DoesNotFit(HubError):
    """The result of one call cannot be the argument of another."""

    code = "does_not_fit"


def fits(inner: Function, parameter: Parameter) -> bool:
    """Whether what a function gives can be what a parameter takes, by their types."""
    if parameter.type is ParameterType.TEXT:
        return inner.result in (ResultType.TEXT, ResultType.NUMBER, ResultType.LIST)
    return parameter.type in _NUMBERS and inner.result is ResultType.NUMBER


def fitted(result: Result | None, parameter: Parameter, step: int) -> Scalar:
    """A result as an argument; `step` is the number of the step that gave it. DoesNotFit where
    there is none, it is too long, or it is no such value."""
    if result is None:
        raise DoesNotFit(texts.NO_RESULT.format(step=step + 1, name=texts.spoken(parameter.name)))
    if parameter.type in _NUMBERS:
        return _number(result, parameter, step)
    text = "; ".join(result) if isinstance(result, tuple) else str(result)
    if len(text) > MAX_TEXT:
        raise DoesNotFit(texts.TOO_LONG.format(step=step + 1, length=len(text), most=MAX_TEXT))
    return text


def _number(result: Result, parameter: Parameter, step: int) -> Scalar:
    low = -math.inf if parameter.minimum is None else parameter.minimum
    high = math.inf if parameter.maximum is None else parameter.maximum
    try:
        number = math.nan if isinstance(result, bool | tuple) else float(result)
    except (ValueError, OverflowError):
        number = math.nan
    if not (math.isfinite(number) and low <= number <= high):
        raise DoesNotFit(
            texts.NO_SUCH_NUMBER.format(
                step=step + 1, result=str(result)[:40], name=texts.spoken(parameter.name)
            )
        )
    return round(number) if parameter.type is ParameterType.INTEGER else number
