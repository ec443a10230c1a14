"""Numbers in words, with their units, against what a parameter takes."""

import re

from orchestrator.times import numerals
from schemas.call import Change
from schemas.function import Parameter, ParameterType

MOST = 1e9
_UTMOST = r"as (?:{}) as (?:possible|it g\w+|can be|you can)"
_HIGH = re.compile(
    r"\b(?:max\w*|full\w*|highest|all the way up|loudest|brightest|"
    + _UTMOST.format("loud|bright|high")
    + r")\b"
)
_LOW = re.compile(
    r"\b(?:min\w*|lowest|zero|mute\w*|silent|silence|off|all the way down|quietest|dimmest|"
    + _UTMOST.format("quiet|dim|dark|low")
    + r")\b"
)
_SIGNED = r"(?<!\S)[{}]\s?\d"
_CHANGE = re.compile(
    r"\b(?:by|plus|minus|more|less|higher|warmer|hotter|cooler|colder|louder|quieter|softer"
    r"|brighter|dimmer|darker)\b"
    r"|\b(?:up|down)\b(?! to\b)|" + _SIGNED.format(r"+\-")
)
_LESS = re.compile(
    _SIGNED.format(r"\-")
    + r"|\b(?:minus|down|lower|decrease|reduce|quieter|softer|less|cut|drop|dim|dimmer|darker"
    r"|cooler|colder)\b"
    r"|\b(?:knock|take|shave)\b.*\boff\b"
)
_MORE = re.compile(
    _SIGNED.format("+")
    + r"|\b(?:plus|up|raise|increase|louder|higher|more|boost|add|brighter|brighten|warmer"
    r"|hotter)\b"
)
_PERCENT = re.compile(r"%|\bper ?cent\b")
_MILLIMETRES = {"mm": 1.0, "millim": 1.0, "cm": 10.0, "centim": 10.0, "inch": 25.4}
_HALVED = re.compile(r"\bby half\b|\bhalf (?:as|the)\b|\bhalve\b|\bin half\b")
_DOUBLED = re.compile(r"\bdoubled?\b|\btwice as\b")
_A_BIT = re.compile(r"\b(?:bit|little|slightly|touch|tad|notch|somewhat|smidge|hair)\b")
_A_LOT = re.compile(r"\b(?:lot|much|way|far|lots|significantly|considerably)\b")
_SHARE = 0.2
"""Of a parameter's range: one "louder"; a bit is half, a lot twice as much."""
_DEGREES = 2.0
"""One "warmer", in °F."""
_PER_CELSIUS = 1.8
_HALF_A = re.compile(r"\bhalf an? (?=mm|cm|inch|milli|centi)")


def read(words: str, parameter: Parameter, sentence: str) -> int | float | None:
    """The number in the parameter's range and unit; None for words like "louder", for a difference
    where a value is meant, and for a unit that is not known. A unit may stand behind the words, in
    the sentence."""
    text, said = _plain(words), _plain(sentence)
    found = re.search(r"-?\d+(?:\.\d+)?", text)
    if found is None and parameter.name.endswith("_diff"):
        sign = _direction(text)
        return None if sign is None else round(sign * _step(text, parameter))
    if found is None:
        return _extreme(text, parameter)
    number, unit = float(found[0]), text if text != found[0] else text + _behind(text, said)
    if parameter.name.endswith("_diff"):
        sign = _direction(text) or _direction(said)
        if sign is None:
            return None
        number = sign * abs(number)
    elif parameter.unit == "mm":  # how far something moves: always a difference
        if (factor := _millimetres(unit[found.end() :])) is None:
            return None
        number *= factor
    elif _relative(text, found[0], said):
        return None
    elif parameter.unit == "°F":
        number = _fahrenheit(number, unit, parameter.minimum or 0)
    elif _PERCENT.search(unit) and parameter.maximum is not None and parameter.unit != "%":
        number = number / 100 * parameter.maximum
    return _in_range(number, parameter)


def change(words: str, parameter: Parameter, sentence: str, *, celsius: bool) -> Change | None:
    """The difference that the words mean ("a bit louder", "by half"), in the parameter's unit; None
    where they mean none. `celsius`: degrees without a unit are such."""
    if parameter.minimum is None or parameter.maximum is None or parameter.minimum < 0:
        return None
    if parameter.unit == "mm":
        return None
    text, said = _plain(words), _plain(sentence)
    if is_multiple(words, sentence):
        return Change(words=words, times=2.0 if _DOUBLED.search(text) else 0.5, by=0.0)
    sign = _direction(text) or _direction(said)
    found = re.search(r"\d+(?:\.\d+)?", text)
    if sign is None or (found and not _relative(text, found[0], said)):
        return None
    by = _by(float(found[0]), text, parameter, celsius) if found else _step(text, parameter)
    return Change(words=words, times=1.0, by=sign * by)


