"""Arguments to canonical values: what is neither in the sentence, nor a choice, nor a declared
default is never acted on, but asked for."""

import re

from orchestrator import texts
from orchestrator.canonical import Canonical, Context, Unreadable, canonical
from orchestrator.catalogue import Catalogue
from orchestrator.questions import Ask, Reply
from orchestrator.times import numerals
from schemas.base import Scalar
from schemas.call import Call, Change, Person
from schemas.function import Function, Parameter, ParameterType
from schemas.question import Option, Question


def ground(call: Call, context: Context, catalogue: Catalogue, place: str = "0") -> Call:
    """The call with canonical arguments; Ask says what is missing or cannot be read. `place` is the
    call's own among those of the sentence."""
    function = catalogue[call.function]
    grounded: list[Canonical | Call | None] = []
    for parameter, value in zip(function.parameters, call.arguments, strict=True):
        here = f"{place}.{parameter.name}"
        if here in context.given:
            grounded.append(context.given[here])
        elif isinstance(value, Call):
            grounded.append(ground(value, context, catalogue, here))
        else:
            grounded.append(_value(function, parameter, value, context, here))
    given = dict(zip((p.name for p in function.parameters), grounded, strict=True))
    if function.one_of and sum(given[name] is not None for name in function.one_of) != 1:
        raise _ask(function, function.one_of, place)
    if function.any_of and all(given[name] is None for name in function.any_of):
        raise _ask(function, function.any_of, place)
    return Call(function=call.function, arguments=tuple(grounded))


def lenient(call: Call, context: Context, catalogue: Catalogue) -> Call:
    """The call with what can be made canonical; the rest stays as the model wrote it."""
    function = catalogue[call.function]
    values: list[Canonical | Call | None] = []
    for parameter, value in zip(function.parameters, call.arguments, strict=True):
        if isinstance(value, Call):
            values.append(lenient(value, context, catalogue))
            continue
        try:
            values.append(_value(function, parameter, value, context, ""))
        except Ask:
            values.append(value)
    return Call(function=call.function, arguments=tuple(values))


def answered(
    question: Question,
    reply: Reply,
    calls: tuple[Call, ...],
    context: Context,
    catalogue: Catalogue,
) -> dict[str, Canonical] | None:
    """What an answer in a person's own words gives the place that was asked about; None where it is
    no such value, or more than one."""
    for place in question.place.split("|"):
        parameter = _parameter(place, calls, catalogue)
        if parameter.type is ParameterType.TEXT:
            return {place: reply.text}
        words = reply.words
        if parameter.type in _NAMES and len(words.split()) > _LONGEST_NAME:
            continue
        if parameter.type in (ParameterType.INTEGER, ParameterType.NUMBER) and not _alone(words):
            continue
        try:
            value = canonical(parameter, words, context)
        except Unreadable:
            continue
        if value is not None:
            return {place: value}
    return None


def asks_for_text(question: Question, calls: tuple[Call, ...], catalogue: Catalogue) -> bool:
    """Whether a question is for a text, in which any words may stand."""
    places = question.place.split("|")
    return any(_parameter(p, calls, catalogue).type is ParameterType.TEXT for p in places)


_NAMES = (ParameterType.CONTACT, ParameterType.PHONE_NUMBER, ParameterType.ENTITY)
_LONGEST_NAME = 5
"""Words of a name that answers a question; what is longer is a sentence."""
_ALONE = re.compile(
    r"(?:(?:up|down) )?(?:to |by |about |around )?[+-]?\d+(?:\.\d+)?\s*(?:%|°|[a-z]+)?(?: [a-z]+)?"
)


def _alone(words: str) -> bool:
    """Whether an answer is a number and its unit, or two or three words without any."""
    plain = numerals.digits(words.lower()).strip(" .!?")
    if not re.search(r"\d", plain):
        return len(plain.split()) <= 3
    return _ALONE.fullmatch(plain) is not None


def _parameter(place: str, calls: tuple[Call, ...], catalogue: Catalogue) -> Parameter:
    """The parameter at a place: a call's number, then the names of parameters down to it."""
    number, *names = place.split(".")
    call = calls[int(number)]
    for name in names:
        parameters = catalogue[call.function].parameters
        at = [parameter.name for parameter in parameters].index(name)
        value = call.arguments[at]
        if isinstance(value, Call):
            call = value
    return parameters[at]


def _value(
    function: Function,
    parameter: Parameter,
    value: Scalar | Change | Person | None,
    context: Context,
    place: str,
) -> Canonical | None:
    if isinstance(value, Change | Person):
        return value
    if value is None or value == "":
        if parameter.required and parameter.grounded:
            raise _ask(function, (parameter.name,), place)
        return parameter.default
    if value == parameter.default:
        return value
    chosen = parameter.type in (ParameterType.ENUM, ParameterType.BOOLEAN)
    if not chosen and not context.exact and not _said(value, context.sentence):
        if parameter.required and parameter.grounded:
            raise _ask(function, (parameter.name,), place, f"{value!r} was not said")
        return parameter.default
    try:
        read = canonical(parameter, value, context)
    except Unreadable as unreadable:
        raise _ask(function, (parameter.name,), place, str(unreadable)) from unreadable
    if read is None and parameter.default is not None and _A_BIT.fullmatch(str(value).casefold()):
        return parameter.default
    if read is None:
        unread = f"{value!r} cannot be read{_range(parameter)}"
        raise _ask(function, (parameter.name,), place, unread)
    return read


def _range(parameter: Parameter) -> str:
    """What it could have been, for numbers with two ends."""
    if parameter.minimum is None or parameter.maximum is None:
        return ""
    return f" as {parameter.minimum:g} to {parameter.maximum:g}"


_A_BIT = re.compile(r"(?:just )?(?:a (?:little )?(?:bit|little|touch|tad|notch)|slightly|some)")
"""No amount: the one that is declared."""


def _ask(function: Function, names: tuple[str, ...], place: str, why: str = "") -> Ask:
    """The question for one of some parameters; `place` is the call's, or the parameter's."""
    wanted = " or ".join(map(texts.spoken, names))
    said = f" ({why})" if why else ""
    own = place.endswith(f".{names[0]}")
    only = next(p for p in function.parameters if p.name == names[0])
    offered = tuple(Option(label=v, value=v) for v in only.values)
    return Ask(
        Question(
            text=f"{texts.spoken(function.name)}: which {wanted}?{said}",
            place="|".join(place if own else f"{place}.{name}" for name in names),
            options=offered if len(names) == 1 else (),
            words=True,
        )
    )


def _said(value: Scalar, sentence: str) -> bool:
    """Whether the value's words stand in the sentence one behind the other, or its number does in
    digits or words."""
    if isinstance(value, str):
        wanted, said = _words(value), _words(sentence)
        length = len(wanted)
        places = range(len(said) - length + 1)
        return (
            value in sentence if not wanted else any(said[n : n + length] == wanted for n in places)
        )
    digits = re.findall(r"\d+(?:\.\d+)?", numerals.digits(sentence))
    return any(float(number) == float(value) for number in digits)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())
