"""One row of the data set: a sentence, the calls it asks for, and where each argument stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum


class Mark(Enum):
    """An argument that is neither copied nor chosen."""

    NOT_SAID = "not said"
    UNKNOWN = "unknown"  # its source does not determine it: nothing is learned from it


@dataclass(frozen=True)
class Span:
    """A piece of the sentence, by its characters: first included, last excluded."""

    start: int
    end: int

    def moved(self, by: int) -> Span:
        """The same piece in a sentence that begins `by` characters earlier."""
        return Span(self.start + by, self.end + by)


@dataclass(frozen=True)
class Intended:
    """A call the person asked for; parameters that are not mentioned were not said."""

    function: str
    arguments: dict[str, Span | str | Mark | Intended] = field(default_factory=dict)

    def functions(self) -> Iterator[str]:
        """Its function and those of the calls inside it."""
        yield self.function
        for value in self.arguments.values():
            if isinstance(value, Intended):
                yield from value.functions()

    def moved(self, by: int) -> Intended:
        """The same call in a sentence that begins `by` characters earlier."""
        arguments = {
            name: value.moved(by) if isinstance(value, Span | Intended) else value
            for name, value in self.arguments.items()
        }
        return replace(self, arguments=arguments)


@dataclass(frozen=True)
class Example:
    """A sentence, its calls in the order they are said, and where the row comes from."""

    sentence: str
    calls: tuple[Intended, ...]
    source: str

    @property
    def shape(self) -> str:
        """single | parallel | nested | irrelevant."""
        if any(isinstance(v, Intended) for call in self.calls for v in call.arguments.values()):
            return "nested"
        if len(self.calls) > 1:
            return "parallel"
        return "irrelevant" if self.calls[0].function == "irrelevant_function" else "single"
