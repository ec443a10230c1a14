"""Stage 1 and 2: sentences from shapes, alone, side by side and one inside another."""

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from orchestrator.catalogue import IRRELEVANT, Catalogue
from training.dataset.example import Example, Intended
from training.dataset.noise import noisy, spans
from training.dataset.shapes import FOLDER, Written, fill, lines

SHARES = {"single": 0.31, "parallel": 0.34, "nested": 0.08, "irrelevant": 0.27}
"""How much of what is composed has which shape; a third of what fits nothing is drawn twice and
drops out."""
NOTHING = {"irrelevant": 0.68, "refusals": 0.22, "conditions": 0.07, "contexts": 0.03}
"""How much of what fits no function comes from which file."""
IN_CONTEXT = 0.1
"""Share of it that stands beside a sentence which asks for nothing."""
TIMED = ("set_timer_alarm", "create_calendar_event")
"""Functions whose requests may name a time of their own."""
PLACE = re.compile(r"\{(\d?|-)\}")
BASE = re.compile(r"\b(?:to|you|please|me|somebody|not|don't|can|could|would)\W*$", re.IGNORECASE)
"""Words after which a request stands in its verb's base form."""
FIRST_PERSON = re.compile(r"\b(?:I|we)\b")
TO_ME = re.compile(r"^\w+(?: \w+)? (?:me|us)\b", re.IGNORECASE)
"""A request that says whom it is done for: "tell me …", "hook me up …"."""


