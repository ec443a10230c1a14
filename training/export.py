"""Trained weights to what the package ships: fp16 safetensors, int8 ONNX, tokenizer, manifest."""

import argparse
import hashlib
import json
import logging
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization.matmul_nbits_quantizer import (
    DefaultWeightOnlyQuantConfig,
    MatMulNBitsQuantizer,
)
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from orchestrator.catalogue import IRRELEVANT, Catalogue
from orchestrator.octopus.grammar import Vocabulary
from orchestrator.octopus.manifest import (
    CAUTION,
    DECIDER,
    READER,
    TAUGHT,
    TOKENIZER,
    WEIGHTS,
    manifest_of,
)
from training import minilm
from training.command import command
from training.model import OctopusModel, Shape, pointed
from training.train import ROOT

TRAINABLE, REPLAY = "model.safetensors", "replay.jsonl"
DECLINE = 1.0
"""Added to the score of "nothing fits". On the development sets it lets 2.3 % more near misses be
declined and 0.5 % fewer short requests be understood; acting on what was not asked is the worse
mistake."""
BLOCK = 128
EVERY = 3
"""Of the development sentences, every so-many-eth ships, for `teach` to see what is forgotten."""


class ReadGraph(nn.Module):
    """The sentence, read once.

    In: ids int64 [n]. Out: read float [2 + 2 * deciding layers, n, width]: what was read, the
    pointer's keys, then the keys and the values of every deciding layer; middle float [n, width]:
    what was read halfway, which still tells more of how the sentence is made.
    """

    def __init__(self, model: OctopusModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        reader = self.model.reader
        read = middle = reader.embed(ids.unsqueeze(0))
        for number, layer in enumerate(reader.layers, 1):
            read = layer(read, None)
            middle = read if number <= len(reader.layers) // 2 else middle
        parts = [read, self.model.heads.key(read)]
        for layer in self.model.deciding:
            parts += [layer.cross.key(read), layer.cross.value(read)]
        return torch.cat(parts), middle[0]


class DecideGraph(nn.Module):
    """One decision.

    In: before, slot, step int64 [1]; read as `ReadGraph` gives it; past float [2 * deciding layers,
    decisions before, width]. Out: scores [actions + n], and past with this decision's keys and
    values.
    """

    def __init__(self, model: OctopusModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, before: Tensor, slot: Tensor, step: Tensor, read: Tensor, past: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See the class."""
        model = self.model
        copied = pointed(read[:1], before.unsqueeze(0), model.shape.actions)
        x = model.choices(before.unsqueeze(0), copied, slot.unsqueeze(0), step.unsqueeze(0))
        present = []
        for at, layer in enumerate(model.deciding):
            keys = torch.cat([past[2 * at : 2 * at + 1], layer.own.key(x)], dim=1)
            values = torch.cat([past[2 * at + 1 : 2 * at + 2], layer.own.value(x)], dim=1)
            x = layer.own(x, keys, values)
            x = layer.cross(x, read[2 + 2 * at : 3 + 2 * at], read[3 + 2 * at : 4 + 2 * at])
            x = layer.inner(x)
            present += [keys, values]
        return model.heads(x, read[1:2])[0, 0], torch.cat(present)


def export(model: OctopusModel, folder: Path, *, int8: bool = True) -> None:
    """Write `READER` and `DECIDER` into `folder`; without `int8`, in full precision."""
    model.eval()
    ids = torch.tensor([101, 2005, 102])
    axes = {"ids": {0: "n"}}, {"read": {1: "n"}, "middle": {0: "n"}}
    write_graph(ReadGraph(model), (ids,), *axes, folder / READER, int8)
    export_decider(model, folder, int8=int8)


def export_decider(
    model: OctopusModel, folder: Path, name: str = DECIDER, *, int8: bool = True
) -> None:
    """Write what decides alone."""
    shape = model.eval().shape
    read = torch.zeros(2 + 2 * shape.deciding_layers, 3, shape.width)
    past = torch.zeros(2 * shape.deciding_layers, 5, shape.width)
    one = torch.tensor([1])
    write_graph(
        DecideGraph(model),
        (one, one, one, read, past),
        {"before": {}, "slot": {}, "step": {}, "read": {1: "n"}, "past": {1: "p"}},
        {"scores": {0: "m"}, "present": {1: "q"}},
        folder / name,
        int8,
    )


def write_graph(
    graph: nn.Module, example: tuple[Tensor, ...], inputs: dict[str, dict[int, str]],
    outputs: dict[str, dict[int, str]], file: Path, int8: bool,
) -> None:  # fmt: skip
    """Export one graph; `inputs` and `outputs` name the axes whose length changes."""
    full = file.with_suffix(".full")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph.eval(), example, str(full), dynamo=False, opset_version=17,
            input_names=list(inputs), output_names=list(outputs), dynamic_axes=inputs | outputs,
        )  # fmt: skip
    onnx.checker.check_model(str(full))
    if not int8:
        full.replace(file)
        return
    _round(full, file)
    full.unlink()


def _round(full: Path, file: Path) -> None:
    """Weights to int8, with a scale for so many numbers of a column; what is multiplied with them
    is rounded in such blocks too. With one scale for whole matrices (dynamic quantization) four
    times as many sentences come out differently than in full precision, and it is hardly faster."""
    settings = DefaultWeightOnlyQuantConfig(
        block_size=BLOCK, is_symmetric=True, accuracy_level=4, bits=8
    )
    said = logging.getLogger(MatMulNBitsQuantizer.__module__)
    level = said.level
    said.setLevel(logging.WARNING)  # it tells of every node
    try:
        rounded = MatMulNBitsQuantizer(onnx.load(str(full)), algo_config=settings)
        rounded.process()
    finally:
        said.setLevel(level)
    rounded.model.save_model_to_file(str(file), use_external_data_format=False)


def small(value: Tensor) -> Tensor:
    """As it is stored: floats in 16 bits."""
    return value.half().contiguous() if value.is_floating_point() else value.contiguous()


def average(files: Sequence[Path]) -> dict[str, Tensor]:
    """The mean of weights that were trained one from another, which is often right where one of
    them is not (Wortsman et al. 2022, Model soups). What is not trained is the first's."""
    first, *others = (load_file(file) for file in files)
    for name, value in first.items():
        if value.dtype == torch.float32:
            total = sum((other[name] for other in others), value)
            first[name] = total / len(files)
    return first


def ship(trained: Sequence[Path], folder: Path, catalogue: Catalogue, *, int8: bool = True) -> None:
    """Everything `embedded:` needs, of the average of these, with a manifest of hashes."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = Vocabulary.of(catalogue)
    model = OctopusModel(Shape(len(vocabulary.actions), len(vocabulary.slots)))
    weights = average(trained)
    weights["heads.actions.bias"][catalogue[IRRELEVANT].token] += DECLINE
    model.load_state_dict(weights)
    save_file({name: small(value) for name, value in weights.items()}, folder / TRAINABLE)
    (folder / TRAINABLE).chmod(0o644)  # safetensors writes for its owner alone
    export(model, folder, int8=int8)
    shutil.copy(minilm.TOKENIZER, folder / TOKENIZER)
    sets = sorted((ROOT / "tests/sentences").glob("*.jsonl"))
    rows = [row for file in sets for row in file.read_text(encoding="utf-8").splitlines()]
    (folder / REPLAY).write_text("\n".join(rows[::EVERY]) + "\n", encoding="utf-8")
    describe(folder, vocabulary, model.shape)


def redraw(shipped: Path, folder: Path, *, int8: bool) -> None:
    """The graphs of weights in `shipped` anew, into `folder`, with all else beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = manifest_of(shipped, TRAINABLE)
    model = OctopusModel(Shape(**manifest.shape))
    model.load_state_dict(load_file(shipped / TRAINABLE))
    caution = [CAUTION] if manifest.caution else []
    for name in (TRAINABLE, TOKENIZER, REPLAY, *caution):
        if folder != shipped:
            shutil.copy(shipped / name, folder / name)
    export(model, folder, int8=int8)
    vocabulary = Vocabulary(manifest.actions, manifest.slots)
    describe(folder, vocabulary, model.shape, temperature=manifest.temperature,
             caution=manifest.caution)  # fmt: skip


def describe(
    folder: Path, vocabulary: Vocabulary, shape: Shape, *, temperature: float = 1.0,
    taught: Sequence[int] = (), sure: float = 1.0, caution: Sequence[str] = (),
) -> None:  # fmt: skip
    """Write the manifest of what lies in `folder`."""
    names = [
        name
        for name in (TRAINABLE, READER, DECIDER, TAUGHT, CAUTION, TOKENIZER)
        if (folder / name).exists()
    ]
    manifest = {
        "actions": vocabulary.actions,
        "slots": vocabulary.slots,
        "shape": asdict(shape),
        "temperature": temperature,
        "taught": list(taught),
        "sure": round(sure, 4),
        "caution": list(caution),
        "sha256": {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Export the weights of a training run into the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "trained", type=Path, nargs="+", help="model.safetensors of training.train; more: averaged"
    )
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--full", action="store_true", help="graphs in full precision, to compare")
    parser.add_argument(
        "--graphs", action="store_true", help="only the graphs anew, of weights shipped before"
    )
    arguments = parser.parse_args()
    if arguments.graphs:
        redraw(arguments.trained[0].parent, arguments.out, int8=not arguments.full)
        return
    catalogue = Catalogue.load(ROOT / "config/functions")
    ship(arguments.trained, arguments.out, catalogue, int8=not arguments.full)


if __name__ == "__main__":
    command(main)
