"""Teach the weights a function of a person's own: `octopus teach FUNCTION.toml --examples FILE`.

What is read of a sentence stays as it is; what is decided from it is trained on, with the examples,
what can be made of them, and sentences of every old function beside them, so that these are not
forgotten (rehearsal; Robins 1995, doi:10.1080/09540099550039318).
"""

import random
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress
from safetensors.torch import load_file, save_file
from torch import nn

from orchestrator import decoder, taught
from orchestrator.catalogue import Catalogue
from orchestrator.octopus.engine import (
    READER,
    WEIGHTS,
    Engine,
    Manifest,
    manifest_of,
)
from orchestrator.octopus.grammar import Grammar, Vocabulary, choices, copies
from orchestrator.octopus.tokenizer import TOKENIZER, WordPieces
from schemas.function import Function
from training import evaluate
from training.batches import collate, shuffled
from training.dataset.compose import Composer
from training.dataset.encode import Encoder
from training.dataset.example import Example, Span
from training.dataset.shapes import FOLDER, fill, lines
from training.dataset.verify import key
from training.export import REPLAY, TRAINABLE, describe, export_decider, small
from training.lesson import CannotTeach, Lesson, read
from training.marks import mark_all
from training.model import OctopusModel, Shape
from training.train import learn

STEPS, BATCH, RATE, WARMUP = 300, 48, 3e-4, 20
NEW = 0.3
"""Share of the rows that are about the new function."""
LONGEST = 130.0
"""Seconds of training at most; a slow machine takes fewer steps."""
MAY_LOSE = 0.005
"""Of the old functions' sentences."""
UNDERSTOOD = 0.9
"""Share of the examples that must be understood afterwards."""
FILLS = 8
"""How often each shape is written out, to see whether an example is one of its sentences."""


_READ = re.compile(r"^reader\.|^heads\.key\.|\.cross\.(?:key|value)\.")
"""Parameters in the reader's graph, which also holds the keys and values that decisions look at."""


def teach(
    file: Path, examples: Path, state: Path, catalogue: Catalogue, console: Console,
    *, steps: int = STEPS,
) -> Path:  # fmt: skip
    """Train, check and put to use; the folder of the new weights. CannotTeach says why not."""
    folder = taught.current(state) or WEIGHTS
    lesson = read(file, examples, catalogue)
    _refuse_known(lesson, catalogue, folder)
    wider = Catalogue([*catalogue, lesson.function])
    earlier = _earlier(folder, catalogue)
    before = _known(catalogue, folder)

    def fill_folder(new: Path) -> None:
        shapes = {one.function.name: one.shapes() for one in (lesson, *earlier)}
        composer = Composer(wider, 1, shapes)
        _train(lesson.function, composer, wider, folder, new, console, steps)
        _check(lesson, earlier, wider, new, before)
        _keep(lesson, folder, new)

    return taught.install(state, fill_folder)


def _refuse_known(lesson: Lesson, catalogue: Catalogue, folder: Path) -> None:
    """CannotTeach for the first example that is how an old function is asked for.

    That the weights take it for that function is not enough: of words they never saw they are
    often sure. It must also be a sentence they learned, but for its arguments.
    """
    engine = Engine(catalogue, folder)
    for sentence in lesson.sentences:
        call, *others = decoder.read(engine.decode(sentence).text, catalogue)
        parameters = catalogue[call.function].parameters
        copied = [a for a, p in zip(call.arguments, parameters, strict=True) if copies(p)]
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
    function: Function, composer: Composer, catalogue: Catalogue, old: Path, new: Path,
    console: Console, steps: int,
) -> None:  # fmt: skip
    """Train what decides, and write the new graphs and weights."""
    manifest = manifest_of(old, TRAINABLE)
    model, vocabulary = _widened(old, manifest, function)
    grammar = Grammar(catalogue, vocabulary)
    rows = Encoder(grammar, WordPieces(old / TOKENIZER)).all(
        _sentences(function.name, composer, steps * BATCH)
    )
    optimizer = torch.optim.AdamW(_decider(model), lr=RATE, weight_decay=0.0, fused=True)
    torch.manual_seed(1)
    model.train()
    model.reader.eval()
    began = time.monotonic()
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"teaching {function.name}", total=1.0)
        for step, batch in enumerate(shuffled(rows, BATCH, random.Random(1))):
            done = max(step / steps, (time.monotonic() - began) / LONGEST)
            if done >= 1:
                break
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1.0, (step + 1) / WARMUP) * (1 - done)
            learn(model, optimizer, collate(batch, grammar))
            progress.update(task, completed=done)
    save_file({name: small(value) for name, value in model.state_dict().items()}, new / TRAINABLE)
    export_decider(model, new)
    for name in (READER, TOKENIZER):  # these are the old ones, to the byte
        shutil.copy(old / name, new / name)
    describe(new, vocabulary, model.shape, temperature=manifest.temperature)


