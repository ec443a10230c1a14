"""Teach the weights a function of a person's own: `octopus teach FUNCTION.toml --examples FILE`.

The packaged weights stay as they are; a second decider beside them knows what was taught. It is
trained anew for all taught functions, so that nothing drifts from lesson to lesson.
"""

import random
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from orchestrator import decoder, taught
from orchestrator.catalogue import Catalogue
from orchestrator.octopus.embedded import EmbeddedModel
from orchestrator.octopus.engine import Engine
from orchestrator.octopus.manifest import CAUTION, DECIDER, READER, TAUGHT, TOKENIZER, WEIGHTS
from training import evaluate
from training.dataset.example import Span
from training.dataset.shapes import FOLDER, fill, lines
from training.dataset.verify import key
from training.export import REPLAY, describe, export_decider
from training.lesson import CannotTeach, Lesson, read
from training.marks import mark_all
from training.second import STEPS, Second

MAY_LOSE = 0.005
"""Of the old functions' sentences."""
SURER = (0.8, 0.9, 0.95)
"""How sure the second decider must be if the old functions lose more than that."""
RECOGNISED = 0.9
"""Share of the examples whose function must be right afterwards."""
FILLS = 8
"""How often each shape is written out, to see whether an example is one of its sentences."""


def teach(
    file: Path, examples: Path, state: Path, catalogue: Catalogue, console: Console,
    *, steps: int = STEPS,
) -> Path:  # fmt: skip
    """Train, check and put to use; the folder of the new weights. CannotTeach says why not."""
    lesson = read(file, examples, catalogue)
    using = taught.current(state)
    _refuse_known(lesson, catalogue, using or WEIGHTS)
    lessons = [*_earlier(using, catalogue), lesson]
    return _taught(lessons, state, Catalogue([*catalogue, lesson.function]), console, steps)


def again(state: Path, catalogue: Catalogue, console: Console) -> Path:
    """Teach what was taught to the packaged weights, which may be newer; CannotTeach if nothing."""
    lessons = _earlier(taught.current(state), catalogue)
    if not lessons:
        raise CannotTeach("nothing was taught: the packaged weights are in use")
    return _taught(lessons, state, catalogue, console, STEPS)


def _taught(
    lessons: Sequence[Lesson], state: Path, wider: Catalogue, console: Console, steps: int
) -> Path:
    def fill_folder(new: Path) -> None:
        second = _train(lessons, wider, new, console, steps)
        _settle(second, lessons, wider, new)
        _recognised(lessons, wider, new)
        _keep(lessons, new)

    return taught.install(state, fill_folder)


def _refuse_known(lesson: Lesson, catalogue: Catalogue, folder: Path) -> None:
    """CannotTeach for the first example that is how an old function is asked for.

    That the weights take it for that function is not enough: of words they never saw they are
    often sure. It must also be a sentence they learned, but for its arguments.
    """
    engine = Engine(EmbeddedModel(catalogue, folder))
    for sentence in lesson.sentences:
        call, *others = decoder.read(engine.decode(sentence).text, catalogue)
        parameters = catalogue[call.function].parameters
        copied = [a for a, p in zip(call.arguments, parameters, strict=True) if not p.choices]
        if not others and _without(sentence, copied) in _asked(call.function):
            raise CannotTeach(f"{sentence!r} is {call.function} already: say it otherwise")


def _without(sentence: str, arguments: Iterable[object]) -> str:
    """The sentence with a star for every argument."""
    left = f" {key(sentence)} "
    for words in (key(str(argument)) for argument in arguments if argument):
        left = left.replace(f" {words} ", " * ")
    return left.strip()


def _asked(function: str) -> set[str]:
    """How the data set asks for a function, with stars for arguments; nothing for a taught one."""
    if not (FOLDER / f"shapes/{function}.txt").exists():
        return set()
    rng = random.Random(1)
    said = [
        fill(shape.removeprefix("= "), rng)
        for shape in lines(f"shapes/{function}.txt")
        for _ in range(FILLS)
    ]
    return {
        _without(
            one.text,
            [one.text[a.start : a.end] for a in one.arguments.values() if isinstance(a, Span)],
        )
        for one in said
    }


