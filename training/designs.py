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
from torch.nn import functional as F

from orchestrator.octopus.grammar import NOT_SAID, RESPONSE_POSITION, SENTENCE_TYPE, Grammar
from training.batches import Batch, looks
from training.dataset.encode import Encoded
from training.model import Layer, OctopusModel, Shape

DECODER_LAYERS = 2


class Heads(nn.Module):
    """Scores of actions, and of places in the sentence (pointed) or of pieces (spelled)."""

    def __init__(self, shape: Shape, width: int, spelled: bool) -> None:
        super().__init__()
        self.spelled = spelled
        self.transform = nn.Linear(width, width)
        self.actions = nn.Linear(width, shape.actions)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)

    def forward(self, response: Tensor, sentence: Tensor, pieces: nn.Embedding) -> Tensor:
        """[batch, response, width], [batch, sentence, width] -> [batch, response, choices]."""
        decided = F.gelu(self.transform(response))
        query = self.query(decided) * response.shape[-1] ** -0.5
        if self.spelled:
            copied = query @ pieces.weight.T
        else:
            copied = query @ self.key(sentence).transpose(1, 2)
        return torch.cat([self.actions(decided), copied], dim=-1)


class PrefixModel(nn.Module):
    """(a) The shipped design, with either way to write arguments."""

    def __init__(self, shape: Shape, spelled: bool) -> None:
        super().__init__()
        self.body = OctopusModel.from_minilm(shape)
        self.pieces = self.body.pieces
        self.heads = Heads(shape, shape.width, spelled)

    def forward(
        self, ids: Tensor, types: Tensor, positions: Tensor, mask: Tensor, sentence: int
    ) -> Tensor:
        x = self.body.embed(ids, types, positions)
        for layer in self.body.layers:
            x, _, _ = layer(x, mask, None, self.body.dropout)
        scores: Tensor = self.heads(x[:, sentence:], x[:, :sentence], self.pieces)
        return scores


