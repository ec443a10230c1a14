"""Words to the value that devices want, by the parameter's type: pure."""

import contextlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import langcodes
import webcolors

from orchestrator import amounts, people, texts
from orchestrator.times import moments, rhythms
from orchestrator.times.when import Found
from schemas.base import Scalar, Value
from schemas.call import Change, Person
from schemas.color import COLORS
from schemas.errors import HubError
from schemas.function import Parameter, ParameterType
from schemas.region import FAHRENHEIT
from schemas.when import When

Canonical = Scalar | Change | Person
"""A value as devices want it, or one that is to be looked up."""

_SHADE = re.compile(
    r"^(?:an? )?(?:(?:really|very|nice|warm|cool|soft|gentle|deep|rich|bright|vivid|pale|cosy"
    r"|cozy) )*"
)
"""What people say before a colour, where the whole has no name."""
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
    exact: bool = False  # the values are whole by themselves, and no pieces of the sentence
    given: dict[str, Canonical] = {}


class Unreadable(HubError):
    """The words are understood, and no value comes of them."""

    code = "unreadable"


def canonical(parameter: Parameter, value: Scalar, context: Context) -> Canonical | None:
    """The value as devices want it; None where it cannot be read, Unreadable where it can be said
    why not."""
    if context.exact:
        # As far as numbers go, a value is all that was said.
        context = context.model_copy(update={"sentence": str(value)})
    return _READERS[parameter.type](value, parameter, context)


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
    if context.exact and not isinstance(value, str):
        return _in_range(value, parameter)
    words, celsius = str(value), context.region not in FAHRENHEIT
    if not amounts.is_multiple(words, context.sentence):
        read = amounts.read(words, parameter, context.sentence)
        if read is not None:
            return read
    return amounts.change(words, parameter, context.sentence, celsius=celsius)


def _in_range(value: float, parameter: Parameter) -> Canonical:
    """A number as it is, in the parameter's own unit; Unreadable beyond its range."""
    least = -amounts.MOST if parameter.minimum is None else parameter.minimum
    most = amounts.MOST if parameter.maximum is None else parameter.maximum
    if not least <= value <= most:  # NaN is nowhere
        unit = f" {parameter.unit}" if parameter.unit else ""
        raise Unreadable(texts.OUT_OF_RANGE.format(least=least, most=most, unit=unit))
    whole = parameter.type is ParameterType.INTEGER
    if whole and value != int(value):
        raise Unreadable(texts.WHOLE_NUMBER)
    return int(value) if whole else value


def _time(value: Scalar, _: Parameter, context: Context) -> Canonical | None:
    """A time of day within the next one, or a length of time: an alarm clock knows no more."""
    if context.exact and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|PT[1-9]\d{0,6}S", str(value)):
        return value
    meant = _moment(str(value), context)
    if isinstance(meant, timedelta):
        return f"PT{int(meant.total_seconds())}S"
    if meant.rule:
        raise Unreadable(texts.ALARM_REPEATS)
    at = rhythms.instant(meant)
    if at - _aware(context.now) > timedelta(days=1):
        raise Unreadable(texts.ALARM_TOO_LATE)
    return _wall(at, context).strftime("%H:%M")


def _datetime(value: Scalar, _: Parameter, context: Context) -> Canonical | None:
    if context.exact and (written := _written(str(value))):
        return written
    meant = _moment(str(value), context)
    if isinstance(meant, timedelta):
        return (context.now + meant).strftime("%Y-%m-%d-%H-%M")
    if meant.rule:
        raise Unreadable(texts.EVENT_REPEATS)
    return _wall(rhythms.instant(meant), context).strftime("%Y-%m-%d-%H-%M")


def _written(value: str) -> str | None:
    """A moment as devices want it, or local time as in ISO 8601; None for words."""
    for form in ("%Y-%m-%d-%H-%M", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"):
        with contextlib.suppress(ValueError):
            return datetime.strptime(value, form).strftime("%Y-%m-%d-%H-%M")
    return None


def _moment(words: str, context: Context) -> When | timedelta:
    """What the words mean; the rest of the sentence's time counts too ("7 … tomorrow")."""
    found = context.found
    if found is not None and _plain(words) in _plain(found.words):
        return found.when
    try:
        return moments.read(words, context.now)
    except moments.Unclear as unclear:
        raise Unreadable(str(unclear)) from unclear


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


def phone_number(words: str, region: str) -> str | None:
    """E.164 where it is a whole number of the region, or has a country code; other digits as they
    were said, since a country code before a local number reaches nobody; None for other words."""
    text, said = words.strip(), words.casefold().split()
    if all(word in _SPOKEN_DIGITS or word.isdecimal() for word in said):
        text = "".join(_SPOKEN_DIGITS.get(word, word) for word in said)
    if not re.search(r"\d", text):
        return None
    if number := people.e164(text, region):
        return number
    digits = re.sub(r"\D", "", text)
    only = re.fullmatch(r"[\d\s().\-/]+", text) and 3 <= len(digits) <= 15
    return digits if only else None


def _phone_number(value: Scalar, _: Parameter, context: Context) -> Canonical | None:
    """A number; a name is looked up."""
    text = str(value).strip()
    number = phone_number(text, context.region)
    return number or (None if re.search(r"\d", text) else _person(text, context))


def _contact(value: Scalar, _: Parameter, context: Context) -> Canonical | None:
    """A number as it was said, or somebody to be looked up."""
    text = str(value).strip()
    spoken = re.fullmatch(r"[\d\s().\-/+]+", text)
    return phone_number(text, context.region) if spoken else _person(text, context)


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


def _email(value: Scalar, _: Parameter, context: Context) -> Canonical | None:
    text = re.sub(r"\s+dot\s+", ".", re.sub(r"\s+at\s+", "@", str(value).strip()))
    found = [word for word in re.split(r"[\s,;<>()]+", text) if people.is_mail(word)]
    if len(found) == 1:
        return found[0]
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
    found = [word.strip(",") for word in text.split() if re.search(r"\w\.\w", word)]
    return found[0] if len(found) == 1 else None


def _color(value: Scalar, _: Parameter, __: Context) -> Canonical | None:
    """A colour's name (CSS, or one of our own), or #rrggbb; of a shade nobody named, the colour."""
    name = " ".join(str(value).casefold().split())
    for known in (name, _SHADE.sub("", name)):
        if (color := _known_color(known)) is not None:
            return color
    return None


def _known_color(name: str) -> str | None:
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
