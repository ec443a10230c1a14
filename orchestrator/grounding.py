"""Arguments to canonical values: what is neither in the sentence, nor a choice, nor a declared
default is never acted on, but asked for."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import langcodes
import phonenumbers
import webcolors

from orchestrator import amounts
from orchestrator.catalogue import Catalogue
from orchestrator.questions import Ask, Reply
from orchestrator.times import moments, numerals, rhythms
from orchestrator.times.when import Found
from schemas.base import Scalar, Value
from schemas.call import Call, Change, Person
from schemas.color import COLORS
from schemas.function import Function, Parameter, ParameterType
from schemas.question import Option, Question
from schemas.when import When

Canonical = Scalar | Change | Person
"""A value as devices want it, or one that is to be looked up."""

_FAHRENHEIT = frozenset({"US", "BS", "BZ", "KY", "PW", "LR", "FM", "MH"})
"""Regions where "two degrees warmer" is Fahrenheit (CLDR, unitPreferenceData)."""
_NOBODY = re.compile(
    r"(?:him|her|them|he|she|they|it|me|myself|someone|somebody|anyone|(?:this|that) (?:one|person)"
    r"|the (?:other )?(?:guy|person|number|contact|usual))",
    re.IGNORECASE,
)


class Context(Value):
    """What the words are read against; `found`: the time that the sentence names, if it does;
    `given`: what a person answered, by the place that was asked about."""

    sentence: str
    now: datetime
    region: str = "US"  # for phone numbers without a country, and "two degrees warmer"
    found: Found | None = None
    given: dict[str, Canonical] = {}


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
        except Ask:
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


def number(words: str, region: str) -> str | None:
    """A phone number that somebody says, canonical; None where it is none."""
    context = Context(sentence=words, now=datetime.now(UTC), region=region)
    parameter = Parameter(name="phone_number", type=ParameterType.PHONE_NUMBER)
    found = _phone_number(words, parameter, context)
    return found if isinstance(found, str) else None


def canonical(parameter: Parameter, value: Scalar, context: Context) -> Canonical | None:
    """The value as devices want it; None where it cannot be read, Ask where it may mean several."""
    return _READERS[parameter.type](value, parameter, context)


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
    if not chosen and not _said(value, context.sentence):
        if parameter.required and parameter.grounded:
            raise _ask(function, (parameter.name,), place, f"{value!r} was not said")
        return parameter.default
    try:
        read = canonical(parameter, value, context)
    except Ask as ask:
        options = ask.question.options
        raise _ask(function, (parameter.name,), place, str(ask), options) from ask
    if read is None and parameter.default is not None and _A_BIT.fullmatch(str(value).casefold()):
        return parameter.default
    if read is None:
        raise _ask(function, (parameter.name,), place, f"{value!r} cannot be read")
    return read


_A_BIT = re.compile(r"(?:just )?(?:a (?:little )?(?:bit|little|touch|tad|notch)|slightly|some)")
"""No amount: the one that is declared."""


def _ask(
    function: Function,
    names: tuple[str, ...],
    place: str,
    why: str = "",
    options: tuple[Option, ...] = (),
) -> Ask:
    """The question for one of some parameters; `place` is the call's, or the parameter's."""
    wanted = " or ".join(name.replace("_", " ") for name in names)
    said = f" ({why})" if why else ""
    own = place.endswith(f".{names[0]}")
    only = next(p for p in function.parameters if p.name == names[0])
    offered = options or tuple(Option(label=v, value=v) for v in only.values)
    return Ask(
        Question(
            text=f"{function.name.replace('_', ' ')}: which {wanted}?{said}",
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


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _text(value: Scalar, _: Parameter, __: Context) -> Canonical | None:
    return str(value).strip() or None


def _enum(value: Scalar, parameter: Parameter, _: Context) -> Canonical | None:
    words = str(value).strip().casefold()
    return words if words in parameter.values else None


def _boolean(value: Scalar, _: Parameter, __: Context) -> Canonical | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "on": True, "false": False, "off": False}.get(str(value).casefold())


def _number(value: Scalar, parameter: Parameter, context: Context) -> Canonical | None:
    if isinstance(value, bool):
        return None
    words, celsius = str(value), context.region not in _FAHRENHEIT
    if not amounts.is_multiple(words, context.sentence):
        read = amounts.read(words, parameter, context.sentence)
        if read is not None:
            return read
    return amounts.change(words, parameter, context.sentence, celsius=celsius)


def _time(value: Scalar, _: Parameter, context: Context) -> Canonical | None:
    """A time of day within the next one, or a length of time: an alarm clock knows no more."""
    meant = _moment(str(value), context)
    if isinstance(meant, timedelta):
        return f"PT{int(meant.total_seconds())}S"
    if meant.rule:
        raise Ask(Question(text="an alarm that repeats cannot be set from here", place=""))
    at = rhythms.instant(meant)
    if at - _aware(context.now) > timedelta(days=1):
        raise Ask(Question(text="an alarm rings within a day", place=""))
    return _wall(at, context).strftime("%H:%M")


def _datetime(value: Scalar, _: Parameter, context: Context) -> Canonical | None:
    meant = _moment(str(value), context)
    if isinstance(meant, timedelta):
        return (context.now + meant).strftime("%Y-%m-%d-%H-%M")
    if meant.rule:
        raise Ask(Question(text="an event that repeats cannot be made from here", place=""))
    return _wall(rhythms.instant(meant), context).strftime("%Y-%m-%d-%H-%M")


def _moment(words: str, context: Context) -> When | timedelta:
    """What the words mean; the rest of the sentence's time counts too ("7 … tomorrow")."""
    found = context.found
    if found is not None and _plain(words) in _plain(found.words):
        return found.when
    try:
        return moments.read(words, context.now)
    except moments.Unclear as unclear:
        raise Ask(Question(text=str(unclear), place="")) from unclear


