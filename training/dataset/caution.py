"""Sentences with what keeps the hub from acting on them: composed, people's own, and split.

`training/guard/<kind>.txt` holds shapes of each kind, a line each, with the places `{action}`,
`{acting}`, `{acted}`, `{to_act}`, `{thing}`, `{person}`, `{time}` and `{event}`; a 2 behind it
(`{action2}`) asks for another one. Requests come from `actions.txt` and the other data set.
`training/guard/said/<kind>.*.txt` holds whole sentences, by several people.
"""

import random
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from orchestrator.catalogue import IRRELEVANT, Catalogue
from training.dataset import human
from training.dataset.compose import TIMED, Composer
from training.dataset.example import Example, Intended
from training.dataset.noise import noisy, spans
from training.dataset.shapes import ShapeError, fill, lines

FOLDER = Path(__file__).parents[1] / "guard"
PLAIN = "plain"
KINDS = (
    PLAIN, "negation", "exception", "condition", "time", "hypothetical", "informational",
    "reported", "past", "correction", "cancellation", "vague",
)  # fmt: skip
SOME = len(KINDS)
"""The number of a sentence that forbids acting, in a way nobody named."""
KEPT = 0.1
"""Share of every kind's shapes that no sentence is trained on."""
OWN = 0.5
"""Share of the requests in shapes that come from `actions.txt`, which also knows their forms."""
WHOLE = 0.4
"""How often a whole sentence is drawn, where a shape with places in it is drawn once."""
BESIDE = {
    "negation",
    "exception",
    "condition",
    "time",
    "hypothetical",
    "correction",
    "cancellation",
}
"""Kinds that forbid acting on the sentence even where another request stands beside them; what was
past or was told asks for nothing, and leaves the request as it is."""
JOINTS = (" and ", ", and ", ". ", ". Also ", ", then ", "; ", " and then ", ", also ")
BEFORE = (
    "please ", "hey, ", "hey ", "hub, ", "ok, ", "okay ", "um, ", "uh ", "so ", "well, ", "oh, ",
    "listen, ", "and ", "right, ", "computer, ", "hi, ", "hello, ", "sorry, ", "alright, ", "now ",
)  # fmt: skip
BEHIND = (
    ", please",
    " please",
    ", thanks",
    " thanks",
    ", ok?",
    " okay",
    ", hub",
    " mate",
    ", alright?",
)
ASKED_HOW = re.compile(
    r"\bhow (?:can|do|could|would|might) i\b|\bwhat(?:'s| is| do)\b.* (?:way|say)\b", re.I
)
"""Frames of the other data set that ask how to do it: here that is a question."""
FORMS = ("action", "acting", "acted", "thing", "to_act")
REFUSES = re.compile(
    r"\b(?:do not|don'?t(?! forget| mind)|never|no need|instead|going to ask|did(?:n'?t| not)"
    r"|except|but (?:not|leave)|other than|apart from|forget)\b",
    re.I,
)
DEFERS = re.compile(
    r"\b(?:if|when|once|unless|until|till|before|after|tomorrow|tonight|later|every"
    r"|at (?:\d|noon|midnight)|in (?:\w+ ){1,2}(?:min\w*|hours?|days?)|on \w+days?)\b",
    re.I,
)
"""Words outside the arguments that may forbid acting on a request of the other data sets now."""
TAKES_TIME = re.compile(
    r"\b(?:alarm|timer|wake|calendar|remind|schedule|event|weather|forecast|rain|how (?:cold|warm)"
    r"|text|messag|sms|e?mail|write|type|know|tell|say|notif|news|route|directions)",
    re.I,
)
"""Requests whose own arguments may hold a time, or end in words that do."""
_FORM = re.compile(r"\{(?:acting|acted|thing)")
_PLACE = re.compile(r"\{(\w+?)(2?)\}")


@dataclass(frozen=True)
class Said:
    """A sentence, and the number of its kind."""

    sentence: str
    kind: int


@dataclass(frozen=True)
class Shapes:
    """The shapes of every kind, those that are trained on or the others."""

    of: dict[str, tuple[str, ...]]

    @classmethod
    def split(cls, seed: int) -> tuple["Shapes", "Shapes"]:
        """Those to train on, and every `KEPT`-th of each kind."""
        train, dev = {}, {}
        for kind in KINDS:
            said = sorted((FOLDER / "said").glob(f"{kind}.*.txt"))
            files = [FOLDER / f"{kind}.txt", *said]
            shapes = list(dict.fromkeys(line for file in files for line in _lines(file)))
            random.Random(f"{seed} {kind}").shuffle(shapes)
            many = round(len(shapes) * KEPT)
            dev[kind], train[kind] = tuple(shapes[:many]), tuple(shapes[many:])
        return cls(train), cls(dev)