class CrossLayer(nn.Module):
    """A decoder layer: causal self-attention, then attention to the sentence (Vaswani et al.)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.own = Layer(shape)
        self.cross = nn.MultiheadAttention(shape.width, shape.heads, batch_first=True)
        self.norm = nn.LayerNorm(shape.width)

    def forward(self, x: Tensor, sentence: Tensor, causal: Tensor, unseen: Tensor) -> Tensor:
        x, _, _ = self.own(x, causal, None, 0.1)
        told, _ = self.cross(x, sentence, sentence, key_padding_mask=unseen, need_weights=False)
        added: Tensor = self.norm(x + told)
        return added


class EncoderDecoder(nn.Module):
    """(b) MiniLM reads the sentence once; a shallow decoder of its own looks at the result."""

    def __init__(self, shape: Shape, spelled: bool) -> None:
        super().__init__()
        self.body = OctopusModel.from_minilm(shape)
        self.pieces = self.body.pieces
        self.decoder = nn.ModuleList(CrossLayer(shape) for _ in range(DECODER_LAYERS))
        self.heads = Heads(shape, shape.width, spelled)

    def forward(
        self, ids: Tensor, types: Tensor, positions: Tensor, mask: Tensor, sentence: int
    ) -> Tensor:
        x = self.body.embed(ids, types, positions)
        read, response = x[:, :sentence], x[:, sentence:]
        for layer in self.body.layers:
            read, _, _ = layer(read, mask[:, :, :sentence, :sentence], None, self.body.dropout)
        unseen = ~mask[:, 0, sentence, :sentence]
        for step in self.decoder:
            response = step(response, read, mask[:, :, sentence:, sentence:], unseen)
        scores: Tensor = self.heads(response, read, self.pieces)
        return scores


class SmallGemma(nn.Module):
    """(c) A Gemma decoder from scratch: everything is causal, and it knows no words beforehand."""

    def __init__(self, shape: Shape, spelled: bool) -> None:
        super().__init__()
        from transformers import GemmaConfig, GemmaModel  # the extra `published`

        config = GemmaConfig(
            vocab_size=1, hidden_size=shape.width, num_hidden_layers=shape.layers,
            num_attention_heads=6, num_key_value_heads=2, head_dim=64,
            intermediate_size=shape.inner, max_position_embeddings=shape.positions,
        )  # fmt: skip
        self.pieces = nn.Embedding(shape.pieces, shape.width)
        self.actions = nn.Embedding(shape.actions, shape.width)
        self.types = nn.Embedding(1 + shape.slots, shape.width)
        self.shape = shape
        self.body: Any = GemmaModel(config)
        self.heads = Heads(shape, shape.width, spelled)
        for table in (self.pieces, self.actions, self.types):
            nn.init.normal_(table.weight, std=0.02)

    def forward(
        self, ids: Tensor, types: Tensor, positions: Tensor, mask: Tensor, sentence: int
    ) -> Tensor:
        pieces = self.pieces(ids.clamp(max=self.shape.pieces - 1))
        actions = self.actions((ids - self.shape.pieces).clamp(min=0))
        x = torch.where((ids < self.shape.pieces).unsqueeze(-1), pieces, actions)
        length = ids.shape[1]
        causal = mask & torch.ones(length, length, dtype=torch.bool).tril()
        far = torch.zeros(causal.shape).masked_fill(~causal, torch.finfo(torch.float32).min)
        read: Tensor = self.body(
            inputs_embeds=x + self.types(types), attention_mask=far, position_ids=positions,
            use_cache=False,
        ).last_hidden_state  # fmt: skip
        scores: Tensor = self.heads(read[:, sentence:], read[:, :sentence], self.pieces)
        return scores


DESIGNS: dict[str, type[PrefixModel] | type[EncoderDecoder] | type[SmallGemma]] = {
    "prefix": PrefixModel,
    "encoder-decoder": EncoderDecoder,
    "gemma": SmallGemma,
}


def spelled(rows: Sequence[Encoded], grammar: Grammar, pieces: int) -> Batch:
    """A batch in which copied arguments are written piece by piece, "not said" ending each."""
    actions = len(grammar.vocabulary.actions)
    told = [_spelled(row, actions, grammar.vocabulary.action_ids[NOT_SAID]) for row in rows]
    sentence = max(len(row.pieces) for row in rows)
    response = max(len(steps) for steps in told)
    length = sentence + response
    ids = np.zeros((len(rows), length), np.int64)
    types = np.full((len(rows), length), SENTENCE_TYPE, np.int64)
    positions = np.tile(np.arange(length), (len(rows), 1))
    positions[:, sentence:] = RESPONSE_POSITION + np.arange(response)
    seen = np.zeros((len(rows), length), bool)
    choices = np.zeros((len(rows), response), np.int64)
    learned = np.zeros((len(rows), response), np.float32)
    may = np.zeros((len(rows), response, actions + pieces), bool)
    may[:, :, 0] = True
    for at, (row, steps) in enumerate(zip(rows, told, strict=True)):
        count = len(row.pieces)
        ids[at, :count] = row.pieces
        seen[at, :count] = True
        seen[at, sentence : sentence + len(steps)] = True
        before = row.pieces[-1]
        for step, (choice, slot, learn) in enumerate(steps):
            ids[at, sentence + step] = before
            types[at, sentence + step] = 1 + slot
            choices[at, step], learned[at, step] = choice, learn
            may[at, step, :actions] = grammar.open_actions[slot]
            may[at, step, actions:] = grammar.open_pointers[slot]
            may[at, step, choice] = True
            before = pieces + choice if choice < actions else choice - actions
    tensor = torch.from_numpy
    return Batch(
        tensor(ids), tensor(types), tensor(positions), tensor(looks(seen, sentence)), sentence,
        tensor(may), tensor(choices), tensor(learned),
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
