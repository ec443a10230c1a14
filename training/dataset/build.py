"""The whole data set from one seed: compose, mix with other people's sentences, verify."""

import hashlib
import random
from collections import Counter
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from orchestrator.catalogue import Catalogue
from training.dataset import human
from training.dataset.compose import Composer
from training.dataset.encode import Encoded, Encoder
from training.dataset.example import Example
from training.dataset.noise import noisy
from training.dataset.verify import Verifier, key
from training.rows import load

OWN = Path(__file__).parents[2] / "tests"
"""Where the sentences lie that are never trained on."""
ROWS = 320_000
"""How many the shipped weights were trained on."""
VARIANTS = 4
"""How often a human sentence is seen: as it stands, and misspelt or in other capitals."""


@dataclass(frozen=True)
class Dataset:
    """Checked rows in training order, what was rejected and why, and a hash of it all."""

    rows: tuple[Encoded, ...]
    shapes: dict[str, int]
    together: dict[str, int]
    """In how many parallel and nested rows each function stands."""
    rejected: dict[str, int]

    @property
    def digest(self) -> str:
        """SHA-256 over every row, in order."""
        whole = hashlib.sha256()
        for row in self.rows:
            whole.update(repr((row.pieces, row.choices, row.learned)).encode())
        return whole.hexdigest()


def build(
    catalogue: Catalogue, encoder: Encoder, *, rows: int, seed: int, utterances: Path | None,
    variants: int = VARIANTS,
) -> Dataset:  # fmt: skip
    """`rows` rows, none of which is in the development and held-out sets; with `utterances`, its
    train.jsonl takes part, every sentence in so many `variants`."""
    rng = random.Random(seed)
    people: list[Example] = []
    kept = [*(OWN / "sentences").glob("*.jsonl"), *(OWN / "heldout").glob("*.jsonl")]
    if utterances is not None:
        people = human.load(utterances / "train.jsonl", catalogue)
        people += [noisy(example, rng) for _ in range(variants - 1) for example in people]
        kept.append(utterances / "dev.jsonl")
    verifier = Verifier(catalogue, encoder, held_out(*kept))
    accepted: list[tuple[Example, Encoded]] = []
    for example in chain(people, islice(Composer(catalogue, seed), rows * 4)):
        if len(accepted) >= rows:
            break
        encoded = verifier(example)
        if encoded is not None:
            accepted.append((example, encoded))
    rng.shuffle(accepted)
    return Dataset(
        tuple(encoded for _, encoded in accepted),
        dict(Counter(example.shape for example, _ in accepted)),
        dict(Counter(name for example, _ in accepted for name in _together(example))),
        dict(verifier.rejected),
    )


def _together(example: Example) -> set[str]:
    if example.shape not in ("parallel", "nested"):
        return set()
    return {name for call in example.calls for name in call.functions()}


def held_out(*files: Path) -> set[str]:
    """The keys of every sentence that must not be trained on."""
    return {key(row["q"]) for file in files for row in load(file)}