class Cautions:
    """Writes sentences without end; the same seed writes the same ones."""

    def __init__(self, catalogue: Catalogue, seed: int) -> None:
        self._rng = random.Random(seed)
        self._catalogue = catalogue
        self._composer = Composer(catalogue, seed)
        functions = [name for name in self._composer.functions if name not in TIMED]
        bare = {
            f: [s for s in lines(f"shapes/{f}.txt") if not s.startswith("= ")] for f in functions
        }
        self._bare = [shapes for shapes in bare.values() if shapes]
        told = [line.split("\t") for line in _lines(FOLDER / "actions.txt")]
        self._actions = [(*action, f"to {action[0]}") for action in told]
        fillers = tomllib.loads((FOLDER / "fillers.toml").read_text(encoding="utf-8"))
        self._fillers: dict[str, list[str]] = fillers

    def of(self, kind: str, shapes: Sequence[str]) -> Iterator[Said]:
        """Sentences of one kind, from these shapes, as people type them."""
        number = KINDS.index(kind)
        often = [1.0 if "{" in shape else WHOLE for shape in shapes]
        while True:
            text = self._filled(self._rng.choices(shapes, often)[0], kind)
            yield Said(self._typed(self._dressed(text, kind)), number)

    def refused(self) -> Iterator[Said]:
        """Sentences of the other data set that leave nothing to do, of kinds that nobody named."""
        frames = [*lines("shapes/refusals.txt"), *lines("shapes/conditions.txt")]
        while True:
            text = self._rng.choice(frames).replace("{}", self._request())
            yield Said(self._typed(text), SOME)

    def composed(self) -> Iterator[Said]:
        """Requests of the other data set: single, parallel and nested ones."""
        for example in self._composer:
            asks = example.calls[0].function != IRRELEVANT
            # One of the requests may be refused: "don't open the roof, just the window".
            if (
                asks
                and not ASKED_HOW.search(example.sentence)
                and not REFUSES.search(_beside(example))
            ):
                yield Said(example.sentence, 0)

    def people(self, file: Path) -> list[Said]:
        """What people asked for in a file of rows, without what may set a condition or name a later
        time that its function does not take."""
        return [
            Said(example.sentence, 0)
            for example in human.load(file, self._catalogue)
            if self._asks(example)
        ]

    def misspelt(self, said: Said) -> Said:
        """The sentence as another person might have typed it."""
        return Said(self._typed(said.sentence), said.kind)

    def _asks(self, example: Example) -> bool:
        names, rest = {call.function for call in example.calls}, _beside(example)
        timed = not names.isdisjoint(TIMED)
        return IRRELEVANT not in names and (
            timed or not (REFUSES.search(rest) or DEFERS.search(rest))
        )

    def _filled(self, shape: str, kind: str) -> str:
        """The shape with requests and fillers in its places."""
        bare = not _FORM.search(shape)
        drawn = {two: dict(zip(FORMS, self._action(kind, bare), strict=True)) for two in ("", "2")}
        for name, fillers in self._fillers.items():
            drawn[""][name], drawn["2"][name] = self._rng.sample(fillers, 2)
        return _PLACE.sub(lambda place: drawn[place[2]][place[1]], shape)

    def _action(self, kind: str, bare: bool) -> tuple[str, ...]:
        """A request in its `FORMS`; where a later time follows, one that takes none itself."""
        while True:
            action = self._rng.choice(self._actions)
            if bare and self._rng.random() > OWN:
                action = (self._request(), *action[1:])
            if kind != "time" or not TAKES_TIME.search(action[0]):
                return action

    def _request(self) -> str:
        return fill(self._rng.choice(self._rng.choice(self._bare)), self._rng).text

    def _dressed(self, text: str, kind: str) -> str:
        """Now and then with what people say before and behind, or beside a request."""
        chance = self._rng.random()
        if chance < 0.12:
            text = self._rng.choice(BEFORE) + _begun(text)
        elif chance < 0.18 and text[-1] not in "?!.":
            text += self._rng.choice(BEHIND)
        elif chance < 0.26:
            context = fill(self._rng.choice(lines("shapes/contexts.txt")), self._rng).text
            text = context + ("" if context[-1] in ".!?" else self._rng.choice([". ", ", "])) + text
        elif chance < 0.38 and kind in BESIDE:
            both = [text.rstrip("."), self._request()]
            self._rng.shuffle(both)
            text = self._rng.choice(JOINTS).join(both)
        return text

    def _typed(self, text: str) -> str:
        return noisy(Example(text, (Intended(IRRELEVANT),), ""), self._rng).sentence


def _beside(example: Example) -> str:
    """What stands beside the arguments, whose words are somebody's content and mean nothing."""
    rest = example.sentence
    for span in {span for call in example.calls for span in spans(call)}:
        rest = rest[: span.start] + "_" * (span.end - span.start) + rest[span.end :]
    return rest


def _begun(text: str) -> str:
    """The text as it goes on behind other words."""
    return text if text[:2] in ("I ", "I'") else text[:1].lower() + text[1:]


@cache
def _lines(file: Path) -> tuple[str, ...]:
    """The lines of a file, without comments and empty ones; ShapeError names it."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ShapeError(f"{file}: {error.strerror}") from error
    found = tuple(dict.fromkeys(line.strip() for line in text.splitlines()))
    return tuple(line for line in found if line and not line.startswith("#"))
