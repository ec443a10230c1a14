"""Training goes on where it was stopped, and refuses what is not its own."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.grammar import Grammar, Vocabulary
from orchestrator.octopus.manifest import TOKENIZER, WEIGHTS
from orchestrator.octopus.tokenizer import WordPieces
from training.dataset.build import Dataset, build
from training.dataset.encode import Encoder
from training.export import average
from training.model import OctopusModel, Shape
from training.train import AnotherRun, Recipe, Run

RECIPE = Recipe(rows=480, warmup=3)


@pytest.fixture(scope="module")
def grammar(catalogue: Catalogue) -> Grammar:
    return Grammar(catalogue, Vocabulary.of(catalogue))


@pytest.fixture(scope="module")
def data(catalogue: Catalogue, grammar: Grammar) -> Dataset:
    encoder = Encoder(grammar, WordPieces(WEIGHTS / TOKENIZER))
    return build(catalogue, encoder, rows=RECIPE.rows, seed=1, utterances=None)


def run(grammar: Grammar, work: Path, recipe: Recipe = RECIPE) -> tuple[Run, OctopusModel]:
    torch.manual_seed(recipe.seed)
    names = grammar.vocabulary
    shape = Shape(
        len(names.actions), len(names.slots), width=24, layers=1, heads=2, inner=48,
        deciding_layers=1,
    )  # fmt: skip
    model = OctopusModel(shape)
    return Run(recipe, model, grammar, work, checkpoint_every=3), model


def test_a_stopped_training_goes_on_to_the_same_weights(
    grammar: Grammar, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, apart = tmp_path / "whole", tmp_path / "apart"
    whole.mkdir()
    apart.mkdir()
    training, model = run(grammar, whole)
    training.train(data, {"dev": list(data.rows[:40])})
    stopped, _ = run(grammar, apart)
    saved: list[int] = []
    save = Run._save

    def save_and_stop(self: Run, step: int) -> None:
        save(self, step)
        saved.append(step)
        if len(saved) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Run, "_save", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            stopped.train(data, {"dev": list(data.rows[:40])})
    again, resumed = run(grammar, apart)
    again.train(data, {"dev": list(data.rows[:40])})
    assert saved == [3, 6]
    for name, value in model.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_the_checkpoint_of_another_recipe_is_refused(
    grammar: Grammar, data: Dataset, tmp_path: Path
) -> None:
    training, _ = run(grammar, tmp_path)
    training.train(data, {})
    other, _ = run(grammar, tmp_path, Recipe(rows=480, warmup=3, rate=1e-5))
    with pytest.raises(AnotherRun, match="another recipe: remove it"):
        other.train(data, {})


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "dev.jsonl: cannot be read"),
        ({"dev.jsonl": '{"q": "hi"}\n'}, "dev.jsonl:1: a row is"),
        ({"dev.jsonl": '{"q": "h'}, "dev.jsonl:1: a row is"),
        ({"dev.jsonl": ""}, "dev.jsonl: there is no row"),
    ],
)
def test_bad_sentences_are_one_line_and_nothing_is_written(
    files: dict[str, str], said: str, tmp_path: Path
) -> None:
    sentences, out = tmp_path / "sentences", tmp_path / "out"
    sentences.mkdir()
    for name, text in files.items():
        (sentences / name).write_text(text)
    command = [sys.executable, "-m", "training.train"]
    ended = subprocess.run(
        [*command, "--utterances", str(sentences), "--out", str(out)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not list(out.iterdir())


def test_averaged_weights_are_the_mean_of_what_was_trained(tmp_path: Path) -> None:
    for number in (1.0, 2.0, 6.0):
        weights = {
            "layer": torch.full((2,), number),
            "rows": torch.full((2,), int(number), dtype=torch.int8),
            "scale": torch.full((2,), number, dtype=torch.float16),
        }
        save_file(weights, tmp_path / f"{number}.safetensors")
    mean = average([tmp_path / f"{number}.safetensors" for number in (1.0, 2.0, 6.0)])
    assert mean["layer"].tolist() == [3.0, 3.0]
    assert mean["rows"].tolist() == [1, 1]
    assert mean["scale"].tolist() == [1.0, 1.0]