class Composer:
    """Writes examples without end; the same seed writes the same ones."""

    def __init__(
        self, catalogue: Catalogue, seed: int, own: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """`own`: shapes of functions that have no file here, by name."""
        self._rng = random.Random(seed)
        self._catalogue = catalogue
        self._together: Counter[str] = Counter()
        self._shapes: dict[str, Sequence[str]] = {
            file.stem: lines(f"shapes/{file.name}")
            for file in sorted((FOLDER / "shapes").glob("*.txt"))
            if file.stem in catalogue
        }
        self._shapes |= own or {}
        self.functions = [f.name for f in catalogue if f.name in self._shapes]
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
            example = writers[kind]()
            if kind in ("parallel", "nested"):
                self._together.update(n for call in example.calls for n in call.functions())
            if self._rng.random() < IN_CONTEXT:
                example = self._in_context(example)
            yield noisy(example, self._rng)

    def about(self, name: str) -> Example:
        """One function: alone, beside others, and refused, where it has bare requests."""
        kind = self._rng.random()
        if kind < 0.25:
            example = self._joined(self._rng.choice(lines("shapes/connectors.txt")), name)
        elif kind < 0.4 and self._plain[name]:
            example = self._refused("refusals", [name])
        else:
            example = self.single(name)
        if self._rng.random() < IN_CONTEXT:
            example = self._in_context(example)
        return noisy(example, self._rng)

    def single(self, name: str | None = None) -> Example:
        """One call, of `name` or any function: a whole sentence, or a bare request in a frame."""
        name = name or self._rng.choice(self.functions)
        shape = self._rng.choice(self._shapes[name])
        if shape.startswith("= "):
            written = fill(shape[2:], self._rng)
        else:
            written = self._wrapped(fill(shape, self._rng))
        return _example(written.text, [(name, written, 0)], f"shapes/{name}")

    def _in_context(self, example: Example) -> Example:
        """The example after a sentence or clause that asks for nothing; now and then before it."""
        text = fill(self._rng.choice(lines("shapes/contexts.txt")), self._rng).text
        said = example.sentence
        if self._rng.random() < 0.2:
            closed = said if said[-1] in ".!?" else f"{said}."
            return replace(example, sentence=f"{closed} {text[0].upper()}{text[1:]}")
        if text[-1] in ".!?":
            before = f"{text} "
        else:
            before = text + self._rng.choice([". ", ", so ", ": ", ", ", " so ", ". so ", " and "])
        calls = tuple(call.moved(len(before)) for call in example.calls)
        return Example(before + said, calls, example.source)

    def irrelevant(self) -> Example:
        """No function fits: a sentence of its own, or a request that is refused or conditional."""
        kind = self._rng.choices(list(NOTHING), list(NOTHING.values()))[0]
        if kind in ("refusals", "conditions"):
            allowed = [f for f in self.functions if kind == "refusals" or f not in TIMED]
            return self._refused(kind, [f for f in allowed if self._plain[f]])
        shape = self._rng.choice(lines(f"shapes/{kind}.txt"))
        text = fill(shape.removeprefix("= "), self._rng).text
        return Example(text, (Intended(IRRELEVANT),), f"shapes/{kind}")

    def _refused(self, kind: str, functions: Sequence[str]) -> Example:
        frame = self._rng.choice(lines(f"shapes/{kind}.txt"))
        request = fill(self._rng.choice(self._plain[self._rng.choice(functions)]), self._rng)
        text = frame.replace("{}", request.text)
        return Example(text, (Intended(IRRELEVANT),), f"shapes/{kind}")

    def parallel(self) -> Example:
        """Two to four calls joined, or sharing a verb."""
        if self._rng.random() < 0.4:
            return self._ellipsis()
        frame = self._rng.choices(lines("shapes/connectors.txt"))[0]
        # Many people need longer to say four things than two: shorter joins are commoner.
        while frame.count("{}") > 2 and self._rng.random() < 0.5:
            frame = self._rng.choice(lines("shapes/connectors.txt"))
        return self._joined(frame)

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

    def _joined(self, frame: str, about: str | None = None) -> Example:
        """Requests in the places of a frame: `{}` in the order of the words, `{1}` and `{2}` in
        their own, `{-}` for one that is refused. One of them is `about` that function."""
        text, end, used = "", 0, set[str]()
        placed: list[tuple[str, tuple[str, Written, int]]] = []
        bare = True
        places = list(PLACE.finditer(frame))
        chosen = self._rng.choice(places) if about else None
        for place in places:
            text += frame[end : place.start()]
            end = place.end()
            name = about if about and place is chosen else self._scarce(used)
            if not self._catalogue[name].parameters:
                used.add(name)
            # People also join fragments and whole sentences: "lamp off, blinds down".
            whole = self._rng.random() < 0.25 and place[1] != "-" and not BASE.search(text)
            known = self._shapes if whole or not self._plain[name] else self._plain
            shape = self._rng.choice(known[name])
            bare = bare and not (not placed and shape.startswith("= "))
            written = fill(shape.removeprefix("= "), self._rng)
            placed.append((place[1], (name, written, len(text))))
            text += written.text
        text += frame[end:]
        parts = [part for order, part in sorted(placed, key=lambda p: p[0]) if order != "-"]
        if frame.startswith("{}") and bare and self._rng.random() < 0.4:
            before, after = self._frame(placed[-1][1][1])
            parts = [(name, written, at + len(before)) for name, written, at in parts]
            text = before + text + after
        return _example(text, parts, "shapes/parallel")

    def _scarce(self, used: set[str]) -> str:
        """Of three functions, the one that stood least often beside or inside others."""
        three = self._rng.sample([f for f in self.functions if f not in used], 3)
        return min(three, key=lambda name: self._together[name])

    def _wrapped(self, written: Written) -> Written:
        if self._rng.random() < 0.4:
            return written
        before, after = self._frame(written)
        return Written(before + written.text + after, written.moved(len(before)))

    def _frame(self, last: Written) -> tuple[str, str]:
        """A polite frame; none with words behind an argument, which could belong to it, and no "how
        do I" before "wake me"."""
        open_ended = any(end == len(last.text) for end in _ends(last))
        while True:
            before, _, after = self._rng.choice(lines("shapes/wrappers.txt")).partition("{}")
            if open_ended and any(letter.isalpha() for letter in after):
                continue
            if not (FIRST_PERSON.search(before) and TO_ME.search(last.text)):
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