def _decider(model: OctopusModel) -> list[nn.Parameter]:
    """What is trained: all that is in the graph of a decision, and nothing of the reader's."""
    learned = []
    for name, parameter in model.named_parameters():
        parameter.requires_grad = not _READ.search(name)
        if parameter.requires_grad:
            learned.append(parameter)
    return learned


def _widened(
    folder: Path, manifest: Manifest, function: Function
) -> tuple[OctopusModel, Vocabulary]:
    """The model with an action more for every enum value it does not know."""
    values = dict.fromkeys(value for p in function.parameters for value in choices(p))
    more = [value for value in values if value not in manifest.actions]
    vocabulary = Vocabulary((*manifest.actions, *more), manifest.slots)
    shape = replace(Shape(**manifest.shape), actions=len(vocabulary.actions))
    model = OctopusModel(shape)
    fresh, state = model.state_dict(), load_file(folder / TRAINABLE)
    for name in ("choices.actions.weight", "heads.actions.weight", "heads.actions.bias"):
        state[name] = torch.cat([state[name].float(), fresh[name][len(state[name]) :]])
    model.load_state_dict(state)
    return model, vocabulary


def _sentences(name: str, composer: Composer, count: int) -> Iterator[Example]:
    """What is trained on, `NEW` of it about the new function."""
    rng = random.Random(1)
    others = iter(composer)
    for _ in range(count):
        yield composer.about(name) if rng.random() < NEW else next(others)


def _earlier(folder: Path, catalogue: Catalogue) -> list[Lesson]:
    """What was taught before."""
    files = sorted((folder / taught.EXAMPLES).glob("*.txt"))
    return [
        Lesson(catalogue[f.stem], "", tuple(f.read_text(encoding="utf-8").splitlines()))
        for f in files
    ]


def _check(
    lesson: Lesson, earlier: Sequence[Lesson], catalogue: Catalogue, new: Path, before: float
) -> None:
    """CannotTeach where the old functions lost, or examples are not understood."""
    lost = before - _known(catalogue, new)
    if lost > MAY_LOSE:
        raise CannotTeach(
            f"{lesson.function.name}: the other functions would lose {lost:.1%} of what they get "
            "right: give more examples, or such as differ more from other requests"
        )
    engine = Engine(catalogue, new)
    for one in (lesson, *earlier):
        name = one.function.name
        said = [decoder.read(engine.decode(text).text, catalogue) for text in one.sentences]
        right = sum([call.function for call in calls] == [name] for calls in said)
        if right < UNDERSTOOD * len(said):
            raise CannotTeach(
                f"{name}: only {right} of {len(said)} examples would be understood afterwards: "
                "give more, or such as differ more from other requests"
            )


def _keep(lesson: Lesson, old: Path, new: Path) -> None:
    """Write the function and its examples beside the weights, with those taught before."""
    for name in (taught.FUNCTIONS, taught.EXAMPLES):
        if (old / name).is_dir():
            shutil.copytree(old / name, new / name)
        (new / name).mkdir(exist_ok=True)
    name = lesson.function.name
    (new / taught.FUNCTIONS / f"{name}.toml").write_text(lesson.toml, encoding="utf-8")
    text = "\n".join(lesson.examples) + "\n"
    (new / taught.EXAMPLES / f"{name}.txt").write_text(text, encoding="utf-8")
