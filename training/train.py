"""Train the embedded weights: `python -m training.train --utterances DIR --out DIR`.

Stopped at any moment, the same command goes on from the last checkpoint.
"""

import argparse
import hashlib
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.grammar import Grammar, Vocabulary
from orchestrator.octopus.tokenizer import WordPieces
from schemas.errors import HubError
from training import minilm
from training.batches import Batch, collate, shuffled
from training.command import command
from training.dataset import human
from training.dataset.build import ROWS, VARIANTS, Dataset, build
from training.dataset.encode import Encoded, Encoder
from training.model import OctopusModel, Shape

ROOT = Path(__file__).parent.parent
CHECKPOINT_EVERY = 500
CHECK_EVERY = 1_000
"""Steps between two looks at the development sets."""


DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
HALF = DEVICE.type == "cuda" or any(
    torch.cpu.get_capabilities().get(unit) for unit in ("avx512_bf16", "amx_bf16")
)
"""Whether this machine has units for bfloat16; without them it is slower than full precision."""


class AnotherRun(HubError):
    """The folder holds the checkpoint of another training."""

    code = "another_run"


@dataclass(frozen=True)
class Recipe:
    """Everything the weights depend on besides the data."""

    rows: int = ROWS
    batch: int = 48
    rate: float = 2e-4
    fresh: float = 5.0
    """How many times faster than MiniLM's layers the new ones learn."""
    warmup: int = 200
    decay: float = 0.01
    seed: int = 1
    start: str = ""
    """SHA-256 of the weights it starts from; empty: MiniLM's."""

    def rate_at(self, step: int, steps: int) -> float:
        """The reader's: linear warm-up, then linear decay to a hundredth."""
        up = min(1.0, (step + 1) / self.warmup)
        return self.rate * up * max(0.01, 1.0 - step / steps)