def _aware(now: datetime) -> datetime:
    return now if now.tzinfo else now.replace(tzinfo=UTC)


def _wall(at: datetime, context: Context) -> datetime:
    """A moment on the hub's own clock."""
    return at.astimezone(_aware(context.now).tzinfo)


_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SPOKEN_DIGITS = {word: str(digit) for digit, word in enumerate(_DIGITS)} | {
    "oh": "0",
    "o": "0",
    "plus": "+",
}


def _phone_number(value: Scalar, _: Parameter, context: Context) -> Canonical | None:
    """E.164 where it is a whole number of the region, or has a country code; other digits as they
    were said, since a country code before a local number reaches nobody; a name is looked up."""
    text = str(value).strip()
    words = text.casefold().split()
    if all(word in _SPOKEN_DIGITS or word.isdecimal() for word in words):
        text = "".join(_SPOKEN_DIGITS.get(word, word) for word in words)
    if not re.search(r"\d", text):
        return _person(text, context)
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


def _contact(value: Scalar, parameter: Parameter, context: Context) -> Canonical | None:
    """A number as it was said, or somebody to be looked up."""
    text = str(value).strip()
    spoken = re.fullmatch(r"[\d\s().\-/+]+", text)
    return _phone_number(text, parameter, context) if spoken else _person(text, context)


def _person(text: str, context: Context) -> Person | None:
    """Somebody's name, with which of their numbers; None for words that name nobody."""
    if not text or _NOBODY.fullmatch(text):
        return None
    which = re.search(rf"{re.escape(text)}{_WHICH}", context.sentence, re.IGNORECASE)
    return Person(person=text, which=which[1].lower() if which else "")


_WHICH = (
    r"(?:['’]s)?,? (?:(?:on|at) (?:(?:his|her|their|the|my) )?)?"
    r"(work|mobile|cell|home|office|landline)(?: (?:number|phone|line))?[.!?]*$"
)
"""Which number is meant, behind a name, where the sentence ends with it."""
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def _email(value: Scalar, _: Parameter, context: Context) -> Canonical | None:
    text = re.sub(r"\s+dot\s+", ".", re.sub(r"\s+at\s+", "@", str(value).strip()))
    if _ADDRESS.fullmatch(text):
        return text
    return None if "@" in text else _person(str(value).strip(), context)


def _language(value: Scalar, _: Parameter, __: Context) -> Canonical | None:
    text = str(value).strip()
    if len(text) == 2 and langcodes.tag_is_valid(text):
        return text.lower()
    try:
        return langcodes.find(text).language
    except LookupError:
        return None


def _url(value: Scalar, _: Parameter, __: Context) -> Canonical | None:
    text = re.sub(r"\s+dot\s+", ".", str(value).strip())
    return None if re.search(r"\s", text) or "." not in text else text


def _color(value: Scalar, _: Parameter, __: Context) -> Canonical | None:
    """A colour's name (CSS, or one of our own), or #rrggbb."""
    name = " ".join(str(value).casefold().split())
    if name in COLORS or re.fullmatch(r"#[0-9a-f]{6}", name):
        return name
    try:
        webcolors.name_to_rgb(name.replace(" ", ""))
    except ValueError:
        return None
    return name


_READERS: dict[ParameterType, Callable[[Scalar, Parameter, Context], Canonical | None]] = {
    ParameterType.TEXT: _text,
    ParameterType.CONTACT: _contact,
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
    ParameterType.COLOR: _color,
}
