"""The designs of `designs.py` on the same sentences: `python -m training.compare --utterances DIR`.

Ends with a JSON line for each: parameters, minutes, and on every development set the share of
sentences whose first function, and whose every decision, is right. Decisions are scored one by one,
each after the right ones before it: where all are right, greedy decoding writes the same.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import nn

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.grammar import Grammar, Vocabulary
from orchestrator.octopus.tokenizer import WordPieces
from orchestrator.octopus.words import Words
from training import minilm
from training.batches import Batch, collate, shuffled
from training.command import command
from training.dataset import human
from training.dataset.build import build
from training.dataset.compose import Composer
from training.dataset.encode import Encoded, Encoder
from training.designs import DESIGNS, spelled
from training.model import Shape
from training.train import ROOT, Recipe, check, learn, optimizer_for

BYTE_PIECES = 8_000
"""Size of the byte-level vocabulary that Gemma gets."""
Collate = Callable[[Sequence[Encoded]], Batch]


class BytePieces:
    """A byte-level BPE that keeps capitals, learned from composed and human sentences."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self._tokenizer = Tokenizer(models.BPE())
        self._tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(
            vocab_size=BYTE_PIECES, special_tokens=["<s>", "</s>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
        )  # fmt: skip
        self._tokenizer.train_from_iterator(sentences, trainer)

    def __call__(self, sentence: str) -> Words:
        """Pieces between two markers; a piece's letters begin after its space."""
        encoding = self._tokenizer.encode(sentence, add_special_tokens=False)
        offsets = [
            (start + (sentence[start:end].startswith(" ") and end > start), end)
            for start, end in encoding.offsets
        ]
        return Words(sentence, (0, *encoding.ids, 1), ((0, 0), *offsets, (0, 0)))


def trained(model: nn.Module, rows: Sequence[Encoded], batches: Collate, recipe: Recipe) -> None:
    """One pass over the rows."""
    optimizer = optimizer_for(model, recipe)
    rng = random.Random(recipe.seed)
    steps = len(rows) // recipe.batch
    began, total = time.monotonic(), 0.0
    model.train()
    for step, batch in enumerate(islice(shuffled(rows, recipe.batch, rng), steps)):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate_at(step, steps) * group["times"]
        total += learn(model, optimizer, batches(batch))
        if (step + 1) % 100 == 0:
            left = (time.monotonic() - began) / (step + 1) * (steps - step - 1) / 60
            print(f"  {step + 1} of {steps}, loss {total / 100:.3f}, {left:.1f} minutes left",
                  flush=True)  # fmt: skip
            total = 0.0


def main() -> None:
    """Train every design that is asked for, and print what it reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=48_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="design/pointed or design/spelled")
    chosen = parser.parse_args()
    catalogue = Catalogue.load(ROOT / "config/functions")
    grammar = Grammar(catalogue, Vocabulary.of(catalogue))
    sets = [chosen.utterances / "dev.jsonl", *sorted((ROOT / "tests/sentences").glob("*.jsonl"))]
    recipe = Recipe(rows=chosen.rows, seed=chosen.seed)
    results: list[dict[str, object]] = []
    words: Callable[[str], Words]
    for name, design in DESIGNS.items():
        if chosen.only and not any(one.startswith(f"{name}/") for one in chosen.only):
            continue
        if name == "gemma":
            people = human.load(chosen.utterances / "train.jsonl", catalogue)
            composed = islice(Composer(catalogue, chosen.seed), 40_000)
            words = BytePieces([e.sentence for e in (*people, *composed)])
            count, rate = BYTE_PIECES, 1e-3  # from scratch
        else:
            words, count, rate = WordPieces(minilm.TOKENIZER), Shape.pieces, recipe.rate
        encoder = Encoder(grammar, words)
        ways: dict[str, Collate] = {
            "pointed": partial(collate, grammar=grammar),
            "spelled": partial(spelled, grammar=grammar, pieces=count),
        }
        wanted = [way for way in ways if not chosen.only or f"{name}/{way}" in chosen.only]
        data = build(catalogue, encoder, rows=recipe.rows, seed=chosen.seed,
                     utterances=chosen.utterances)  # fmt: skip
        dev = {file.stem: encoder.all(human.load(file, catalogue)) for file in sets}
        for way in wanted:
            print(f"{name}, arguments {way}, {len(data.rows)} rows", flush=True)
            torch.manual_seed(chosen.seed)
            vocabulary = grammar.vocabulary
            shape = Shape(len(vocabulary.actions), len(vocabulary.slots), pieces=count)
            model = design(shape, way == "spelled")
            began = time.monotonic()
            trained(model, data.rows, ways[way], replace(recipe, rate=rate))
            results.append({
                "design": name, "arguments": way,
                "parameters": sum(p.numel() for p in model.parameters()),
                "minutes": round((time.monotonic() - began) / 60, 1),
                **{stem: check(model, rows, ways[way]) for stem, rows in dev.items()},
            })  # fmt: skip
            print(json.dumps(results[-1]), flush=True)
    for result in results:
        print(json.dumps(result))


if __name__ == "__main__":
    command(main)