def loss_of(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """Mean loss of what is learned; bool [batch, response], whether the best choice is right."""
    device = next(model.parameters()).device
    batch = batch.to(device)
    with torch.autocast(device.type, torch.bfloat16, enabled=HALF):
        scores = model(batch.ids, batch.seen, batch.before, batch.slots).float()
    scores = scores.masked_fill(~batch.open, -1e4)
    losses = F.cross_entropy(scores.flatten(0, 1), batch.choices.flatten(), reduction="none")
    weight = batch.learned.flatten()
    right = scores.argmax(-1) == batch.choices
    return (losses * weight).sum() / weight.sum().clamp(min=1), right


def learn(model: nn.Module, optimizer: torch.optim.Optimizer, batch: Batch) -> float:
    """One step of the optimizer on one batch; the loss before it."""
    loss, _ = loss_of(model, batch)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item()


@torch.no_grad()
def check(
    model: nn.Module, rows: Sequence[Encoded], batches: Callable[[Sequence[Encoded]], Batch]
) -> dict[str, float]:
    """Share of sentences whose first function is right, and whose every learned decision is."""
    model.eval()
    first, whole = 0, 0
    for start in range(0, len(rows), 32):
        batch = batches(rows[start : start + 32])
        _, right = loss_of(model, batch)
        ignored = batch.learned == 0
        right = right.cpu()
        first += int(right[:, 0].sum())
        whole += int((right | ignored).all(dim=1).sum())
    model.train()
    return {"first": round(first / len(rows), 4), "whole": round(whole / len(rows), 4)}


def optimizer_for(model: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW in which what does not come from MiniLM learns `recipe.fresh` times faster."""
    named = list(model.named_parameters())
    groups: list[dict[str, Any]] = [
        {"params": [p for n, p in named if n.startswith("reader.")], "times": 1.0},
        {"params": [p for n, p in named if not n.startswith("reader.")], "times": recipe.fresh},
    ]
    return torch.optim.AdamW(groups, lr=recipe.rate, weight_decay=recipe.decay, fused=True)


class Run:
    """One training run in a folder; `work` holds its checkpoint and its log."""

    def __init__(
        self, recipe: Recipe, model: OctopusModel, grammar: Grammar, work: Path,
        checkpoint_every: int = CHECKPOINT_EVERY,
    ) -> None:  # fmt: skip
        self._every = checkpoint_every
        self._recipe = recipe
        self._model = model
        self._grammar = grammar
        self._work = work
        self._optimizer = optimizer_for(model, recipe)

    def train(self, data: Dataset, dev: dict[str, list[Encoded]]) -> None:
        """One pass over the rows, from the checkpoint if there is one; AnotherRun where that is of
        other rows or another recipe."""
        recipe = self._recipe
        rng = random.Random(recipe.seed)
        batches = list(shuffled(data.rows, recipe.batch, rng))
        steps = len(data.rows) // recipe.batch
        self._identity = f"{data.digest} {recipe}"
        done = self._resume()
        began, seen, total = time.monotonic(), 0, 0.0
        for step in range(done, steps):
            for group in self._optimizer.param_groups:
                group["lr"] = recipe.rate_at(step, steps) * group["times"]
            batch = collate(batches[step], self._grammar)
            total += learn(self._model, self._optimizer, batch)
            seen += 1
            if (step + 1) % 50 == 0:
                pace = (time.monotonic() - began) / (step + 1 - done)
                left = pace * (steps - step - 1) / 60
                self._log({"step": step + 1, "of": steps, "loss": round(total / seen, 4),
                           "minutes_left": round(left, 1)})  # fmt: skip
                seen, total = 0, 0.0
            if (step + 1) % CHECK_EVERY == 0 or step + 1 == steps:
                figures = {name: check(self._model, rows, partial(collate, grammar=self._grammar))
                           for name, rows in dev.items()}  # fmt: skip
                self._log({"step": step + 1, **figures})
            if (step + 1) % self._every == 0 or step + 1 == steps:
                self._save(step + 1)

    def _log(self, entry: dict[str, object]) -> None:
        line = json.dumps(entry)
        print(line, flush=True)
        with (self._work / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def _save(self, step: int) -> None:
        whole = {f"model.{k}": v for k, v in self._model.state_dict().items()}
        for index, state in self._optimizer.state_dict()["state"].items():
            whole |= {f"optimizer.{index}.{k}": v for k, v in state.items()}
        whole |= {"step": torch.tensor(step), "random": torch.get_rng_state()}
        partial = self._work / "checkpoint.partial"
        tensors = {k: v.contiguous() for k, v in whole.items()}
        save_file(tensors, partial, metadata={"of": self._identity})
        partial.replace(self._work / "checkpoint.safetensors")

    def _resume(self) -> int:
        file = self._work / "checkpoint.safetensors"
        if not file.exists():
            return 0
        with safe_open(file, "pt") as opened:
            if (opened.metadata() or {}).get("of") != self._identity:
                raise AnotherRun(
                    f"{file} is of other rows or another recipe: remove it, or name another --out"
                )
        whole = load_file(file)
        self._model.load_state_dict(
            {k.removeprefix("model."): v for k, v in whole.items() if k.startswith("model.")}
        )
        states: dict[int, dict[str, Tensor]] = {}
        for name, value in whole.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".", 2)
                states.setdefault(int(index), {})[key] = value
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": states, "param_groups": groups})
        torch.set_rng_state(whole["random"])
        return int(whole["step"])


def train(arguments: argparse.Namespace) -> None:
    """Build the data, train, and leave `model.safetensors` (fp32) in the work folder."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    start = hashlib.sha256(arguments.start.read_bytes()).hexdigest() if arguments.start else ""
    recipe = Recipe(rows=arguments.rows, rate=arguments.rate, seed=arguments.seed, start=start)
    if recipe.rows < recipe.batch:
        raise HubError(f"{recipe.rows} rows are less than a batch of {recipe.batch}")
    catalogue = Catalogue.load(ROOT / "config/functions")
    grammar = Grammar(catalogue, Vocabulary.of(catalogue))
    encoder = Encoder(grammar, WordPieces(minilm.TOKENIZER))
    sets = sorted((ROOT / "tests/sentences").glob("*.jsonl"))
    if arguments.utterances:
        sets.append(arguments.utterances / "dev.jsonl")
    dev = {file.stem: encoder.all(human.load(file, catalogue)) for file in sets}
    data = build(catalogue, encoder, rows=recipe.rows, seed=recipe.seed,
                 utterances=arguments.utterances, variants=arguments.variants)  # fmt: skip
    print(json.dumps({"rows": len(data.rows), "shapes": data.shapes, "rejected": data.rejected,
                      "sha256": data.digest}), flush=True)  # fmt: skip
    shape = Shape(len(grammar.vocabulary.actions), len(grammar.vocabulary.slots))
    torch.manual_seed(recipe.seed)
    model = OctopusModel.from_minilm(shape).to(DEVICE)
    if arguments.start:
        model.load_state_dict(load_file(arguments.start))
    Run(recipe, model, grammar, arguments.out).train(data, dev)
    save_file(model.cpu().state_dict(), arguments.out / "model.safetensors")


def main(said: Sequence[str] | None = None) -> None:
    """Train from the command line; `said`: in the place of the process's own arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=Path, help="folder with train.jsonl and dev.jsonl")
    parser.add_argument("--out", type=Path, default=ROOT / "work", help="checkpoint, log, weights")
    parser.add_argument("--rows", type=int, default=Recipe.rows)
    parser.add_argument("--variants", type=int, default=VARIANTS, help="of each human sentence")
    parser.add_argument("--rate", type=float, default=Recipe.rate)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--start", type=Path, help="weights to start from instead of MiniLM")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args(said)
    torch.set_num_threads(arguments.threads)
    train(arguments)


if __name__ == "__main__":
    command(main)
