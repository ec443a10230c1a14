"""What words stand for: parameters and substitutions filled in, split, and matched with files."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from device_adapters.simulated.phone.mksh import patterns
from device_adapters.simulated.phone.mksh.tree import (
    NotSimulatedError,
    Parameter,
    Part,
    Script,
    Text,
    Word,
)

_SPACE = re.compile(r"[ \t\n]+")
_BRACES = re.compile(r"\{[^{}]*,.*\}", re.DOTALL)
_TILDE = re.compile(r"(?:^|[=:])~")


@dataclass(frozen=True, slots=True)
class Expansion:
    """`variables` by name, `output` of a substitution's commands, `names` in a folder."""

    variables: Mapping[str, str]
    output: Callable[[Script], str]
    names: patterns.Names

    def fields(self, words: Sequence[Word]) -> list[str]:
        """The words that a command gets."""
        found: list[str] = []
        for word in words:
            _no_guess(word)
            for field in self._split(word):
                text = "".join(piece.text for piece in field)
                found += patterns.files(field, self.names) or [text]
        return found

    def single(self, word: Word) -> str:
        """A word that stays one whatever is in it, as the value of an assignment."""
        _no_guess(word)
        return "".join(piece.text for piece in self.pieces(word))

    def pieces(self, word: Word) -> list[Text]:
        """A word's parts with everything filled in and nothing split."""
        return [part if isinstance(part, Text) else self._value(part) for part in word]

    def _split(self, word: Word) -> list[list[Text]]:
        """A word's fields: what is not quoted is parted at its blanks, and may vanish."""
        fields: list[list[Text]] = []
        open_ = False  # whether the last field can still grow
        for part, piece in zip(word, self.pieces(word), strict=True):
            whole = isinstance(part, Text) or piece.quoted
            if isinstance(part, Parameter) and part.operator and not whole and len(word) > 1:
                piece = _beside(piece, part.operator)
            for number, text in enumerate([piece.text] if whole else _SPACE.split(piece.text)):
                open_ = open_ and number == 0
                if not text and not whole:
                    continue
                if not open_:
                    fields.append([])
                fields[-1].append(Text(text, piece.quoted))
                open_ = True
        return fields

    def _value(self, part: Part) -> Text:
        """What a parameter or a substitution stands for."""
        if isinstance(part, Text):
            return part
        if not isinstance(part, Parameter):
            return Text(self.output(part.body).rstrip("\n"), part.quoted)
        value = self.variables.get(part.name, "")
        return Text(self._cut(value, part) if part.operator else value, part.quoted)

    def _cut(self, value: str, part: Parameter) -> str:
        """`#` cuts a match off the front, `%` off the end, `/` replaces it; double means more."""
        operator, pattern = part.operator, self.pieces(part.pattern)
        long = len(operator) == 2
        found = patterns.compiled(pattern, shortest=not long and operator[0] != "/")
        match operator[0]:
            case "#":
                start = found.match(value)
                return value[start.end() :] if start else value
            case "%":
                places = range(len(value) + 1) if long else range(len(value), -1, -1)
                end = next((at for at in places if found.fullmatch(value, at)), len(value))
                return value[:end]
        if not pattern:
            return value
        new = self.single(part.replacement)
        return found.sub(lambda _: new, value, count=0 if long else 1)


def _beside(piece: Text, operator: str) -> Text:
    """mksh does not part a word at the blanks that begin what `#`, `%` or `/` left."""
    text = piece.text.lstrip(" \t\n")
    if not text and (piece.text or operator[0] == "/"):
        raise NotSimulatedError("a word that mksh loses")
    return Text(text)


def _no_guess(word: Word) -> None:
    """Refuse what mksh would expand and this shell does not."""
    plain = "".join(
        part.text if isinstance(part, Text) and not part.quoted else "\0" for part in word
    )
    if _BRACES.search(plain):
        raise NotSimulatedError("braces with alternatives")
    if _TILDE.search(plain):
        raise NotSimulatedError("a home folder (~)")
