"""Train what says whether a sentence forbids acting on it: `python -m training.caution
--utterances DIR --out FOLDER`.

A head on what the shipped reader makes of a sentence, which stays as it is. `--out` may be the
folder of the shipped weights: then it is part of them.
"""

import argparse
import hashlib
import json
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from rich.progress import track
from torch import Tensor, nn
from torch.nn import functional as F

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.embedded import EmbeddedModel
from orchestrator.octopus.manifest import CAUTION, TOKENIZER, WEIGHTS
from orchestrator.octopus.tokenizer import WordPieces
from orchestrator.settings import PACKAGED
from training.command import command
from training.dataset.build import held_out
from training.dataset.caution import KINDS, PLAIN, Cautions, Said, Shapes
from training.dataset.verify import MAX_PIECES, key
from training.export import write_graph
from training.model import DROPOUT, EncoderLayer, Shape
from training.train import HALF

EACH, PLAINS, COMPOSED, REFUSED, DEV_EACH = 3500, 11000, 20000, 5000, 500
"""Sentences of every kind that forbids acting; plain ones of shapes of their own and of the other
data set; of kinds nobody named; and of every kind to develop with."""
EPOCHS, BATCH, RATE, WARMUP, DECAY, SEED = 6, 64, 1e-3, 200, 0.02, 1
HELD_BACK = 0.01
"""Share of plain development sentences whose caution is over a half."""
LOST = 0.05
"""Share of pieces whose states are set to nothing while learning."""


@dataclass(frozen=True)
class Read:
    """A sentence's kind, and what the reader made of it halfway, half floats [pieces, width]."""

    kind: int
    states: Tensor


class Head(nn.Module):
    """One transformer layer over what was read, then a look at what counts for each kind."""

    def __init__(self, read: int, width: int = 256, heads: int = 4, inner: int = 768,
                 layers: int = 1) -> None:  # fmt: skip
        super().__init__()
        self.heads = heads
        shape = Shape(0, 0, width=width, heads=heads, inner=inner)
        self.inward = nn.Linear(read, width)
        self.layers = nn.ModuleList(EncoderLayer(shape) for _ in range(layers))
        self.look = nn.Linear(width, heads)
        self.told = nn.Linear(width, width)
        self.kinds = nn.Linear(width, len(KINDS))

    def forward(self, read: Tensor, seen: Tensor | None) -> Tensor:
        """[batch, n, width read] -> scores [batch, kinds]; `seen`: bool [batch, n], false where
        that is padding."""
        x = F.dropout(self.inward(read), DROPOUT, self.training)
        for layer in self.layers:
            x = layer(x, None if seen is None else seen[:, None, None])
        looked = self.look(x)
        if seen is not None:
            looked = looked.masked_fill(~seen[..., None], -1e4)
        parts = x.reshape(*x.shape[:2], self.heads, -1) * looked.softmax(1)[..., None]
        told = F.gelu(self.told(parts.sum(1).flatten(1)))
        scores: Tensor = self.kinds(F.dropout(told, DROPOUT, self.training))
        return scores


class CautionGraph(nn.Module):
    """In: middle as `ReadGraph` gives it, float [n, width]. Out: probabilities [kinds]."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head = head

    def forward(self, middle: Tensor) -> Tensor:
        """See the class."""
        scores: Tensor = self.head(middle.unsqueeze(0), None)[0]
        return scores.softmax(-1)


@dataclass(frozen=True)
class Data:
    """Sentences to learn from; others of other shapes; and what people asked for, of their own."""

    train: list[Said]
    dev: list[Said]
    people: list[Said]

    @property
    def digest(self) -> str:
        """SHA-256 over every sentence to learn from and its kind, in order."""
        whole = "".join(f"{one.kind} {one.sentence}\n" for one in self.train)
        return hashlib.sha256(whole.encode()).hexdigest()


def collected(catalogue: Catalogue, utterances: Path | None, seed: int = SEED) -> Data:
    """The sentences; without `utterances`, composed ones only."""
    cautions, (learned, kept) = Cautions(catalogue, seed), Shapes.split(seed)
    said: list[Said] = []
    dev: list[Said] = []
    for kind in KINDS:
        many = PLAINS if kind == PLAIN else EACH
        dev += islice(cautions.of(kind, kept.of[kind]), DEV_EACH)
        said += islice(cautions.of(kind, learned.of[kind]), many)
    said += islice(cautions.composed(), COMPOSED)
    said += islice(cautions.refused(), REFUSED)
    people: list[Said] = []
    known = {key(one.sentence) for one in dev}
    if utterances is not None:
        people = cautions.people(utterances / "dev.jsonl")
        known |= held_out(utterances / "dev.jsonl")
        asked = cautions.people(utterances / "train.jsonl")
        said += [*asked, *map(cautions.misspelt, asked)]
    distinct = {one.sentence: one for one in said if key(one.sentence) not in known}
    return Data(list(distinct.values()), list({o.sentence: o for o in dev}.values()), people)


def states(said: Iterable[Said], reader: EmbeddedModel, pieces: WordPieces) -> list[Read]:
    """What the shipped reader makes of each sentence that is not too long to practise on."""
    made = []
    for one in said:
        ids = pieces(one.sentence).ids
        if len(ids) <= MAX_PIECES:
            made.append(Read(one.kind, torch.from_numpy(reader.middle(ids)).half()))
    return made


def batched(rows: Sequence[Read]) -> tuple[Tensor, Tensor, Tensor]:
    """States [batch, n, width], bool [batch, n] where they are not padding, and kinds [batch]."""
    longest = max(len(row.states) for row in rows)
    read = torch.zeros(len(rows), longest, rows[0].states.shape[1])
    seen = torch.zeros(len(rows), longest, dtype=torch.bool)
    for at, row in enumerate(rows):
        read[at, : len(row.states)] = row.states.float()
        seen[at, : len(row.states)] = True
    return read, seen, torch.tensor([row.kind for row in rows])


def loss_of(scores: Tensor, kinds: Tensor) -> Tensor:
    """Mean loss; of `SOME` only that it is not plain."""
    said = scores.log_softmax(-1)
    forbids = said[:, 1:].logsumexp(-1, keepdim=True)
    return -torch.cat([said, forbids], -1).gather(1, kinds[:, None]).mean()


def trained(rows: Sequence[Read], epochs: int = EPOCHS, seed: int = SEED) -> Head:
    """A head that learned from these; the same seed gives the same one."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    head = Head(rows[0].states.shape[1])
    optimizer = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=DECAY, fused=True)
    steps = len(rows) // BATCH * epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / WARMUP, 1.01 - step / steps)
    )
    for batch in track(_batches(rows, epochs, rng), "learning", total=steps):
        read, seen, kinds = batched(batch)
        kept = torch.rand(seen.shape) >= LOST
        with torch.autocast("cpu", torch.bfloat16, enabled=HALF):
            scores = head(read * kept[..., None], seen)
        loss = loss_of(scores.float(), kinds)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
    return head.eval()


