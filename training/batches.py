"""Encoded rows to padded tensors."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from orchestrator.octopus.grammar import Grammar
from orchestrator.tokens import END
from training.dataset.encode import Encoded


@dataclass(frozen=True)
class Batch:
    """What `OctopusModel.forward` takes, and the decisions it should make.

    `open`: bool [batch, response, actions + sentence], the choices the grammar leaves open;
    `choices`: [batch, response]; `learned`: float [batch, response], 0 where nothing is learned.
    """

    ids: Tensor
    seen: Tensor
    before: Tensor
    slots: Tensor
    open: Tensor
    choices: Tensor
    learned: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same on a device."""
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


def shuffled(rows: Sequence[Encoded], size: int, rng: random.Random) -> Iterator[list[Encoded]]:
    """Batches of rows of like length, in random order."""
    order = sorted(
        range(len(rows)), key=lambda at: len(rows[at].pieces) // 3 * 3 + rng.random() * 3
    )
    starts = list(range(0, len(order), size))
    rng.shuffle(starts)
    for start in starts:
        yield [rows[at] for at in order[start : start + size]]


def collate(rows: Sequence[Encoded], grammar: Grammar) -> Batch:
    """One batch. Before the first decision stands the end, as it does behind the last call."""
    actions = len(grammar.vocabulary.actions)
    sentence = max(len(row.pieces) for row in rows)
    response = max(len(row.choices) for row in rows)
    ids, seen = padded([row.pieces for row in rows], sentence)
    choices, _ = padded([row.choices for row in rows], response)
    slots, _ = padded([row.slots for row in rows], response)
    learned, _ = padded([row.learned for row in rows], response)
    may = np.zeros((len(rows), response, actions + sentence), bool)
    may[:, :, 0] = True  # padding needs one open choice, or its loss is not a number
    for at, row in enumerate(rows):
        may[at, : len(row.choices)] = _open(row, grammar, sentence)
    tensor = torch.from_numpy
    return Batch(
        tensor(ids), tensor(seen), tensor(preceding(choices, grammar)), tensor(slots), tensor(may),
        tensor(choices), tensor(learned.astype(np.float32)),
    )  # fmt: skip


def padded(
    rows: Sequence[Sequence[int]], length: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The rows with zeros behind them, [rows, length], and where they are not padding."""
    filled = np.zeros((len(rows), length), np.int64)
    there = np.zeros((len(rows), length), bool)
    for at, row in enumerate(rows):
        filled[at, : len(row)] = row
        there[at, : len(row)] = True
    return filled, there


def preceding(choices: NDArray[np.int64], grammar: Grammar) -> NDArray[np.int64]:
    """The choice before each, [batch, response]."""
    before = np.roll(choices, 1, axis=1)
    before[:, 0] = grammar.vocabulary.action_ids[END]
    return before


def _open(row: Encoded, grammar: Grammar, sentence: int) -> NDArray[np.bool_]:
    slots = np.array(row.slots)
    pointers = np.zeros((len(slots), sentence), bool)
    pointers[:, 1 : len(row.pieces) - 1] = grammar.open_pointers[slots, None]
    return np.concatenate([grammar.open_actions[slots], pointers], axis=1)
