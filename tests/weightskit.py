"""Small random weights that the engine loads like the shipped ones."""

import hashlib
import json
import shutil
from pathlib import Path

import torch

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.engine import ONNX, TOKENIZER, WEIGHTS
from orchestrator.octopus.grammar import Vocabulary
from training.export import export
from training.model import OctopusModel, Shape


def random_weights(folder: Path, catalogue: Catalogue, seed: int = 1) -> OctopusModel:
    """Write random weights of a small shape into `folder` and return the model they are of."""
    torch.manual_seed(seed)
    vocabulary = Vocabulary.of(catalogue)
    shape = Shape(
        len(vocabulary.actions), len(vocabulary.slots), width=48, layers=2, heads=4, inner=96
    )
    model = OctopusModel(shape).eval()
    with torch.no_grad():  # what int8 can hold, so that the exported rows are the model's own
        scale = model.pieces.weight.abs().amax(dim=1, keepdim=True) / 127
        model.pieces.weight.copy_((model.pieces.weight / scale).round() * scale)
    folder.mkdir(parents=True, exist_ok=True)
    export(model, folder, int8=False).rename(folder / ONNX)
    shutil.copy(WEIGHTS / TOKENIZER, folder / TOKENIZER)
    manifest = {
        "actions": vocabulary.actions,
        "slots": vocabulary.slots,
        "shape": json.loads(shape.to_json()),
        "sha256": {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
            for name in (ONNX, TOKENIZER)
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return model