def is_multiple(words: str, sentence: str) -> bool:
    """Whether the words mean a share of what is now ("by half", "half the volume"); a number among
    them is a value, whatever else the sentence halves."""
    text = _plain(words)
    if re.search(r"\d", text.replace("0.5", "")):
        return False
    near = rf"\b(?:{re.escape(text)})\b(?: as| the)?"
    around = re.search(near, _plain(sentence))
    said = f"{text} {around[0] if around else ''}"
    return bool(_HALVED.search(said) or _DOUBLED.search(said))


def _by(number: float, text: str, parameter: Parameter, celsius: bool) -> float:
    """A difference in the parameter's unit."""
    if parameter.unit == "°F":
        fahrenheit = re.search(r"\bf(?:ahrenheit)?\b|°f", text)
        celsius = bool(re.search(r"\bc(?:elsius|entigrade)?\b|°c", text)) or celsius
        return number * _PER_CELSIUS if celsius and not fahrenheit else number
    if _PERCENT.search(text) and parameter.unit != "%":
        return number / 100 * (parameter.maximum or 0)
    return number


def _step(text: str, parameter: Parameter) -> float:
    """How much "louder", "a bit louder" and "a lot louder" are."""
    low, high = max(0, parameter.minimum or 0), parameter.maximum or 0
    step = _DEGREES if parameter.unit == "°F" else (high - low) * _SHARE
    return step * (0.5 if _A_BIT.search(text) else 2 if _A_LOT.search(text) else 1)


def reckoned(change: Change, now: float, parameter: Parameter) -> int | float:
    """The value after a change, held within the parameter's range; a whole one moves by 1 at least
    where there is room."""
    low, high = parameter.minimum or 0, parameter.maximum or 0
    value = now * change.times + change.by
    if parameter.type is ParameterType.INTEGER:
        value = round(value)
        if value == now and (change.by or change.times != 1):
            value += 1 if change.by > 0 or change.times > 1 else -1
    return type(value)(max(low, min(high, value)))


def _plain(words: str) -> str:
    return numerals.digits(_HALF_A.sub("0.5 ", words.lower().replace("\N{MINUS SIGN}", "-")))


def _behind(number: str, sentence: str) -> str:
    """The word behind the number, where the sentence says it once: quotes end before a unit."""
    found = re.findall(rf"(?<![\w.]){re.escape(number)}[\"'”’]?\s*(%|[a-z]+)", sentence)
    return f" {found[0]}" if len(found) == 1 else ""


def _millimetres(unit: str) -> float | None:
    """What the number is multiplied by; None for percents, steps and lengths nobody moves by."""
    word = re.match(r"[\s\"'-]*(%|[a-z]+)", unit)
    if word is None:
        return 1.0
    known = [factor for start, factor in _MILLIMETRES.items() if word[1].startswith(start)]
    if known:
        return known[0]
    measures = r"%|per(?:cent)?|k?m|meters?|metres?|ft|feet|foot|yards?|degrees?|steps?|notch\w*"
    return None if re.fullmatch(measures, word[1]) else 1.0


def _relative(text: str, number: str, sentence: str) -> bool:
    """Whether the number is a difference ("down by 5") and no value ("down to 5")."""
    changed = rf"(?:\b(?:by|plus|minus|up|down)\s+|(?<!\S)[+-]\s?){re.escape(number)}\b"
    return bool(re.search(changed, sentence) or _CHANGE.search(text))


def _direction(words: str) -> int | None:
    """1 for more, -1 for less, None where the words say neither or both."""
    less, more = bool(_LESS.search(words)), bool(_MORE.search(words))
    return None if less == more else (-1 if less else 1)


def _extreme(text: str, parameter: Parameter) -> int | None:
    if parameter.minimum is None or parameter.maximum is None or parameter.minimum < 0:
        return None
    if _HIGH.search(text):
        return int(parameter.maximum)
    if _LOW.search(text):
        return int(parameter.minimum)
    return round(parameter.maximum / 2) if re.search(r"\bhalf", text) else None


def _fahrenheit(number: float, text: str, lowest: float) -> float:
    """Said in Celsius, or too cold to be Fahrenheit: converted."""
    if re.search(r"\bf(?:ahrenheit)?\b|°f", text):
        return number
    celsius = re.search(r"\bc(?:elsius|entigrade)?\b|°c", text) or number < min(lowest, 40)
    return number * 9 / 5 + 32 if celsius else number


def _in_range(number: float, parameter: Parameter) -> int | float | None:
    low, high = parameter.minimum, parameter.maximum
    outside = (low is not None and number < low) or (high is not None and number > high)
    if outside or abs(number) > MOST:
        return None
    return round(number) if parameter.type is ParameterType.INTEGER else number
