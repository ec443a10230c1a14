"""A second decider, for functions of a person's own; see decision 8.

It starts as a copy of the first, with rows for the new functions, and reads what the shipped reader
read. The first stays as it is, so the old functions can lose only sentences that the second claims;
how sure it must be for that is found on sentences it was not trained on.
"""

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.embedded import EmbeddedModel
from orchestrator.octopus.grammar import FIRST, NEXT, Grammar, Vocabulary
from orchestrator.octopus.manifest import TOKENIZER, Manifest, manifest_of
from orchestrator.octopus.tokenizer import WordPieces
from schemas.function import Function
from training.batches import Batch, collate
from training.dataset.compose import Composer
from training.dataset.encode import Encoded, Encoder
from training.dataset.example import Example
from training.dataset.noise import noisy
from training.dataset.verify import key
from training.export import TRAINABLE
from training.model import OctopusModel, Shape

STEPS, RATE, WARMUP = 750, 5e-4, 20
NEW, OLD = 24, 40
"""Rows of a batch about the taught functions, and about the others or nothing."""
WRITTEN, OTHERS, UNSEEN = 2000, 6000, 1000
"""How many rows are written of each, and how many more to find the threshold with."""
LONGEST = 120.0
"""Seconds of training at most; a slow machine takes fewer steps."""
STOLEN = 0.003
"""Share of other sentences that the second decider may claim, where it need not be surer for that
than `MOST_SURE`."""
LEAST_SURE, MOST_SURE = 0.7, 0.95

_READ = re.compile(r"^reader\.|^heads\.key\.|\.cross\.(?:key|value)\.")
"""Parameters in the reader's graph, which also holds the keys and values that decisions look at."""


@dataclass(frozen=True)
class Heard:
    """A row and what the reader made of its sentence, half floats [pieces, width]."""

    row: Encoded
    read: Tensor


