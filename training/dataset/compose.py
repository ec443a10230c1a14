"""Stage 1 and 2: sentences from shapes, alone, side by side and one inside another."""

import random
from collections.abc import Iterator

from orchestrator.catalogue import IRRELEVANT, Catalogue
from training.dataset.example import Example, Intended
from training.dataset.noise import noisy, spans
from training.dataset.shapes import FOLDER, Written, fill, lines

SHARES = {"single": 0.45, "parallel": 0.27, "nested": 0.08, "irrelevant": 0.20}
"""How much of what is composed has which shape."""


class Composer:
    """Writes examples without end; the same seed writes the same ones."""

    def __init__(self, catalogue: Catalogue, seed: int) -> None:
        self._rng = random.Random(seed)
        written = {file.stem for file in (FOLDER / "shapes").glob("*.txt")}
        self._functions = [f.name for f in catalogue if f.name in written and f.name != IRRELEVANT]
        # Sentences are dealt out by shape: a function with more shapes is harder to know.
        self._shapes = {name: lines(f"shapes/{name}.txt") for name in self._functions}
        self._plain = {
            name: [shape for shape in shapes if not shape.startswith("= ")]
            for name, shapes in self._shapes.items()
        }

    def __iter__(self) -> Iterator[Example]:
        kinds, weights = list(SHARES), list(SHARES.values())
        writers = {
            "single": self.single,
            "parallel": self.parallel,
            "nested": self.nested,
            "irrelevant": self.irrelevant,
        }
        while True:
            kind = self._rng.choices(kinds, weights)[0]
            yield noisy(writers[kind](), self._rng)

    def single(self) -> Example:
        """One call: a whole sentence, or a bare request in a polite frame."""
        name = self._rng.choice(self._functions)
        shape = self._rng.choice(self._shapes[name])
        if shape.startswith("= "):
            written = fill(shape[2:], self._rng)
        else:
            written = self._wrapped(fill(shape, self._rng))
        return _example(written.text, [(name, written, 0)], f"shapes/{name}")

    def irrelevant(self) -> Example:
        """No function fits."""
        shape = self._rng.choice(lines("shapes/irrelevant.txt"))
        text = fill(shape.removeprefix("= "), self._rng).text
        return Example(text, (Intended(IRRELEVANT),), "shapes/irrelevant")

    def parallel(self) -> Example:
        """Two to four calls joined, or sharing a verb."""
        if self._rng.random() < 0.25:
            return self._ellipsis()
        frame = self._rng.choices(lines("shapes/connectors.txt"))[0]
        # Many people need longer to say four things than two: shorter joins are commoner.
        while frame.count("{}") > 2 and self._rng.random() < 0.6:
            frame = self._rng.choice(lines("shapes/connectors.txt"))
        parts = []
        for _ in range(frame.count("{}")):
            name = self._rng.choice(self._functions)
            # People also join fragments and whole sentences: "lamp off, blinds down".
            shapes = self._plain if self._rng.random() < 0.75 else self._shapes
            shape = self._rng.choice(shapes[name])
            parts.append((name, fill(shape.removeprefix("= "), self._rng)))
        return self._joined(frame, parts)

    def nested(self) -> Example:
        """A call whose argument is the result of another."""
        function, _, shape = self._rng.choice(lines("shapes/nested.txt")).partition("|")
        plain = not shape.strip().startswith("= ")
        written = fill(shape.strip().removeprefix("= "), self._rng)
        if plain and self._rng.random() < 0.5:
            written = self._wrapped(written)
        return _example(written.text, [(function.strip(), written, 0)], "shapes/nested")

    def _ellipsis(self) -> Example:
        functions, _, shape = self._rng.choice(lines("shapes/ellipsis.txt")).partition("|")
        names = [name.strip() for name in functions.split(";")]
        plain = not shape.strip().startswith("= ")
        written = fill(shape.strip().removeprefix("= "), self._rng)
        if plain:
            written = self._wrapped(written)
        parts = []
        for index, name in enumerate(names, 1):
            mine = {
                key.split(".", 1)[1]: value
                for key, value in written.arguments.items()
                if key.startswith(f"{index}.")
            }
            parts.append((name, Written(written.text, mine), 0))
        return _example(written.text, parts, "shapes/ellipsis")

    def _joined(self, frame: str, parts: list[tuple[str, Written]]) -> Example:
        text = ""
        placed = []
        for (name, written), before in zip(parts, frame.split("{}"), strict=False):
            text += before
            placed.append((name, written, len(text)))
            text += written.text
        text += frame.split("{}")[-1]
        if frame.startswith("{}") and self._rng.random() < 0.4:
            before, after = self._frame(parts[-1][1])
            placed = [(name, written, at + len(before)) for name, written, at in placed]
            text = before + text + after
        return _example(text, placed, "shapes/parallel")

    def _wrapped(self, written: Written) -> Written:
        if self._rng.random() < 0.4:
            return written
        before, after = self._frame(written)
        return Written(before + written.text + after, written.moved(len(before)))

    def _frame(self, last: Written) -> tuple[str, str]:
        """A polite frame; none with words behind an argument, which could belong to it."""
        open_ended = any(end == len(last.text) for end in _ends(last))
        while True:
            before, _, after = self._rng.choice(lines("shapes/wrappers.txt")).partition("{}")
            if not open_ended or not any(letter.isalpha() for letter in after):
                return before, after


def _ends(written: Written) -> list[int]:
    return [
        span.end
        for value in written.arguments.values()
        if not isinstance(value, str)
        for span in (spans(value) if isinstance(value, Intended) else [value])
    ]


def _example(text: str, parts: list[tuple[str, Written, int]], source: str) -> Example:
    calls = tuple(Intended(name, dict(written.moved(at))) for name, written, at in parts)
    return Example(text, calls, source)
