"""Arguments to canonical values: what is neither in the sentence, nor a choice, nor a declared
default is never acted on, but asked for."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import langcodes
import phonenumbers

from orchestrator import amounts, moments
from orchestrator.catalogue import Catalogue
from schemas.base import Scalar, Value
from schemas.call import Call
from schemas.errors import HubError
from schemas.function import Function, Parameter, ParameterType


class Question(HubError):
    """Something must be asked before the call can run."""

    code = "question"


class Context(Value):
    """What the words are read against."""

    sentence: str
    now: datetime
    region: str = "US"  # for phone numbers without a country


def ground(call: Call, context: Context, catalogue: Catalogue) -> Call:
    """The call with canonical arguments; Question says what is missing or cannot be read."""
    function = catalogue[call.function]
    grounded: list[Scalar | Call | None] = []
    for parameter, value in zip(function.parameters, call.arguments, strict=True):
        if isinstance(value, Call):
            grounded.append(ground(value, context, catalogue))
        else:
            grounded.append(_value(function, parameter, value, context))
    given = dict(zip((p.name for p in function.parameters), grounded, strict=True))
    if function.one_of and sum(given[name] is not None for name in function.one_of) != 1:
        raise Question(_ask(function, " or ".join(function.one_of)))
    if function.any_of and all(given[name] is None for name in function.any_of):
        raise Question(_ask(function, " or ".join(function.any_of)))
    return Call(function=call.function, arguments=tuple(grounded))


def lenient(call: Call, context: Context, catalogue: Catalogue) -> Call:
    """The call with what can be made canonical; the rest stays as the model wrote it."""
    function = catalogue[call.function]
    values: list[Scalar | Call | None] = []
    for parameter, value in zip(function.parameters, call.arguments, strict=True):
        if isinstance(value, Call):
            values.append(lenient(value, context, catalogue))
            continue
        try:
            values.append(_value(function, parameter, value, context))
        except Question:
            values.append(value)
    return Call(function=call.function, arguments=tuple(values))


def _value(
    function: Function, parameter: Parameter, value: Scalar | None, context: Context
) -> Scalar | None:
    if value is None or value == "":
        if parameter.required and parameter.grounded:
            raise Question(_ask(function, parameter.name))
        return parameter.default
    if value == parameter.default:
        return value
    chosen = parameter.type in (ParameterType.ENUM, ParameterType.BOOLEAN)
    if not chosen and not _said(value, context.sentence):
        if parameter.required and parameter.grounded:
            raise Question(f"{_ask(function, parameter.name)} ({value!r} was not said)")
        return parameter.default
    read = canonical(parameter, value, context)
    if read is None:
        raise Question(f"{_ask(function, parameter.name)} ({value!r} cannot be read)")
    return read


def canonical(parameter: Parameter, value: Scalar, context: Context) -> Scalar | None:
    """The value as devices want it; None where it cannot be read."""
    return _READERS[parameter.type](value, parameter, context)


def _ask(function: Function, parameter: str) -> str:
    return f"{function.name.replace('_', ' ')}: which {parameter.replace('_', ' ')}?"


def _said(value: Scalar, sentence: str) -> bool:
    """Whether the value's letters, or its number in digits or words, are in the sentence."""
    plain = _plain(sentence)
    if isinstance(value, str):
        return _plain(value) in plain
    digits = re.findall(r"\d+(?:\.\d+)?", moments.digits(sentence))
    return any(float(number) == float(value) for number in digits)


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _text(value: Scalar, _: Parameter, __: Context) -> Scalar | None:
    return str(value).strip() or None


def _enum(value: Scalar, parameter: Parameter, _: Context) -> Scalar | None:
    return str(value) if str(value) in parameter.values else None


def _boolean(value: Scalar, _: Parameter, __: Context) -> Scalar | None:
    return value if isinstance(value, bool) else None


def _number(value: Scalar, parameter: Parameter, context: Context) -> Scalar | None:
    return (
        None if isinstance(value, bool) else amounts.read(str(value), parameter, context.sentence)
    )


def _time(value: Scalar, _: Parameter, context: Context) -> Scalar | None:
    words = str(value)
    if (lasting := moments.length(words)) is not None:
        return f"PT{int(lasting.total_seconds())}S"
    if (at := moments.clock(words)) is not None:
        rings = moments.next_time(at, context.now)
        fits = moments.named_day(context.sentence, context.now) in (None, rings.date())
        return at.strftime("%H:%M") if fits else None
    when = moments.moment(words, context.now)
    # An alarm has a time of day only: a day further off than its next ringing would be lost.
    if when is None or when - context.now > timedelta(days=1):
        return None
    return when.strftime("%H:%M")


def _datetime(value: Scalar, _: Parameter, context: Context) -> Scalar | None:
    when = moments.moment(str(value), context.now)
    return when.strftime("%Y-%m-%d-%H-%M") if when else None


_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SPOKEN_DIGITS = {word: str(digit) for digit, word in enumerate(_DIGITS)} | {
    "oh": "0",
    "o": "0",
    "plus": "+",
}


def _phone_number(value: Scalar, _: Parameter, context: Context) -> Scalar | None:
    """E.164 where it is a whole number of the region, or has a country code; other digits as they
    were said, since a country code before a local number reaches nobody; a name stays one, and the
    phone looks it up."""
    text = str(value).strip()
    words = text.casefold().split()
    if all(word in _SPOKEN_DIGITS or word.isdecimal() for word in words):
        text = "".join(_SPOKEN_DIGITS.get(word, word) for word in words)
    if not re.search(r"\d", text):
        return text or None
    try:
        number = phonenumbers.parse(text, context.region)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_valid_number(number) or (
        "+" in text and phonenumbers.is_possible_number(number)
    ):
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    digits = re.sub(r"\D", "", text)
    only = re.fullmatch(r"[\d\s().\-/]+", text) and 3 <= len(digits) <= 15
    return digits if only else None


def _email(value: Scalar, _: Parameter, __: Context) -> Scalar | None:
    text = re.sub(r"\s+dot\s+", ".", re.sub(r"\s+at\s+", "@", str(value).strip()))
    return text if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", text) else None


def _language(value: Scalar, _: Parameter, __: Context) -> Scalar | None:
    text = str(value).strip()
    if len(text) == 2 and langcodes.tag_is_valid(text):
        return text.lower()
    try:
        return langcodes.find(text).language
    except LookupError:
        return None


def _url(value: Scalar, _: Parameter, __: Context) -> Scalar | None:
    text = re.sub(r"\s+dot\s+", ".", str(value).strip())
    return None if re.search(r"\s", text) or "." not in text else text


_READERS: dict[ParameterType, Callable[[Scalar, Parameter, Context], Scalar | None]] = {
    ParameterType.TEXT: _text,
    ParameterType.CONTACT: _text,
    ParameterType.ENTITY: _text,
    ParameterType.ENUM: _enum,
    ParameterType.BOOLEAN: _boolean,
    ParameterType.INTEGER: _number,
    ParameterType.NUMBER: _number,
    ParameterType.TIME: _time,
    ParameterType.DATETIME: _datetime,
    ParameterType.PHONE_NUMBER: _phone_number,
    ParameterType.EMAIL: _email,
    ParameterType.LANGUAGE: _language,
    ParameterType.URL: _url,
}