class Second:
    """The second decider of some functions, in the making."""

    def __init__(
        self, functions: Sequence[Function], catalogue: Catalogue,
        shapes: Mapping[str, Sequence[str]], folder: Path,
    ) -> None:  # fmt: skip
        """`catalogue` has the functions already; `shapes`: how each is said; `folder`: the weights
        it starts from."""
        torch.manual_seed(1)
        self.manifest = manifest_of(folder, TRAINABLE)
        self.first, self.vocabulary = widened(folder, self.manifest, functions)
        self.model, _ = widened(folder, self.manifest, functions)
        self._grammar = Grammar(catalogue, self.vocabulary)
        self._names = [function.name for function in functions]
        self.tokens = [function.token for function in functions]
        slots = self.vocabulary.slot_ids
        self._mine = {slots[FIRST], slots[NEXT], *self.vocabulary.slots_of(self.tokens)}
        composer = Composer(catalogue, 1, shapes)
        encoder = Encoder(self._grammar, WordPieces(folder / TOKENIZER))
        before = EmbeddedModel(Catalogue([f for f in catalogue if f not in functions]), folder)

        def reading(example: Encoded) -> Heard:
            return Heard(
                self._lesson(example), torch.from_numpy(before.read(example.pieces)[0]).half()
            )

        rng = random.Random(1)
        about = (composer.about(rng.choice(self._names)) for _ in range(WRITTEN))
        self._new = [reading(row) for row in encoder.all(about)]
        others = encoder.all(islice(self._other(composer, rng), OTHERS + UNSEEN))
        old = [reading(row) for row in others]
        self._old, self._unseen = old[UNSEEN:], old[:UNSEEN]

    def train(self, steps: int, progress: Callable[[float], None]) -> None:
        """Train; `progress` hears the share that is done."""
        learned = []
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad = not _READ.search(name)
            if parameter.requires_grad:
                learned.append(parameter)
        optimizer = torch.optim.AdamW(learned, lr=RATE, weight_decay=0.01, fused=True)
        rng = random.Random(1)
        self.model.train()
        began = time.monotonic()
        for step in range(steps):
            done = max(step / steps, (time.monotonic() - began) / LONGEST)
            if done >= 1:
                break
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1.0, (step + 1) / WARMUP) * (1 - done)
            # Most sentences teach only whether a taught function is wanted: their first decision.
            whole = [*rng.choices(self._new, k=NEW), *rng.choices(self._old, k=OLD // 4)]
            begun = [_begun(one) for one in rng.choices(self._old, k=OLD - OLD // 4)]
            loss = self._loss(whole) + self._loss(begun)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(learned, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            progress(done)
        self.model.eval()

    @torch.no_grad()
    def sure(self) -> float:
        """How sure it must be to claim no more than `STOLEN` of sentences it never saw."""
        claims = []
        for start in range(0, len(self._unseen), 50):
            scores, batch = self._scores(self._unseen[start : start + 50])
            claimed = scores.softmax(-1)[..., self.tokens].amax(-1)
            claims += (claimed * batch.learned).amax(-1).tolist()
        return float(np.clip(np.quantile(claims, 1 - STOLEN), LEAST_SURE, MOST_SURE))

    def _loss(self, rows: Sequence[Heard]) -> Tensor:
        """Summed over the decisions, a row's share of the batch."""
        scores, batch = self._scores(rows)
        losses = F.cross_entropy(scores.flatten(0, 1), batch.choices.flatten(), reduction="none")
        return (losses * batch.learned.flatten()).sum() / (NEW + OLD)

    def _scores(self, rows: Sequence[Heard]) -> tuple[Tensor, Batch]:
        batch = collate([one.row for one in rows], self._grammar)
        read = torch.zeros(*batch.ids.shape, self.model.shape.width)
        for at, one in enumerate(rows):
            read[at, : len(one.read)] = one.read.float()
        scores = self.model.decide(read, batch.seen[:, None, None], batch.before, batch.slots)
        return scores.masked_fill(~batch.open, -1e4), batch

    def _lesson(self, row: Encoded) -> Encoded:
        """Learned are functions, and arguments of taught ones: the first decider does the rest."""
        learned = tuple(
            learn and slot in self._mine for learn, slot in zip(row.learned, row.slots, strict=True)
        )
        return replace(row, learned=learned)

    def _other(self, composer: Composer, rng: random.Random) -> Iterator[Example]:
        """Different sentences without a taught function; half of them ask for nothing at all."""
        others = iter(composer)
        seen = set[str]()
        while True:
            example = noisy(composer.irrelevant(), rng) if rng.random() < 0.5 else next(others)
            named = {name for call in example.calls for name in call.functions()}
            if not named & set(self._names) and key(example.sentence) not in seen:
                seen.add(key(example.sentence))
                yield example


def widened(
    folder: Path, manifest: Manifest, functions: Sequence[Function]
) -> tuple[OctopusModel, Vocabulary]:
    """The weights in `folder`, with an action more for every enum value they do not know."""
    values = dict.fromkeys(v for f in functions for p in f.parameters for v in p.choices)
    more = [value for value in values if value not in manifest.actions]
    vocabulary = Vocabulary((*manifest.actions, *more), manifest.slots)
    shape = replace(Shape(**manifest.shape), actions=len(vocabulary.actions))
    model = OctopusModel(shape)
    fresh, state = model.state_dict(), load_file(folder / TRAINABLE)
    for name in ("choices.actions.weight", "heads.actions.weight", "heads.actions.bias"):
        state[name] = torch.cat([state[name].float(), fresh[name][len(state[name]) :]])
    model.load_state_dict(state)
    return model.eval(), vocabulary


def _begun(one: Heard) -> Heard:
    """Its first decision alone."""
    row = one.row
    short = replace(row, choices=row.choices[:1], slots=row.slots[:1], learned=row.learned[:1])
    return Heard(short, one.read)