def _known(catalogue: Catalogue, folder: Path) -> float:
    """Share of the sentences shipped for this whose functions are right."""
    rows = evaluate.load(WEIGHTS / REPLAY, catalogue)
    marked = mark_all(rows, evaluate.reader(catalogue, folder))
    return sum(one.function for one in marked) / len(marked)


def _train(
    lessons: Sequence[Lesson], catalogue: Catalogue, new: Path, console: Console, steps: int
) -> Second:
    """Train a second decider for all lessons, and write it beside the packaged weights."""
    names = ", ".join(lesson.function.name for lesson in lessons)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"reading sentences for {names}", total=None)
        second = Second(
            [lesson.function for lesson in lessons], catalogue,
            {lesson.function.name: lesson.shapes() for lesson in lessons}, WEIGHTS,
        )  # fmt: skip
        progress.update(task, description=f"teaching {names}", total=1.0)
        second.train(steps, lambda done: progress.update(task, completed=done))
    for name in (READER, TOKENIZER, *([CAUTION] if second.manifest.caution else [])):
        shutil.copy(WEIGHTS / name, new / name)
    if second.vocabulary.actions == second.manifest.actions:
        shutil.copy(WEIGHTS / DECIDER, new / DECIDER)
    else:  # the first decider needs a row for every new value, too
        export_decider(second.first, new)
    export_decider(second.model, new, TAUGHT)
    return second


def _earlier(using: Path | None, catalogue: Catalogue) -> list[Lesson]:
    """What was taught before, with the function's table and its examples as they were kept."""
    if using is None:
        return []
    return [
        Lesson(
            catalogue[file.stem],
            (using / taught.FUNCTIONS / f"{file.stem}.toml").read_text(encoding="utf-8"),
            tuple(file.read_text(encoding="utf-8").splitlines()),
        )
        for file in sorted((using / taught.EXAMPLES).glob("*.txt"))
    ]


def _settle(second: Second, lessons: Sequence[Lesson], catalogue: Catalogue, new: Path) -> None:
    """Write the manifest, with the least threshold at which the other functions lose no more than
    `MAY_LOSE`; CannotTeach where there is none."""
    mine = [lesson.function for lesson in lessons]
    others = Catalogue([function for function in catalogue if function not in mine])
    before, least = _known(others, WEIGHTS), second.sure()
    for sure in (least, *(surer for surer in SURER if surer > least)):
        describe(
            new, second.vocabulary, second.model.shape, temperature=second.manifest.temperature,
            taught=second.tokens, sure=sure, caution=second.manifest.caution,
        )  # fmt: skip
        lost = before - _known(catalogue, new)
        if lost <= MAY_LOSE:
            return
    raise CannotTeach(
        f"{lessons[-1].function.name}: the other functions would lose {lost:.1%} of what they get "
        "right: give more examples, or such as differ more from other requests"
    )


def _recognised(lessons: Sequence[Lesson], catalogue: Catalogue, new: Path) -> None:
    """CannotTeach where too few examples are."""
    engine = Engine(EmbeddedModel(catalogue, new))
    for one in lessons:
        name = one.function.name
        said = [decoder.read(engine.decode(text).text, catalogue) for text in one.sentences]
        right = sum([call.function for call in calls] == [name] for calls in said)
        if right < RECOGNISED * len(said):
            raise CannotTeach(
                f"{name}: only {right} of {len(said)} examples would be recognised afterwards: "
                "give more, or such as differ more from other requests"
            )


def _keep(lessons: Sequence[Lesson], new: Path) -> None:
    """Write the functions and their examples beside the weights."""
    for name in (taught.FUNCTIONS, taught.EXAMPLES):
        (new / name).mkdir()
    for lesson in lessons:
        name = lesson.function.name
        (new / taught.FUNCTIONS / f"{name}.toml").write_text(lesson.toml, encoding="utf-8")
        text = "\n".join(lesson.examples) + "\n"
        (new / taught.EXAMPLES / f"{name}.txt").write_text(text, encoding="utf-8")
