"""The shape language of `README.md`: text with slots to sentences with marked arguments."""

import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from training.dataset.example import Intended, Span

FOLDER = Path(__file__).parent
_SLOT = re.compile(r"(?:(?P<names>[\w.,]+))?(?P<kind>[:=~<])(?P<rest>.*)", re.DOTALL)


class ShapeError(ValueError):
    """A shape or a slot list that cannot be read; the message names file and text."""


@dataclass(frozen=True)
class Written:
    """A shape filled in: its text and its arguments, as spans of it, values or inner calls."""

    text: str
    arguments: dict[str, Span | str | Intended]

    def moved(self, by: int) -> dict[str, Span | str | Intended]:
        """The arguments in a text that begins `by` characters earlier."""
        return {
            name: value if isinstance(value, str) else value.moved(by)
            for name, value in self.arguments.items()
        }


@cache
def lines(name: str) -> tuple[str, ...]:
    """The lines of a file in this folder, without comments and empty ones."""
    try:
        text = (FOLDER / name).read_text(encoding="utf-8")
    except OSError as error:
        raise ShapeError(f"{name}: {error.strerror}") from error
    found = tuple(dict.fromkeys(line.strip() for line in text.splitlines()))
    return tuple(line for line in found if line and not line.startswith("#"))


def fill(shape: str, rng: random.Random) -> Written:
    """One random sentence of the shape."""
    text, arguments = _Filler(shape, rng).sequence("")
    leading = len(text) - len(text.lstrip())
    return Written(text.strip(), Written(text, arguments).moved(-leading))


class _Filler:
    """Reads a shape from left to right and writes as it goes."""

    def __init__(self, shape: str, rng: random.Random) -> None:
        self._shape = shape
        self._at = 0
        self._rng = rng
        self._drawn: set[str] = set()

    def sequence(self, stops: str) -> tuple[str, dict[str, Span | str | Intended]]:
        """Text up to one of `stops`, with arguments relative to its start."""
        text = ""
        arguments: dict[str, Span | str | Intended] = {}
        while self._at < len(self._shape) and self._shape[self._at] not in stops:
            letter = self._shape[self._at]
            if letter == "{":
                piece = self._slot()
            elif letter == "(":
                piece = self._choice()
            else:
                self._at += 1
                # An empty alternative or a value without text must not leave two spaces.
                piece = Written(letter, {})
            if piece.text[:1] == " " and text[-1:] == " ":
                piece = Written(piece.text[1:], piece.moved(-1))
            arguments.update(piece.moved(len(text)))
            text += piece.text
        return text, arguments

    def _choice(self) -> Written:
        branches = []
        while self._at < len(self._shape) and self._shape[self._at] != ")":
            self._at += 1
            branches.append(self.sequence("|)"))
        if self._at >= len(self._shape):
            raise ShapeError(f"unclosed '(' in shape: {self._shape}")
        self._at += 1
        return Written(*self._rng.choice(branches))

    def _slot(self) -> Written:
        end = self._shape.find("}", self._at)
        body = self._shape[self._at + 1 : end]
        slot = _SLOT.fullmatch(body)
        if end < 0 or slot is None:
            raise ShapeError(f"cannot read '{{{body}}}' in shape: {self._shape}")
        self._at = end + 1
        names = (slot["names"] or "").split(",") if slot["names"] else []
        if slot["kind"] == "=":
            return Written("", dict.fromkeys(names, slot["rest"]))
        if slot["kind"] == "<":
            return self._inner(names)
        text = slot["rest"]
        if slot["kind"] == ":":
            text = self._draw(text)
        elif "(" in text:
            text = fill(text, self._rng).text
        return Written(text, dict.fromkeys(names, Span(0, len(text))))

    def _draw(self, name: str) -> str:
        """An entry of the list, another one each time: nobody says "the fan and the fan"."""
        entries = lines(f"slots/{name}.txt")
        entry = self._rng.choice(entries)
        while entry in self._drawn and len(entries) > len(self._drawn):
            entry = self._rng.choice(entries)
        self._drawn.add(entry)
        return entry

    def _inner(self, names: list[str]) -> Written:
        function = self._rng.choice(_nouns())
        noun = fill(self._rng.choice(lines(f"shapes/nouns/{function}.txt")), self._rng)
        inner = Intended(function, dict(noun.arguments))
        return Written(noun.text, dict.fromkeys(names, inner))


@cache
def _nouns() -> tuple[str, ...]:
    return tuple(sorted(file.stem for file in (FOLDER / "shapes/nouns").glob("*.txt")))
