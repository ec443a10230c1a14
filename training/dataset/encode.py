"""Examples to the numbers the model reads: pieces, choices, slots, and what to learn from."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from orchestrator.catalogue import IRRELEVANT, Catalogue
from orchestrator.octopus.grammar import NOT_SAID, Derivation, Grammar
from orchestrator.octopus.words import Words
from orchestrator.tokens import END, functional
from training.dataset.example import Example, Intended, Mark, Span


class Unencodable(ValueError):
    """The example cannot be written in the grammar; the message says why."""


@dataclass(frozen=True)
class Encoded:
    """A sentence and its decisions: in slot `slots[i]` the right choice is `choices[i]`, which
    counts only where `learned[i]`; `text` is what the choices write."""

    pieces: tuple[int, ...]
    choices: tuple[int, ...]
    slots: tuple[int, ...]
    learned: tuple[bool, ...]
    text: str


class Encoder:
    """Encodes examples for one grammar and one tokenizer."""

    def __init__(self, grammar: Grammar, pieces: Callable[[str], Words]) -> None:
        self._grammar = grammar
        self._pieces = pieces

    def __call__(self, example: Example) -> Encoded:
        """Unencodable where an argument is no whole number of word pieces or no open choice."""
        words = self._pieces(example.sentence)
        run = _Run(self._grammar, words)
        for call in example.calls:
            run.call(call)
        if example.calls[-1].function != IRRELEVANT:
            run.action(END)
        return Encoded(
            words.ids, tuple(run.choices), tuple(run.slots), tuple(run.learned), run.written()
        )

    def all(self, examples: Iterable[Example]) -> list[Encoded]:
        """Those that can be written: a tokenizer may cut a word across the end of an argument."""
        rows = []
        for example in examples:
            try:
                rows.append(self(example))
            except Unencodable:
                continue
        return rows


class _Run:
    def __init__(self, grammar: Grammar, words: Words) -> None:
        self._grammar = grammar
        self._words = words
        self._derivation: Derivation = grammar.start()
        self.choices: list[int] = []
        self.slots: list[int] = []
        self.learned: list[bool] = []

    def written(self) -> str:
        return self._derivation.text()

    def call(self, call: Intended) -> None:
        catalogue: Catalogue = self._grammar.catalogue
        self.action(functional(catalogue[call.function].token))
        for parameter in catalogue[call.function].parameters:
            value = call.arguments.get(parameter.name, Mark.NOT_SAID)
            if isinstance(value, Intended):
                self.call(value)
            elif isinstance(value, Span):
                first, last = self._located(value)
                self._take(len(self._grammar.vocabulary.actions) + first)
                self._take(len(self._grammar.vocabulary.actions) + last)
            elif isinstance(value, Mark):
                self.action(NOT_SAID, learned=value is Mark.NOT_SAID)
            else:
                self.action(value)

    def action(self, name: str, learned: bool = True) -> None:
        choice = self._grammar.vocabulary.action_ids.get(name)
        if choice is None:
            raise Unencodable(f"{name!r} is no action")
        self._take(choice, learned)

    def _take(self, choice: int, learned: bool = True) -> None:
        if self._derivation.slot is None:
            raise Unencodable("calls go on after the end")
        if not self._derivation.open(self._words)[choice]:
            raise Unencodable(f"choice {choice} is not open in slot {self._derivation.slot}")
        self.choices.append(choice)
        self.slots.append(self._derivation.slot)
        self.learned.append(learned)
        self._derivation.take(choice, self._words)

    def _located(self, span: Span) -> tuple[int, int]:
        starts = {start: at for at, (start, end) in enumerate(self._words.offsets) if end > start}
        ends = {end: at for at, (start, end) in enumerate(self._words.offsets) if end > start}
        if span.start not in starts or span.end not in ends:
            piece = self._words.sentence[span.start : span.end]
            raise Unencodable(f"{piece!r} is no whole number of word pieces")
        return starts[span.start], ends[span.end]
