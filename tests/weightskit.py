"""Small random weights that the engine loads like the shipped ones."""

import shutil
from pathlib import Path

import torch

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.grammar import Vocabulary
from orchestrator.octopus.manifest import TOKENIZER, WEIGHTS
from training.export import describe, export
from training.model import FrozenRows, OctopusModel, Shape


def random_weights(folder: Path, catalogue: Catalogue, seed: int = 1) -> OctopusModel:
    """Write random weights of a small shape into `folder` and return the model they are of."""
    torch.manual_seed(seed)
    vocabulary = Vocabulary.of(catalogue)
    shape = Shape(
        len(vocabulary.actions), len(vocabulary.slots), width=48, layers=2, heads=4, inner=96
    )
    model = OctopusModel(shape).eval()
    model.reader.pieces = FrozenRows.of(torch.randn(shape.pieces, shape.width))
    folder.mkdir(parents=True, exist_ok=True)
    export(model, folder, int8=False)
    shutil.copy(WEIGHTS / TOKENIZER, folder / TOKENIZER)
    describe(folder, vocabulary, shape)
    return model
