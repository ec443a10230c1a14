"""A function of a person's own and how it is said, read from two files, refused early."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.catalogue import TOKENS, Catalogue, parsed
from orchestrator.octopus.grammar import NOT_SAID, SPARE_PARAMETERS
from orchestrator.octopus.words import whole
from orchestrator.tokens import END
from schemas.errors import HubError
from schemas.function import Function, ParameterType
from training.dataset.example import Span
from training.dataset.shapes import ShapeError, fill
from training.dataset.verify import key

LEAST = 10
"""Fewest examples."""
LONGEST = 200
"""Letters of an example at most."""


class CannotTeach(HubError):
    """The function, its examples or what came of them will not do; nothing was changed."""

    code = "teach"


@dataclass(frozen=True)
class Lesson:
    """One function to teach: its table as TOML with its token, and examples as shapes."""

    function: Function
    toml: str
    examples: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The examples as they are said."""
        filled = (fill(example.removeprefix("= "), random.Random(0)) for example in self.examples)
        return tuple(written.text for written in filled)

    def shapes(self) -> list[str]:
        """The examples, and each with other words for its arguments, as the composer takes them."""
        others = [_other_words(example, self.function) for example in self.examples]
        return [_bare(shape) for shape in (*self.examples, *others)]


def read(file: Path, examples: Path, catalogue: Catalogue) -> Lesson:
    """The function, with the first free token unless it names one, and its examples; CannotTeach
    or InvalidSettings names the file, the line and what is wrong."""
    toml = _text(file)
    if not re.search(r"^\s*token\s*=", toml, re.MULTILINE):
        taken = {function.token for function in catalogue}
        free = [token for token in range(TOKENS) if token not in taken]
        if not free:
            raise CannotTeach("every functional token is taken: `octopus teach --undo` frees one")
        with_token = rf"\1\ntoken = {free[0]}"
        toml = re.sub(r"^(\s*\[\[function\]\].*)$", with_token, toml, count=1, flags=re.MULTILINE)
    found = parsed(toml, file)
    if len(found) != 1:
        raise CannotTeach(f"{file}: there must be one [[function]] in it; there are {len(found)}")
    (function,) = found
    if function.name in catalogue:
        raise CannotTeach(f"{file}: there is a function {function.name} already")
    if len(function.parameters) > SPARE_PARAMETERS:
        raise CannotTeach(f"{file}: a taught function has at most {SPARE_PARAMETERS} parameters")
    for value in (value for parameter in function.parameters for value in parameter.values):
        if value in (NOT_SAID, END) or value.startswith("<"):
            raise CannotTeach(f"{file}: {value!r} cannot be a value: the model writes it already")
    Catalogue([*catalogue, function])  # refuses what no function may be
    lines = [line.strip() for line in _text(examples).splitlines()]
    return Lesson(function, toml, _examples(lines, examples, function))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotTeach(f"{file}: cannot be read: {error}") from error


def _examples(lines: Sequence[str], file: Path, function: Function) -> tuple[str, ...]:
    """The lines that are examples, each once; CannotTeach names the first bad one."""
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if line and not line.startswith("#"):
            try:
                found.setdefault(_said(line, function), line)
            except (ShapeError, CannotTeach) as error:
                raise CannotTeach(f"{file}:{number}: {error}") from error
    if len(found) < LEAST:
        raise CannotTeach(f"{file}: {len(found)} different examples; at least {LEAST} are needed")
    return tuple(found.values())


def _said(line: str, function: Function) -> str:
    """What the sentence is known by; CannotTeach or ShapeError where it is no example."""
    known = {parameter.name: parameter for parameter in function.parameters}
    for name in re.findall(r"\{(\w+)[~:=<]", line):
        if name not in known:
            raise CannotTeach(f"{function.name} has no parameter {name}")
    written = fill(line.removeprefix("= "), random.Random(0))
    if len(written.text) > LONGEST:
        raise CannotTeach(f"longer than {LONGEST} letters")
    for name, value in written.arguments.items():
        allowed = known[name].choices
        if isinstance(value, str) != bool(allowed):
            way = f"{{{name}=value}}" if allowed else f"{{{name}~words}}"
            raise CannotTeach(f"{name} is written {way}")
        if isinstance(value, str) and value not in allowed:
            raise CannotTeach(f"{name} is one of {', '.join(allowed)}")
        if isinstance(value, Span) and not whole(written.text, value.start, value.end):
            raise CannotTeach(f"{name} must be whole words")
    return key(written.text)


_LISTS = {
    ParameterType.CONTACT: ("person",),
    ParameterType.ENTITY: ("turn_on_device_one",),
    ParameterType.TIME: ("clock", "duration"),
    ParameterType.DATETIME: ("datetime",),
    ParameterType.PHONE_NUMBER: ("phone",),
    ParameterType.EMAIL: ("email",),
    ParameterType.LANGUAGE: ("language",),
    ParameterType.URL: ("url",),
    ParameterType.TEXT: ("turn_on_device_one", "person", "title", "topic", "place", "duration"),
}
_NUMBERS = "(1|2|3|4|5|6|7|8|9|10|12|15|20|25|30|40|50|two|three|four|five|six|ten|twenty)"


def _other_words(example: str, function: Function) -> str:
    """The example with other words for its arguments, so that their place is learned and not they:
    a choice between them and lists of like things."""
    parameters = {parameter.name: parameter for parameter in function.parameters}

    def other(slot: re.Match[str]) -> str:
        lists = _LISTS.get(parameters[slot[1]].type)
        if lists is None:
            return f"{{{slot[1]}~{_NUMBERS}}}"
        return "(" + "|".join(f"{{{slot[1]}:{name}}}" for name in lists) + ")"

    return re.sub(r"\{(\w+)~[^{}]*\}", other, example)


_WHOLE = re.compile(
    r"[\"'(]*\{\w+[~:]|(?:the|a|an|my|our|your|his|her|their|this|that|i|i'm|we|you|he|she|it|they|"
    r"there|is|are|was|did|do|does|can|could|would|will|may|might|should|shall|please|how|what|"
    r"when|where|why|who|which|if|in|on|at|for|to|of|no|not|time|hey|hi|hello|thanks)\b"
    r"|\S+ (?:is|are|was|were|has|have|needs?|wants?|looks?|for|of|and)\b",
    re.IGNORECASE,
)
"""Starts of what is no bare request with its verb first."""


def _bare(example: str) -> str:
    """The example as the composer takes it: marked where no polite frame fits around it."""
    said = re.sub(r"^(?:= |\{\w+=[^{}]*\})+", "", example)
    return example if not example.startswith("= ") and not _WHOLE.match(said) else _whole(example)


def _whole(example: str) -> str:
    return example if example.startswith("= ") else f"= {example}"
