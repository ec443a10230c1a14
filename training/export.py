"""Trained weights to what the package ships: fp16 safetensors, int8 ONNX, tokenizer, manifest."""

import argparse
import hashlib
import json
import shutil
import warnings
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.grammar import Vocabulary
from training import minilm
from training.model import OctopusModel, Shape
from training.train import ROOT

WEIGHTS = ROOT / "orchestrator/octopus/weights"


class Step(nn.Module):
    """One pass over new positions, each of which sees the past and all of the new ones.

    In: ids, types, positions int64 [n]; past float [2 * layers, p, width].
    Out: action scores [n, actions], pointer queries and keys [n, width], past and new keys and
    values [2 * layers, p + n, width].
    """

    def __init__(self, model: OctopusModel) -> None:
        super().__init__()
        self.model = model
        # Rows are stored as int8 with a scale of their own: per-table scales cost accuracy.
        self.pieces = _Rows(model.pieces.weight)

    def forward(
        self, ids: Tensor, types: Tensor, positions: Tensor, past: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """See the class."""
        model = self.model
        count = model.shape.pieces
        pieces = self.pieces(ids.clamp(max=count - 1))
        actions = model.actions((ids - count).clamp(min=0))
        x = torch.where((ids < count).unsqueeze(-1), pieces, actions)
        x = model.norm(x + model.types(types) + model.positions(positions)).unsqueeze(0)
        state = []
        for index, layer in enumerate(model.layers):
            keys, values = past[2 * index].unsqueeze(0), past[2 * index + 1].unsqueeze(0)
            x, new_keys, new_values = layer(x, None, (keys, values), 0.0)
            state += [torch.cat([keys, new_keys], 1), torch.cat([values, new_values], 1)]
        scores, queries, pointer_keys = model.scores(x)
        return scores[0], queries[0], pointer_keys[0], torch.cat(state)


class _Rows(nn.Module):
    """An embedding whose rows are int8 with one scale each."""

    scale: Tensor
    rows: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        scale = (weight.abs().amax(dim=1, keepdim=True) / 127).clamp(min=1e-12)
        self.register_buffer("scale", scale)
        self.register_buffer("rows", (weight / scale).round().to(torch.int8))

    def forward(self, ids: Tensor) -> Tensor:
        return self.rows[ids].to(torch.float32) * self.scale[ids]


def export(model: OctopusModel, folder: Path, *, int8: bool = True) -> Path:
    """Write `model.int8.onnx` (or `model.fp32.onnx`) into `folder`."""
    shape = model.shape
    model.eval()
    full = folder / "model.fp32.onnx"
    example = (
        torch.tensor([101, 2005, 102]),
        torch.zeros(3, dtype=torch.int64),
        torch.arange(3),
        torch.zeros(2 * shape.layers, 5, shape.width),
    )
    axes = {name: {0: "n"} for name in ("ids", "types", "positions", "scores", "queries", "keys")}
    axes |= {"past": {1: "p"}, "present": {1: "m"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Step(model).eval(),
            example, str(full), dynamo=False, opset_version=17, dynamic_axes=axes,
            input_names=["ids", "types", "positions", "past"],
            output_names=["scores", "queries", "keys", "present"],
        )  # fmt: skip
    onnx.checker.check_model(str(full))
    if not int8:
        return full
    small = folder / "model.int8.onnx"
    quantize_dynamic(
        full, small, weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=["MatMul"]
    )
    full.unlink()
    return small


def ship(trained: Path, folder: Path, catalogue: Catalogue) -> None:
    """Everything `embedded:` needs, with a manifest of hashes."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = Vocabulary.of(catalogue)
    model = OctopusModel(Shape(len(vocabulary.actions), len(vocabulary.slots)))
    weights = load_file(trained)
    model.load_state_dict(weights)
    save_file(
        {name: value.half().contiguous() for name, value in weights.items()},
        folder / "model.safetensors",
    )
    export(model, folder)
    shutil.copy(minilm.TOKENIZER, folder / "tokenizer.json")
    (folder / "model.safetensors").chmod(0o644)  # safetensors writes for its owner alone
    files = ["model.safetensors", "model.int8.onnx", "tokenizer.json"]
    manifest = {
        "actions": vocabulary.actions,
        "slots": vocabulary.slots,
        "shape": json.loads(model.shape.to_json()),
        "sha256": {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Export the weights of a training run into the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trained", type=Path, help="model.safetensors of training.train")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    arguments = parser.parse_args()
    ship(arguments.trained, arguments.out, Catalogue.load(ROOT / "config/functions"))


if __name__ == "__main__":
    main()
