"""The designs that were compared before one was chosen; see decision 1. Only `compare` uses them.

Each takes what `OctopusModel.forward` takes and gives scores [batch, response, choices]. Where
arguments are *pointed at*, the choices are actions and places in the sentence; where they are
*spelled*, actions and word pieces.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from orchestrator.octopus.grammar import NOT_SAID, Grammar
from training.batches import Batch, padded, preceding
from training.dataset.encode import Encoded
from training.model import Choices, DecoderLayer, FrozenRows, Heads, Reader, Shape, pointed


class Copies(nn.Module):
    """How arguments are copied: what a copied choice is to the model, and how one is scored."""

    def __init__(self, shape: Shape, pieces: FrozenRows | nn.Embedding, spelled: bool) -> None:
        super().__init__()
        self.actions = shape.actions
        self.pieces = pieces
        self.spelled = spelled
        self.heads = Heads(shape)

    def before(self, before: Tensor, read: Tensor) -> Tensor:
        """The copied choices' vectors, [batch, response, width]; `read`: the sentence's."""
        if not self.spelled:
            return pointed(read, before, self.actions)
        written: Tensor = self.pieces((before - self.actions).clamp(min=0))
        return written

    def scores(self, decided: Tensor, read: Tensor) -> Tensor:
        """Scores of actions, and of places in the sentence or of word pieces."""
        keys = self.pieces.weight.unsqueeze(0) if self.spelled else self.heads.key(read)
        scores: Tensor = self.heads(decided, keys)
        return scores


class EncoderDecoder(nn.Module):
    """(b) The shipped design, with either way to write arguments."""

    def __init__(self, shape: Shape, spelled: bool) -> None:
        super().__init__()
        self.reader = Reader(shape)
        self.reader.start_from_minilm()
        self.choices = Choices(shape)
        self.layers = nn.ModuleList(DecoderLayer(shape) for _ in range(shape.deciding_layers))
        self.copies = Copies(shape, self.reader.pieces, spelled)

    def forward(self, ids: Tensor, seen: Tensor, before: Tensor, slots: Tensor) -> Tensor:
        mask = seen[:, None, None]
        read = self.reader(ids, mask)
        steps = torch.arange(before.shape[1], device=before.device)
        x = self.choices(before, self.copies.before(before, read), slots, steps)
        for layer in self.layers:
            x = layer(x, read, mask)
        return self.copies.scores(x, read)


class PrefixModel(nn.Module):
    """(a) The sentence in both directions and the response behind it, in the same six layers."""

    def __init__(self, shape: Shape, spelled: bool) -> None:
        super().__init__()
        self.reader = Reader(shape)
        self.reader.start_from_minilm()
        self.choices = Choices(shape)
        self.copies = Copies(shape, self.reader.pieces, spelled)

    def forward(self, ids: Tensor, seen: Tensor, before: Tensor, slots: Tensor) -> Tensor:
        sentence = self.reader.embed(ids)
        steps = torch.arange(before.shape[1], device=before.device)
        response = self.choices(before, self.copies.before(before, sentence), slots, steps)
        x = torch.cat([sentence, response], dim=1)
        mask = looks(seen, before.shape[1])
        for layer in self.reader.layers:
            x = layer(x, mask)
        return self.copies.scores(x[:, ids.shape[1] :], x[:, : ids.shape[1]])


class SmallGemma(nn.Module):
    """(c) A Gemma decoder from scratch: everything is causal, and it knows no words beforehand."""

    def __init__(self, shape: Shape, spelled: bool) -> None:
        super().__init__()
        from transformers import GemmaConfig, GemmaModel  # the extra `published`

        config = GemmaConfig(
            vocab_size=1, hidden_size=shape.width, num_hidden_layers=shape.layers,
            num_attention_heads=6, num_key_value_heads=2, head_dim=64,
            intermediate_size=shape.inner, max_position_embeddings=512,
        )  # fmt: skip
        self.pieces = nn.Embedding(shape.pieces, shape.width)
        nn.init.normal_(self.pieces.weight, std=0.02)
        self.choices = Choices(shape)
        self.copies = Copies(shape, self.pieces, spelled)
        self.body: Any = GemmaModel(config)

    def forward(self, ids: Tensor, seen: Tensor, before: Tensor, slots: Tensor) -> Tensor:
        sentence = self.pieces(ids)
        steps = torch.arange(before.shape[1], device=before.device)
        response = self.choices(before, self.copies.before(before, sentence), slots, steps)
        x = torch.cat([sentence, response], dim=1)
        causal = (
            looks(seen, before.shape[1]) & torch.ones(2 * x.shape[1:2], dtype=torch.bool).tril()
        )
        far = torch.zeros(causal.shape).masked_fill(~causal, torch.finfo(torch.float32).min)
        read: Tensor = self.body(
            inputs_embeds=x, attention_mask=far, use_cache=False
        ).last_hidden_state
        return self.copies.scores(read[:, ids.shape[1] :], read[:, : ids.shape[1]])


DESIGNS: dict[str, type[PrefixModel] | type[EncoderDecoder] | type[SmallGemma]] = {
    "prefix": PrefixModel,
    "encoder-decoder": EncoderDecoder,
    "gemma": SmallGemma,
}


def looks(seen: Tensor, response: int) -> Tensor:
    """Where each place may look, bool [batch, 1, length, length]: the sentence in both directions,
    the response at the sentence and at what it wrote before. `seen`: [batch, sentence]."""
    sentence = seen.shape[1]
    length = sentence + response
    causal = torch.ones(length, length, dtype=torch.bool, device=seen.device).tril()
    causal[:, :sentence] = True
    causal[:sentence, sentence:] = False
    there = torch.cat([seen, seen.new_ones(len(seen), response)], dim=1)
    mask = (
        causal[None] & there[:, None, :]
        | torch.eye(length, dtype=torch.bool, device=seen.device)[None]
    )
    return mask[:, None]


def spelled(rows: Sequence[Encoded], grammar: Grammar, pieces: int) -> Batch:
    """A batch in which copied arguments are written piece by piece, "not said" ending each."""
    actions = len(grammar.vocabulary.actions)
    told = [_spelled(row, actions, grammar.vocabulary.action_ids[NOT_SAID]) for row in rows]
    ids, seen = padded([row.pieces for row in rows], max(len(row.pieces) for row in rows))
    response = max(len(steps) for steps in told)
    choices, _ = padded([[step[0] for step in steps] for steps in told], response)
    slots, _ = padded([[step[1] for step in steps] for steps in told], response)
    learned, _ = padded([[step[2] for step in steps] for steps in told], response)
    may = np.zeros((len(rows), response, actions + pieces), bool)
    may[:, :, 0] = True
    for at, steps in enumerate(told):
        for step, (choice, slot, _) in enumerate(steps):
            may[at, step, :actions] = grammar.open_actions[slot]
            may[at, step, actions:] = grammar.open_pointers[slot]
            may[at, step, choice] = True
    tensor = torch.from_numpy
    return Batch(
        tensor(ids), tensor(seen), tensor(preceding(choices, grammar)), tensor(slots), tensor(may),
        tensor(choices), tensor(learned.astype(np.float32)),
    )  # fmt: skip


def _spelled(row: Encoded, actions: int, stop: int) -> list[tuple[int, int, bool]]:
    """(choice, slot, learned) of each step: a start and an end become the pieces between them."""
    steps: list[tuple[int, int, bool]] = []
    at = 0
    while at < len(row.choices):
        choice, slot, learn = row.choices[at], row.slots[at], row.learned[at]
        if choice < actions:
            steps.append((choice, slot, learn))
            at += 1
            continue
        first, last = choice - actions, row.choices[at + 1] - actions
        written = [actions + piece for piece in row.pieces[first : last + 1]]
        steps += [(piece, slot + (n > 0), learn) for n, piece in enumerate(written)]
        steps.append((stop, slot + 1, learn))
        at += 2
    return steps
