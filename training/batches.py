"""Encoded rows to padded tensors."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from orchestrator.octopus.grammar import RESPONSE_POSITION, SENTENCE_TYPE, Grammar
from training.dataset.encode import Encoded
from training.model import Shape


@dataclass(frozen=True)
class Batch:
    """What `OctopusModel.forward` takes, and the decisions it should make.

    `open`: bool [batch, response, actions + sentence], the choices the grammar leaves open;
    `choices`: [batch, response]; `learned`: float [batch, response], 0 where nothing is learned.
    """

    ids: Tensor
    types: Tensor
    positions: Tensor
    mask: Tensor
    sentence: int
    open: Tensor
    choices: Tensor
    learned: Tensor


def shuffled(rows: Sequence[Encoded], size: int, rng: random.Random) -> Iterator[list[Encoded]]:
    """Batches of rows of like length, in random order."""
    order = sorted(
        range(len(rows)), key=lambda at: len(rows[at].pieces) // 3 * 3 + rng.random() * 3
    )
    starts = list(range(0, len(order), size))
    rng.shuffle(starts)
    for start in starts:
        yield [rows[at] for at in order[start : start + size]]


def collate(rows: Sequence[Encoded], grammar: Grammar, count: int = Shape.pieces) -> Batch:
    """One batch; the response starts at the same place in every row. `count`: of word pieces."""
    actions = len(grammar.vocabulary.actions)
    sentence = max(len(row.pieces) for row in rows)
    response = max(len(row.choices) for row in rows)
    length = sentence + response
    ids = np.zeros((len(rows), length), np.int64)
    types = np.full((len(rows), length), SENTENCE_TYPE, np.int64)
    positions = np.zeros((len(rows), length), np.int64)
    seen = np.zeros((len(rows), length), bool)
    choices = np.zeros((len(rows), response), np.int64)
    learned = np.zeros((len(rows), response), np.float32)
    may = np.zeros((len(rows), response, actions + sentence), bool)
    may[:, :, 0] = True  # padding needs one open choice, or its loss is not a number
    for at, row in enumerate(rows):
        pieces, steps = len(row.pieces), len(row.choices)
        ids[at, :pieces] = row.pieces
        positions[at, :pieces] = np.arange(pieces)
        seen[at, :pieces] = True
        seen[at, sentence : sentence + steps] = True
        read = inputs(row, actions, count)
        ids[at, sentence : sentence + steps] = read.ids
        types[at, sentence : sentence + steps] = read.types
        positions[at, sentence : sentence + steps] = read.positions
        choices[at, :steps] = row.choices
        learned[at, :steps] = row.learned
        may[at, :steps] = _open(row, grammar, sentence)
    tensor = torch.from_numpy
    return Batch(
        tensor(ids), tensor(types), tensor(positions), tensor(looks(seen, sentence)), sentence,
        tensor(may), tensor(choices), tensor(learned),
    )  # fmt: skip


def looks(seen: NDArray[np.bool_], sentence: int) -> NDArray[np.bool_]:
    """Where each position may look, [batch, 1, length, length]: the sentence in both directions,
    the response at the sentence and at what it wrote before. `seen`: [batch, length], no padding.
    """
    length = seen.shape[1]
    causal = np.tril(np.ones((length, length), bool))
    causal[:, :sentence] = True
    causal[:sentence, sentence:] = False
    mask: NDArray[np.bool_] = causal[None] & seen[:, None, :] | np.eye(length, dtype=bool)[None]
    return mask[:, None]


@dataclass(frozen=True)
class Inputs:
    """What the response positions read: the choice before, and the slot that is open now."""

    ids: NDArray[np.int64]
    types: NDArray[np.int64]
    positions: NDArray[np.int64]


def inputs(row: Encoded, actions: int, count: int = Shape.pieces) -> Inputs:
    """The first position reads the end of the calls so far, which before the first is the end."""
    steps = len(row.choices)
    ids = np.zeros(steps, np.int64)
    positions = RESPONSE_POSITION + np.arange(steps)
    ids[0] = row.pieces[-1]
    for step, choice in enumerate(row.choices[:-1], 1):
        if choice < actions:
            ids[step] = count + choice
        else:
            ids[step] = row.pieces[choice - actions]
            positions[step] = choice - actions
    types = 1 + np.array(row.slots, np.int64)
    return Inputs(ids, types, positions)


def _open(row: Encoded, grammar: Grammar, sentence: int) -> NDArray[np.bool_]:
    slots = np.array(row.slots)
    pointers = np.zeros((len(slots), sentence), bool)
    pointers[:, 1 : len(row.pieces) - 1] = grammar.open_pointers[slots, None]
    return np.concatenate([grammar.open_actions[slots], pointers], axis=1)