def _batches(rows: Sequence[Read], epochs: int, rng: random.Random) -> Iterable[list[Read]]:
    """Batches of rows of like length, in random order."""
    for _ in range(epochs):
        order = sorted(rows, key=lambda row: len(row.states) + 3 * rng.random())
        starts = list(range(0, len(order) - BATCH + 1, BATCH))
        rng.shuffle(starts)
        for start in starts:
            yield order[start : start + BATCH]


@torch.no_grad()
def probabilities(head: Head, rows: Sequence[Read]) -> Tensor:
    """[rows, kinds]."""
    parts = [batched(rows[at : at + BATCH]) for at in range(0, len(rows), BATCH)]
    return torch.cat([head(read, seen).softmax(-1) for read, seen, _ in parts])


def threshold(plain: Tensor, held_back: float) -> float:
    """The caution that this share of plain sentences exceeds; `plain`: their probabilities."""
    return float((1 - plain[:, 0]).double().quantile(1 - held_back))


@torch.no_grad()
def settle(head: Head, plain: Sequence[Read]) -> None:
    """Move the score of plain sentences, so that a half is the caution that `HELD_BACK` of these
    exceed: who asks for caution need not know how it was found."""
    at = threshold(probabilities(head, plain), HELD_BACK)
    head.kinds.bias[0] += math.log(at / (1 - at))


def figures(head: Head, dev: Sequence[Read], people: Sequence[Read]) -> dict[str, Any]:
    """For each share of plain sentences that is held back: the caution from which on, the share of
    each kind that is caught, and of what people asked for that is not acted on."""
    told, kinds = probabilities(head, dev), torch.tensor([row.kind for row in dev])
    asked = probabilities(head, people) if people else told[:0]
    plain = torch.cat([told[kinds == 0], asked])
    rows = {}
    for share in (0.005, 0.01, 0.02):
        at = threshold(plain, share)
        over = (1 - told[:, 0] > at).float()
        caught = {name: over[kinds == of].mean().item() for of, name in enumerate(KINDS)}
        held = (1 - asked[:, 0] > at).float().mean().item()
        rows[f"{share:.1%}"] = {"caution": at, "people": held, **caught}
    forbids = kinds > 0
    right = (told[forbids, 1:].argmax(-1) + 1 == kinds[forbids]).float().mean().item()
    return {"held back": rows, "kind right": right}


def export(head: Head, file: Path, *, int8: bool = True) -> None:
    """Write the graph."""
    graph, example = CautionGraph(head.eval()), (torch.zeros(3, head.inward.in_features),)
    write_graph(graph, example, {"middle": {0: "n"}}, {"probabilities": {}}, file, int8)


def tell(folder: Path) -> None:
    """Have the folder's manifest, if it holds weights, name what was written."""
    file = folder / "manifest.json"
    if not file.exists():
        return
    manifest = json.loads(file.read_text(encoding="utf-8"))
    manifest["caution"] = list(KINDS)
    manifest["sha256"][CAUTION] = hashlib.sha256((folder / CAUTION).read_bytes()).hexdigest()
    file.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def train(utterances: Path | None, out: Path) -> None:
    """Collect, read, learn, settle and write; the figures go to standard output."""
    catalogue = Catalogue.load(PACKAGED / "functions")
    reader, pieces = EmbeddedModel(catalogue), WordPieces(WEIGHTS / TOKENIZER)
    data = collected(catalogue, utterances)
    print(json.dumps({"rows": len(data.train), "sha256": data.digest}), flush=True)
    rows, dev, people = (
        states(track(said, f"reading {len(said)} sentences"), reader, pieces)
        for said in (data.train, data.dev, data.people)
    )
    head = trained(rows)
    settle(head, [*(row for row in dev if row.kind == 0), *people])
    out.mkdir(parents=True, exist_ok=True)
    export(head, out / CAUTION)
    tell(out)
    print(json.dumps(figures(head, dev, people), indent=1))


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=Path, help="folder with train.jsonl and dev.jsonl")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="folder to write into")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train(arguments.utterances, arguments.out)


if __name__ == "__main__":
    command(main)
