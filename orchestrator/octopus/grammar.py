"""The grammar of the catalogue as a machine over decisions.

A derivation is a sequence of *choices*. A choice is an action (a functional token, the end, an
enum value, "not said") or a *pointer* to a piece of the sentence. Everything between decisions
(parentheses, commas, quotes) is forced and costs the model nothing. Where a derivation stands is
its *slot*; a slot decides which choices are open, so nothing outside the grammar can be written.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from orchestrator import piping
from orchestrator.catalogue import IRRELEVANT, TOKENS, Catalogue
from orchestrator.octopus.words import Words
from orchestrator.tokens import END, functional, literal
from schemas.function import Function, Parameter, ParameterType

SPARE_PARAMETERS = 4
"""Parameters the weights keep room for on every functional token no function uses yet."""
MAX_CALLS = 6
MAX_DEPTH = 2

FIRST, NEXT = "first", "next"
NOT_SAID = "none"


@dataclass(frozen=True)
class Vocabulary:
    """The names of actions and slots in the order of their ids, as the weights learned them."""

    actions: tuple[str, ...]
    slots: tuple[str, ...]

    @classmethod
    def of(cls, catalogue: Catalogue) -> "Vocabulary":
        """The vocabulary new weights get."""
        values = {value: None for function in catalogue for p in function.parameters
                  for value in p.choices}  # fmt: skip
        actions = [functional(token) for token in range(TOKENS)]
        slots = [FIRST, NEXT]
        for token in range(TOKENS):
            function = catalogue.with_token(token)
            count = len(function.parameters) if function else SPARE_PARAMETERS
            slots += [f"{token}.{index}{part}" for index in range(count) for part in ("", ".end")]
        return cls((*actions, END, NOT_SAID, *values), tuple(slots))

    @cached_property
    def action_ids(self) -> dict[str, int]:
        """Action name to id."""
        return {name: index for index, name in enumerate(self.actions)}

    @cached_property
    def slot_ids(self) -> dict[str, int]:
        """Slot name to id."""
        return {name: index for index, name in enumerate(self.slots)}

    def slots_of(self, tokens: Iterable[int]) -> set[int]:
        """The ids of the slots of these functions' arguments."""
        numbers = {str(token) for token in tokens}
        return {i for i, name in enumerate(self.slots) if name.split(".")[0] in numbers}


def takes(parameter: Parameter, inner: Function) -> bool:
    """Whether the result of `inner` may be the argument for `parameter`."""
    return parameter.type is ParameterType.TEXT and piping.fits(inner, parameter)


class Grammar:
    """Which choices each slot leaves open, for one catalogue and one vocabulary."""

    def __init__(self, catalogue: Catalogue, vocabulary: Vocabulary) -> None:
        self.catalogue = catalogue
        self.vocabulary = vocabulary
        self.open_actions = np.zeros((len(vocabulary.slots), len(vocabulary.actions)), bool)
        self.open_pointers = np.zeros(len(vocabulary.slots), bool)
        action, slot = vocabulary.action_ids, vocabulary.slot_ids
        for function in catalogue:
            token = functional(function.token)
            self.open_actions[slot[FIRST], action[token]] = True
            self.open_actions[slot[NEXT], action[token]] = function.name != IRRELEVANT
            for index, parameter in enumerate(function.parameters):
                here = slot[f"{function.token}.{index}"]
                allowed = [*parameter.choices, NOT_SAID]
                allowed += [functional(f.token) for f in catalogue if takes(parameter, f)]
                self.open_actions[here, [action[name] for name in allowed]] = True
                self.open_pointers[[here, here + 1]] = not parameter.choices
        self.open_actions[slot[NEXT], action[END]] = True

    def start(self) -> "Derivation":
        """A derivation in which nothing is decided."""
        return Derivation(self)


@dataclass
class _Frame:
    """A call being written: its function and the texts of the arguments so far."""

    function: Function
    arguments: list[str] = field(default_factory=list)


class Derivation:
    """One derivation under way. `slot` is the open decision; None once everything is written.

    A choice is an action's id, or the number of actions plus a position in the sentence.
    """

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self._actions = len(grammar.vocabulary.actions)
        self._frames: list[_Frame] = []
        self._calls: list[str] = []
        self._start: int | None = None
        self.slot: int | None = grammar.vocabulary.slot_ids[FIRST]

    def open(self, words: Words) -> NDArray[np.bool_]:
        """Which choices may be taken for this sentence."""
        assert self.slot is not None
        actions = self._grammar.open_actions[self.slot]
        if len(self._frames) >= MAX_DEPTH or (not self._frames and len(self._calls) >= MAX_CALLS):
            actions = actions.copy()
            actions[:TOKENS] = False
        if self._start is not None:
            pointers = words.ends(self._start)
        elif self._grammar.open_pointers[self.slot]:
            pointers = words.starts
        else:
            pointers = np.zeros(len(words.ids), bool)
        return np.concatenate([actions, pointers])

    def take(self, choice: int, words: Words | None = None) -> None:
        """Make the decision; `words` turns two pointers into the piece of the sentence."""
        if choice >= self._actions:
            self._point(choice - self._actions, words)
            return
        name = self._grammar.vocabulary.actions[choice]
        if name == END:
            self.slot = None
            return
        if choice < TOKENS:
            function = self._grammar.catalogue.with_token(choice)
            assert function is not None
            self._frames.append(_Frame(function))
        else:
            self._frames[-1].arguments.append(self._written(name))
        self._advance()

    def text(self) -> str:
        """What has been written."""
        return ";".join(self._calls) + END

    def _point(self, position: int, words: Words | None) -> None:
        assert self.slot is not None
        if self._start is None:
            self._start = position
            self.slot += 1  # the slot of the span's end stands behind that of its start
            return
        piece = words.between(self._start, position) if words else ""
        self._start = None
        self._frames[-1].arguments.append(literal(piece))
        self._advance()

    def _written(self, name: str) -> str:
        frame = self._frames[-1]
        parameter = frame.function.parameters[len(frame.arguments)]
        if name == NOT_SAID:
            return literal(parameter.default)
        return name.capitalize() if parameter.type is ParameterType.BOOLEAN else literal(name)

    def _advance(self) -> None:
        while self._frames:
            frame = self._frames[-1]
            if len(frame.arguments) < len(frame.function.parameters):
                name = f"{frame.function.token}.{len(frame.arguments)}"
                self.slot = self._grammar.vocabulary.slot_ids[name]
                return
            self._frames.pop()
            text = f"{functional(frame.function.token)}({', '.join(frame.arguments)})"
            if self._frames:
                self._frames[-1].arguments.append(text)
            else:
                self._calls.append(text)
                irrelevant = frame.function.name == IRRELEVANT
                self.slot = None if irrelevant else self._grammar.vocabulary.slot_ids[NEXT]
